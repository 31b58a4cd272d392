/** Every sentence and label of the messages page that depends on what happens. Pure text. */
import type { ConversationMessage, MemberRole } from "../../wire/conversations.ts";
import type { ChosenStatus, UserStatus } from "../../wire/inbox.ts";
import { nameOf } from "../chat/mentions.ts";
import { refusalWords } from "../chat/words.ts";
import { type Conversation, peerOf } from "./conversation.ts";
import { type Inbox, type ListedRoom, titleOf } from "./inbox.ts";
import type { Presence } from "./presence.ts";
import type { RowEvent } from "./stretch.ts";
import { agoWords } from "./times.ts";

/** Names that are said before the others are counted. */
const MAX_NAMED = 3;

/** Somebody by their name. */
export const nameIn = ({ names }: Pick<Conversation, "names">, user: string): string =>
  names.get(user) ?? user;

/** `Bob`, `Bob and Carol`, `Bob, Carol, Dan and 4 others`. */
export function namesWords(names: readonly string[]): string {
  const [first = "", second] = names;
  if (second === undefined) return first;
  const rest = names.length - MAX_NAMED;
  if (rest > 0)
    return `${names.slice(0, MAX_NAMED).join(", ")} and ${rest === 1 ? "1 other" : `${rest} others`}`;
  return `${names.slice(0, -1).join(", ")} and ${names.at(-1)}`;
}

/** The newest message of a room, in a line of the list. */
export function lastWords({ last, kind }: ListedRoom, me: string): string {
  if (last === undefined) return kind === "group" ? "New group" : "No messages yet";
  const said = excerptWords(last);
  if (last.user === me) return `You: ${said}`;
  return kind === "group" ? `${nameOf(last)}: ${said}` : said;
}

/** A message in a line. */
export const excerptWords = ({ text, photo }: Pick<ConversationMessage, "text" | "photo">): string =>
  text !== "" ? text.replaceAll(/\s+/g, " ") : photo ? "Photo" : "Message deleted";

/** Name of a room in the list, for who listens. */
export function roomLabel(room: ListedRoom, status: string): string {
  const unread = room.unread === 0 ? "" : `, ${room.unread} unread`;
  return `${titleOf(room)}${status === "" ? "" : `, ${status}`}${room.muted ? ", muted" : ""}${unread}`;
}

/** Number in a badge. */
export const badgeWords = (unread: number): string => (unread > 99 ? "99+" : String(unread));

/** Title of the page: who looks at other tabs sees how much is unread. */
export const pageTitle = (unread: number, room: string | undefined): string =>
  `${unread > 0 ? `(${badgeWords(unread)}) ` : ""}${room === undefined ? "" : `${room} · `}Messages`;

/** How somebody is. */
export function statusWords(status: UserStatus | undefined, nowMs: number): string {
  switch (status?.status) {
    case undefined:
      return "";
    case "online":
      return "online";
    case "away":
      return "away";
    case "dnd":
      return "do not disturb";
    case "offline":
      return status.lastActiveAt === undefined ? "offline" : `active ${agoWords(status.lastActiveAt, nowMs)}`;
  }
}

/** What one can be. */
export const CHOSEN_WORDS: Readonly<Record<ChosenStatus, readonly [string, string]>> = {
  online: ["Online", ""],
  away: ["Away", ""],
  dnd: ["Do not disturb", "No notifications"],
  invisible: ["Invisible", "Others see you offline"],
};

/** What the open room is called: the list may know before the room says so, and knows names of who never wrote here. */
export function roomTitle(conversation: Conversation, inbox: Inbox): string {
  const { room, title, kind, names } = conversation;
  const known = inbox.rooms.get(room);
  const peer = peerOf(conversation);
  if (peer) return names.get(peer.user) ?? titleOf({ peer: known?.peer ?? peer });
  return kind === undefined && known ? titleOf(known) : titleOf({ title });
}

/** Below the title of an open room. */
export function roomWords(
  conversation: Conversation,
  presence: Presence,
  inbox: Inbox,
  nowMs: number,
): string {
  const { members, kind } = conversation;
  const peer = peerOf(conversation);
  if (peer) {
    if (presence.present.has(peer.user)) return "here now";
    return statusWords(inbox.statuses.get(peer.user), nowMs);
  }
  if (kind !== "group") return "";
  const people = members.size === 1 ? "Only you" : `${members.size} people`;
  return presence.isKnown && presence.users > 0 ? `${people} · ${presence.users} here now` : people;
}

/** `Bob is writing…`. */
export function typingWords(conversation: Conversation): string {
  const { typing, kind } = conversation;
  const names = [...typing].map(([user, { name }]) => name ?? nameIn(conversation, user));
  if (names.length === 0) return "";
  if (kind === "direct") return "writing…";
  return names.length === 1 ? `${names[0]} is writing…` : `${namesWords(names)} are writing…`;
}

/** `Seen`, `Seen by Bob and Carol`, `Sent`. */
export function seenWords(names: readonly string[], { kind, members }: Conversation): string {
  if (names.length === 0) return "Sent";
  if (kind === "direct") return "Seen";
  return names.length > MAX_NAMED && names.length === members.size - 1
    ? "Seen by everybody"
    : `Seen by ${namesWords(names)}`;
}

const ROLE_WORDS: Readonly<Record<MemberRole, string>> = {
  owner: "an owner",
  moderator: "a moderator",
  member: "a member",
};
/** In a list of members; empty for most. */
export const roleBadge = (role: MemberRole): string =>
  role === "owner" ? "Owner" : role === "moderator" ? "Moderator" : "";

/** What happened in a group, in a line; several people who were added at once are one event. */
export function noteWords(
  event: Exclude<RowEvent, { type: "message" }>,
  conversation: Conversation,
  others: readonly string[] = [],
): string {
  const { me } = conversation;
  const say = (user: string): string => (user === me.user ? "you" : nameIn(conversation, user));
  const begin = (user: string): string => (user === me.user ? "You" : nameIn(conversation, user));
  switch (event.type) {
    case "joined": {
      const { user } = event.member;
      // Nobody comes by themselves but who makes the group.
      if (user === event.by) return `${begin(user)} made the group`;
      return `${begin(event.by)} added ${namesWords([user, ...others].map(say))}`;
    }
    case "left":
      return event.user === event.by
        ? `${begin(event.user)} left`
        : `${begin(event.by)} removed ${say(event.user)}`;
    case "role":
      return `${begin(event.by)} made ${say(event.user)} ${ROLE_WORDS[event.role]}`;
    case "title":
      return `${begin(event.by)} named the group “${event.title}”`;
  }
}

/** A text longer than this, letters, or in more lines, is shown cut; */
const LONG_LETTERS = 1_000;
const LONG_LINES = 20;
/** down to this. */
const SHORT_LETTERS = 500;
const SHORT_LINES = 10;

/** The beginning of a long text; `undefined`: it is not long. `isMore`: it is a beginning already. */
export function shortened(text: string, isMore: boolean): string | undefined {
  const lines = text.split("\n");
  const letters = [...text];
  if (!isMore && letters.length <= LONG_LETTERS && lines.length <= LONG_LINES) return undefined;
  const few = [...lines.slice(0, SHORT_LINES).join("\n")].slice(0, SHORT_LETTERS).join("");
  return `${few.trimEnd()}…`;
}

/** Why something that was asked for was not done; code 0: nobody could be asked. */
export function actionWords({ code, message }: { readonly code: number; readonly message: string }): string {
  if (code === 103) return "You may not do that.";
  if (code === 107) return "That cannot be right. Look at it once more.";
  if (code === 111) return "That was fast. Wait a moment.";
  if (code >= 450) return refusalWords({ code, message });
  return code < 100 ? "There is no connection. Try again." : "That did not work. Try again.";
}

/** In place of a writer that is closed. */
export function closedWords(conversation: Conversation, blocked: ReadonlySet<string>): string {
  const peer = peerOf(conversation);
  if (conversation.link === "refused") return "You are not in this conversation any more.";
  if (peer && blocked.has(peer.user)) return `You blocked ${nameIn(conversation, peer.user)}.`;
  return peer ? "You cannot write to this person." : "You can only read here.";
}

/** Of the button that leads to the newest. */
export const unseenWords = (unseen: number): string =>
  unseen === 0 ? "To the newest" : unseen === 1 ? "1 new message" : `${badgeWords(unseen)} new messages`;

/** Whoever reacted with an emoji, for who points at it. */
export function reactionLabel(emoji: string, users: readonly string[], conversation: Conversation): string {
  const { me } = conversation;
  const names = users.map((user) => (user === me.user ? "you" : nameIn(conversation, user)));
  return `${emoji} ${namesWords(names)}`;
}

/** What a notification by the page's live region says. */
export const heardWords = (message: ConversationMessage): string =>
  `${nameOf(message)}: ${excerptWords(message)}`;

/** Why a photo cannot be sent. */
export const PHOTO_WORDS = {
  unreadable: "This file is no photo that the browser can read.",
  tooLarge: "This photo is too large.",
  notUploaded: "The photo could not be uploaded.",
} as const;
