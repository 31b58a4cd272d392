import { describe, expect, it } from "vitest";
import { sumOf, weightOf } from "../../../durable-objects/core/presence/attendance.ts";
import { Roster } from "../../../durable-objects/core/presence/roster.ts";
import {
  EVENT_NAMES,
  LARGE_GAP_MS,
  presentOf,
  SMALL_GAP_MS,
  Telling,
} from "../../../durable-objects/core/presence/telling.ts";
import { LARGE_CHANNEL, type PresenceEvent, SMALL_CHANNEL } from "../../../wire/presence.ts";

const NOW = 1_800_000_000_000;
const NO_ROWS = {
  enter() {},
  leave() {},
  spare() {},
  unspare() {},
  tell() {},
  untell() {},
  count() {},
};
const INFO = JSON.stringify({ role: "member" });
const users = (from: number, to: number) => Array.from({ length: to - from }, (_, n) => `u${from + n}`);

/** A channel with one shard, and what it told. */
class Bench {
  readonly telling = new Telling(NO_ROWS, [], false);
  readonly roster = new Roster(NO_ROWS, { entries: [], spared: [] }, NOW, (user) =>
    this.telling.changed(user),
  );
  readonly told: PresenceEvent[] = [];
  readonly #people = new Map<string, string>();
  #number = 0;

  change(came: readonly string[], left: readonly string[] = [], info = INFO): void {
    for (const user of came) this.#people.set(user, info);
    for (const user of left) this.#people.delete(user);
    this.#number += 1;
    const weight = [...this.#people].reduce((sum, [user, one]) => sum + weightOf({ user, info: one }), 0);
    this.roster.hear(
      {
        shard: "s1",
        number: this.#number,
        came: came.map((user) => ({ user, info })),
        left: left.map((user) => ({ user, leaving: "gone" })),
        isWhole: false,
        sum: sumOf(this.#people.size, weight),
      },
      NOW,
    );
  }

  /** The events that go then; how many of them are in the history. */
  tell(now = NOW): number {
    const told = this.telling.tell(this.roster, now);
    this.told.push(...told.map(({ event }) => event));
    return told.filter(({ isKept }) => isKept).length;
  }
}

describe("what is told", () => {
  it("is who came and went since the event before, and not who was only away for a moment", () => {
    const bench = new Bench();
    bench.change(["a", "b"]);
    bench.change(["c"], ["b"]);
    bench.tell();
    bench.change([], ["a"]);
    bench.change(["a"]);
    expect(bench.tell()).toBe(0);
    bench.change(["d"], ["c"]);
    bench.tell();
    expect(bench.told).toEqual([
      {
        type: "changes",
        came: [
          { user: "a", role: "member" },
          { user: "c", role: "member" },
        ],
        went: [],
        users: 2,
      },
      { type: "changes", came: [{ user: "d", role: "member" }], went: ["c"], users: 2 },
    ]);
  });

  it("is somebody again who is another than they were", () => {
    const bench = new Bench();
    bench.change(["a"]);
    bench.tell();
    bench.change(["a"], [], JSON.stringify({ role: "owner", name: "A", info: { x: 1 } }));
    bench.tell();
    expect(bench.told[1]).toEqual({
      type: "changes",
      came: [{ user: "a", name: "A", role: "owner", info: { x: 1 } }],
      went: [],
      users: 1,
    });
  });

  it("is in events of a bounded size", () => {
    const bench = new Bench();
    bench.change(users(0, 450));
    expect(bench.tell()).toBe(3);
    expect(bench.told.map((event) => (event.type === "changes" ? event.came.length : 0))).toEqual([
      EVENT_NAMES,
      EVENT_NAMES,
      50,
    ]);
  });

  it("is only how many in a large channel, and names again when it is much smaller", () => {
    const bench = new Bench();
    bench.change(users(0, LARGE_CHANNEL));
    bench.tell();
    expect(bench.telling.namesAll(bench.roster)).toBe(true);
    bench.told.length = 0;
    bench.change(["one more"]);
    expect(bench.telling.namesAll(bench.roster)).toBe(false);
    // The first count is in the history: who recovers learns of it.
    expect(bench.tell()).toBe(1);
    bench.change(["and one"], ["u0"]);
    expect(bench.telling.dueAt(bench.roster)).toBeUndefined();
    bench.change([], users(1, 150));
    expect(bench.tell()).toBe(0);
    bench.change([], users(150, 250));
    expect(bench.tell()).toBe(1);
    expect(bench.told).toEqual([
      { type: "count", users: 1001 },
      { type: "count", users: 852 },
      { type: "changes", came: [], went: [], users: 752 },
    ]);
    bench.change([], ["u300"]);
    bench.tell();
    expect(bench.told.at(-1)).toEqual({ type: "changes", came: [], went: ["u300"], users: 751 });
  });

  it.each([
    ["a small channel", SMALL_CHANNEL, SMALL_GAP_MS],
    ["a larger one", SMALL_CHANNEL + 1, LARGE_GAP_MS],
    ["counts", LARGE_CHANNEL + 10, LARGE_GAP_MS],
  ])("is due at once when it is quiet, and later when it is not: %s", (_name, size, gapMs) => {
    const bench = new Bench();
    expect(bench.telling.dueAt(bench.roster)).toBeUndefined();
    bench.change(users(0, size - 1));
    expect(bench.telling.dueAt(bench.roster)).toBeLessThan(NOW);
    bench.tell(NOW);
    bench.change(["last"]);
    expect(bench.telling.dueAt(bench.roster)).toBe(NOW + gapMs);
  });

  it("after a restart is whatever changed while nobody told it", () => {
    const told = users(0, 3).map((user) => ({ user, info: INFO }));
    const telling = new Telling(NO_ROWS, told, false);
    const entries = [...told.slice(1), { user: "new", info: INFO }].map((one) => ({ shard: "s", ...one }));
    const roster = new Roster(NO_ROWS, { entries, spared: [] }, NOW, () => {});
    telling.compare(roster);
    expect(telling.tell(roster, NOW)).toEqual([
      {
        event: { type: "changes", came: [presentOf({ user: "new", info: INFO })], went: ["u0"], users: 3 },
        isKept: true,
      },
    ]);
  });
});

/** So many users come within 10 s, evenly, and stay; messages that their sockets get of it, and names in them. */
function joining(n: number): { readonly messages: number; readonly names: number } {
  const bench = new Bench();
  let [messages, names, joined] = [0, 0, 0];
  // A shard tells what came within 100 ms.
  for (let ms = 0; ms <= 12_000; ms += 50) {
    const here = Math.min(n, Math.floor((n * ms) / 10_000));
    if (ms % 100 === 0 && here > joined) {
      bench.change(users(joined, here));
      joined = here;
    }
    const dueAt = bench.telling.dueAt(bench.roster);
    if (dueAt === undefined || dueAt > NOW + ms) continue;
    const before = bench.told.length;
    bench.tell(NOW + ms);
    for (const event of bench.told.slice(before)) {
      messages += joined;
      if (event.type === "changes") names += joined * event.came.length;
    }
  }
  expect(bench.roster.users).toBe(n);
  return { messages, names };
}

describe("what n users cost who come within 10 s", () => {
  it("grows no faster than n", () => {
    const sizes = [250, 500, 1_000, 2_000, 4_000];
    const costs = sizes.map((n) => ({ n, ...joining(n) }));
    console.info(
      costs.map(({ n, messages, names }) => `${n} users: ${messages} messages, ${names} names`).join("\n"),
    );
    for (const [index, { n, messages }] of costs.entries()) {
      const before = costs[index - 1];
      if (before) expect(messages / before.messages).toBeLessThanOrEqual((1.3 * n) / before.n);
      // Each alone would be n² / 2.
      expect(messages).toBeLessThan(16 * n);
    }
  });
});
