/** What members read of a conversation: how it is, pages of its history, what has certain words, one message as a whole. Changes nothing. */
import { fail, ok, type Result } from "../../media/result.ts";
import type { ConversationMessage, RoomAction, RoomHistory, RoomState } from "../../wire/conversations.ts";
import type { Refusal } from "../core/chat/judge.ts";
import { queryOf } from "../core/chat/wording.ts";
import { memberOf } from "./conversation-members.ts";
import type { ConversationRoom } from "./conversation-room.ts";
import type { Stored } from "./conversation-rows.ts";

/** A page has no more than this of letters, but always one publication. */
const PAGE_LETTERS = 128 * 1024;

type Asked<N extends RoomAction["name"]> = Extract<RoomAction, { readonly name: N }>["data"];
/** Messages that were found, and whether there are others. */
export interface Search {
  readonly messages: readonly ConversationMessage[];
  readonly more: boolean;
}

/** How the room is, for a member. */
export function stateFor(room: ConversationRoom, user: string): RoomState | undefined {
  const { facts } = room;
  const you = room.members.get(user);
  if (!facts || !you) return undefined;
  const { kind, title, createdAt } = facts;
  return {
    room: room.name,
    kind,
    ...(title !== undefined && { title }),
    createdAt: new Date(createdAt).toISOString(),
    members: room.members.all().map(memberOf),
    newest: room.position.offset,
    you: { role: you.role, read: you.read, unread: room.unreadOf(user), mayWrite: !room.isBlocked(user) },
  };
}

/** A page of what was said and what happened. */
export function historyOf(
  { rows }: ConversationRoom,
  { before, after, limit }: Asked<"room.history">,
): RoomHistory {
  const from =
    after !== undefined && before === undefined ? { after } : { before: before ?? Number.MAX_SAFE_INTEGER };
  const { page, more } = cut(rows.page(from, limit + 1), limit);
  const read = rows.read(page);
  const events = short(read);
  return { events: [...events], more: more || events.length < read.length };
}

/** Messages that have these words, newest first. */
export function searchIn(
  { rows }: ConversationRoom,
  { text, before = Number.MAX_SAFE_INTEGER, limit }: Asked<"room.search">,
): Result<Search, Refusal> {
  const query = queryOf(text);
  if (!query.ok) return query;
  if (query.value === undefined) return ok({ messages: [], more: false });
  const { page, more } = cut(rows.search(query.value, before, limit + 1), limit);
  const read = rows.read(page).flatMap(({ event }) => (event.type === "message" ? [event] : []));
  const messages = short(read);
  return ok({ messages, more: more || messages.length < read.length });
}

/** One message, all of it. */
export function messageIn(
  { rows }: ConversationRoom,
  id: string,
): Result<{ readonly message: ConversationMessage }, Refusal> {
  const found = rows.message(id);
  if (!found) return fail({ name: "unknownMessage" });
  const { seq, text } = found;
  const { more: _cut, ...message } = found.message;
  const reactions = rows.reactions([seq]).get(seq);
  return ok({ message: { ...message, text, ...(reactions && { reactions }) } });
}

/** As many as asked for, and no more letters than a page has; one more than asked for says that there are others. */
function cut(
  stored: readonly Stored[],
  limit: number,
): { readonly page: readonly Stored[]; readonly more: boolean } {
  let letters = 0;
  const page = stored.slice(0, limit).filter(({ data }, index) => {
    letters += data.length;
    return index === 0 || letters <= PAGE_LETTERS;
  });
  return { page, more: page.length < stored.length };
}

/** The first of them, no more letters than a page has, but always one: who reacted may be more than what was said. */
function short<T>(read: readonly T[]): readonly T[] {
  let letters = 0;
  const end = read.findIndex((one, index) => {
    letters += JSON.stringify(one).length;
    return index > 0 && letters > PAGE_LETTERS;
  });
  return end < 0 ? read : read.slice(0, end);
}
