/** What moderators read in their room's desk, and what they wrote there as the room takes it. Pure. */
import type { ChatSettings, LogEntry, Sanction } from "../../wire/chat.ts";
import { waitWords } from "./words.ts";

const ACCESS: Readonly<Record<ChatSettings["access"], string>> = {
  everyone: "everyone writes",
  followers: "followers only",
  subscribers: "subscribers only",
};

const switched = (name: string) => (value: unknown) => `${name} ${value === true ? "on" : "off"}`;
/** How a setting is called when it has changed. */
const CHANGES: { readonly [K in keyof ChatSettings]: (value: ChatSettings[K]) => string } = {
  enabled: switched("chat"),
  slowSeconds: (seconds) => (seconds === 0 ? "slow mode off" : `slow mode ${waitWords(seconds)}`),
  access: (access) => ACCESS[access],
  guestsWrite: switched("guests writing"),
  emotesOnly: switched("emotes only"),
  links: switched("links"),
  blockedWords: (words) => `${words.length} blocked ${words.length === 1 ? "word" : "words"}`,
  maxLetters: (letters) => `${letters} letters at most`,
  retentionMinutes: (minutes) => `messages kept ${waitWords(60 * minutes)}`,
};

/** The settings that an entry of the log says were changed; empty when it cannot be read. */
function changesIn(detail: string | undefined): string {
  try {
    // Who wrote it is the room itself.
    const changed: Partial<ChatSettings> = JSON.parse(detail ?? "{}");
    return Object.entries(CHANGES)
      .filter(([name]) => name in changed)
      .map(([name, words]) => (words as (value: unknown) => string)(changed[name as keyof ChatSettings]))
      .join(", ");
  } catch {
    return "";
  }
}

/** An entry of the log in three: what was done, to whom, and more about it. */
export function deedWords({ action, target, name, detail }: LogEntry): {
  readonly did: string;
  readonly whom: string;
  readonly more: string;
} {
  const whom = name ?? target ?? "";
  switch (action) {
    case "delete":
      return { did: "deleted a message of", whom: detail ?? "somebody", more: "" };
    case "delete user":
      return { did: "deleted all messages of", whom, more: "" };
    case "time out":
      return { did: "timed out", whom, more: timeOutWords(detail) };
    case "ban":
      return { did: "banned", whom, more: detail ?? "" };
    case "unban":
      return { did: "let write again", whom, more: "" };
    case "clear":
      return { did: "cleared the chat", whom: "", more: "" };
    case "settings":
      return { did: "changed the settings", whom: "", more: changesIn(detail) };
    case "pin":
      return { did: "pinned a message", whom: "", more: "" };
    case "unpin":
      return { did: "took down what was pinned", whom: "", more: "" };
    default:
      return { did: action, whom, more: detail ?? "" };
  }
}

/** `60 s: rude`, as the room writes it. */
function timeOutWords(detail: string | undefined): string {
  const [, seconds, reason] = /^(\d+) s(?:: (.*))?$/s.exec(detail ?? "") ?? [];
  if (seconds === undefined) return detail ?? "";
  return [`for ${waitWords(Number(seconds))}`, ...(reason === undefined ? [] : [reason])].join(", ");
}

/** Since when and for how long somebody may not write. */
export function sanctionWords({ until, by, reason }: Sanction, nowMs: number): string {
  const what =
    until === undefined ? "Banned" : `Timed out for ${waitWords((Date.parse(until) - nowMs) / 1000)} more`;
  return `${what}, by ${by}${reason === undefined ? "" : `: ${reason}`}`;
}

/** Words as they stand in a field, one a line; commas part them too. */
export const wordsOf = (text: string): readonly string[] => [
  ...new Set(
    text
      .split(/[\n,]/)
      .map((word) => word.trim())
      .filter((word) => word !== ""),
  ),
];

/** Only what is another now: two moderators may change different things. */
export function changesOf(before: ChatSettings, after: ChatSettings): Partial<ChatSettings> {
  const isSame = (name: string): boolean =>
    JSON.stringify(before[name as keyof ChatSettings]) === JSON.stringify(after[name as keyof ChatSettings]);
  return Object.fromEntries(Object.entries(after).filter(([name]) => !isSame(name)));
}

/** A choice of seconds or minutes for a list, with the one that is set where it is none of these. */
export const choicesWith = (choices: readonly number[], set: number): readonly number[] =>
  [...new Set([...choices, set])].toSorted((one, other) => one - other);
