/**
 * The tree by which a LiveStream reaches its shards: directly while they are few, then through relays, then through
 * relays of relays. Drawn from the names alone, so that it needs no memory, and so that a shard that comes or goes leaves
 * nearly all others where they are. Pure; it says nothing of where objects run.
 */

import { hash, mix } from "./ring.ts";
import type { Branch } from "./viewer-messages.ts";

/** Children of the stream and of each relay, at most. */
export const FAN_OUT = 32;
/** How full relays are meant to be: the rest is for names that fall unevenly. */
const FILL = 0.75;
/** Relays are numbered through all levels: the second relay of the first level is number 16. */
const LEVELS = 16;

export interface Tree {
  /** What the stream itself delivers to. */
  readonly branches: readonly Branch[];
  /** Of each shard and each relay: the relay above it, `null` for the stream itself. */
  readonly parents: Readonly<Record<string, string | null>>;
}

/** Draw the tree over shards, oldest first: a place that two would have is kept by the older. `fanOut` is 2 or more. */
export function treeOf(
  shards: readonly string[],
  relayName: (n: number) => string,
  fanOut: number = FAN_OUT,
): Tree {
  const parents: Record<string, string | null> = {};
  let branches: readonly Branch[] = shards.map((shard) => ({ shard }));
  for (let level = 0; branches.length > fanOut; level++) {
    const relays = relaysFor(branches.length, fanOut);
    const groups = gather(branches, relays, fanOut);
    branches = groups.flatMap((group, index): readonly Branch[] => {
      if (group.length === 0) return [];
      const relay = relayName(index * LEVELS + level);
      for (const branch of group) parents[nameOf(branch)] = relay;
      return [{ relay, branches: group }];
    });
  }
  for (const branch of branches) parents[nameOf(branch)] = null;
  return { branches, parents };
}

const nameOf = (branch: Branch): string => ("shard" in branch ? branch.shard : branch.relay);

/** As many relays as are well filled, but not so many that they would need a level more above them. */
function relaysFor(count: number, fanOut: number): number {
  let most = fanOut;
  while (most * fanOut < count) most *= fanOut;
  return Math.min(most, Math.ceil(count / Math.max(2, Math.floor(fanOut * FILL))));
}

/** Each branch goes to the relay that its name likes best (rendezvous hashing) among those that have room. */
function gather(branches: readonly Branch[], relays: number, fanOut: number): readonly Branch[][] {
  const groups: Branch[][] = Array.from({ length: relays }, () => []);
  const liking = Array.from({ length: relays }, (_, index) => hash(`relay ${index}`));
  for (const branch of branches) {
    const name = hash(nameOf(branch));
    let best: Branch[] | undefined;
    let highest = -1;
    groups.forEach((group, index) => {
      if (group.length >= fanOut) return;
      const score = mix(name ^ (liking[index] ?? 0));
      if (score > highest) [best, highest] = [group, score];
    });
    best?.push(branch);
  }
  return groups;
}
