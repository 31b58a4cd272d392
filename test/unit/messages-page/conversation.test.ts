/** The open conversation: nothing is lost, doubled or out of order, whatever comes in what order. */
import { describe, expect, it } from "vitest";
import { type Conversation, readUpTo, step } from "../../../web/messages/conversation.ts";
import { MAX_ROWS } from "../../../web/messages/stretch.ts";
import { heard, idOf, inRoom, member, message, page, range, roomAfter, said, seqs, state } from "./people.ts";

const reactionsOf = ({ stretch }: Conversation, seq: number) => {
  const event = stretch.rows.find((row) => row.seq === seq)?.event;
  return event?.type === "message" ? event.reactions : undefined;
};

describe("messages", () => {
  it("come once, and in their order", () => {
    const room = roomAfter([said(4), said(5), said(4), page("newest", [1, 2, 3, 4])], inRoom(0));
    expect(seqs(room)).toEqual([1, 2, 3, 4, 5]);
  });

  it("that come while the history is asked for stand below it", () => {
    const room = roomAfter([{ type: "joined", isWhole: false, offset: 2 }, said(3), page("newest", [1, 2])]);
    expect(seqs(room)).toEqual([1, 2, 3]);
  });

  it("are asked for anew when what was missed cannot be had", () => {
    const room = roomAfter([{ type: "dropped" }, { type: "joined", isWhole: false, offset: 90 }], inRoom(3));
    expect(room.asking).toBe("newest");
    expect(seqs(roomAfter([said(91), page("newest", [89, 90], { hasBefore: true })], room))).toEqual([
      89, 90, 91,
    ]);
  });

  it("stay when nothing was missed", () => {
    const room = roomAfter(
      [{ type: "dropped" }, { type: "joined", isWhole: true, offset: 4 }, said(4)],
      inRoom(3),
    );
    expect(room.link).toBe("joined");
    expect(seqs(room)).toEqual([1, 2, 3, 4]);
  });

  it("are no more than the page can hold", () => {
    const full = roomAfter(
      range(1, MAX_ROWS + 20).map((seq) => said(seq)),
      inRoom(0),
    );
    expect(seqs(full)).toEqual(range(21, MAX_ROWS + 20));
    expect(full.stretch.hasBefore).toBe(true);
  });

  it("do not go while somebody reads further up", () => {
    const reading = roomAfter([{ type: "at-end", isAtEnd: false }], inRoom(5));
    const more = roomAfter(
      range(6, MAX_ROWS + 20).map((seq) => said(seq)),
      reading,
    );
    expect(seqs(more)[0]).toBe(1);
    expect(more.unseen).toBe(MAX_ROWS + 15);
    expect(roomAfter([{ type: "at-end", isAtEnd: true }], more).unseen).toBe(0);
  });
});

describe("older messages", () => {
  const middle = roomAfter([page("around", range(40, 60), { hasBefore: true, hasAfter: true })], inRoom(0));

  it("stand above, and say whether there are others", () => {
    const room = roomAfter([page("before", range(30, 39), { hasBefore: true })], middle);
    expect(seqs(room)).toEqual(range(30, 60));
    expect(room.stretch).toMatchObject({ first: 30, last: 60, hasBefore: true, hasAfter: true });
  });

  it("leave what comes meanwhile for later, without a gap", () => {
    const heardMore = roomAfter([said(99), said(100)], middle);
    expect(seqs(heardMore)).toEqual(range(40, 60));
    expect(heardMore.unseen).toBe(2);
    const next = roomAfter([page("after", range(61, 90), { hasAfter: true })], heardMore);
    expect(seqs(next)).toEqual(range(40, 90));
    expect(seqs(roomAfter([page("after", range(91, 98))], next))).toEqual(range(40, 100));
  });

  it("that fill the page push the newest out", () => {
    const room = roomAfter([page("before", range(1, MAX_ROWS))], inRoom(0));
    const full = roomAfter([page("newest", range(1_000, 1_010)), page("before", range(700, 999))], room);
    expect(full.stretch.rows).toHaveLength(MAX_ROWS);
    expect(full.stretch).toMatchObject({ first: 700, hasAfter: true });
  });

  it("are followed to the newest by one page", () => {
    const room = roomAfter([page("newest", range(80, 100), { hasBefore: true })], middle);
    expect(seqs(room)).toEqual(range(80, 100));
    expect(room.stretch.hasAfter).toBe(false);
  });

  it("that could not be had do not take away what is there", () => {
    const room = roomAfter(
      [
        { type: "asking", place: "before" },
        { type: "ask-failed", place: "before" },
      ],
      inRoom(3),
    );
    expect(room).toMatchObject({ phase: "here", failed: "before", asking: undefined });
    expect(roomAfter([{ type: "ask-failed", place: "newest" }]).phase).toBe("failed");
  });
});

describe("what is taken back", () => {
  const gone = (seq: number) => heard({ type: "deleted", ids: [idOf(seq)] }, 50);

  it("is gone, and what quotes it is emptied", () => {
    const replyTo = { id: idOf(2), user: "bob", text: "text 2" };
    const room = roomAfter([said(4, { replyTo }), gone(2)], inRoom(3));
    expect(seqs(room)).toEqual([1, 3, 4]);
    expect(room.stretch.rows.at(-1)?.event).toMatchObject({ replyTo: { text: "" } });
  });

  it("does not come back with a history that is older", () => {
    expect(seqs(roomAfter([gone(2), page("newest", [1, 2, 3])], inRoom(0)))).toEqual([1, 3]);
    expect(seqs(roomAfter([gone(2), said(2)], inRoom(0)))).toEqual([]);
  });
});

describe("reactions", () => {
  const on = (user: string, isOn = true) =>
    heard({ type: "reaction", id: idOf(2), user, emoji: "👍", on: isOn }, 60);

  it("are one of each person, and go again", () => {
    const room = roomAfter([on("bob"), on("carol"), on("bob")], inRoom(3));
    expect(reactionsOf(room, 2)).toEqual({ "👍": ["bob", "carol"] });
    expect(reactionsOf(roomAfter([on("bob", false), on("carol", false)], room), 2)).toBeUndefined();
  });

  it("are there also when their message comes later", () => {
    expect(reactionsOf(roomAfter([on("bob"), page("newest", [1, 2, 3])], inRoom(0)), 2)).toEqual({
      "👍": ["bob"],
    });
  });
});

describe("members", () => {
  it("come, are given roles, and go", () => {
    const room = roomAfter(
      [
        heard({ type: "joined", member: member("dan", { name: "Dan" }), by: "alice" }, 4),
        heard({ type: "role", user: "bob", role: "moderator", by: "alice" }, 5),
        heard({ type: "left", user: "carol", by: "alice" }, 6),
        heard({ type: "title", title: "Old mill", by: "alice" }, 7),
      ],
      inRoom(3),
    );
    expect([...room.members.keys()]).toEqual(["alice", "bob", "dan"]);
    expect(room.members.get("bob")?.role).toBe("moderator");
    expect(room.title).toBe("Old mill");
    expect(seqs(room)).toEqual(range(1, 7));
  });

  it("who are removed cannot write any more", () => {
    const room = roomAfter([heard({ type: "left", user: "alice", by: "bob" }, 4)], inRoom(3));
    expect(room).toMatchObject({ link: "refused", mayWrite: false });
    // The line says nothing else of it.
    expect(step(room, { type: "dropped" }).link).toBe("refused");
  });

  it("have read what they say, and never less than before", () => {
    const room = roomAfter(
      [heard({ type: "read", user: "bob", seq: 3 }), heard({ type: "read", user: "bob", seq: 1 })],
      inRoom(3),
    );
    expect(room.members.get("bob")?.read).toBe(3);
    expect(roomAfter([said(4)], room).members.get("bob")?.read).toBe(4);
  });

  it("type until they say something, or for six seconds", () => {
    const typing = (isOn: boolean) => heard({ type: "typing", user: "bob", typing: isOn }, undefined, 1_000);
    const room = roomAfter([typing(true)], inRoom(3));
    expect([...room.typing.keys()]).toEqual(["bob"]);
    expect(roomAfter([said(4)], room).typing.size).toBe(0);
    expect(roomAfter([typing(false)], room).typing.size).toBe(0);
    expect(roomAfter([{ type: "tick", nowMs: 6_999 }], room).typing.size).toBe(1);
    expect(roomAfter([{ type: "tick", nowMs: 7_000 }], room).typing.size).toBe(0);
  });
});

it("is read up to the newest by who sees the end of it", () => {
  const room = inRoom(3);
  expect(readUpTo(room)).toBe(3);
  expect(readUpTo(roomAfter([heard({ type: "title", title: "x", by: "bob" }, 4)], room))).toBe(4);
  expect(readUpTo(roomAfter([{ type: "at-end", isAtEnd: false }], room))).toBeUndefined();
  expect(readUpTo(roomAfter([{ type: "dropped" }], room))).toBeUndefined();
  expect(readUpTo(roomAfter([page("around", [1], { hasAfter: true })], room))).toBeUndefined();
});

it("loses nothing in any order of pages and publications", () => {
  for (let seed = 1; seed <= 40; seed += 1) {
    let random = seed;
    const next = (below: number): number => {
      random = (random * 48_271) % 2_147_483_647;
      return random % below;
    };
    let newest = 20;
    let room = roomAfter([
      { type: "joined", isWhole: false, offset: newest },
      { type: "told", state: state({ newest }) },
      page("newest", range(11, 20), { hasBefore: true }),
    ]);
    for (let turn = 0; turn < 60; turn += 1) {
      const { first, last, hasBefore, hasAfter } = room.stretch;
      switch (next(5)) {
        case 0:
          newest += 1;
          room = step(room, said(newest, { text: message(newest).text }));
          break;
        case 1:
          if (hasBefore)
            room = step(
              room,
              page("before", range(Math.max(1, first - 5), first - 1), { hasBefore: first > 6 }),
            );
          break;
        case 2:
          if (hasAfter) {
            const end = Math.min(newest, last + 5);
            room = step(room, page("after", range(last + 1, end), { hasAfter: end < newest }));
          }
          break;
        case 3: {
          const at = 1 + next(newest);
          const end = Math.min(newest, at + 3);
          room = step(
            room,
            page("around", range(Math.max(1, at - 3), end), { hasBefore: at > 4, hasAfter: end < newest }),
          );
          break;
        }
        default:
          room = step(room, { type: "at-end", isAtEnd: next(2) === 0 });
      }
      const shown = seqs(room);
      expect(shown, `seed ${seed}`).toEqual(range(shown[0] ?? 1, shown.at(-1) ?? 0));
      if (!room.stretch.hasAfter) expect(shown.at(-1), `seed ${seed}`).toBe(newest);
    }
  }
});
