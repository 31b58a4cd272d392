/** The room as the page shows it: what comes, what goes, what waits, and that nothing of what was taken back is left. */
import { describe, expect, it } from "vitest";
import { MAX_ROWS, type Pending, type RoomEvent, step } from "../../../web/chat/room.ts";
import type { ChatMessage } from "../../../wire/chat.ts";
import { heard, idOf, joined, message, roomAfter, SETTINGS, seqs } from "./people.ts";

const erased = (offset: number, event: Extract<RoomEvent, { type: "heard" }>["event"]): RoomEvent => ({
  type: "heard",
  offset,
  event,
});
const pendingOf = (nonce: string, more: Partial<Pending> = {}): Pending => ({
  nonce,
  text: `says ${nonce}`,
  state: "sending",
  ...more,
});

describe("messages", () => {
  it.each([
    ["in order", [3, 4], [1, 2, 3, 4]],
    ["out of order", [5, 3, 4], [1, 2, 3, 4, 5]],
    ["twice", [3, 3, 2, 1], [1, 2, 3]],
    ["with jumps, as in a huge room, which are no loss", [5, 9], [1, 2, 5, 9]],
  ])("come %s", (_name, come, rows) => {
    expect(
      seqs(
        roomAfter(
          come.map((seq) => heard(seq)),
          joined(2),
        ).rows,
      ),
    ).toEqual(rows);
  });

  it("are the newest 200 at most", () => {
    const room = roomAfter(
      Array.from({ length: 500 }, (_, i) => heard(i + 3)),
      joined(2),
    );
    expect(room.rows).toHaveLength(MAX_ROWS);
    expect(room.rows.at(-1)?.seq).toBe(502);
    expect(seqs(roomAfter([heard(1)], room).rows)).not.toContain(1);
  });
});

describe("what is taken back", () => {
  const room = roomAfter(
    [
      heard(4, { user: "eve" }),
      heard(5, { replyTo: { id: idOf(4), user: "eve", text: "text 4" } }),
      heard(6, { user: "eve" }),
    ],
    joined(3),
  );

  it.each([
    ["a message", erased(7, { type: "deleted", ids: [idOf(4)] }), [1, 2, 3, 5, 6]],
    ["two", erased(7, { type: "deleted", ids: [idOf(1), idOf(6)] }), [2, 3, 4, 5]],
    ["all of somebody", erased(7, { type: "user-deleted", user: "eve" }), [1, 2, 3, 5]],
    ["everything", erased(7, { type: "cleared" }), []],
  ] as const)("%s", (_name, event, rows) => {
    expect(seqs(step(room, event).rows)).toEqual(rows);
  });

  it("is not quoted any more", () => {
    for (const event of [
      erased(7, { type: "deleted", ids: [idOf(4)] }),
      erased(7, { type: "user-deleted", user: "eve" }),
    ]) {
      expect(step(room, event).rows.find(({ seq }) => seq === 5)?.replyTo?.text).toBe("");
    }
  });

  it("does not come back with a late history or a late publication", () => {
    const after7 = step(room, erased(7, { type: "deleted", ids: [idOf(4)] }));
    const late = roomAfter(
      [heard(4, { user: "eve" }), { type: "history", heard: [{ offset: 4, event: message(4) }] }],
      after7,
    );
    expect(seqs(late.rows)).not.toContain(4);
  });

  it("says nothing of what somebody says afterwards", () => {
    const next = roomAfter(
      [erased(7, { type: "user-deleted", user: "eve" }), heard(8, { user: "eve" })],
      room,
    );
    expect(seqs(next.rows)).toContain(8);
  });

  it("is not pinned either", () => {
    const pinned = step(room, erased(7, { type: "pinned", message: message(4, { user: "eve" }) }));
    expect(pinned.pinned?.seq).toBe(4);
    expect(step(pinned, erased(8, { type: "user-deleted", user: "eve" })).pinned).toBeNull();
  });
});

describe("somebody who reads", () => {
  const reading = step(joined(3), { type: "reading", isReading: true });
  const later = roomAfter([heard(4), heard(5, { user: "alice" }), heard(6)], reading);

  it("sees nothing move", () => {
    expect(later.rows).toBe(reading.rows);
    expect(seqs(later.waiting)).toEqual([4, 5, 6]);
    expect(later.unread).toBe(2);
  });

  it("gets everything when they come back, marked where it begins", () => {
    const back = step(later, { type: "reading", isReading: false });
    expect(seqs(back.rows)).toEqual([1, 2, 3, 4, 5, 6]);
    expect(back).toMatchObject({ unread: 0, waiting: [], firstNew: 4 });
    expect(step(back, { type: "reading", isReading: true }).firstNew).toBeUndefined();
  });

  it("does not find what was deleted meanwhile", () => {
    const deleted = step(later, erased(7, { type: "deleted", ids: [idOf(6), idOf(2)] }));
    expect(seqs(deleted.rows)).toEqual([1, 3]);
    expect(seqs(deleted.waiting)).toEqual([4, 5]);
    expect(deleted.unread).toBe(1);
  });

  it("keeps no more than 200 waiting, and counts them all", () => {
    const many = roomAfter(
      Array.from({ length: 900 }, (_, i) => heard(i + 4)),
      reading,
    );
    expect(many.waiting).toHaveLength(MAX_ROWS);
    expect(many.unread).toBe(900);
    expect(step(many, { type: "reading", isReading: false }).rows).toHaveLength(MAX_ROWS);
  });
});

describe("coming back", () => {
  it("after a recovery nothing is lost or doubled", () => {
    const room = roomAfter(
      [
        { type: "dropped" },
        { type: "joined", epoch: "e", offset: 3, isWhole: true },
        heard(4),
        heard(4),
        heard(5),
      ],
      joined(3),
    );
    expect(seqs(room.rows)).toEqual([1, 2, 3, 4, 5]);
    expect(room).toMatchObject({ link: "joined", history: "here" });
  });

  it("without one, only what the history has is shown, and what came since", () => {
    const lost = roomAfter(
      [{ type: "dropped" }, { type: "joined", epoch: "e", offset: 900, isWhole: false }, heard(901)],
      joined(3),
    );
    expect(lost.history).toBe("asked");
    const found = step(lost, {
      type: "history",
      heard: [
        { offset: 899, event: message(899) },
        { offset: 900, event: { type: "gone", seq: 900 } },
        { offset: 901, event: message(901) },
      ],
    });
    expect(seqs(found.rows)).toEqual([899, 901]);
    // Who knows whether they were deleted?
    expect(seqs(step(lost, { type: "history-failed" }).rows)).toEqual([901]);
  });

  it("to another epoch, nothing of the old one counts", () => {
    const room = roomAfter(
      [
        erased(4, { type: "user-deleted", user: "bob" }),
        { type: "joined", epoch: "other", offset: 1, isWhole: false },
        { type: "history", heard: [{ offset: 1, event: message(1, { text: "new" }) }] },
      ],
      joined(3),
    );
    expect(room.rows.map(({ text }) => text)).toEqual(["new"]);
  });
});

describe("what the viewer sends", () => {
  const sent = step(joined(1), { type: "sending", pending: pendingOf("mine") });

  it("is there until it comes from the room", () => {
    expect(sent.pending).toHaveLength(1);
    // Another's nonce is theirs.
    expect(step(sent, heard(2, { nonce: "mine" })).pending).toHaveLength(1);
    const come = step(sent, heard(3, { nonce: "mine", user: "alice" }));
    expect(come.pending).toEqual([]);
    expect(seqs(come.rows)).toEqual([1, 3]);
  });

  it("is forgotten when the room took it and has it no more", () => {
    const accepted = step(sent, { type: "accepted", nonce: "mine", nowMs: 0 });
    expect(accepted.pending[0]?.state).toBe("accepted");
    expect(step(accepted, { type: "history", heard: [] }).pending).toEqual([]);
    expect(step(sent, { type: "history", heard: [] }).pending).toHaveLength(1);
  });

  it("does not quote what was taken back", () => {
    const replyTo = { id: idOf(1), seq: 1, user: "bob", text: "text 1" };
    const replied = step(joined(1), { type: "sending", pending: pendingOf("r", { replyTo }) });
    const gone = step(replied, erased(2, { type: "deleted", ids: [idOf(1)] }));
    expect(gone.pending[0]?.replyTo?.text).toBe("");
  });

  it.each([
    ["slow mode", { code: 460, seconds: 12 }, 13_000],
    ["too fast", { code: 461, seconds: 10 }, 11_000],
    ["said already", { code: 462 }, 0],
  ])("and why it is not taken: %s", (_name, error, writableAtMs) => {
    const failed = step(sent, { type: "failed", nonce: "mine", why: "Because.", nowMs: 1_000, ...error });
    expect(failed.pending[0]).toMatchObject({ state: "failed", why: "Because." });
    expect(failed.writableAtMs).toBe(writableAtMs);
    expect(step(failed, { type: "discarded", nonce: "mine" }).pending).toEqual([]);
  });

  it("waits in slow mode, unless a moderator says it", () => {
    const slow = { ...SETTINGS, slowSeconds: 30 };
    const told = (mayModerate: boolean): RoomEvent => ({
      type: "told",
      state: { settings: slow, pinned: null, you: { mayWrite: true, mayModerate } },
    });
    const accepted: RoomEvent = { type: "accepted", nonce: "mine", nowMs: 1_000 };
    expect(roomAfter([told(false), accepted], sent).writableAtMs).toBe(31_000);
    expect(roomAfter([told(true), accepted], sent).writableAtMs).toBe(1_000);
  });
});

describe("sanctions and settings", () => {
  it("of the viewer, and of nobody else", () => {
    const until = "2026-01-01T00:10:00.000Z";
    const out = step(joined(1), erased(2, { type: "sanction", user: "alice", until }));
    expect(out.standing.silence).toBe(Date.parse(until));
    expect(step(out, erased(3, { type: "sanction", user: "alice" })).standing.silence).toBe("ever");
    expect(
      step(out, erased(3, { type: "sanction", user: "alice", lifted: true })).standing.silence,
    ).toBeUndefined();
    expect(step(joined(1), erased(2, { type: "sanction", user: "bob" })).standing.silence).toBeUndefined();
  });

  it("that a refusal tells of", () => {
    const banned = step(joined(1), { type: "failed", nonce: "x", why: "", code: 458, nowMs: 0 });
    expect(banned.standing.silence).toBe("ever");
    const out = step(joined(1), { type: "failed", nonce: "x", why: "", code: 459, seconds: 60, nowMs: 5 });
    expect(out.standing.silence).toBe(60_005);
  });

  it("are told anew", () => {
    const settings = { ...SETTINGS, enabled: false };
    expect(step(joined(1), erased(2, { type: "settings", settings })).settings).toBe(settings);
  });
});

/** Numbers that are the same in every run (mulberry32). */
function dice(seed: number): (sides: number) => number {
  let state = seed;
  return (sides) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) % sides;
  };
}

type Published = Extract<RoomEvent, { type: "heard" }>;

/** A room on the other side, which publishes by chance and knows what it has taken back. */
class Other {
  readonly roll: (sides: number) => number;
  readonly log: Published[] = [];
  /** Texts that were taken back. */
  readonly gone = new Set<string>();
  readonly users = ["alice", "bob", "eve", "mallory"];

  constructor(seed: number) {
    this.roll = dice(seed);
  }

  publish(): Published {
    const offset = this.log.length + 1;
    const published: Published = { type: "heard", offset, event: this.#event(offset) };
    this.log.push(published);
    for (const text of this.takenBack(published)) this.gone.add(text);
    return published;
  }

  #event(offset: number): Published["event"] {
    const before = this.messages();
    const any = before[this.roll(before.length || 1)];
    const user = this.users[this.roll(this.users.length)] ?? "bob";
    const sort = this.roll(20);
    if (sort === 0 && any) return { type: "deleted", ids: [any.id] };
    if (sort === 1) return { type: "user-deleted", user };
    if (sort === 2 && this.roll(4) === 0) return { type: "cleared" };
    if (sort === 3 && any && !this.gone.has(any.text)) return { type: "pinned", message: any };
    const isReply = this.roll(3) === 0 && any && !this.gone.has(any.text);
    const replyTo = isReply ? { id: any.id, user: any.user, text: any.text } : undefined;
    return message(offset, { user, text: `secret-${offset}-`, ...(replyTo && { replyTo }) });
  }

  messages(): readonly ChatMessage[] {
    return this.log.flatMap(({ event }) => (event.type === "message" ? [event] : []));
  }

  /** Texts that an event takes back. */
  takenBack({ offset, event }: Published): readonly string[] {
    if (event.type === "message" || event.type === "pinned") return [];
    const isMeant = (said: ChatMessage): boolean =>
      (event.type === "deleted" && event.ids.includes(said.id)) ||
      (event.type === "user-deleted" && said.user === event.user && said.seq < offset) ||
      (event.type === "cleared" && said.seq < offset);
    return this.messages()
      .filter(isMeant)
      .map(({ text }) => text);
  }

  /** What the room answers at a moment that may be over. */
  history(upTo: number): RoomEvent {
    const events = this.log.slice(0, upTo);
    const gone = new Set(events.flatMap((event) => this.takenBack(event)));
    const heard = events.slice(-100).map(({ offset, event }) => {
      if (event.type !== "message" && event.type !== "pinned") return { offset, event };
      const said = event.type === "pinned" ? event.message : event;
      return said && gone.has(said.text)
        ? { offset, event: { type: "gone" as const, seq: offset } }
        : { offset, event };
    });
    return { type: "history", heard };
  }
}

it.each(Array.from({ length: 15 }, (_, seed) => seed + 25))(
  "whatever happens, nothing that was taken back is left: %d",
  (seed) => {
    const other = new Other(seed);
    const { roll } = other;
    let room = joined(0);
    let missed: Published[] = [];
    const secrets = new Set<string>();
    const know = (one: Published): void => {
      for (const text of other.takenBack(one)) secrets.add(text);
    };
    let asOf = 0;
    for (let i = 0; i < 300; i += 1) {
      const published = other.publish();
      if (room.link === "joined") {
        know(published);
        room = step(room, published);
      } else missed.push(published);
      const sort = roll(30);
      if (sort < 4) room = step(room, { type: "reading", isReading: sort < 2 });
      if (sort === 5 && room.link === "joined") {
        asOf = other.log.length;
        room = step(room, { type: "dropped" });
      }
      if (sort > 24 && room.link === "dropped") {
        const isWhole = roll(2) === 0;
        const offset = other.log.length;
        room = step(room, { type: "joined", epoch: "e", offset: isWhole ? asOf : offset, isWhole });
        if (isWhole) for (const one of missed) room = step(room, one);
        else
          room = roll(5) === 0 ? step(room, { type: "history-failed" }) : step(room, other.history(offset));
        missed.forEach(know);
        missed = [];
      }
      // An answer that was long on its way.
      if (sort === 6 && room.link === "joined")
        room = step(room, other.history(Math.max(room.since, other.log.length - roll(9))));
      const text = JSON.stringify([room.rows, room.waiting, room.pinned, room.pending]);
      for (const secret of secrets) expect(text, `after ${i + 1}`).not.toContain(secret);
      expect(room.rows.length).toBeLessThanOrEqual(MAX_ROWS);
      expect(seqs(room.rows)).toEqual([...new Set(seqs(room.rows))].toSorted((a, b) => a - b));
    }
    expect(secrets.size).toBeGreaterThan(10);
  },
);
