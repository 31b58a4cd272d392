/** What the tree is like while a relay is missing: nobody is left out, and its place gets another one. */
import { describe, expect, it } from "vitest";
import {
  AVOID_MS,
  type Losses,
  lose,
  nextFilled,
  relayPlace,
  withRelays,
} from "../../../durable-objects/core/viewers/lost-relays.ts";
import { treeOf } from "../../../durable-objects/core/viewers/tree.ts";
import type { Branch } from "../../../durable-objects/core/viewers/viewer-messages.ts";

const NONE: Losses = new Map();
const shards = Array.from({ length: 60 }, (_, n) => `demo/weur/${n + 1}`);
const drawn = treeOf(shards, (n) => relayPlace("demo", n), 4);

const shardsOf = (branches: readonly Branch[]): readonly string[] =>
  branches.flatMap((branch) => ("shard" in branch ? [branch.shard] : shardsOf(branch.branches)));
const relaysOf = (branches: readonly Branch[]): readonly string[] =>
  branches.flatMap((branch) => ("shard" in branch ? [] : [branch.relay, ...relaysOf(branch.branches)]));

const whole = withRelays(drawn, NONE, 0);

it("has relays in every place, two levels of them", () => {
  expect(relaysOf(whole.branches)).toEqual(relaysOf(drawn.branches).map((place) => `${place}.0`));
  expect(
    whole.branches.some((branch) => "relay" in branch && branch.branches.some((below) => "relay" in below)),
  ).toBe(true);
});

describe.each(relaysOf(whole.branches))("a tree without %s", (relay) => {
  const losses = lose(NONE, relay, 1_000);
  const next = relay.replace(/\.0$/, ".1");

  it("reaches everyone, and nobody through it", () => {
    const tree = withRelays(drawn, losses, 1_000);
    expect([...shardsOf(tree.branches)].sort()).toEqual([...shards].sort());
    const relays = new Set(relaysOf(tree.branches));
    expect([...relays].sort()).toEqual(
      relaysOf(whole.branches)
        .filter((name) => name !== relay)
        .sort(),
    );
    for (const shard of shards) {
      const before = whole.parents[shard] ?? null;
      const place = relay.slice(0, -2);
      const above = drawn.parents[place] ?? null;
      const expected = before === relay ? above && `${above}.0` : before;
      expect(tree.parents[shard]).toBe(expected);
    }
  });

  it("has another one in its place later", () => {
    expect(nextFilled(losses, 1_000)).toBe(1_000 + AVOID_MS);
    expect(nextFilled(losses, 1_000 + AVOID_MS)).toBeUndefined();
    const tree = withRelays(drawn, losses, 1_000 + AVOID_MS);
    expect(relaysOf(tree.branches)).toEqual(
      relaysOf(whole.branches).map((name) => (name === relay ? next : name)),
    );
  });

  it("counts a loss once, however many deliveries tell of it", () => {
    expect(lose(losses, relay, 2_000)).toBe(losses);
    expect(lose(losses, next, 2_000)).not.toBe(losses);
  });
});

it("takes nothing else for a relay", () => {
  for (const name of ["demo/weur/1", "demo/relay/x.0", "demo/relay/0", "demo/relay/0.7", ""])
    expect(lose(NONE, name, 0)).toBe(NONE);
});
