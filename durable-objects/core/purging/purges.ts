/**
 * The ledger of purges: which number a purge gets, and how the ledger stays small without ever purging less than was asked.
 * Pure: entries and moments (milliseconds since 1970) come in. What is done with the numbers stands in wire/generations.ts.
 */
import { type Generation, join } from "../../../wire/generations.ts";
import {
  EVERYTHING,
  parsePrefix,
  playlistsScope,
  type Scope,
  streamScope,
} from "../../../wire/purge-prefix.ts";

/** A scope that was purged, and when it was last. */
export interface Entry extends Generation {
  readonly scope: string;
}

const DAY_MS = 86_400_000;

/** When the ledger is made smaller. */
export interface Bounds {
  /** Edges keep nothing longer than 29 days, so what was purged before this is nowhere any more. */
  readonly keptMs: number;
  /** More entries than this are folded, */
  readonly most: number;
  /** into about as many. */
  readonly enough: number;
}
export const BOUNDS: Bounds = { keptMs: 31 * DAY_MS, most: 5_000, enough: 4_000 };

/** Number of the next purge: they grow by the clock, so that they go on even when everything stored is lost. */
export const nextNumber = (newest: number, now: number): number => Math.max(newest + 1, now);

/** The year 33658. From numbers above it one could not count on for ever. */
const HIGHEST_NUMBER = 1e15;
/** Has an asker seen a number that was never given here? Then what we had was lost, and purges with it. */
export const isLost = (since: number, newest: number): boolean => since > newest && since <= HIGHEST_NUMBER;

/** Scopes as they were stored, with their streams. Everything has none, and is not among them. */
export const storedScopes = (prefixes: readonly string[]): readonly Scope[] =>
  prefixes.flatMap((prefix) => {
    const parsed = parsePrefix(prefix);
    return parsed.ok ? [parsed.value] : [];
  });

/** All scopes that a purge bumps. Media of a broadcast that is over are named by playlists that are cached as well. */
export function scopesToBump(prefixes: readonly Scope[]): readonly string[] {
  const scopes = prefixes.flatMap(({ scope, stream }) =>
    scope.startsWith("/media/") ? [scope, playlistsScope(stream)] : [scope],
  );
  return [...new Set(scopes)];
}

/** The entry of a scope that is purged now. */
export const bump = (
  scope: string,
  known: Generation | undefined,
  { number, soft }: Pick<Generation, "number" | "soft">,
): Entry => ({ scope, number, soft, before: known?.number ?? 0 });

/** What entries are as old as: a clock that jumps ahead for a moment is not believed before the next purge, for what is dropped is lost. */
export const ageingClock = (newest: number, now: number): number => Math.min(newest, now);

/** What is known of the ledger without reading it. */
export interface Summary {
  readonly count: number;
  /** Smallest number, but for that of everything; `Infinity` when there is no other. */
  readonly oldest: number;
}

/** Is it time to tidy? Not for every entry that grows old: each tidying sends the whole ledger to every edge. */
export const isUntidy = ({ count, oldest }: Summary, now: number, bounds: Bounds = BOUNDS): boolean =>
  count > bounds.most || (count > 0 && oldest < now - bounds.keptMs - DAY_MS);

/**
 * What is left of a ledger: what is too old is dropped, and if that is not enough the oldest entries are folded, first into
 * those of their streams, at last into that of everything. A folded entry keeps its number, so what was purged since is untouched.
 * The entry of everything stays: without it every object of every stream would have another key, and be fetched again.
 */
export function tidy(entries: readonly Entry[], now: number, bounds: Bounds = BOUNDS): readonly Entry[] {
  // Numbers are never behind the clock: an entry is at most kept too long.
  const young = entries
    .filter(({ scope, number }) => scope === EVERYTHING || number >= now - bounds.keptMs)
    .sort(byNumber);
  if (young.length <= bounds.most) return young;
  const byStream = foldOldest(young, young.length - bounds.enough, widen);
  if (byStream.length <= (bounds.most + bounds.enough) / 2) return byStream;
  return foldOldest(byStream, byStream.length - bounds.enough, () => EVERYTHING);
}

/** Put the first `count` entries into wider ones. */
function foldOldest(
  entries: readonly Entry[],
  count: number,
  target: (scope: string) => string,
): readonly Entry[] {
  const folded = new Map<string, Entry>();
  for (const [index, entry] of entries.entries()) {
    const scope = index < count ? target(entry.scope) : entry.scope;
    const known = folded.get(scope);
    folded.set(scope, { ...(known ? join(known, entry) : entry), scope });
  }
  return [...folded.values()].sort(byNumber);
}

const byNumber = (a: Entry, b: Entry): number => a.number - b.number;

function widen(scope: string): string {
  const parsed = parsePrefix(scope);
  return parsed.ok ? streamScope(parsed.value.stream) : scope;
}

/** Two numbers that say what an asker has to hear. */
export interface Ledger {
  /** The newest number there is. */
  readonly newest: number;
  /** Who has not seen this number yet must forget what it knew: entries were dropped or folded. */
  readonly wholeBelow: number;
}

/** Must an asker that has seen `since` hear everything? Also when what we had was lost, and it has seen more than we. */
export const needsWhole = (since: number, { newest, wholeBelow }: Ledger): boolean =>
  since === 0 || since > newest || since < wholeBelow;
