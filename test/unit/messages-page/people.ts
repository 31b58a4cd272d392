/** People, messages and rooms that the tests of the messages page begin with. */

import type { Who } from "../../../web/chat/who.ts";
import {
  type Conversation,
  type ConversationChange,
  opened,
  step,
} from "../../../web/messages/conversation.ts";
import type {
  ConversationEvent,
  ConversationMessage,
  Member,
  RoomState,
} from "../../../wire/conversations.ts";

export const ALICE: Who = { user: "alice", name: "Alice", role: "member", badges: [] };
export const ROOM = "01ARYZ6S41TSV4RRFFQ69G5FAV";

/** A ULID that tells its number. */
export const idOf = (n: number): string => `01ARYZ6S41${String(n).padStart(16, "0")}`;

/** A message of Bob. */
export const message = (seq: number, more: Partial<ConversationMessage> = {}): ConversationMessage => ({
  type: "message",
  id: idOf(seq),
  seq,
  user: "bob",
  name: "Bob",
  role: "member",
  text: `text ${seq}`,
  nonce: `n${seq}`,
  at: "2026-01-05T10:00:00.000Z",
  ...more,
});

export const member = (user: string, more: Partial<Member> = {}): Member => ({
  user,
  role: "member",
  joinedAt: "2026-01-01T00:00:00.000Z",
  read: 0,
  ...more,
});

/** A group of Alice, Bob and Carol. */
export const state = (more: Partial<RoomState> = {}): RoomState => ({
  room: ROOM,
  kind: "group",
  title: "Mill",
  createdAt: "2026-01-01T00:00:00.000Z",
  members: [
    member("alice", { name: "Alice", role: "owner" }),
    member("bob", { name: "Bob" }),
    member("carol"),
  ],
  newest: 0,
  you: { role: "owner", read: 0, unread: 0, mayWrite: true },
  ...more,
});

/** A publication. */
export const heard = (event: ConversationEvent, offset?: number, nowMs = 0): ConversationChange => ({
  type: "heard",
  event,
  offset,
  nowMs,
});

export const said = (seq: number, more: Partial<ConversationMessage> = {}): ConversationChange =>
  heard(message(seq, more), seq);

/** A page of messages. */
export const page = (
  place: "newest" | "before" | "after" | "around",
  seqs: readonly number[],
  more: { readonly hasBefore?: boolean; readonly hasAfter?: boolean } = {},
): ConversationChange => ({
  type: "page",
  page: {
    place,
    events: seqs.map((seq) => ({ seq, event: message(seq) })),
    hasBefore: more.hasBefore ?? false,
    hasAfter: more.hasAfter ?? false,
  },
});

export const range = (from: number, to: number): readonly number[] =>
  Array.from({ length: to - from + 1 }, (_, i) => from + i);

/** What comes of a conversation by these changes. */
export const roomAfter = (changes: readonly ConversationChange[], from: Conversation = opened(ROOM, ALICE)) =>
  changes.reduce(step, from);

/** Alice is in the room, which has the messages 1 to `n`, of which she has read all. */
export const inRoom = (n: number): Conversation =>
  roomAfter([
    { type: "joined", isWhole: false, offset: n },
    { type: "told", state: state({ newest: n, you: { role: "owner", read: n, unread: 0, mayWrite: true } }) },
    page("newest", range(1, n)),
  ]);

export const seqs = ({ stretch }: Conversation): readonly number[] => stretch.rows.map(({ seq }) => seq);
