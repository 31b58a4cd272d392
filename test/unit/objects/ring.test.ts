/** The ring of shards: how even it is, and how little moves when it grows or shrinks. */
import { describe, expect, it } from "vitest";
import { hash, ringOf, shardFor, VIRTUAL_NODES } from "../../../durable-objects/core/viewers/ring.ts";

const named = (stream: string, count: number): readonly string[] =>
  Array.from({ length: count }, (_, index) => `${stream}/weur/${index + 1}`);
const KEYS = Array.from({ length: 40_000 }, (_, index) => `viewer-${index}`);

/** Standard deviation of the keys of each shard, as a share of their mean. */
function spreadOf(shards: readonly string[], virtualNodes: number): number {
  const ring = ringOf(shards, virtualNodes);
  const counts = new Map(shards.map((shard) => [shard, 0]));
  for (const key of KEYS) {
    const shard = shardFor(ring, key) ?? "";
    counts.set(shard, (counts.get(shard) ?? 0) + 1);
  }
  expect(counts.size).toBe(shards.length);
  const mean = KEYS.length / shards.length;
  const squares = [...counts.values()].reduce((sum, count) => sum + (count - mean) ** 2, 0);
  return Math.sqrt(squares / shards.length) / mean;
}

describe("the load", () => {
  it.each(
    ["demo", "a-b-c", "z9"].flatMap((stream) => [2, 3, 8, 20, 42].map((count) => [stream, count] as const)),
  )("of %s on %d shards is even", (stream, count) => {
    const shards = named(stream, count);
    expect(spreadOf(shards, 100)).toBeLessThanOrEqual(0.1);
    expect(spreadOf(shards, VIRTUAL_NODES)).toBeLessThanOrEqual(0.05);
    expect(spreadOf(shards, 400)).toBeLessThanOrEqual(0.05);
  });

  it("is uneven with few virtual nodes", () => {
    expect(spreadOf(named("demo", 20), 4)).toBeGreaterThan(0.1);
  });
});

describe("a shard more", () => {
  it.each([1, 2, 3, 7, 15, 41])("besides %d takes its own share and moves nobody else", (count) => {
    const [before, after] = [ringOf(named("demo", count)), ringOf(named("demo", count + 1))];
    const moved = KEYS.filter((key) => shardFor(before, key) !== shardFor(after, key));
    expect(moved.length).toBeGreaterThan(0);
    expect(moved.length / KEYS.length).toBeLessThanOrEqual(1.3 / (count + 1));
    expect(new Set(moved.map((key) => shardFor(after, key)))).toEqual(new Set([`demo/weur/${count + 1}`]));
  });

  it("leaves only its own viewers to others when it goes", () => {
    const all = named("demo", 10);
    const [before, after] = [ringOf(all), ringOf(all.filter((shard) => shard !== "demo/weur/4"))];
    for (const key of KEYS) {
      const shard = shardFor(before, key);
      if (shard !== "demo/weur/4") expect(shardFor(after, key)).toBe(shard);
      else expect(shardFor(after, key)).not.toBe(shard);
    }
  });
});

it("does not depend on the order of the shards, nor on one named twice", () => {
  const shards = named("demo", 12);
  const others = [...shards.toReversed(), "demo/weur/5"];
  expect(ringOf(others)).toEqual(ringOf(shards));
});

it("has no shard without shards, and one with one", () => {
  expect(shardFor(ringOf([]), "viewer")).toBeUndefined();
  expect(shardFor(ringOf(["demo/weur/1"]), "viewer")).toBe("demo/weur/1");
});

it("hashes the same everywhere and for ever: all edges must agree", () => {
  expect([hash(""), hash("a"), hash("viewer-1"), hash("viewer-1", 7)]).toMatchInlineSnapshot(`
    [
      0,
      721651713,
      1325103672,
      2750089858,
    ]
  `);
  expect(KEYS.slice(0, 4).map((key) => shardFor(ringOf(named("demo", 12)), key))).toMatchInlineSnapshot(`
    [
      "demo/weur/3",
      "demo/weur/12",
      "demo/weur/12",
      "demo/weur/8",
    ]
  `);
});
