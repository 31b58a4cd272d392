/**
 * The way of a check through a broadcast: session by session, rendition by rendition, page by page. It is stored between
 * steps, so that it goes on where it was. Pure.
 */
import type { HistorySegment } from "../../media/history.ts";
import type { Tally } from "../../wire/broadcasts.ts";
import { addTallies, EMPTY_TALLY, type Page, type Sweep, sweepAt } from "./check.ts";
import { numbersBetween, type Range } from "./name-ranges.ts";

/** How far a check has come. */
export interface Walk {
  /** Milliseconds since 1970. */
  readonly begunAt: number;
  readonly sweep: Sweep;
  /** What sessions left open has been closed. */
  readonly isMended: boolean;
  readonly tally: Tally;
  /** The session that is looked at, or was looked at last; 0 before the first. */
  readonly session: number;
  /** Its segments that were live are among these; the next session's come after them. */
  readonly live: Range;
  readonly hasMedia: boolean;
  /** Renditions that it described, or that history names. */
  readonly named: readonly string[];
  /** Renditions that are still to be looked at, the first of them from `after` on. */
  readonly renditions: readonly string[];
  /** Its segments were counted already. */
  readonly isCounted: boolean;
  /** Key of the last object that was looked at. */
  readonly after?: string;
}

/** All media sequence numbers. */
export const ALL: Range = { from: 0, to: 4_294_967_295 };
const NONE: Range = { from: 0, to: -1 };

/** A check that begins now. */
export const beginWalk = (endedAt: number, now: number): Walk => ({
  begunAt: now,
  sweep: sweepAt(endedAt, now),
  isMended: false,
  tally: EMPTY_TALLY,
  session: 0,
  live: NONE,
  hasMedia: false,
  named: [],
  renditions: [],
  isCounted: false,
});

/** What there is of a session. */
export interface SessionFacts {
  readonly ordinal: number;
  readonly live: Range;
  readonly hasMedia: boolean;
  readonly named: readonly string[];
  /** Renditions that R2 has a folder of. */
  readonly listed: readonly string[];
}

/** Go on to a session. */
export function enterSession(walk: Walk, { ordinal, live, hasMedia, named, listed }: SessionFacts): Walk {
  const { after: _after, ...rest } = walk;
  // A rendition that is named comes first, for it is the one that segments are counted with.
  const renditions = [...new Set([...named, ...listed])];
  return { ...rest, session: ordinal, live, hasMedia, named, renditions, isCounted: false };
}

/** Numbers of the segments that a page of the listing would show, if they are all there: those that were live, and those that came late. */
export function numbersOfPage(
  walk: Walk,
  page: {
    readonly before: number | undefined;
    readonly upTo: number | undefined;
    readonly isPastAll: boolean;
  },
): { readonly live: readonly Range[]; readonly late: readonly Range[] } {
  const { before, upTo, isPastAll } = page;
  // The page ends before the first segment.
  if (!isPastAll && upTo === undefined) return { live: [], late: [] };
  const to = isPastAll ? undefined : upTo;
  return { live: numbersBetween(before, to, walk.live), late: numbersBetween(before, to, ALL) };
}

/** What a page is compared under. */
export const pageOf = (
  walk: Walk,
  rendition: string,
  listed: Page["listed"],
  history: readonly HistorySegment[],
): Page => ({
  session: walk.session,
  rendition,
  listed,
  history,
  isNamed: walk.named.includes(rendition),
  isFirst: walk.after === undefined,
  hasMedia: walk.hasMedia,
  counts: !walk.isCounted,
  sweep: walk.sweep,
});

/** Go on behind a page; without `last` it was the last one of its rendition. */
export function leavePage(walk: Walk, tally: Tally, last: string | undefined): Walk {
  const { after: _after, ...rest } = walk;
  const next = { ...rest, tally: addTallies(walk.tally, tally) };
  if (last !== undefined) return { ...next, after: last };
  return { ...next, renditions: walk.renditions.slice(1), isCounted: true };
}
