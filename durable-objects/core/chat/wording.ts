/** Words of a conversation that are no messages: titles, reactions, what is searched for; and how much of a message goes where. Pure text. */
import { fail, ok, type Result } from "../../../media/result.ts";
import { EXCERPT_LETTERS, INLINE_BYTES, MAX_TITLE_LETTERS } from "../../../wire/conversations.ts";
import { bytesOf, type Refusal } from "./judge.ts";
import { isBlank, isEmotes, lettersOf, tidy } from "./text.ts";

/** Words that are looked for at once. */
const MAX_WORDS = 16;

/** A title as it is kept: one line. */
export function readTitle(written: string): Result<string, Refusal> {
  const title = tidy(written)?.replaceAll(/\s+/g, " ");
  if (title === undefined) return fail({ name: "malformedText" });
  if (isBlank(title)) return fail({ name: "empty" });
  return lettersOf(title) > MAX_TITLE_LETTERS ? fail({ name: "tooLong" }) : ok(title);
}

/** A reaction as it is kept: emoji, or the `:name:` of an emote. */
export function readReaction(written: string): Result<string, Refusal> {
  const emoji = tidy(written);
  if (emoji === undefined) return fail({ name: "malformedText" });
  if (isBlank(emoji)) return fail({ name: "empty" });
  return isEmotes(emoji) && !/\s/.test(emoji) ? ok(emoji) : fail({ name: "emotesOnly" });
}

/** What a publication carries of a text: all of it, or its beginning. */
export const inlined = (text: string): { readonly text: string; readonly more?: true } =>
  bytesOf(text) <= INLINE_BYTES ? { text } : beginning(text, EXCERPT_LETTERS);

/** The first letters, as they are; `more`: there are others. */
export function beginning(text: string, letters: number): { readonly text: string; readonly more?: true } {
  let end = 0;
  let left = letters;
  for (const letter of text) {
    if (left === 0) return { text: text.slice(0, end), more: true };
    end += letter.length;
    left -= 1;
  }
  return { text };
}

/**
 * What somebody looks for, as SQLite's FTS5 is asked for it: messages that have all these words, of the last one its beginning. Each
 * word is a string to FTS5, so that nothing in it is syntax (sqlite.org/fts5.html, 3.1). `undefined`: there is no word in it.
 */
export function queryOf(written: string): Result<string | undefined, Refusal> {
  const text = tidy(written);
  if (text === undefined) return fail({ name: "malformedText" });
  const words = text
    .split(/[^\p{L}\p{M}\p{N}\p{Co}]+/u)
    .filter((word) => /[\p{L}\p{N}\p{Co}]/u.test(word))
    .slice(0, MAX_WORDS);
  return ok(words.length === 0 ? undefined : `${words.map((word) => `"${word}"`).join(" ")}*`);
}
