/** The cards of the home page: one a stream, changed in place so that focus and reading order stay. */
import type { StreamStatus } from "../../wire/public.ts";
import { setText } from "../dom.ts";
import { profileWords, sinceWords, viewersWords } from "../player/words.ts";

/** Make the list show these streams, in this order. */
export function updateCards(list: HTMLUListElement, streams: readonly StreamStatus[], nowMs: number): void {
  const known = new Map([...list.children].map((card) => [card.getAttribute("data-stream") ?? "", card]));
  const wanted = streams.map((stream) => {
    const card = known.get(stream.id) ?? makeCard(stream.id);
    known.delete(stream.id);
    fillCard(card, stream, nowMs);
    return card;
  });
  for (const card of known.values()) card.remove();
  for (const [i, card] of wanted.entries()) {
    if (list.children[i] !== card) list.insertBefore(card, list.children[i] ?? null);
  }
}

function makeCard(id: string): HTMLLIElement {
  const card = document.createElement("li");
  card.dataset.stream = id;
  card.dataset.testid = "card";
  const link = document.createElement("a");
  link.href = `/watch/${encodeURIComponent(id)}`;
  for (const name of ["badge", "name", "facts"]) {
    const part = document.createElement("span");
    part.className = name;
    link.append(part);
  }
  card.append(link);
  return card;
}

function fillCard(card: Element, stream: StreamStatus, nowMs: number): void {
  const put = (name: string, text: string): void => {
    const part = card.querySelector(`.${name}`);
    if (part) setText(part, text);
  };
  card.setAttribute("data-state", stream.state);
  put(
    "badge",
    stream.state === "live" ? "Live" : stream.state === "interrupted" ? "Interrupted" : "Starting",
  );
  put("name", stream.title || stream.id);
  const since = stream.startedAt ? sinceWords(stream.startedAt, nowMs) : "";
  const viewers = stream.viewers === undefined ? "" : viewersWords(stream.viewers);
  const facts = [viewers, since && `Started ${since}`, profileWords(stream.profile)];
  put("facts", facts.filter(Boolean).join(" · "));
}
