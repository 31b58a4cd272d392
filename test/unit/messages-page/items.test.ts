/** What stands in a room from top to bottom. */
import { describe, expect, it } from "vitest";
import type { Conversation } from "../../../web/messages/conversation.ts";
import { isSameItem, itemsOf } from "../../../web/messages/items.ts";
import type { Pending } from "../../../web/messages/outgoing.ts";
import type { ConversationEvent } from "../../../wire/conversations.ts";
import { heard, inRoom, member, page, roomAfter, said, state } from "./people.ts";

const NOW = Date.parse("2026-01-05T12:00:00.000Z");
/** In a word each. */
const drawn = (conversation: Conversation, pending: readonly Pending[] = []): readonly string[] =>
  itemsOf(conversation, pending, NOW).map((item) => {
    switch (item.type) {
      case "message":
        return `${item.isFirst ? "first" : "then"} ${item.message.text}`;
      case "pending":
        return `pending ${item.pending.text}`;
      case "new":
        return "new";
      default:
        return `${item.type} ${item.words}`;
    }
  });
const pending: Pending = { nonce: "mine", text: "on its way", state: "sending" };

describe("messages", () => {
  it("stand under their day, and together when one person goes on", () => {
    const room = roomAfter(
      [
        said(1, { at: "2026-01-04T09:00:00.000Z" }),
        said(2, { at: "2026-01-05T09:00:00.000Z" }),
        said(3, { at: "2026-01-05T09:01:00.000Z" }),
        said(4, { at: "2026-01-05T09:30:00.000Z" }),
        said(5, { at: "2026-01-05T09:30:00.000Z", user: "carol" }),
      ],
      inRoom(0),
    );
    expect(drawn(room)).toEqual([
      "day Yesterday",
      "new",
      "first text 1",
      "day Today",
      "first text 2",
      "then text 3",
      "first text 4",
      "first text 5",
    ]);
  });

  it("that are new stand below a mark, until something is written", () => {
    const room = roomAfter([
      { type: "joined", isWhole: false, offset: 4 },
      {
        type: "told",
        state: state({ newest: 4, you: { role: "owner", read: 2, unread: 2, mayWrite: true } }),
      },
      page("newest", [1, 2, 3, 4]),
    ]);
    expect(drawn(room)).toEqual([
      "day Today",
      "first text 1",
      "then text 2",
      "new",
      "first text 3",
      "then text 4",
    ]);
    expect(drawn(roomAfter([{ type: "wrote" }], room))).not.toContain("new");
  });

  it("have no mark where it would stand further up", () => {
    const room = roomAfter([
      { type: "told", state: state({ newest: 90 }) },
      page("newest", [80, 81], { hasBefore: true }),
    ]);
    expect(drawn(room)).not.toContain("new");
  });
});

describe("what is on its way", () => {
  it("stands at the end, until it is there", () => {
    const room = inRoom(1);
    expect(drawn(room, [pending]).at(-1)).toBe("pending on its way");
    const there = roomAfter([said(2, { user: "alice", nonce: "mine", text: "on its way" })], room);
    expect(drawn(there, [pending])).not.toContain("pending on its way");
    // Somebody else's nonce is none of hers.
    expect(drawn(roomAfter([said(2, { nonce: "mine" })], room), [pending])).toContain("pending on its way");
  });

  it("is not shown in the middle of a history", () => {
    expect(drawn(roomAfter([page("around", [1], { hasAfter: true })], inRoom(1)), [pending])).toEqual([
      "day Today",
      "first text 1",
    ]);
  });
});

describe("receipts", () => {
  const mine = roomAfter([said(2, { user: "alice" })], inRoom(1));
  const read = (user: string) => heard({ type: "read", user, seq: 2 });

  it.each([
    [[], "seen Sent"],
    [["bob"], "seen Seen by Bob"],
    [["bob", "carol"], "seen Seen by Bob and carol"],
  ])("of %j", (readers, words) => {
    expect(drawn(roomAfter(readers.map(read), mine)).at(-1)).toBe(words);
  });

  it("stand below one's own newest message only", () => {
    expect(drawn(roomAfter([said(3)], mine)).at(-1)).toBe("first text 3");
    expect(drawn(mine, [pending]).at(-1)).toBe("pending on its way");
  });
});

describe("notes", () => {
  const joined = (user: string, by: string): ConversationEvent => ({
    type: "joined",
    member: member(user),
    by,
  });

  it("say who was added, all in one line", () => {
    const events = [
      joined("alice", "alice"),
      joined("bob", "alice"),
      joined("dan", "alice"),
      joined("eve", "bob"),
    ];
    const room = roomAfter(
      events.map((event, i) => heard(event, i + 1)),
      roomAfter([{ type: "told", state: state({ members: [] }) }], inRoom(0)),
    );
    expect(drawn(room)).toEqual([
      "note You made the group",
      "note You added Bob and dan",
      "note Bob added eve",
    ]);
  });

  it.each<readonly [ConversationEvent, string]>([
    [{ type: "left", user: "bob", by: "bob" }, "Bob left"],
    [{ type: "left", user: "bob", by: "alice" }, "You removed Bob"],
    [{ type: "left", user: "alice", by: "bob" }, "Bob removed you"],
    [{ type: "role", user: "alice", role: "moderator", by: "bob" }, "Bob made you a moderator"],
    [{ type: "title", title: "<b>", by: "bob" }, "Bob named the group “<b>”"],
  ])("say of %j: %s", (event, words) => {
    expect(drawn(roomAfter([heard(event, 2)], inRoom(1))).at(-1)).toBe(`note ${words}`);
  });

  it("are not in one-to-one rooms", () => {
    const direct = roomAfter([{ type: "told", state: state({ kind: "direct" }) }], inRoom(1));
    expect(drawn(roomAfter([heard(joined("bob", "alice"), 2)], direct))).toEqual([
      "day Today",
      "first text 1",
    ]);
  });
});

it("draws again only what is another", () => {
  const room = inRoom(2);
  const [one, other] = [itemsOf(room, [], NOW), itemsOf(roomAfter([said(3)], room), [], NOW)];
  expect(one.map((item, i) => other[i] !== undefined && isSameItem(item, other[i]))).toEqual([
    true,
    true,
    true,
  ]);
  const reacted = roomAfter(
    [heard({ type: "reaction", id: "none", user: "bob", emoji: "x", on: true }, 4)],
    room,
  );
  expect(itemsOf(reacted, [], NOW).every((item, i) => one[i] !== undefined && isSameItem(item, one[i]))).toBe(
    true,
  );
});
