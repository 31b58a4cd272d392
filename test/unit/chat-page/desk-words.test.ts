/** What moderators read in the desk, and what of their form is sent. */
import { describe, expect, it } from "vitest";
import { changesOf, choicesWith, deedWords, sanctionWords, wordsOf } from "../../../web/chat/desk-words.ts";
import { DEFAULT_SETTINGS, type LogEntry } from "../../../wire/chat.ts";

const deed = (more: Partial<LogEntry>): string => {
  const { did, whom, more: detail } = deedWords({ number: 1, at: "", by: "mia", action: "", ...more });
  return [did, whom, detail].filter((part) => part !== "").join(" | ");
};

it.each([
  [{ action: "delete", target: "01A", detail: "Bob" }, "deleted a message of | Bob"],
  [{ action: "delete user", target: "bob", name: "Bob" }, "deleted all messages of | Bob"],
  [
    { action: "time out", target: "bob", name: "Bob", detail: "600 s: rude" },
    "timed out | Bob | for 10 min, rude",
  ],
  [{ action: "time out", target: "bob", detail: "60 s" }, "timed out | bob | for 1 min"],
  [{ action: "ban", target: "bob", name: "Bob", detail: "spam" }, "banned | Bob | spam"],
  [{ action: "unban", target: "bob" }, "let write again | bob"],
  [{ action: "clear" }, "cleared the chat"],
  [
    { action: "settings", detail: '{"slowSeconds":30,"links":false,"blockedWords":["a","b"]}' },
    "changed the settings | slow mode 30 s, links off, 2 blocked words",
  ],
  [{ action: "settings", detail: "not JSON" }, "changed the settings"],
  [{ action: "something new", target: "x", detail: "y" }, "something new | x | y"],
] as const)("says %j", (entry, words) => {
  expect(deed(entry)).toBe(words);
});

describe("somebody who may not write", () => {
  it.each([
    [{}, "Banned, by mia"],
    [{ reason: "spam" }, "Banned, by mia: spam"],
    [{ until: "2026-01-01T00:09:30.000Z" }, "Timed out for 10 min more, by mia"],
  ])("%j", (more, words) => {
    const sanction = { user: "bob", at: "", by: "mia", ...more };
    expect(sanctionWords(sanction, Date.parse("2026-01-01T00:00:00.000Z"))).toBe(words);
  });
});

it("reads words, one a line or by commas, each once", () => {
  expect(wordsOf(" darn \n\nheck, darn,\n two words ")).toEqual(["darn", "heck", "two words"]);
  expect(wordsOf(" \n,")).toEqual([]);
});

it("sends only what has changed", () => {
  const after = { ...DEFAULT_SETTINGS, slowSeconds: 30, blockedWords: ["darn"] };
  expect(changesOf(DEFAULT_SETTINGS, after)).toEqual({ slowSeconds: 30, blockedWords: ["darn"] });
  expect(changesOf(after, { ...after, blockedWords: ["darn"] })).toEqual({});
});

it("offers what is set, although it is no usual choice", () => {
  expect(choicesWith([0, 10, 60], 45)).toEqual([0, 10, 45, 60]);
  expect(choicesWith([0, 10], 10)).toEqual([0, 10]);
});
