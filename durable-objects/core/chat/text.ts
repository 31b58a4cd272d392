/** What people write, as it is taken and looked at: tidied, counted, searched for what a room does not want. Pure text. */

/** Marks above and below one letter: languages need four, what piles up more is a prank ("zalgo"). */
const MAX_MARKS = 6;
/** Lines of a message in a live room; more are joined. */
const MAX_LINES = 20;

/** Characters that control and do not show; a line feed does. Of those that have no width, joiners are needed by emoji and scripts. */
const CONTROLS = /[\p{Cc}\u200b\u2028\u2029\u2060-\u2064\u206a-\u206f\ufeff\ufff9-\ufffb]/gu;
/** Overrides of the writing direction can make a text say something else than it shows (Unicode TR 36, 3.3). */
const OVERRIDES = /[\u202a-\u202e\u2066-\u2069]/g;
const MARKS = new RegExp(`(\\p{M}{${MAX_MARKS}})\\p{M}+`, "gu");
/** Far more than that is cut before it is put in order: that takes as long as the square of them. */
const FLOOD = /(\p{M}{32})\p{M}+/gu;
/** Tags and variation selectors without something that they would change. */
const JOINERS = /(\u200c|\u200d|\ufe0f)(?:\u200c|\u200d|\ufe0f)+/g;

/** The text as it is kept; `undefined`: it is no Unicode (a surrogate is alone). */
export function tidy(text: string, maxLines = MAX_LINES): string | undefined {
  if (!text.isWellFormed()) return undefined;
  const lines = text
    .replaceAll(/\r\n?/g, "\n")
    .replaceAll(CONTROLS, (letter) => (letter === "\n" ? letter : letter === "\t" ? " " : ""))
    .replaceAll(OVERRIDES, "")
    .replaceAll(JOINERS, "$1")
    .replaceAll(FLOOD, "$1")
    .normalize("NFC")
    .replaceAll(MARKS, "$1")
    .split("\n")
    .map((line) => line.trimEnd());
  const shown = [...lines.slice(0, maxLines - 1), lines.slice(maxLines - 1).join(" ")];
  return shown
    .join("\n")
    .replaceAll(/\n{3,}/g, "\n\n")
    .trim();
}

/** Nothing of it can be seen. */
export const isBlank = (text: string): boolean =>
  !/[^\s\p{M}\p{Default_Ignorable_Code_Point}\u2800]/u.test(text);

/** Code points: what a person would call letters, nearly. */
export function lettersOf(text: string): number {
  let letters = 0;
  for (const _ of text) letters += 1;
  return letters;
}

/** The first of it, with an ellipsis when something is missing. */
export function excerpt(text: string, letters: number): string {
  const all = [...text.replaceAll(/\s+/g, " ")];
  return all.length <= letters
    ? all.join("")
    : `${all
        .slice(0, letters - 1)
        .join("")
        .trimEnd()}…`;
}

/** An address: with its scheme, or a name that ends as names on the web do. */
const LINK =
  /\b[a-zA-Z][a-zA-Z0-9+.-]*:\/\/\S|\b[wW]{3}\.\S|(?:^|[^\p{L}\p{N}@.])(?:[\p{L}\p{N}](?:[\p{L}\p{N}-]*[\p{L}\p{N}])?\.)+(?:\p{Ll}{2,}|\p{Lu}{2,}|\p{Lo}{2,}|[xX][nN]--[a-zA-Z0-9]+)(?=[/:?#]|[^\p{L}\p{N}.-]|[.-]?$)/u;

/** It names a place on the web. */
export const hasLink = (text: string): boolean => LINK.test(text);

const EMOTES =
  /^(?:\s|:[a-z0-9_+-]{1,32}:|\p{Extended_Pictographic}|\p{Emoji_Modifier}|\p{Regional_Indicator}|\u200d|\ufe0f|\u20e3|[0-9#*](?=\ufe0f?\u20e3))+$/iu;

/** Nothing but emoji and `:names:` of emotes. */
export const isEmotes = (text: string): boolean => EMOTES.test(text);

/** Letters that stand for others where somebody wants to get past a list. */
const DISGUISES: Readonly<Record<string, string>> = {
  "0": "o",
  "1": "i",
  "3": "e",
  "4": "a",
  "5": "s",
  "7": "t",
  "@": "a",
  $: "s",
};

/** As it sounds: compatible forms folded, marks and what has no width gone, disguises taken off. */
const plain = (text: string): string =>
  text
    .normalize("NFKD")
    .replaceAll(/[\p{M}\u00ad\u200c\u200d]/gu, "")
    .toLowerCase()
    .replaceAll(/[013457@$]/g, (letter) => DISGUISES[letter] ?? letter);

/** One of the words stands in the text, as a word of its own. */
export function hasWord(text: string, words: readonly string[]): boolean {
  if (words.length === 0) return false;
  const spoken = ` ${plain(text).replaceAll(/[^\p{L}\p{N}]+/gu, " ")} `;
  return words.some((word) => {
    const wanted = plain(word)
      .replaceAll(/[^\p{L}\p{N}]+/gu, " ")
      .trim();
    return wanted !== "" && spoken.includes(` ${wanted} `);
  });
}
