/** What of a delivery is new: a table of what an inbox knows and what comes. */
import { describe, expect, it } from "vitest";
import { type KnownRoom, type Told, takingOf } from "../../../durable-objects/core/inbox/taking.ts";
import type { InboxEvent, RoomSummary } from "../../../wire/inbox.ts";

const ROOM = "01ARYZ6S410000000000000000";
const summary = (more: Partial<RoomSummary> = {}): RoomSummary => ({
  room: ROOM,
  kind: "group",
  newest: 5,
  read: 2,
  unread: 3,
  at: "2026-11-21T20:00:00.000Z",
  ...more,
});
const gone = (n: number): InboxEvent => ({ type: "deleted", room: ROOM, ids: [`${n}`] });
const numbered = (...seqs: readonly number[]) => seqs.map((seq) => ({ seq, event: gone(seq) }));
const left: InboxEvent = { type: "left", room: ROOM };
const whole: InboxEvent = { type: "room", summary: summary() };
const LISTED: KnownRoom = { upTo: 5, summary: summary() };

describe("a delivery", () => {
  it.each<[string, Partial<Told>, KnownRoom | undefined, readonly InboxEvent[] | undefined]>([
    ["of a room that is new", { events: numbered(5), upTo: 5 }, undefined, [whole, gone(5)]],
    [
      "of a room that is new and says so itself",
      { events: [{ seq: 4, event: whole }, ...numbered(5)], upTo: 5 },
      undefined,
      [whole, gone(5)],
    ],
    ["with nothing in it, of a room that is new", { upTo: 0 }, undefined, [whole]],
    ["with the next", { events: numbered(6), upTo: 6 }, LISTED, [gone(6)]],
    ["with known and new ones", { events: numbered(4, 5, 6, 7), upTo: 7 }, LISTED, [gone(6), gone(7)]],
    ["after numbers of no interest", { events: numbered(9), upTo: 12 }, LISTED, [gone(9)]],
    ["of numbers of no interest", { summary: summary({ newest: 12 }), upTo: 12 }, LISTED, []],
    ["that came already", { events: numbered(4, 5), upTo: 5 }, LISTED, undefined],
    ["that was overtaken", { events: numbered(3, 4), upTo: 4 }, LISTED, undefined],
    [
      "that was overtaken, with another summary",
      { summary: summary({ title: "old" }), upTo: 4 },
      LISTED,
      undefined,
    ],
    [
      "with a cursor that moved",
      { summary: summary({ read: 5, unread: 0 }), upTo: 5 },
      LISTED,
      [{ type: "room", summary: summary({ read: 5, unread: 0 }) }],
    ],
    ["with an older cursor", { summary: summary({ read: 1, unread: 4 }), upTo: 5 }, LISTED, undefined],
    ["that ends it", { upTo: 6, left: true }, LISTED, [left]],
    ["that ends it in words", { events: [{ seq: 6, event: left }], upTo: 6, left: true }, LISTED, [left]],
    ["that ends it, again", { upTo: 6, left: true }, { upTo: 6 }, undefined],
    ["that ends what nobody knew", { upTo: 6, left: true }, undefined, []],
    ["that ends it, late", { upTo: 4, left: true }, LISTED, undefined],
    ["of before it was left", { events: numbered(5), upTo: 5 }, { upTo: 6 }, undefined],
    ["of who came back", { upTo: 7 }, { upTo: 6 }, [whole]],
  ])("%s", (_name, told, known, events) => {
    const taking = takingOf({ summary: summary(), events: [], upTo: 0, ...told }, known);
    expect(taking?.events).toEqual(events);
    if (taking === undefined) return;
    expect(taking.room.upTo).toBe(told.upTo);
    expect(taking.room.summary).toEqual(told.left ? undefined : (told.summary ?? summary()));
  });
});
