import { describe, expect, it } from "vitest";
import {
  type Connection,
  clientInfo,
  deadlineOf,
  personOf,
} from "../../../durable-objects/core/viewers/socket/connection.ts";
import {
  afterPing,
  costOfFrame,
  fullAllowance,
  spend,
  spendOnReply,
} from "../../../durable-objects/core/viewers/socket/limits.ts";
import { mergePresence, presenceOf } from "../../../durable-objects/core/viewers/socket/presence.ts";

const NOW = 1_800_000_000_000;
const connection: Connection = {
  client: "c1",
  stream: "radio",
  shard: "radio/eu/1",
  viewer: "v1",
  address: "a1",
  openedAt: NOW,
  channels: [{ channel: "live:radio" }],
  playing: false,
};

/** Verdicts on so many commands, one every so many milliseconds. */
function verdicts(commands: number, everyMs: number): Record<string, number> {
  let allowance = fullAllowance(NOW);
  const counts: Record<string, number> = {};
  for (let i = 0; i < commands; i += 1) {
    const spent = spend(allowance, NOW + i * everyMs);
    allowance = spent.allowance;
    counts[spent.verdict] = (counts[spent.verdict] ?? 0) + 1;
  }
  return counts;
}

describe("commands", () => {
  it.each([
    ["a burst", 60, 0, { go: 60 }],
    ["a burst and one", 61, 0, { go: 60, "too-many": 1 }],
    ["ten times a burst", 600, 0, { go: 60, "too-many": 540 }],
    ["more than that", 601, 0, { go: 60, "too-many": 540, "far-too-many": 1 }],
    ["30 a second for ever", 10_000, 1000 / 30, { go: 10_000 }],
    ["40 a second for four seconds", 160, 25, { go: 160 }],
  ])("%s", (_name, commands, everyMs, expected) => {
    expect(verdicts(commands, everyMs)).toEqual(expected);
  });

  it("come back after a rest, whatever the clock does", () => {
    let allowance = fullAllowance(NOW);
    for (let i = 0; i < 60; i += 1) ({ allowance } = spend(allowance, NOW));
    expect(spend(allowance, NOW - 60_000).verdict).toBe("too-many");
    expect(spend(allowance, NOW + 100).verdict).toBe("go");
    expect(spend(allowance, NOW + 100).allowance.commands).toBeCloseTo(2);
    expect(spend(allowance, NOW + 1e9).allowance.commands).toBe(59);
  });
});

describe("letters", () => {
  it("of a frame are a command more for each 4,096", () => {
    expect([0, 4_095, 4_096, 65_536].map(costOfFrame)).toEqual([0, 0, 1, 16]);
  });

  it.each([
    [16_383, 60],
    [16_384, 59],
    [200_000, 48],
    [10_000_000, 30],
  ])("%i of a reply leave %i commands", (letters, left) => {
    expect(spendOnReply(fullAllowance(NOW), letters).commands).toBe(left);
  });
});

describe("deadlines", () => {
  const known = { ...connection, who: { user: "alice", expiresAt: NOW + 60_000 } };
  it.each([
    ["who never connects", connection, undefined, NOW + 10_000, 3502],
    ["a token", known, undefined, NOW + 85_000, 3005],
    ["a token in the path", { ...known, until: NOW + 5_000 }, undefined, NOW + 5_000, 3507],
    ["such a token, before it connects", { ...connection, until: NOW + 5_000 }, undefined, NOW + 5_000, 3507],
    ["a slow reader", known, NOW + 1000, NOW + 11_000, 3008],
    ["a slow reader whose token is over first", known, NOW + 80_000, NOW + 85_000, 3005],
  ])("of %s", (_name, of, behindSince, at, code) => {
    expect(deadlineOf(of, behindSince)).toMatchObject({ at, code: { code } });
  });

  it("are not for who came without a token", () => {
    expect(deadlineOf({ ...connection, who: { user: "" } }, undefined)).toBeUndefined();
  });
});

describe("pings", () => {
  it("count when there were two, one after the other", () => {
    expect(afterPing({ last: 0, before: 0 }, NOW)).toEqual({ last: NOW, before: 0 });
    expect(afterPing({ last: NOW, before: 0 }, NOW + 25_000)).toEqual({ last: NOW + 25_000, before: NOW });
    expect(afterPing({ last: NOW, before: 0 }, NOW + 90_000)).toEqual({ last: NOW + 90_000, before: 0 });
  });
});

describe("people", () => {
  const alice = { ...connection, who: { user: "alice" } };
  it("are users, or browsers", () => {
    expect(personOf(alice)).toBe(personOf({ ...alice, client: "c2", viewer: "v2" }));
    expect(personOf(connection)).toBe(personOf({ ...connection, client: "c2", who: { user: "" } }));
    // Nobody becomes another by the name they choose.
    expect(personOf({ ...connection, who: { user: "v1" } })).not.toBe(personOf(connection));
  });

  it("are listed while they are few", () => {
    const crowd = (size: number) =>
      Array.from({ length: size }, (_, i) => ({ ...alice, client: `c${i}`, who: { user: `u${i % 3}` } }));
    expect(presenceOf(crowd(200), "live:radio")).toMatchObject({ clients: 200, users: 3 });
    expect(presenceOf(crowd(200), "live:radio").list).toHaveLength(200);
    expect(presenceOf(crowd(201), "live:radio")).toEqual({ clients: 201, users: 3 });
    expect(presenceOf(crowd(5), "live:other")).toEqual({ clients: 0, users: 0, list: [] });
    const [a, b] = [presenceOf(crowd(120), "live:radio"), presenceOf(crowd(80), "live:radio")];
    expect(mergePresence([a, b]).list).toHaveLength(200);
    expect(mergePresence([a, b, presenceOf(crowd(1), "live:radio")])).toEqual({ clients: 201, users: 7 });
  });

  it("are shown as their token says", () => {
    expect(clientInfo({ ...connection, who: { user: "a", info: '{"role":"guest"}' } })).toEqual({
      client: "c1",
      user: "a",
      conn_info: { role: "guest" },
    });
  });
});
