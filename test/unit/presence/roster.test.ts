import { describe, expect, it } from "vitest";
import {
  type Attendee,
  type Leaving,
  leavingOfClient,
  leavingOfServer,
  sumOf,
  weightOf,
} from "../../../durable-objects/core/presence/attendance.ts";
import {
  GRACE_MS,
  type KeptRoster,
  Roster,
  type RosterRows,
  SILENT_SHARD_MS,
} from "../../../durable-objects/core/presence/roster.ts";

const NOW = 1_800_000_000_000;

/** Rows as SQLite would keep them. */
class FakeRows implements RosterRows {
  readonly entries = new Map<string, Attendee & { shard: string }>();
  readonly spared = new Map<string, Attendee & { until: number }>();
  enter(shard: string, attendee: Attendee): void {
    this.entries.set(`${shard} ${attendee.user}`, { shard, ...attendee });
  }
  leave(shard: string, user: string): void {
    this.entries.delete(`${shard} ${user}`);
  }
  spare(attendee: Attendee, until: number): void {
    this.spared.set(attendee.user, { ...attendee, until });
  }
  unspare(user: string): void {
    this.spared.delete(user);
  }
  get kept(): KeptRoster {
    return { entries: [...this.entries.values()], spared: [...this.spared.values()] };
  }
}

/** A channel, and shards that tell it all they have. */
class Bench {
  readonly rows = new FakeRows();
  readonly changed: string[] = [];
  roster = new Roster(this.rows, this.rows.kept, NOW, (user) => this.changed.push(user));
  readonly #shards = new Map<string, Map<string, string>>();
  #number = 0;

  /** The object goes away and comes back. */
  restart(now: number): void {
    this.roster = new Roster(this.rows, this.rows.kept, now, (user) => this.changed.push(user));
  }

  tell(
    shard: string,
    {
      came = [],
      left = {},
      isWhole = false,
    }: { came?: string[]; left?: Record<string, Leaving>; isWhole?: boolean },
    now = NOW,
    isLost = false,
  ): boolean {
    const people = this.#shards.get(shard) ?? new Map<string, string>();
    this.#shards.set(shard, people);
    for (const user of came) people.set(user, infoOf(user));
    for (const user of Object.keys(left)) people.delete(user);
    this.#number += 1;
    if (isLost) return true;
    const all = [...people].map(([user, info]) => ({ user, info }));
    return this.roster.hear(
      {
        shard,
        number: this.#number,
        came: isWhole ? all : came.map((user) => ({ user, info: infoOf(user) })),
        left: Object.entries(left).map(([user, leaving]) => ({ user, leaving })),
        isWhole,
        sum: sumOf(
          all.length,
          all.reduce((sum, attendee) => sum + weightOf(attendee), 0),
        ),
      },
      now,
    );
  }

  get here(): string {
    return this.roster
      .all()
      .map(({ user }) => user)
      .sort()
      .join(" ");
  }
}
const infoOf = (user: string) => JSON.stringify({ name: user, role: "member" });

describe("a roster", () => {
  it("has one entry for each user, until they are nowhere any more", () => {
    const bench = new Bench();
    expect(bench.tell("s1", { came: ["a", "b"] })).toBe(true);
    expect(bench.tell("s2", { came: ["a"] })).toBe(true);
    expect(bench.here).toBe("a b");
    bench.tell("s1", { left: { a: "gone" } });
    expect(bench.here).toBe("a b");
    bench.tell("s2", { left: { a: "gone" } });
    expect(bench.here).toBe("b");
    expect(bench.rows.kept).toMatchObject({ entries: [{ shard: "s1", user: "b" }], spared: [] });
  });

  it.each([
    ["is over with the grace", {}, GRACE_MS, ""],
    ["is not over before", {}, GRACE_MS - 1, "a"],
    ["ends where they come back", { came: ["a"] }, GRACE_MS, "a"],
  ])("spares who broke off: it %s", (_name, more, ms, here) => {
    const bench = new Bench();
    bench.tell("s1", { came: ["a"] });
    bench.tell("s1", { left: { a: "broken" } });
    bench.tell("s2", more, NOW + 1_000);
    bench.restart(NOW + 2_000);
    bench.roster.expire(NOW + ms);
    expect(bench.here).toBe(here);
  });

  it("asks for the whole list when something was lost, and mends itself with it", () => {
    const bench = new Bench();
    bench.tell("s1", { came: ["a", "b"] });
    bench.tell("s1", { came: ["c"], left: { a: "gone" } }, NOW, true);
    expect(bench.tell("s1", {})).toBe(false);
    expect(bench.tell("s1", { isWhole: true })).toBe(true);
    // How `a` left was lost with it.
    expect(bench.here).toBe("a b c");
    bench.roster.expire(NOW + GRACE_MS);
    expect(bench.here).toBe("b c");
  });

  it("passes over what was under way for longer than what came after it", () => {
    const bench = new Bench();
    bench.tell("s1", { came: ["a"] });
    bench.tell("s1", { left: { a: "gone" } });
    const late = { came: [{ user: "a", info: infoOf("a") }], left: [], isWhole: false, sum: "?" };
    expect(bench.roster.hear({ shard: "s1", number: 1, ...late }, NOW)).toBe(false);
    expect(bench.tell("s1", { isWhole: true })).toBe(true);
    bench.roster.expire(NOW + GRACE_MS);
    expect(bench.here).toBe("");
    bench.tell("s1", { came: ["b"] });
    expect(bench.roster.hear({ shard: "s1", number: 1, ...late }, NOW)).toBe(true);
    expect(bench.here).toBe("b");
  });

  it("lets a silent shard go with its people at once, and says when that may be", () => {
    const bench = new Bench();
    bench.tell("s1", { came: ["a", "b"] });
    bench.tell("s2", { came: ["b"] }, NOW + 5_000);
    expect(bench.roster.nextAt).toBe(NOW + SILENT_SHARD_MS);
    bench.roster.expire(NOW + SILENT_SHARD_MS - 1);
    expect(bench.here).toBe("a b");
    bench.roster.expire(NOW + SILENT_SHARD_MS);
    expect(bench.here).toBe("b");
    expect(bench.roster.nextAt).toBe(NOW + 5_000 + SILENT_SHARD_MS);
  });

  it("is the same after a restart, with shards that could not be heard meanwhile", () => {
    const bench = new Bench();
    bench.tell("s1", { came: ["a", "b"] });
    bench.tell("s2", { came: ["c"] });
    bench.tell("s2", { left: { c: "broken" } });
    bench.restart(NOW + 10_000);
    bench.changed.length = 0;
    expect(bench.here).toBe("a b c");
    expect(bench.tell("s1", {}, NOW + 10_000)).toBe(true);
    bench.roster.expire(NOW + 10_000);
    expect(bench.changed).toEqual([]);
  });

  it("puts out who may not be here, wherever they are", () => {
    const bench = new Bench();
    bench.tell("s1", { came: ["a", "b"] });
    bench.tell("s2", { came: ["a", "c"] });
    bench.tell("s2", { left: { c: "broken" } });
    bench.roster.putOut(["a", "c", "nobody"]);
    expect(bench.here).toBe("b");
    expect(bench.rows.kept).toMatchObject({ entries: [{ user: "b" }], spared: [] });
  });

  it("comes to the same as a plain count, whatever happens", () => {
    const bench = new Bench();
    const truth = new Map<string, Set<string>>();
    let state = 7;
    const chance = (n: number) => {
      state = (state * 1_103_515_245 + 12_345) % 2 ** 31;
      return Math.floor((state / 2 ** 31) * n);
    };
    for (let step = 0; step < 3_000; step += 1) {
      const [shard, user] = [`s${chance(4)}`, `u${chance(30)}`];
      const there = truth.get(shard) ?? new Set();
      truth.set(shard, there);
      const isLost = chance(10) === 0;
      if (there.has(user)) {
        bench.tell(shard, { left: { [user]: "gone" } }, NOW, isLost);
        there.delete(user);
      } else {
        bench.tell(shard, { came: [user] }, NOW, isLost);
        there.add(user);
      }
      if (chance(50) === 0) bench.restart(NOW);
    }
    for (const shard of truth.keys()) if (!bench.tell(shard, {})) bench.tell(shard, { isWhole: true });
    bench.roster.expire(NOW + GRACE_MS);
    const all = new Set([...truth.values()].flatMap((users) => [...users]));
    expect(bench.here).toBe([...all].sort().join(" "));
  });
});

describe("leaving", () => {
  it.each([
    ["a client", leavingOfClient, 1000, "gone"],
    ["a client without a code", leavingOfClient, 1005, "gone"],
    ["a page that is left", leavingOfClient, 1001, "broken"],
    ["a cable", leavingOfClient, 1006, "broken"],
    ["a client that gave up", leavingOfClient, 3001, "broken"],
    ["a shard, for silence", leavingOfServer, 3012, "gone"],
    ["a shard that is drained", leavingOfServer, 3011, "broken"],
    ["a shard that was too slow for", leavingOfServer, 3008, "broken"],
    ["a shard, for good", leavingOfServer, 3507, "gone"],
    ["a shard, for a message too large", leavingOfServer, 1009, "broken"],
  ] as const)("by %s", (_who, leavingOf, code, leaving) => {
    expect(leavingOf(code)).toBe(leaving);
  });
});
