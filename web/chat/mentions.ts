/** Mentions: which words of a text are one, and which names would complete the one that is being typed. Pure text. */
import type { Who } from "./who.ts";

/** Somebody's name as people see and mention it. */
export const nameOf = ({ name, user }: Pick<Who, "name" | "user">): string => name ?? user;

/** A piece of a text; `me`: it names the viewer. */
export interface Piece {
  readonly text: string;
  readonly kind: "plain" | "mention" | "me";
}

/** One word, for those whose whole name is not known here. */
const WORD = "@[\\p{L}\\p{N}_][\\p{L}\\p{N}_.-]*";

/** The pieces of a text in their order. */
export function piecesOf(text: string, me: Who): readonly Piece[] {
  const mine = me.user === "" ? "" : `${mentionPattern(me)}|`;
  const pieces: Piece[] = [];
  let end = 0;
  for (const found of text.matchAll(new RegExp(`(?<![\\p{L}\\p{N}_@])(?:(${mine}(?!))|${WORD})`, "giu"))) {
    if (found.index > end) pieces.push({ text: text.slice(end, found.index), kind: "plain" });
    pieces.push({ text: found[0], kind: found[1] === undefined ? "mention" : "me" });
    end = found.index + found[0].length;
  }
  if (end < text.length) pieces.push({ text: text.slice(end), kind: "plain" });
  return pieces;
}

const mentionPattern = (me: Who): string => `@${literal(nameOf(me))}(?![\\p{L}\\p{N}_])`;
const literal = (text: string): string => text.replaceAll(/[\\^$.*+?()[\]{}|]/g, "\\$&");

/** Whether a text names the viewer. */
export const isForMe = (text: string, me: Who): boolean =>
  text.includes("@") && piecesOf(text, me).some(({ kind }) => kind === "me");

/** What may complete what stands before the caret. */
export interface Completion {
  /** Where its `@` or its colon is. */
  readonly from: number;
  readonly to: number;
  /** At least one: as it is offered, and as it is put in. */
  readonly choices: readonly { readonly shown: string; readonly text: string }[];
}

const MAX_NAMES = 6;
/** Longest name that a token may hold. */
const MAX_LETTERS = 64;

/** Look for a mention that is being typed; `names` as they are to be offered. */
export function completionAt(text: string, caret: number, names: readonly string[]): Completion | undefined {
  const from = text.lastIndexOf("@", caret - 1);
  if (
    from < 0 ||
    from >= caret ||
    caret - from > MAX_LETTERS ||
    /[\p{L}\p{N}_@]/u.test(text.charAt(from - 1))
  )
    return undefined;
  const typed = text.slice(from + 1, caret).toLowerCase();
  const fits = (name: string): boolean => name.toLowerCase().startsWith(typed);
  const found = [...new Set(names)].filter(fits).slice(0, MAX_NAMES);
  // Who typed all of it wants to go on.
  const isDone = found.length === 1 && found[0]?.toLowerCase() === typed;
  const choices = found.map((name) => ({ shown: name, text: `@${name}` }));
  return found.length === 0 || isDone ? undefined : { from, to: caret, choices };
}

/** The text with a choice put in, and where the caret is then. */
export function complete(
  text: string,
  { from, to }: Completion,
  chosen: string,
): { readonly text: string; readonly caret: number } {
  const after = text.slice(to);
  const head = `${text.slice(0, from)}${chosen}`;
  const gap = /^\s/.test(after) ? "" : " ";
  return { text: `${head}${gap}${after}`, caret: head.length + 1 };
}
