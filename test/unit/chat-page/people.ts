/** People and messages that the tests of the chat page begin with. */

import { EMPTY_ROOM, type Room, type RoomEvent, step } from "../../../web/chat/room.ts";
import type { Who } from "../../../web/chat/who.ts";
import type { ChatMessage, ToldSettings } from "../../../wire/chat.ts";
import { DEFAULT_SETTINGS, told } from "../../../wire/chat.ts";

export const ALICE: Who = { user: "alice", name: "Alice", role: "member", badges: [] };
export const SETTINGS: ToldSettings = told(DEFAULT_SETTINGS);

/** A ULID that tells its number. */
export const idOf = (n: number): string => `01ARYZ6S41${String(n).padStart(16, "0")}`;

/** A message at an offset. */
export const message = (seq: number, more: Partial<ChatMessage> = {}): ChatMessage => ({
  type: "message",
  id: idOf(seq),
  seq,
  user: "bob",
  name: "Bob",
  role: "member",
  text: `text ${seq}`,
  nonce: `n${seq}`,
  at: "2026-01-01T00:00:00.000Z",
  ...more,
});

/** It was published. */
export const heard = (seq: number, more: Partial<ChatMessage> = {}): RoomEvent => ({
  type: "heard",
  offset: seq,
  event: message(seq, more),
});

/** What comes of a room by these events. */
export const roomAfter = (events: readonly RoomEvent[], room: Room = EMPTY_ROOM): Room =>
  events.reduce(step, room);

/** Alice is in the room, which has the messages 1 to `n`. */
export const joined = (n: number): Room =>
  roomAfter([
    { type: "became", who: ALICE },
    { type: "joined", epoch: "e", offset: n, isWhole: false },
    {
      type: "history",
      heard: Array.from({ length: n }, (_, i) => ({ offset: i + 1, event: message(i + 1) })),
    },
    {
      type: "told",
      state: { settings: SETTINGS, pinned: null, you: { mayWrite: true, mayModerate: false } },
    },
  ]);

export const seqs = (messages: readonly ChatMessage[]): readonly number[] => messages.map(({ seq }) => seq);
