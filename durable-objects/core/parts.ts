/**
 * When parts may go. Players ask for them for seconds; they are kept for an hour, in case a playlist is old. Pure: marks
 * say how far the timeline was at which time, so that no row needs a date of its own.
 */

/** Parts are deleted this long after they were published, or after their broadcast ended. */
export const PARTS_KEPT_MS = 3_600_000;
/** Marks are this far apart. */
const MARK_EVERY_MS = 10 * 60_000;

/** By `at` (milliseconds since 1970), all segments below `msn` were closed. */
export interface Mark {
  readonly msn: number;
  readonly at: number;
}

/** Add a mark when the newest one is old enough, and let go of those that later ones replace. */
export function mark(marks: readonly Mark[], nextMsn: number, now: number): readonly Mark[] {
  const newest = marks.at(-1);
  // A clock that was put back must not keep parts for ever.
  const kept = marks.filter(({ at }) => at <= now);
  const added =
    newest && kept.length === marks.length && now - newest.at < MARK_EVERY_MS
      ? kept
      : [...kept, { msn: nextMsn, at: now }];
  const due = added.findLastIndex(({ at }) => at <= now - PARTS_KEPT_MS);
  return due > 0 ? added.slice(due) : added;
}

/** Parts of segments below this `msn` have had their time; `undefined` when none have. */
export const outdatedBelow = (marks: readonly Mark[], now: number): number | undefined =>
  marks.findLast(({ at }) => at <= now - PARTS_KEPT_MS)?.msn;
