/** The rows of a conversation, made of its items. What people wrote gets into the page as text and in no other way. */
import type { ConversationMessage } from "../../wire/conversations.ts";
import { nameOf } from "../chat/mentions.ts";
import { nameMark, textOf, tintOf } from "../chat/text.ts";
import { make, makeButton } from "../dom.ts";
import { photoPath, thumbnailPath } from "./address.ts";
import type { Conversation } from "./conversation.ts";
import type { Item } from "./items.ts";
import type { Pending } from "./outgoing.ts";
import { boxOf } from "./photo-size.ts";
import { fullWords, timeWords } from "./times.ts";
import { reactionLabel, shortened } from "./words.ts";

export interface RowEnds {
  readonly showPhoto: (message: ConversationMessage) => void;
  readonly showAll: (message: ConversationMessage) => void;
  readonly react: (message: ConversationMessage, emoji: string) => void;
  readonly goTo: (quoted: { readonly id: string }) => void;
  readonly again: (pending: Pending) => void;
  readonly discard: (pending: Pending) => void;
}

/** The element of an item. */
export function rowOf(item: Item, conversation: Conversation, ends: RowEnds): HTMLElement {
  switch (item.type) {
    case "day":
      return make("div", "day", make("span", "", item.words));
    case "new": {
      const marker = make("div", "new", make("span", "", "New"));
      marker.dataset.testid = "new-marker";
      return marker;
    }
    case "note": {
      const note = make("p", "happened", item.words);
      note.dataset.testid = "happened";
      note.dataset.seq = String(item.seq);
      note.dir = "auto";
      return note;
    }
    case "seen": {
      const seen = make("p", "seen", item.words);
      seen.dataset.testid = "seen";
      return seen;
    }
    case "message":
      return messageRow(item, conversation, ends);
    case "pending":
      return pendingRow(item, conversation, ends);
  }
}

/** A round mark with the first letter of a name. */
export function avatar(user: string, name: string): HTMLElement {
  const mark = make("span", "avatar", [...name.trim()][0]?.toUpperCase() ?? "?");
  mark.dataset.tint = String(tintOf(user));
  mark.setAttribute("aria-hidden", "true");
  return mark;
}

function messageRow(
  { message, isMine, isFirst, isNamed, mayReact, isFound, whole }: Extract<Item, { type: "message" }>,
  conversation: Conversation,
  ends: RowEnds,
): HTMLElement {
  const { id, seq, user, role, replyTo, text, photo, at } = message;
  const row = make("div", "row");
  row.tabIndex = -1;
  row.dataset.testid = "message";
  Object.assign(row.dataset, { id, seq: String(seq), mine: String(isMine), first: String(isFirst) });
  if (isFound) row.dataset.found = "true";
  row.setAttribute("role", "article");
  row.setAttribute("aria-label", `${isMine ? "You" : nameOf(message)}, ${timeWords(at)}`);
  const bubble = make("div", "bubble");
  if (isNamed) {
    row.append(avatar(user, nameOf(message)));
    const who = make("p", "who", nameMark(message));
    if (role === "owner" || role === "moderator") who.title = role;
    bubble.append(who);
  }
  if (replyTo) bubble.append(quote(replyTo, ends));
  if (photo) bubble.append(photoOf(conversation.room, message, photo, ends));
  if (text !== "") bubble.append(textPart(message, whole, conversation, ends));
  const time = make("time", "time", timeWords(at));
  time.setAttribute("datetime", at);
  time.title = fullWords(at);
  bubble.append(time);
  const side = make("div", "side", bubble);
  const reactions = reactionsOf(message, mayReact, conversation, ends);
  if (reactions) side.append(reactions);
  row.append(side);
  return row;
}

/** The text; of a long one its beginning, until somebody wants all of it. */
function textPart(
  message: ConversationMessage,
  whole: string | undefined,
  { me }: Conversation,
  ends: RowEnds,
): HTMLElement {
  const cut = whole === undefined ? shortened(message.text, message.more === true) : undefined;
  const text = textOf(cut ?? whole ?? message.text, me);
  const part = make("div", "words", text);
  if (cut !== undefined) {
    const all = makeButton("link", "Show all", () => ends.showAll(message));
    all.dataset.testid = "show-all";
    part.append(all);
  }
  return part;
}

function photoOf(
  room: string,
  message: ConversationMessage,
  { id, width, height }: NonNullable<ConversationMessage["photo"]>,
  ends: RowEnds,
): HTMLElement {
  const image = document.createElement("img");
  const box = boxOf({ width, height });
  image.width = box.width;
  image.height = box.height;
  image.loading = "lazy";
  image.decoding = "async";
  image.alt = `Photo of ${nameOf(message)}`;
  image.dataset.testid = "thumbnail";
  image.addEventListener("error", () => {
    // A thumbnail may be missing where the photo is there.
    if (!image.src.endsWith("/thumbnail")) return;
    image.src = photoPath(room, id);
  });
  image.src = thumbnailPath(room, id);
  const button = makeButton("photo", "", () => ends.showPhoto(message));
  button.setAttribute("aria-label", `Show the photo of ${nameOf(message)}`);
  button.append(image);
  return button;
}

function reactionsOf(
  message: ConversationMessage,
  mayReact: boolean,
  conversation: Conversation,
  ends: RowEnds,
): HTMLElement | undefined {
  const all = Object.entries(message.reactions ?? {});
  if (all.length === 0) return undefined;
  const list = make("div", "reactions");
  for (const [emoji, users] of all) {
    const chip = makeButton("reaction", "", () => ends.react(message, emoji));
    chip.append(make("span", "", emoji), make("span", "count", String(users.length)));
    chip.setAttribute("aria-pressed", String(users.includes(conversation.me.user)));
    const label = reactionLabel(emoji, users, conversation);
    chip.setAttribute("aria-label", label);
    chip.title = label;
    chip.disabled = !mayReact;
    chip.dataset.testid = "reaction";
    list.append(chip);
  }
  return list;
}

function quote(quoted: NonNullable<ConversationMessage["replyTo"]>, ends?: RowEnds): HTMLElement {
  const isGone = quoted.text === "";
  const line = makeButton("quote", "", () => ends?.goTo(quoted));
  line.append(
    make("bdi", "to", nameOf(quoted)),
    make("span", isGone ? "gone" : "", isGone ? "Photo, or a message that was deleted" : quoted.text),
  );
  line.dataset.testid = "quote";
  return line;
}

/** The row of what is on its way, or did not arrive. */
function pendingRow(
  { pending, isFirst }: Extract<Item, { type: "pending" }>,
  { me }: Conversation,
  ends: RowEnds,
): HTMLElement {
  const { text, replyTo, photo, state, progress, why } = pending;
  const row = make("div", "row pending");
  row.dataset.testid = "pending";
  Object.assign(row.dataset, { mine: "true", first: String(isFirst), state });
  const bubble = make("div", "bubble");
  if (replyTo) bubble.append(quote(replyTo));
  if (photo) {
    const image = document.createElement("img");
    const box = boxOf(photo);
    image.width = box.width;
    image.height = box.height;
    image.src = photo.preview;
    image.alt = "Photo";
    bubble.append(image);
  }
  if (text !== "") bubble.append(make("div", "words", textOf(text, me)));
  if (state === "uploading") {
    const bar = document.createElement("progress");
    bar.max = 1;
    bar.value = progress ?? 0;
    bar.setAttribute("aria-label", "Uploading");
    bubble.append(bar);
  }
  const side = make("div", "side", bubble);
  if (state === "failed") {
    const again = makeButton("link", "Send again", () => ends.again(pending));
    again.dataset.testid = "send-again";
    const discard = makeButton("link", "Discard", () => ends.discard(pending));
    side.append(make("p", "why", `Not sent. ${why ?? ""}`), make("p", "again", again, " ", discard));
  } else {
    side.append(make("p", "sending", state === "uploading" ? "Uploading…" : "Sending…"));
  }
  row.append(side);
  return row;
}
