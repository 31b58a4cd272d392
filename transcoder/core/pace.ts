/**
 * Whether FFmpeg keeps up with its source, judged from readings every few seconds, and what it can do without if not.
 * Pure; times on a steady clock.
 */
import type { SessionPlan } from "../../wire/ingest.ts";

/** How far a session was at one moment. */
export interface PaceReading {
  readonly nowMs: number;
  /** Media cut so far. */
  readonly cutSeconds: number;
  /** Input that FFmpeg had not taken. */
  readonly queuedBytes: number;
}

/** FFmpeg is slower than live when it has been for this long. */
const SLOW_SECONDS = 5;
/** Cuts come in steps, so a speed is read over at least this many of them. */
const STEPS = 3;
/** Media per second below which it falls behind; what is above is the grain of the reading. */
const LEAST_SPEED = 0.97;

/** Media seconds per second, if FFmpeg has been slower than its source all the time that is looked at. */
export function slowness(readings: readonly PaceReading[], stepSeconds: number): number | undefined {
  const last = readings.at(-1);
  const span = Math.max(SLOW_SECONDS, STEPS * stepSeconds) * 1000;
  const first = readings.findLast(({ nowMs }) => last !== undefined && last.nowMs - nowMs >= span);
  if (!last || !first) return undefined;
  // Nothing waits for it: then it is the source that is slow.
  const looked = readings.slice(readings.indexOf(first));
  if (looked.some(({ queuedBytes }) => queuedBytes === 0)) return undefined;
  const speed = (1000 * (last.cutSeconds - first.cutSeconds)) / (last.nowMs - first.nowMs);
  return speed < LEAST_SPEED ? speed : undefined;
}

/** Readings that may still be looked at. */
export const MAX_READINGS = 16;

/** The encoded track that costs most, if a video track would be left without it. */
export function dispensable(plan: SessionPlan): string | undefined {
  const videos = plan.renditions.filter(({ kind }) => kind === "video");
  return videos.length > 1 ? videos.find(({ mode }) => mode === "encode")?.name : undefined;
}
