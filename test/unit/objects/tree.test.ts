/** The tree of shards and relays: never too wide, nobody missing, and few that change place. */
import { describe, expect, it } from "vitest";
import { FAN_OUT, type Tree, treeOf } from "../../../durable-objects/core/viewers/tree.ts";
import type { Branch } from "../../../durable-objects/core/viewers/viewer-messages.ts";

const relayName = (n: number): string => `demo/relay/${n}`;
const named = (count: number): readonly string[] =>
  Array.from({ length: count }, (_, index) => `demo/weur/${index + 1}`);
const nameOf = (branch: Branch): string => ("shard" in branch ? branch.shard : branch.relay);

interface Walked {
  readonly shards: readonly string[];
  readonly relays: readonly string[];
  readonly widest: number;
  readonly depths: ReadonlySet<number>;
}

/** Walk a tree from the top, and check on the way that `parents` says the same. */
function walk({ branches, parents }: Tree): Walked {
  const shards: string[] = [];
  const relays: string[] = [];
  const depths = new Set<number>();
  let widest = 0;
  const visit = (below: readonly Branch[], parent: string | null, depth: number): void => {
    widest = Math.max(widest, below.length);
    for (const branch of below) {
      expect(parents[nameOf(branch)]).toBe(parent);
      if ("shard" in branch) {
        shards.push(branch.shard);
        depths.add(depth);
        continue;
      }
      relays.push(branch.relay);
      visit(branch.branches, branch.relay, depth + 1);
    }
  };
  visit(branches, null, 0);
  expect(Object.keys(parents).length).toBe(shards.length + relays.length);
  return { shards, relays, widest, depths };
}

describe("a tree", () => {
  it.each([
    [0, 0, 0],
    [1, 0, 0],
    [32, 0, 0],
    [33, 1, 2],
    [250, 1, 11],
    [400, 1, 17],
    [1023, 1, 32],
    [1024, 1, 32],
    [1025, 2, 45],
    [5000, 2, 218],
  ])("over %d shards has %d levels of relays, %d in all or fewer", (count, levels, relays) => {
    const tree = treeOf(named(count), relayName);
    const { shards, widest, depths, relays: found } = walk(tree);
    expect(shards.toSorted()).toEqual(named(count).toSorted());
    expect(widest).toBeLessThanOrEqual(FAN_OUT);
    if (count > 0) expect([...depths]).toEqual([levels]);
    expect(new Set(found).size).toBe(found.length);
    expect(found.length).toBeLessThanOrEqual(relays);
  });

  it.each([2, 3, 5])("of fan-out %d is never wider, however deep", (fanOut) => {
    for (let count = 0; count <= 300; count += 7) {
      const { shards, relays, widest, depths } = walk(treeOf(named(count), relayName, fanOut));
      expect(shards.length).toBe(count);
      expect(widest).toBeLessThanOrEqual(fanOut);
      expect(new Set(relays).size).toBe(relays.length);
      expect(depths.size).toBe(count === 0 ? 0 : 1);
    }
  });
});

/** Shards of both trees that are below another parent. */
const movedBetween = (before: Tree, after: Tree): number =>
  Object.keys(before.parents).filter(
    (name) => name in after.parents && before.parents[name] !== after.parents[name],
  ).length;

describe("a change", () => {
  it.each([34, 100, 250, 333, 700])("of one shard among %d leaves nearly all in their place", (count) => {
    const shards = named(count);
    const tree = treeOf(shards, relayName);
    // A relay more takes its share, which is a relay full of shards.
    expect(movedBetween(tree, treeOf(named(count + 1), relayName))).toBeLessThanOrEqual(FAN_OUT);
    const moves = shards.map((gone) =>
      movedBetween(
        tree,
        treeOf(
          shards.filter((shard) => shard !== gone),
          relayName,
        ),
      ),
    );
    expect(Math.max(...moves)).toBeLessThanOrEqual(FAN_OUT);
  });

  it("moves nobody when a shard joins and no relay is added", () => {
    for (let count = 33; count < 300; count++) {
      if (Math.ceil(count / 24) !== Math.ceil((count + 1) / 24)) continue;
      expect(movedBetween(treeOf(named(count), relayName), treeOf(named(count + 1), relayName))).toBe(0);
    }
  });
});
