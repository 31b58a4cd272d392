/** Entry of the home page: who is live, kept up to date. */
import { byId, setText } from "../dom.ts";
import { askLive } from "../player/api.ts";
import { pollDelayMs } from "../player/backoff.ts";
import { updateCards } from "./cards.ts";

const cards = byId("cards", HTMLUListElement);
const summary = byId("summary", HTMLElement);
const empty = byId("empty", HTMLElement);
const failed = byId("failed", HTMLElement);
let failures = 0;
let timer = 0;

async function refresh(): Promise<void> {
  clearTimeout(timer);
  const answer = await askLive();
  failures = answer.ok ? 0 : failures + 1;
  // A list that is a little old is better than none.
  const stale = !answer.ok && cards.childElementCount > 0;
  if (answer.ok) {
    updateCards(cards, answer.value.streams, Date.now());
    const count = answer.value.streams.length;
    setText(summary, count === 0 ? "" : count === 1 ? "One stream is on." : `${count} streams are on.`);
    empty.hidden = count > 0;
    document.documentElement.dataset.home = count > 0 ? "live" : "empty";
  } else {
    setText(summary, stale ? "The list is a moment old; trying again." : "");
    if (!stale) empty.hidden = true;
    document.documentElement.dataset.home = "failed";
  }
  failed.hidden = answer.ok || stale;
  const wait = pollDelayMs({
    settled: false,
    missing: false,
    hidden: document.hidden,
    failures,
    random: Math.random(),
  });
  timer = setTimeout(() => void refresh(), failures > 0 ? wait : wait * 2);
}

byId("again", HTMLButtonElement).addEventListener("click", () => void refresh());
document.addEventListener("visibilitychange", () => {
  if (!document.hidden) void refresh();
});
addEventListener("online", () => void refresh());
void refresh();
