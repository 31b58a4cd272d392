/** How a room is run, as a form. */
import { type ChatSettings, ChatStateSchema, MAX_LIVE_LETTERS, SettingsSchema } from "../../wire/chat.ts";
import { parse } from "../../wire/parse.ts";
import { make } from "../dom.ts";
import type { DeskEnds, Part } from "./desk.ts";
import { changesOf, choicesWith, wordsOf } from "./desk-words.ts";
import { actionRefusalWords, waitWords } from "./words.ts";

const SLOW_SECONDS = [0, 5, 10, 30, 60, 300, 900];
const RETENTION_MINUTES = [60, 360, 1_440, 4_320, 10_080];

export const settings: Part = {
  name: "settings",
  label: "Settings",
  open: (ends) => {
    const place = make("div", "desk-wait", "Loading…");
    void show(place, ends);
    return place;
  },
};

async function show(place: HTMLElement, ends: DeskEnds): Promise<void> {
  const answer = await ends.act("chat.state", {});
  const state = answer.ok ? parse(ChatStateSchema, answer.value) : undefined;
  if (!state?.ok) {
    place.textContent = "The settings could not be loaded. Open this once more.";
    return;
  }
  const { settings: told, blockedWords } = state.value;
  place.className = "";
  place.replaceChildren(formOf({ ...told, blockedWords: blockedWords ?? [] }, ends));
}

function formOf(before: ChatSettings, { act, say }: DeskEnds): HTMLFormElement {
  let now = before;
  const form = document.createElement("form");
  form.className = "desk-form";
  const enabled = check("enabled", "The chat is on", now.enabled);
  const access = choose("access", "Who may write", now.access, [
    ["everyone", "Everyone who is signed in"],
    ["followers", "Followers and subscribers"],
    ["subscribers", "Subscribers"],
  ]);
  const guests = check("guestsWrite", "Guests may write", now.guestsWrite);
  const slow = choose(
    "slowSeconds",
    "Slow mode: wait between messages",
    String(now.slowSeconds),
    choicesWith(SLOW_SECONDS, now.slowSeconds).map((seconds) => [
      String(seconds),
      seconds === 0 ? "Off" : waitWords(seconds),
    ]),
  );
  const emotes = check("emotesOnly", "Only emoji and :emotes:", now.emotesOnly);
  const links = check("links", "Links are allowed", now.links);
  const letters = document.createElement("input");
  letters.type = "number";
  letters.min = "1";
  letters.max = String(MAX_LIVE_LETTERS);
  letters.required = true;
  letters.value = String(now.maxLetters);
  const retention = choose(
    "retentionMinutes",
    "Keep messages for",
    String(now.retentionMinutes),
    choicesWith(RETENTION_MINUTES, now.retentionMinutes).map((minutes) => [
      String(minutes),
      waitWords(60 * minutes),
    ]),
  );
  const words = document.createElement("textarea");
  words.rows = 3;
  words.value = now.blockedWords.join("\n");
  words.spellcheck = false;
  const button = document.createElement("button");
  button.type = "submit";
  button.className = "send";
  button.textContent = "Save";
  button.dataset.testid = "desk-save";
  form.append(
    ...[enabled.row, access.row, guests.row, slow.row, emotes.row, links.row],
    labelled("maxLetters", "Letters of a message, at most", letters),
    retention.row,
    labelled("blockedWords", "Blocked words, one a line", words),
    make("p", "desk-foot", button),
  );
  form.addEventListener("input", () => say(""));
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const next = parse(SettingsSchema, {
      enabled: enabled.box.checked,
      access: access.list.value,
      guestsWrite: guests.box.checked,
      slowSeconds: Number(slow.list.value),
      emotesOnly: emotes.box.checked,
      links: links.box.checked,
      maxLetters: Number(letters.value),
      retentionMinutes: Number(retention.list.value),
      blockedWords: wordsOf(words.value),
    });
    if (!next.ok) return say("Not saved: at most 500 words, of 50 letters each.");
    const changes = changesOf(now, next.value);
    if (Object.keys(changes).length === 0) return say("Nothing has changed.");
    button.disabled = true;
    const done = await act("chat.settings", { settings: changes });
    button.disabled = false;
    if (done.ok) now = next.value;
    say(done.ok ? "Saved." : actionRefusalWords(done.error));
  });
  return form;
}

function check(name: string, label: string, isChecked: boolean) {
  const box = document.createElement("input");
  box.type = "checkbox";
  box.checked = isChecked;
  box.dataset.testid = `desk-${name}`;
  const row = document.createElement("label");
  row.className = "desk-check";
  row.append(box, label);
  return { row, box };
}

function choose(
  name: string,
  label: string,
  chosen: string,
  options: readonly (readonly [value: string, words: string])[],
) {
  const list = document.createElement("select");
  list.append(...options.map(([value, words]) => new Option(words, value, false, value === chosen)));
  return { row: labelled(name, label, list), list };
}

function labelled(name: string, label: string, field: HTMLElement): HTMLElement {
  field.id = `desk-field-${name}`;
  field.dataset.testid = `desk-${name}`;
  const text = document.createElement("label");
  text.htmlFor = field.id;
  text.textContent = label;
  return make("div", "desk-field", text, field);
}
