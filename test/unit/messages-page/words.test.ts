/** Words, times and sizes of the messages page. */
import { describe, expect, it } from "vitest";
import { hashOfRoom, roomOfHash, socketUrl } from "../../../web/messages/address.ts";
import { EMPTY_INBOX } from "../../../web/messages/inbox.ts";
import { boxOf, fitted } from "../../../web/messages/photo-size.ts";
import { asking, hear, NOBODY_HERE, told } from "../../../web/messages/presence.ts";
import { agoWords, dayWords, isSameDay } from "../../../web/messages/times.ts";
import {
  actionWords,
  closedWords,
  excerptWords,
  namesWords,
  pageTitle,
  roomTitle,
  roomWords,
  shortened,
  statusWords,
  typingWords,
} from "../../../web/messages/words.ts";
import { CHAT_ERROR } from "../../../wire/chat.ts";
import { heard, inRoom, member, ROOM, roomAfter, state } from "./people.ts";

const NOW = new Date(2026, 0, 15, 12).getTime();
const local = (day: number, hour = 12): string => new Date(2026, 0, day, hour).toISOString();

it.each([
  [[], ""],
  [["Bob"], "Bob"],
  [["Bob", "Carol"], "Bob and Carol"],
  [["a", "b", "c"], "a, b and c"],
  [["a", "b", "c", "d"], "a, b, c and 1 other"],
  [["a", "b", "c", "d", "e"], "a, b, c and 2 others"],
])("names %j", (names, words) => {
  expect(namesWords(names)).toBe(words);
});

it.each([
  [0, undefined, "Messages"],
  [3, "Bob", "(3) Bob · Messages"],
  [100, undefined, "(99+) Messages"],
])("counts %i unread in the title", (unread, room, words) => {
  expect(pageTitle(unread, room)).toBe(words);
});

describe("times", () => {
  it("are of a day here, not of one in Greenwich", () => {
    expect(isSameDay(local(15, 0), local(15, 23))).toBe(true);
    expect(isSameDay(local(15, 23), local(16, 0))).toBe(false);
  });

  it("are days as people say them", () => {
    expect(dayWords(local(15), NOW)).toBe("Today");
    expect(dayWords(local(14), NOW)).toBe("Yesterday");
    expect(dayWords("no day", NOW)).toBe("");
    expect(dayWords(local(2), NOW)).not.toMatch(/2026/);
    expect(dayWords("2024-05-03T12:00:00.000Z", NOW)).toMatch(/2024/);
  });

  it.each([
    [20, "just now"],
    [300, "5 min ago"],
    [7_200, "2 h ago"],
  ])("%i s ago is %s", (seconds, words) => {
    expect(agoWords(new Date(NOW - 1000 * seconds).toISOString(), NOW)).toBe(words);
  });
});

describe("a text", () => {
  it("is whole unless it is long", () => {
    expect(shortened("x".repeat(1_000), false)).toBeUndefined();
    expect(shortened("x".repeat(1_001), false)).toBe(`${"x".repeat(500)}…`);
    expect(shortened("short", true)).toBe("short…");
    expect(shortened("a\n".repeat(30), false)).toBe(`${"a\n".repeat(9)}a…`);
    // No letter is cut in two.
    expect(shortened("🎉".repeat(1_001), false)).toBe(`${"🎉".repeat(500)}…`);
  });

  it("in a line has no breaks", () => {
    expect(excerptWords({ text: "a\n\n b" })).toBe("a b");
    expect(excerptWords({ text: "" })).toBe("Message deleted");
  });
});

describe("a room", () => {
  const direct = roomAfter(
    [{ type: "told", state: state({ kind: "direct", members: [member("alice"), member("bob")] }) }],
    inRoom(0),
  );

  it("is called as its people are known", () => {
    expect(roomTitle(inRoom(1), EMPTY_INBOX)).toBe("Mill");
    expect(roomTitle(direct, EMPTY_INBOX)).toBe("Bob");
    const known = new Map([
      [ROOM, { kind: "direct", title: undefined, peer: { user: "bob", name: "Robert" } }],
    ]);
    const nameless = { ...direct, names: new Map() };
    expect(roomTitle(nameless, { ...EMPTY_INBOX, rooms: known as never })).toBe("Robert");
    expect(roomTitle(nameless, EMPTY_INBOX)).toBe("bob");
  });

  it("says who is here and how they are", () => {
    const here = told(NOBODY_HERE, {
      users: 2,
      present: [{ user: "bob", role: "member" }],
      epoch: "e",
      offset: 1,
    });
    expect(roomWords(direct, here, EMPTY_INBOX, NOW)).toBe("here now");
    const statuses = new Map([["bob", { user: "bob", status: "dnd" as const }]]);
    expect(roomWords(direct, NOBODY_HERE, { ...EMPTY_INBOX, statuses }, NOW)).toBe("do not disturb");
    expect(roomWords(inRoom(0), here, EMPTY_INBOX, NOW)).toBe("3 people · 2 here now");
  });

  it("says who writes", () => {
    const typing = (user: string) => heard({ type: "typing", user, typing: true });
    expect(typingWords(roomAfter([typing("bob")], inRoom(0)))).toBe("Bob is writing…");
    expect(typingWords(roomAfter([typing("bob"), typing("carol")], inRoom(0)))).toBe(
      "Bob and carol are writing…",
    );
    expect(typingWords(roomAfter([typing("bob")], direct))).toBe("writing…");
    expect(typingWords(roomAfter([typing("alice")], direct))).toBe("");
  });

  it("says why nobody can write", () => {
    expect(closedWords({ ...direct, link: "refused" }, new Set())).toMatch(/not in this conversation/);
    expect(closedWords(direct, new Set(["bob"]))).toBe("You blocked Bob.");
    expect(closedWords(direct, new Set())).toBe("You cannot write to this person.");
  });
});

it.each([
  [0, "There is no connection. Try again."],
  [103, "You may not do that."],
  [107, "That cannot be right. Look at it once more."],
  [CHAT_ERROR.lastOwner.code, "Make somebody else an owner first."],
  [108, "That did not work. Try again."],
])("says of error %i: %s", (code, words) => {
  expect(actionWords({ code, message: "" })).toBe(words);
});

it("says when somebody was active", () => {
  const lastActiveAt = new Date(NOW - 600_000).toISOString();
  expect(statusWords({ user: "bob", status: "offline", lastActiveAt }, NOW)).toBe("active 10 min ago");
  expect(statusWords(undefined, NOW)).toBe("");
});

describe("presence", () => {
  const bob = { user: "bob", role: "member" as const };
  const came = { event: { type: "changes" as const, came: [bob], went: [], users: 1 }, offset: 5 };
  const empty = (offset: number) => ({ users: 0, present: [], epoch: "e", offset });

  it("goes on from the state by changes", () => {
    const here = hear(told(NOBODY_HERE, empty(4)), came);
    expect([...here.present]).toEqual(["bob"]);
    const went = { event: { type: "changes" as const, came: [], went: ["bob"], users: 0 }, offset: 6 };
    expect(hear(here, went).present.size).toBe(0);
    expect(hear(here, { event: { type: "count", users: 1_200 } }).users).toBe(1_200);
  });

  it("is not undone by a state that is older, and is by one that is newer", () => {
    const heardIt = hear(asking(NOBODY_HERE), came);
    expect(told(heardIt, empty(4))).toMatchObject({ users: 1, present: new Set(["bob"]) });
    expect(told(heardIt, empty(6))).toMatchObject({ users: 0, present: new Set() });
  });
});

describe("photos", () => {
  it.each([
    [{ width: 4_000, height: 3_000 }, 2_048, { width: 2_048, height: 1_536 }],
    [{ width: 100, height: 50 }, 2_048, { width: 100, height: 50 }],
    [{ width: 9_000, height: 1 }, 320, { width: 320, height: 1 }],
  ])("of %j are at most %i", (size, longest, fit) => {
    expect(fitted(size, longest)).toEqual(fit);
  });

  it("have a box that can be seen", () => {
    expect(boxOf({ width: 9_000, height: 1 })).toEqual({ width: 320, height: 60 });
  });
});

describe("the address", () => {
  it.each([
    [hashOfRoom(ROOM), ROOM],
    ["", undefined],
    ["#room=<script>", undefined],
    [`#room=${ROOM}x`, undefined],
  ])("%s is the room %s", (hash, room) => {
    expect(roomOfHash(hash)).toBe(room);
  });

  it("of the socket names no stream", () => {
    expect(socketUrl({ protocol: "https:", host: "live.example" })).toBe(
      "wss://live.example/connection/websocket",
    );
  });
});
