/** The list of rooms: what comes is taken once, also while the state is on its way. */
import { describe, expect, it } from "vitest";
import {
  EMPTY_INBOX,
  type Inbox,
  type InboxChange,
  listed,
  requestsIn,
  step,
  titleOf,
  unreadIn,
} from "../../../web/messages/inbox.ts";
import type { InboxEvent, InboxState, RoomSummary } from "../../../wire/inbox.ts";
import { idOf, message } from "./people.ts";

const room = (n: number, more: Partial<RoomSummary> = {}): RoomSummary => ({
  room: idOf(n),
  kind: "direct",
  peer: { user: `peer-${n}` },
  newest: 0,
  read: 0,
  unread: 0,
  at: `2026-01-0${n}T00:00:00.000Z`,
  ...more,
});
const STATE: InboxState = {
  rooms: [
    { ...room(1, { unread: 2 }), muted: false },
    { ...room(2, { unread: 5 }), muted: true },
  ],
  blocked: ["eve"],
  chosen: "online",
  epoch: "e",
  offset: 10,
};
const heard = (event: InboxEvent, offset?: number): InboxChange => ({ type: "heard", event, offset });
const inboxAfter = (changes: readonly InboxChange[], from: Inbox = EMPTY_INBOX): Inbox =>
  changes.reduce(step, from);
const HERE = inboxAfter([
  { type: "joined", isWhole: false },
  { type: "state", state: STATE },
]);
const said = (n: number, seq: number, unread: number): InboxEvent => ({
  type: "message",
  room: idOf(n),
  message: message(seq, { at: `2026-02-0${n}T00:00:00.000Z` }),
  unread,
});

describe("rooms", () => {
  it("are listed newest first", () => {
    expect(listed(HERE).map(({ room: id }) => id)).toEqual([idOf(2), idOf(1)]);
    const next = inboxAfter([heard(said(1, 7, 3), 11)], HERE);
    expect(listed(next).map(({ room: id }) => id)).toEqual([idOf(1), idOf(2)]);
    expect(next.rooms.get(idOf(1))).toMatchObject({ unread: 3, newest: 7, last: { text: "text 7" } });
  });

  it("count what is unread where nothing is muted", () => {
    expect(unreadIn(HERE)).toBe(2);
  });

  it("take what was heard once, and after the state what came before it", () => {
    const twice = inboxAfter([heard(said(1, 7, 3), 11), heard(said(1, 7, 9), 11)], HERE);
    expect(twice.rooms.get(idOf(1))?.unread).toBe(3);
    const early = inboxAfter([
      { type: "joined", isWhole: false },
      heard(said(1, 6, 1), 10),
      heard(said(1, 7, 3), 11),
      { type: "state", state: STATE },
    ]);
    expect(early.offset).toBe(11);
    expect(early.rooms.get(idOf(1))?.last?.seq).toBe(7);
  });

  it("are new, muted, emptied and left", () => {
    const next = inboxAfter(
      [
        heard({ type: "room", summary: room(3) }, 11),
        heard({ type: "muted", room: idOf(3), muted: true }, 12),
        heard({ type: "room", summary: room(3, { unread: 1 }) }, 13),
        heard({ type: "left", room: idOf(2) }, 14),
        heard(said(1, 7, 3), 15),
        heard({ type: "deleted", room: idOf(1), ids: [idOf(7)] }, 16),
      ],
      HERE,
    );
    expect([...next.rooms.keys()].sort()).toEqual([idOf(1), idOf(3)]);
    expect(next.rooms.get(idOf(3))).toMatchObject({ muted: true, unread: 1 });
    expect(next.rooms.get(idOf(1))?.last?.text).toBe("");
  });

  it("are read here before the inbox says so", () => {
    const next = inboxAfter([heard(said(1, 7, 3), 11), { type: "read", room: idOf(1), seq: 7 }], HERE);
    expect(next.rooms.get(idOf(1))).toMatchObject({ read: 7, unread: 0 });
    expect(
      inboxAfter(
        [{ type: "read", room: idOf(1), seq: 5 }],
        inboxAfter([heard(said(1, 7, 3), 11)], HERE),
      ).rooms.get(idOf(1)),
    ).toMatchObject({ unread: 3 });
  });
});

it("keeps who is blocked, friends, and how everybody is", () => {
  const next = inboxAfter(
    [
      heard({ type: "blocked", user: "eve", blocked: false }, 11),
      heard({ type: "blocked", user: "mallory", blocked: true }, 12),
      heard({ type: "friend-request", user: "bob", name: "Bob" }, 13),
      heard({ type: "friend", user: "carol", state: "allowed" }, 14),
      heard({ type: "statuses", statuses: [{ user: "carol", status: "away" }] }),
      heard({ type: "you", chosen: "dnd" }),
    ],
    HERE,
  );
  expect([...next.blocked]).toEqual(["mallory"]);
  expect(requestsIn(next)).toEqual(["bob"]);
  expect(next.following.get("carol")).toBe("allowed");
  expect(next.statuses.get("carol")?.status).toBe("away");
  expect(next.chosen).toBe("dnd");
  const list = { following: [], followers: [{ user: "bob", allowed: true }] };
  expect(requestsIn(inboxAfter([{ type: "friends", list }], next))).toEqual([]);
});

it("shows what it has when it could not be asked for again", () => {
  expect(inboxAfter([{ type: "state-failed" }]).phase).toBe("failed");
  expect(inboxAfter([{ type: "state-failed" }], HERE).phase).toBe("here");
});

it.each([
  [{ title: "Mill" }, "Mill"],
  [{ peer: { user: "bob", name: "Bob" } }, "Bob"],
  [{ peer: { user: "bob" } }, "bob"],
  [{}, "Conversation"],
])("calls %j %s", (of, name) => {
  expect(titleOf(of)).toBe(name);
});
