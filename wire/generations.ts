/**
 * Generations: how a purge reaches every edge. A purge gives its scope a new number; the numbers of an object's scopes are
 * part of its cache key, so that a purge costs the same for one object and a million. Pure: who holds them, and who asks
 * when, stands in durable-objects/purging/purges.ts and workers/edge/generations.ts.
 */
import * as v from "valibot";

/** What a scope's newest purge was. Numbers grow with every purge of anything, and never come again. */
export interface Generation {
  readonly number: number;
  /** What was cached before may be served while it is fetched again. */
  readonly soft: boolean;
  /** The number that the scope had before; 0: none. */
  readonly before: number;
}

/** The purges that an edge knows; a scope that is not here was never purged. */
export type Generations = ReadonlyMap<string, Generation>;

const number = v.pipe(v.number(), v.integer(), v.minValue(0));

/** `GenerationChanges`, as an edge reads them. */
export const GenerationChangesSchema = v.object({
  newest: number,
  whole: v.boolean(),
  changes: v.array(v.tuple([v.string(), v.object({ number, soft: v.boolean(), before: number })])),
});

/** What changed after `since`; `whole`: forget what was known before, this is everything. */
export interface GenerationChanges {
  /** The newest number there is. */
  readonly newest: number;
  readonly whole: boolean;
  readonly changes: readonly (readonly [scope: string, generation: Generation])[];
}

/** Where an object is found in a cache. */
export interface Place {
  /** Part of its key now. */
  readonly number: number;
  /** Part of its key before the newest purge; absent when it was never purged. */
  readonly before?: number;
  /** The newest purge lets what is under `before` be served for a while. */
  readonly soft: boolean;
}

/** What two purges of the same object come to. What is under `before` was cached after all but the newest of them. */
export const join = (a: Generation, b: Generation): Generation => {
  if (a.number === b.number)
    return { number: a.number, soft: a.soft && b.soft, before: Math.max(a.before, b.before) };
  const [older, newer] = a.number < b.number ? [a, b] : [b, a];
  return { ...newer, before: Math.max(older.number, newer.before) };
};

/** The place of an object that answers to these scopes. */
export function placeOf(generations: Generations, scopes: readonly string[]): Place {
  let place: Generation | undefined;
  for (const scope of scopes) {
    const generation = generations.get(scope);
    if (generation) place = place ? join(place, generation) : generation;
  }
  return place ?? { number: 0, soft: false };
}

/** Take changes in. */
export function applyChanges(known: Generations, { whole, changes }: GenerationChanges): Generations {
  if (changes.length === 0 && !whole) return known;
  return new Map([...(whole ? [] : known), ...changes]);
}
