/**
 * Copies in `caches.default`: where they are, and what may be done with one (core/freshness.ts). Looks up; fills nothing.
 */
import type { Place } from "../../wire/generations.ts";
import { type RangeWish, spellRange } from "./core/conditional.ts";
import { type Freshness, freshnessOf, readAllowance } from "./core/freshness.ts";
import { ageOf, COPY, isFromTheFuture, sizeOf } from "./found.ts";
import { KEY_ORIGIN } from "./key-origin.ts";
import { pathOf, type Target } from "./targets.ts";

/** A key ends in the generation. */
export function keyOf(target: Target, number: number): string {
  const path = pathOf(target);
  return `${KEY_ORIGIN}${path}${path.includes("?") ? "&" : "?"}g=${number}`;
}

/** A copy that was found; `response` has the range that was wished for, or all of it. */
export interface Copy {
  readonly response: Response;
  readonly size: number;
  readonly ageSeconds: number;
  readonly freshness: Freshness;
  /** A soft purge made it stale before its time. */
  readonly purged: boolean;
}

/** The copy under a key, or what a soft purge left of it. */
export async function newestCopy(
  target: Target,
  key: string,
  { number, before, soft }: Place,
  range: RangeWish | undefined,
): Promise<Copy | undefined> {
  const copy = await copyUnder(key, range);
  if (copy || !soft || before === undefined) return copy;
  // Numbers are moments (durable-objects/core/purging/purges.ts): the windows begin where the purge was.
  return copyUnder(keyOf(target, before), range, Math.max(0, (Date.now() - number) / 1000));
}

/** The copy under a key; `staleSeconds` since something made it stale before its time. */
export async function copyUnder(
  key: string,
  range?: RangeWish,
  staleSeconds?: number,
): Promise<Copy | undefined> {
  const response = await match(key, range);
  if (!response) return undefined;
  if (isFromTheFuture(response.headers, Date.now())) {
    await response.body?.cancel();
    return undefined;
  }
  const ageSeconds = ageOf(response.headers, Date.now());
  const allowance = readAllowance(response.headers.get(COPY.edge));
  return {
    response,
    size: sizeOf(response.headers),
    ageSeconds,
    freshness: freshnessOf(allowance, ageSeconds, staleSeconds),
    purged: staleSeconds !== undefined,
  };
}

/** Look a key up; the platform cuts a range out where there is one. */
async function match(key: string, range: RangeWish | undefined): Promise<Response | undefined> {
  const spelled = range && spellRange(range);
  if (spelled === undefined) return caches.default.match(key);
  const part = await caches.default.match(new Request(key, { headers: { range: spelled } }));
  if (!part || part.status === Number(part.headers.get(COPY.status) ?? Number.NaN)) return part;
  if (part.status === 206 && part.headers.get(COPY.status) === "200") return part;
  // A range that does not fit, or one of an error's words.
  await part.body?.cancel();
  return caches.default.match(key);
}
