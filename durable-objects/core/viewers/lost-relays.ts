/**
 * Relays that did not take a delivery. For a while their branches are reached without them, then through another object: a
 * relay keeps nothing, so one is as good as the next. Pure.
 */

import type { Tree } from "./tree.ts";
import type { Branch } from "./viewer-messages.ts";

/** This long after it was lost, a relay's place stays empty. */
export const AVOID_MS = 10_000;

/**
 * Of each place that ever lost its relay, by its name in the tree as it is drawn: how many it lost, and until when it stays
 * empty (milliseconds since 1970).
 */
export type Losses = ReadonlyMap<string, { readonly count: number; readonly until: number }>;

/** What places are called when a tree is drawn. Their relays have a number more, so that a loss moves nobody. */
export const relayPlace = (stream: string, n: number): string => `${stream}/relay/${n}`;

const relayIn = (place: string, losses: Losses): string => `${place}.${losses.get(place)?.count ?? 0}`;

/** The losses with one more. One that is counted already, as that relay is not used any more, changes nothing. */
export function lose(losses: Losses, relay: string, now: number): Losses {
  const place = /^(.+\/relay\/\d+)\.\d+$/.exec(relay)?.[1];
  if (place === undefined || relay !== relayIn(place, losses)) return losses;
  const count = (losses.get(place)?.count ?? 0) + 1;
  return new Map([...losses, [place, { count, until: now + AVOID_MS }]]);
}

/** The tree with its relays as they are now: what was below an empty place hangs where that hung. */
export function withRelays({ branches, parents }: Tree, losses: Losses, now: number): Tree {
  const isEmpty = (place: string): boolean => (losses.get(place)?.until ?? 0) > now;
  const fill = (below: readonly Branch[]): readonly Branch[] =>
    below.flatMap((branch) => {
      if ("shard" in branch) return [branch];
      const inner = fill(branch.branches);
      return isEmpty(branch.relay) ? inner : [{ relay: relayIn(branch.relay, losses), branches: inner }];
    });
  const above = (name: string): string | null => {
    const place = parents[name] ?? null;
    if (place === null) return null;
    return isEmpty(place) ? above(place) : relayIn(place, losses);
  };
  return {
    branches: fill(branches),
    parents: Object.fromEntries(Object.keys(parents).map((name) => [name, above(name)])),
  };
}

/** When the first empty place is filled again, if one is empty. */
export const nextFilled = (losses: Losses, now: number): number | undefined => {
  const untils = [...losses.values()].map(({ until }) => until).filter((until) => until > now);
  return untils.length > 0 ? Math.min(...untils) : undefined;
};
