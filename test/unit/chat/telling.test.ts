/** What of a conversation comes to a member's inbox. */
import { describe, expect, it } from "vitest";
import { type Happened, type Reader, tell, tellGone } from "../../../durable-objects/core/chat/telling.ts";
import type { ConversationMessage } from "../../../wire/conversations.ts";

const ROOM = "01ARYZ6S410000000000000000";
const message = (seq: number, user: string, text: string, name?: string): ConversationMessage => ({
  type: "message",
  id: `01ARYZ6S41000000000000000${seq}`,
  seq,
  user,
  ...(name !== undefined && { name }),
  role: "member",
  text,
  nonce: `${seq}`,
  at: "2026-11-21T21:00:00.000Z",
});
const reader = (more: Partial<Reader> = {}): Reader => ({
  room: ROOM,
  kind: "group",
  title: "Friends",
  user: "bob",
  joinedAt: Date.UTC(2026, 10, 20),
  read: 4,
  isReadNews: false,
  unread: 2,
  newest: 8,
  ...more,
});
const said = (...messages: readonly ConversationMessage[]): readonly Happened[] =>
  messages.map((event) => ({ seq: event.seq, event }));

describe("an inbox is told", () => {
  it("of messages, each with how many were unread with it", () => {
    const { events, upTo } = tell(
      reader(),
      said(
        message(4, "alice", "read"),
        message(5, "alice", "one"),
        message(6, "bob", "mine"),
        message(8, "carol", "two"),
      ),
      8,
    );
    expect(upTo).toBe(8);
    expect(events.map(({ seq, event }) => [seq, event.type === "message" && event.unread])).toEqual([
      [4, 0],
      [5, 1],
      [6, 1],
      [8, 2],
    ]);
  });

  it("of a long text its beginning, and in the list less", () => {
    const long = message(8, "alice", "word ".repeat(400).trim());
    const { events, summary } = tell(reader({ last: long }), said(long), 8);
    expect(events[0]?.event).toMatchObject({ message: { more: true, text: long.text.slice(0, 1_000) } });
    expect([...(summary.last?.text ?? "")].length).toBeLessThanOrEqual(120);
    expect(summary).toMatchObject({ newest: 8, read: 4, unread: 2, title: "Friends", at: long.at });
  });

  it("once that the room is another, whatever happened to it; and of nothing that is no news", () => {
    const by = "ann";
    const happened: readonly Happened[] = [
      { seq: 5, event: { type: "title", title: "a", by } },
      { seq: 6, event: { type: "left", user: "eve", by } },
      { seq: 7, event: { type: "reaction", id: ROOM, user: by, emoji: "👍", on: true } },
      { seq: 8, event: { type: "gone", seq: 8 } },
    ];
    const { events, notification } = tell(reader(), happened, 8);
    expect(events).toMatchObject([{ seq: 8, event: { type: "room", summary: { room: ROOM } } }]);
    expect(notification).toBeUndefined();
    expect(tell(reader(), happened.slice(2), 8).events).toEqual([]);
    expect(tell(reader({ isReadNews: true }), [], 8).events).toMatchObject([{ event: { type: "room" } }]);
  });

  it("of a deletion which message it was", () => {
    const { events } = tell(reader(), [{ seq: 8, event: { type: "deleted", ids: [ROOM] } }], 8);
    expect(events).toEqual([{ seq: 8, event: { type: "deleted", room: ROOM, ids: [ROOM] } }]);
  });

  it("that they are out, and nothing else of the room", () => {
    expect(tellGone({ room: ROOM, kind: "group" }, 9, 0)).toEqual({
      summary: { room: ROOM, kind: "group", newest: 9, read: 9, unread: 0, at: "1970-01-01T00:00:00.000Z" },
      events: [{ seq: 9, event: { type: "left", room: ROOM } }],
      upTo: 9,
      left: true,
    });
  });
});

describe("a device that is asleep", () => {
  it.each([
    [
      "a group",
      {},
      message(8, "alice", "hello", "Alice"),
      { title: "Friends", body: "Alice: hello", unread: 2 },
    ],
    [
      "a group, by who has no name",
      {},
      message(8, "alice", "hello"),
      { title: "Friends", body: "alice: hello" },
    ],
    [
      "a room of two",
      { kind: "direct" as const },
      message(8, "alice", "a\nb", "Alice"),
      { title: "Alice", body: "a b" },
    ],
    ["a photo", {}, message(8, "alice", "", "Alice"), { title: "Friends", body: "Alice: 📷" }],
  ])("is told of %s", (_name, more, news, notification) => {
    expect(tell(reader(more), said(news), 8).notification).toMatchObject({
      room: ROOM,
      id: news.id,
      ...notification,
    });
  });

  it.each([
    ["one's own", message(8, "bob", "mine")],
    ["what was read elsewhere", message(4, "alice", "read")],
  ])("is not told of %s", (_name, news) => {
    expect(tell(reader(), said(news), 8).notification).toBeUndefined();
  });
});
