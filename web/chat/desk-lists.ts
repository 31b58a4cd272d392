/** Who may not write, with a way back, and what moderators did: lists that go on as long as there is more. */
import { type LogEntry, LogSchema, type Sanction, SanctionsSchema } from "../../wire/chat.ts";
import { parse } from "../../wire/parse.ts";
import { make, makeButton } from "../dom.ts";
import type { DeskEnds, Part } from "./desk.ts";
import { deedWords, sanctionWords } from "./desk-words.ts";
import { actionRefusalWords } from "./words.ts";

/** Of a question. */
const PAGE = 50;

export const sanctions: Part = {
  name: "sanctions",
  label: "Silenced",
  open: (ends) => {
    let shown = 0;
    const list = make("ul", "desk-list");
    list.dataset.testid = "desk-sanctioned";
    return grow(list, "Nobody is banned or timed out.", async () => {
      const answer = await ends.act("chat.sanctions", { skip: shown, limit: PAGE });
      const read = answer.ok ? parse(SanctionsSchema, answer.value) : undefined;
      if (!read?.ok) return undefined;
      const found = read.value.sanctions;
      shown += found.length;
      const lifted = (): void => {
        shown -= 1;
      };
      return found.map((sanction) => sanctionRow(sanction, ends, lifted));
    });
  },
};

export const deeds: Part = {
  name: "log",
  label: "Log",
  open: ({ act }) => {
    let before: number | undefined;
    const list = make("ol", "desk-list");
    list.dataset.testid = "desk-entries";
    return grow(list, "Nothing has been done yet.", async () => {
      const answer = await act("chat.log", { limit: PAGE, ...(before !== undefined && { before }) });
      const read = answer.ok ? parse(LogSchema, answer.value) : undefined;
      if (!read?.ok) return undefined;
      before = read.value.entries.at(-1)?.number;
      return read.value.entries.map(entryRow);
    });
  },
};

/** A list that asks for its rows, and for more of them by a button. `more`: `undefined` when it failed. */
function grow(
  list: HTMLElement,
  emptyWords: string,
  more: () => Promise<readonly HTMLElement[] | undefined>,
): HTMLElement {
  const state = make("p", "desk-wait", "Loading…");
  const button = makeButton("plainly", "Show more", () => void go());
  button.dataset.testid = "desk-more";
  button.hidden = true;
  const go = async (): Promise<void> => {
    button.disabled = true;
    const rows = await more();
    button.disabled = false;
    list.append(...(rows ?? []));
    button.hidden = rows !== undefined && rows.length < PAGE;
    button.textContent = rows ? "Show more" : "Try again";
    state.textContent = rows ? emptyWords : "This could not be loaded.";
    state.hidden = list.childElementCount > 0 && rows !== undefined;
  };
  // The last one may be taken away.
  new MutationObserver(() => {
    if (list.childElementCount === 0 && button.hidden) state.hidden = false;
  }).observe(list, { childList: true });
  void go();
  return make("div", "", list, state, button);
}

function sanctionRow(sanction: Sanction, { act, say }: DeskEnds, lifted: () => void): HTMLElement {
  const { user, name = user } = sanction;
  const row = make(
    "li",
    "desk-row",
    make(
      "p",
      "",
      make("bdi", "desk-name", name),
      make("span", "desk-more", sanctionWords(sanction, Date.now())),
    ),
  );
  row.dataset.testid = "desk-sanction";
  const lift = makeButton("plainly", "Lift", async () => {
    lift.disabled = true;
    const done = await act("chat.unban", { user });
    lift.disabled = false;
    if (!done.ok) return say(actionRefusalWords(done.error));
    lifted();
    say(`${name} may write again.`);
    const beside = row.nextElementSibling ?? row.previousElementSibling;
    row.remove();
    const next =
      beside?.querySelector("button") ?? document.querySelector<HTMLElement>("#desk-tab-sanctions");
    next?.focus();
  });
  lift.setAttribute("aria-label", `Lift, ${name}`);
  row.append(lift);
  return row;
}

function entryRow(entry: LogEntry): HTMLElement {
  const { did, whom, more } = deedWords(entry);
  const line = make("p", "", make("bdi", "desk-name", entry.by), ` ${did} `);
  if (whom !== "") line.append(make("bdi", "desk-name", whom));
  if (more !== "") line.append(make("span", "desk-more", more));
  const time = document.createElement("time");
  time.dateTime = entry.at;
  time.textContent = new Date(entry.at).toLocaleString([], { dateStyle: "short", timeStyle: "short" });
  const row = make("li", "desk-row deed", line, time);
  row.dataset.testid = "desk-entry";
  return row;
}
