/**
 * What of a conversation comes to a member's inbox: the room as they see it, what happened since they were told, what wakes a device that
 * is asleep. Pure; who is told when is durable-objects/chat/conversation-outbox.ts.
 */
import {
  type ConversationEvent,
  type ConversationMessage,
  EXCERPT_LETTERS,
  type RoomKind,
} from "../../../wire/conversations.ts";
import type { InboxEvent, Notification, RoomSummary } from "../../../wire/inbox.ts";
import { excerpt } from "./text.ts";
import { beginning } from "./wording.ts";

/** Letters of the newest message in a list of rooms. */
const SUMMARY_LETTERS = 120;
/** Letters of a notification: the services take 4 KB of all of it (RFC 8291, 4). */
const NOTIFIED_LETTERS = 240;
/** A photo that nothing was said with. */
const PHOTO = "📷";

/** A room, and one of its members. */
export interface Reader {
  readonly room: string;
  readonly kind: RoomKind;
  readonly title?: string;
  readonly user: string;
  /** Of a one-to-one room: the other one. */
  readonly peer?: { readonly user: string; readonly name?: string };
  /** Milliseconds since 1970. */
  readonly joinedAt: number;
  /** They have read up to here; `isReadNews`: their inbox does not know it. */
  readonly read: number;
  readonly isReadNews: boolean;
  readonly unread: number;
  readonly newest: number;
  /** The newest message that is still there. */
  readonly last?: ConversationMessage;
}

/** What happened, in order; `seq`: its number in the room. */
export interface Happened {
  readonly seq: number;
  readonly event: ConversationEvent;
}

/** A delivery to an inbox (durable-objects/inbox/inbox-messages.ts). */
export interface Telling {
  readonly summary: RoomSummary;
  readonly events: readonly { readonly seq: number; readonly event: InboxEvent }[];
  readonly upTo: number;
  readonly notification?: Notification;
  readonly left?: true;
}

/** The room as this member sees it in a list. */
export function summaryOf(reader: Reader): RoomSummary {
  const { room, kind, title, peer, newest, read, unread, last, joinedAt } = reader;
  return {
    room,
    kind,
    ...(title !== undefined && { title }),
    ...(peer && { peer }),
    newest,
    read,
    unread,
    ...(last && { last: { ...last, text: excerpt(last.text, SUMMARY_LETTERS) } }),
    at: last?.at ?? new Date(joinedAt).toISOString(),
  };
}

/** What a member is told of what happened up to `upTo`. */
export function tell(reader: Reader, happened: readonly Happened[], upTo: number): Telling {
  const { room } = reader;
  const summary = summaryOf(reader);
  let unread = reader.unread;
  let isAnother = reader.isReadNews;
  const events: { readonly seq: number; readonly event: InboxEvent }[] = [];
  // From the newest back: how many were unread with each message follows from how many are.
  for (const { seq, event } of happened.toReversed()) {
    if (event.type === "message") {
      const message = { ...event, ...beginning(event.text, EXCERPT_LETTERS) };
      events.push({ seq, event: { type: "message", room, message, unread } });
      if (isUnread(reader, event)) unread = Math.max(0, unread - 1);
    } else if (event.type === "deleted") {
      events.push({ seq, event: { type: "deleted", room, ids: event.ids } });
    } else if (event.type !== "reaction" && event.type !== "gone") isAnother = true;
  }
  events.reverse();
  if (isAnother) events.push({ seq: upTo, event: { type: "room", summary } });
  const news = happened.findLast(({ event }) => event.type === "message" && isUnread(reader, event))?.event;
  return {
    summary,
    events,
    upTo,
    ...(news?.type === "message" && { notification: notificationOf(reader, news) }),
  };
}

/** What somebody is told who is no member any more: nothing of the room but that. */
export function tellGone({ room, kind }: Pick<Reader, "room" | "kind">, seq: number, at: number): Telling {
  return {
    summary: { room, kind, newest: seq, read: seq, unread: 0, at: new Date(at).toISOString() },
    events: [{ seq, event: { type: "left", room } }],
    upTo: seq,
    left: true,
  };
}

const isUnread = ({ user, read }: Reader, message: ConversationMessage): boolean =>
  message.user !== user && message.seq > read;

function notificationOf(
  { room, kind, title, unread }: Reader,
  { id, user, name = user, text }: ConversationMessage,
): Notification {
  const said = text === "" ? PHOTO : excerpt(text, NOTIFIED_LETTERS);
  return {
    room,
    title: kind === "group" ? (title ?? "") : name,
    body: kind === "group" ? `${name}: ${said}` : said,
    unread,
    id,
  };
}
