/** What stands in an open conversation from top to bottom: days, notes, groups of messages, what is new, what is on its way. Pure. */
import type { ConversationMessage } from "../../wire/conversations.ts";
import { nameOf } from "../chat/mentions.ts";
import type { Conversation } from "./conversation.ts";
import type { Pending } from "./outgoing.ts";
import type { Row, RowEvent } from "./stretch.ts";
import { dayWords, isSameDay } from "./times.ts";
import { noteWords, seenWords } from "./words.ts";

/** Messages of one person that follow sooner stand under one name. */
const GROUP_MS = 5 * 60_000;

export type Item =
  | { readonly type: "day"; readonly key: string; readonly words: string }
  | { readonly type: "new"; readonly key: string }
  | { readonly type: "note"; readonly key: string; readonly seq: number; readonly words: string }
  | {
      readonly type: "message";
      readonly key: string;
      readonly message: ConversationMessage;
      readonly isMine: boolean;
      /** First of those that stand under one name. */
      readonly isFirst: boolean;
      /** Its author is named: in a group, above the first. */
      readonly isNamed: boolean;
      readonly mayReact: boolean;
      readonly isFound: boolean;
      /** The rest of a long text, when it is shown. */
      readonly whole: string | undefined;
    }
  | { readonly type: "pending"; readonly key: string; readonly pending: Pending; readonly isFirst: boolean }
  /** Below the newest message, when it is this user's own. */
  | { readonly type: "seen"; readonly key: string; readonly words: string };

/** The items of a conversation; `pending` are its own that are on their way. */
export function itemsOf(
  conversation: Conversation,
  pending: readonly Pending[],
  nowMs: number,
): readonly Item[] {
  const { stretch, me, readAtFirst, found, whole, kind, mayWrite } = conversation;
  const items: Item[] = [];
  let above: ConversationMessage | undefined;
  let day: string | undefined;
  let isMarked = readAtFirst === undefined;
  let isFirstMessage = true;
  for (const { seq, event } of stretch.rows) {
    if (event.type !== "message") {
      // Who is in a one-to-one room is no news.
      if (kind === "group") items.push(...notesOf(seq, event, conversation));
      above = undefined;
      continue;
    }
    if (day === undefined || !isSameDay(day, event.at)) {
      items.push({ type: "day", key: `day ${seq}`, words: dayWords(event.at, nowMs) });
      above = undefined;
    }
    day = event.at;
    if (!isMarked && event.user !== me.user && seq > (readAtFirst ?? 0)) {
      isMarked = true;
      // What is above the stretch may be new as well: then the mark would stand further up.
      if (!(isFirstMessage && stretch.hasBefore)) {
        items.push({ type: "new", key: "new" });
        above = undefined;
      }
    }
    isFirstMessage = false;
    const isMine = event.user === me.user;
    const isFirst = !isGrouped(above, event);
    items.push({
      type: "message",
      key: event.id,
      message: event,
      isMine,
      isFirst,
      isNamed: isFirst && !isMine && kind === "group",
      mayReact: mayWrite,
      isFound: event.id === found,
      whole: whole.get(event.id),
    });
    above = event;
  }
  if (stretch.hasAfter) return items;
  const left = remaining(pending, stretch.rows, me.user);
  const seen = left.length > 0 ? undefined : seenOf(conversation);
  if (seen !== undefined) items.push({ type: "seen", key: "seen", words: seenWords(seen, conversation) });
  left.forEach((one, i) => {
    const isFirst = i === 0 && above?.user !== me.user;
    items.push({ type: "pending", key: `nonce ${one.nonce}`, pending: one, isFirst });
  });
  return items;
}

/** The note of an event; none for who was added together with somebody before. */
function notesOf(
  seq: number,
  event: Exclude<RowEvent, { type: "message" }>,
  conversation: Conversation,
): readonly Item[] {
  const { rows } = conversation.stretch;
  const at = rows.findIndex((row) => row.seq === seq);
  if (event.type !== "joined") {
    // Who makes a group names it, too.
    if (event.type === "title" && isMaking(rows[at + 1])) return [];
    return [{ type: "note", key: `note ${seq}`, seq, words: noteWords(event, conversation) }];
  }
  if (isAdding(rows[at - 1], event.by)) return [];
  const added: string[] = [];
  for (let next = at + 1; isAdding(rows[next], event.by); next += 1) {
    const other = rows[next]?.event;
    if (other?.type === "joined" && event.member.user !== event.by) added.push(other.member.user);
  }
  return [{ type: "note", key: `note ${seq}`, seq, words: noteWords(event, conversation, added) }];
}

/** Whether a row says that somebody added somebody else. */
const isAdding = (row: Row | undefined, by: string): boolean =>
  row?.event.type === "joined" && row.event.by === by && row.event.member.user !== by;

/** Whether a row says that somebody made the group. */
const isMaking = (row: Row | undefined): boolean =>
  row?.event.type === "joined" && row.event.by === row.event.member.user;

/** Whether an item looks as it did. */
export function isSameItem(one: Item, other: Item): boolean {
  const [ours, theirs] = [Object.entries(one), Object.entries(other)];
  return (
    ours.length === theirs.length &&
    ours.every(([key, value], i) => theirs[i]?.[0] === key && theirs[i]?.[1] === value)
  );
}

const isGrouped = (above: ConversationMessage | undefined, message: ConversationMessage): boolean =>
  above !== undefined &&
  above.user === message.user &&
  message.replyTo === undefined &&
  Date.parse(message.at) - Date.parse(above.at) < GROUP_MS;

/** Those that are not among the rows yet. */
function remaining(pending: readonly Pending[], rows: readonly Row[], user: string): readonly Pending[] {
  if (pending.length === 0) return pending;
  const arrived = new Set(
    rows.flatMap(({ event }) => (event.type === "message" && event.user === user ? [event.nonce] : [])),
  );
  return pending.filter(({ nonce }) => !arrived.has(nonce));
}

/** Who has read the newest message, when it is this user's own; `undefined`: it is not. */
function seenOf({ stretch, members, me }: Conversation): readonly string[] | undefined {
  const newest = stretch.rows.findLast(({ event }) => event.type === "message");
  if (newest?.event.type !== "message" || newest.event.user !== me.user) return undefined;
  return [...members.values()].filter(({ user, read }) => user !== me.user && read >= newest.seq).map(nameOf);
}
