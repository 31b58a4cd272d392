/** The rows of the chat, made of messages. What people wrote gets into the page as text and in no other way. */
import type { ChatMessage } from "../../wire/chat.ts";
import { make, makeButton } from "../dom.ts";
import { isForMe, nameOf } from "./mentions.ts";
import type { Pending } from "./room.ts";
import { nameMark, textOf } from "./text.ts";
import type { Who } from "./who.ts";
import { badgeWords } from "./words.ts";

/** The row of a message. */
export function messageRow(message: ChatMessage, me: Who): HTMLElement {
  const { id, seq, user, role, replyTo, text, announcement, at } = message;
  const row = make("div", "row");
  row.tabIndex = -1;
  row.dataset.testid = "chat-message";
  row.dataset.id = id;
  row.dataset.seq = String(seq);
  row.setAttribute("role", "article");
  const isToMe = user !== me.user && (isForMe(text, me) || (me.user !== "" && replyTo?.user === me.user));
  if (isToMe) row.dataset.mention = "true";
  if (announcement) {
    row.dataset.announcement = "true";
    row.append(make("p", "kind", "Announcement"));
  }
  if (replyTo) row.append(quote(replyTo));
  const badge = badgeWords(role);
  const line = make("p", "line");
  if (badge !== "") {
    const mark = make("span", "badge", badge);
    mark.dataset.role = role;
    mark.dataset.testid = "chat-badge";
    line.append(mark, " ");
  }
  const name = nameMark(message);
  name.title = timeOf(at);
  line.append(name, ": ", textOf(text, me));
  row.append(line);
  return row;
}

/** The row of what is on its way, or did not arrive. */
export function pendingRow(
  { text, replyTo, state, why }: Pending,
  me: Who,
  act: { readonly again: () => void; readonly discard: () => void },
): HTMLElement {
  const row = make("div", "row pending");
  row.dataset.testid = "chat-pending";
  row.dataset.state = state;
  if (replyTo) row.append(quote(replyTo));
  row.append(make("p", "line", nameMark(me), ": ", textOf(text, me)));
  if (state === "failed") {
    row.append(
      make("p", "why", `Not sent. ${why ?? ""}`),
      make(
        "p",
        "again",
        makeButton("link", "Send again", act.again),
        " ",
        makeButton("link", "Discard", act.discard),
      ),
    );
  }
  return row;
}

/** Above what came while somebody read. */
export function newMarker(): HTMLElement {
  const marker = make("div", "new-marker", make("span", "", "New"));
  marker.dataset.testid = "chat-new-marker";
  return marker;
}

/** What is pinned, in a line. */
export const pinnedLine = (message: ChatMessage, me: Who): HTMLElement =>
  make("p", "line", nameMark(message), ": ", textOf(message.text, me));

function quote({ user, name, text }: NonNullable<ChatMessage["replyTo"]>): HTMLElement {
  const isGone = text === "";
  const line = make(
    "p",
    "quote",
    make("span", "to", make("bdi", "", nameOf({ user, ...(name !== undefined && { name }) }))),
    " ",
    make("span", isGone ? "gone" : "", isGone ? "Message deleted" : text),
  );
  line.dataset.testid = "chat-quote";
  return line;
}

function timeOf(at: string): string {
  const moment = new Date(at);
  return Number.isNaN(moment.getTime())
    ? ""
    : moment.toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });
}
