/**
 * The history of a broadcast: every segment of every session, those included that came after the live edge had passed
 * them. Replays are made of it; live playlists are not. Pure.
 */
import type { Tracks } from "./timeline.ts";

/** A segment of one session, as history has it. */
export interface HistorySegment {
  readonly msn: number;
  /** Milliseconds since 1970. */
  readonly at: number;
  /** Seconds. */
  readonly duration: number;
  readonly tracks: Tracks;
}

/** What was live and what came late, both of one session and by `msn`, as one list. */
export function mergeHistory(
  live: readonly HistorySegment[],
  late: readonly HistorySegment[],
): readonly HistorySegment[] {
  if (late.length === 0) return live;
  const byMsn = new Map(live.map((segment) => [segment.msn, segment]));
  for (const segment of late) {
    const known = byMsn.get(segment.msn);
    byMsn.set(segment.msn, known ? overlay(known, segment) : segment);
  }
  return [...byMsn.values()].sort((a, b) => a.msn - b.msn);
}

/**
 * A segment with what came late for it: a rendition that it lacks is filled in, one that it has stays as viewers saw it.
 * Where it lasts another time than the late one (its session vanished in the middle of it), the two cannot be mixed.
 */
function overlay(known: HistorySegment, late: HistorySegment): HistorySegment {
  if (Object.keys(known.tracks).length === 0) return late;
  if (Math.abs(known.duration - late.duration) > SAME_SECONDS) return known;
  return { ...known, tracks: { ...late.tracks, ...known.tracks } };
}

/** Durations within this of each other are one. */
const SAME_SECONDS = 0.01;
