/** What is reported of playback: looks at the player, added up between two reports (wire/player-report.ts). Pure; milliseconds. */
import type { Qoe } from "../../../wire/player-report.ts";
import type { Phase } from "../state.ts";

/** One look. */
export interface QoeLook {
  readonly atMs: number;
  readonly phase: Phase;
  readonly startupMs?: number;
  /** Behind the camera; absent for a recording. */
  readonly latencyMs?: number;
  /** Lines of the picture; 0 for sound alone. */
  readonly height?: number;
  /** Since the media element got its source. */
  readonly droppedFrames: number;
  readonly shownFrames: number;
}

export interface QoeTally {
  readonly stalls: number;
  readonly stalledMs: number;
  readonly playedMs: number;
  readonly droppedFrames: number;
  readonly shownFrames: number;
  /** The newest look at a player that plays. */
  readonly latest?: QoeLook;
  readonly before?: QoeLook;
  readonly hasToldStartup: boolean;
}

export const NOTHING_SEEN: QoeTally = {
  stalls: 0,
  stalledMs: 0,
  playedMs: 0,
  droppedFrames: 0,
  shownFrames: 0,
  hasToldStartup: false,
};

/** The viewer waits though the show goes on. */
const STALLED: readonly Phase[] = ["buffering", "trouble"];
/** Nobody looks so seldom: the machine slept. */
const LONGEST_GAP_MS = 70_000;

/** Add a look. Time counts for what was seen at its beginning. */
export function addLook(tally: QoeTally, look: QoeLook): QoeTally {
  const { before } = tally;
  const gapMs = before ? look.atMs - before.atMs : 0;
  const ms = gapMs > LONGEST_GAP_MS ? 0 : gapMs;
  const isStall = STALLED.includes(look.phase) && before?.phase === "playing";
  const wasStalled = before !== undefined && STALLED.includes(before.phase) && tally.latest !== undefined;
  return {
    ...tally,
    stalls: tally.stalls + (isStall ? 1 : 0),
    stalledMs: tally.stalledMs + (wasStalled ? ms : 0),
    playedMs: tally.playedMs + (before?.phase === "playing" ? ms : 0),
    droppedFrames: tally.droppedFrames + grown(before?.droppedFrames, look.droppedFrames),
    shownFrames: tally.shownFrames + grown(before?.shownFrames, look.shownFrames),
    before: look,
    ...(look.phase === "playing" && { latest: look }),
  };
}

/** A counter that fell began anew. */
const grown = (before = 0, now: number): number => (now >= before ? now - before : now);

/** The report, and the tally that goes on from it; no report when nothing was played or waited for. */
export function takeReport(tally: QoeTally): { readonly tally: QoeTally; readonly report?: Qoe } {
  const { latest, before, hasToldStartup, stalls, droppedFrames, shownFrames } = tally;
  if (!latest || tally.playedMs + tally.stalledMs === 0) return { tally };
  const startup = hasToldStartup ? undefined : latest.startupMs;
  return {
    tally: {
      ...NOTHING_SEEN,
      hasToldStartup: hasToldStartup || startup !== undefined,
      latest,
      ...(before && { before }),
    },
    report: {
      stalls,
      stalledMs: plausible(tally.stalledMs),
      playedMs: plausible(tally.playedMs),
      droppedFrames,
      shownFrames,
      ...(startup !== undefined && { startupMs: plausible(startup) }),
      ...(latest.latencyMs !== undefined && { latencyMs: plausible(latest.latencyMs) }),
      ...(latest.height !== undefined && { height: latest.height }),
    },
  };
}

/** Longest that a report may say. */
const MOST_MS = 600_000;
const plausible = (ms: number): number => Math.round(Math.min(MOST_MS, Math.max(0, ms)));

/** Whether somebody watches: it plays, or waits to go on, and can be seen or heard. */
export const isWatching = (look: {
  readonly phase: Phase;
  readonly paused: boolean;
  readonly hidden: boolean;
  readonly audible: boolean;
}): boolean =>
  !look.paused &&
  (look.phase === "playing" || STALLED.includes(look.phase) || look.phase === "interrupted") &&
  (!look.hidden || look.audible);
