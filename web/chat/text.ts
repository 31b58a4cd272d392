/** Names and texts of people as elements, for every page on which they write. They get into the page as text and in no other way. */
import { make } from "../dom.ts";
import { type EmotePiece, emotesIn } from "./emotes.ts";
import { nameOf, piecesOf } from "./mentions.ts";
import type { Who } from "./who.ts";

/** Colours of names, in web/style/chat-rows.css. */
const TINTS = 8;

/** A name in its colour. */
export function nameMark(who: Pick<Who, "user" | "name">): HTMLElement {
  const name = make("bdi", "name", nameOf(who));
  name.dataset.tint = String(tintOf(who.user));
  name.dataset.testid = "chat-name";
  return name;
}

/** What somebody wrote, with the mentions in it marked and emotes as signs. */
export function textOf(text: string, me: Who): HTMLElement {
  const whole = make("span", "text");
  whole.dir = "auto";
  whole.dataset.testid = "chat-text";
  for (const piece of piecesOf(text, me)) {
    if (piece.kind === "plain") whole.append(...emotesIn(piece.text).map(emoteOrText));
    else whole.append(make("span", piece.kind, piece.text));
  }
  return whole;
}

function emoteOrText({ text, sign }: EmotePiece): HTMLElement | string {
  if (sign === undefined) return text;
  const emote = make("span", "emote", sign);
  emote.setAttribute("role", "img");
  emote.setAttribute("aria-label", text.slice(1, -1));
  emote.title = text;
  return emote;
}

/** The same person has the same colour everywhere. */
export function tintOf(user: string): number {
  let sum = 0;
  for (let i = 0; i < user.length; i += 1) sum = (31 * sum + user.charCodeAt(i)) % 65_521;
  return sum % TINTS;
}
