/**
 * The live window of a timeline: which segments and parts a playlist goes on naming. What leaves it stays in history.
 * Pure.
 */
import type { Timing } from "./profile.ts";
import type { Segment, Timeline } from "./timeline.ts";

/** Segments in a window, however short they are: a day of two seconds each. */
export const MAX_WINDOW_SEGMENTS = 43_200;

/**
 * Seconds that a window of so many segments must keep. Never less than three target durations may stay (6.2.2), and
 * Apple's players want six segments (8.11); scraps of segments get no more than that.
 */
export const windowNeeds = ({ windowSeconds, targetDuration }: Timing, segments: number): number =>
  Math.max(segments > MAX_WINDOW_SEGMENTS ? 0 : windowSeconds, 6 * targetDuration);

/** Let go of what a playlist no longer names: whole segments past the window, parts of old segments. */
export function trim(timeline: Timeline): Timeline {
  let held = timeline.segments.reduce((sum, segment) => sum + segment.duration, 0);
  let drop = 0;
  let discontinuitySequence = timeline.discontinuitySequence;
  for (const segment of timeline.segments) {
    if (held - segment.duration < windowNeeds(timeline.timing, timeline.segments.length - drop)) break;
    held -= segment.duration;
    drop += 1;
    if (segment.discontinuity) discontinuitySequence += 1;
  }
  const segments = forgetOldParts(timeline.segments.slice(drop), timeline.timing);
  return { ...timeline, segments, discontinuitySequence };
}

/** Let go of the parts that a playlist need not list any more: those over three target durations from the end (4.4.4.9, 6.2.2). */
export function forgetOldParts(segments: readonly Segment[], timing: Timing): readonly Segment[] {
  let after = 0;
  const kept = segments.toReversed().map((segment) => {
    const old = after > 3 * timing.targetDuration;
    after += segment.duration;
    return old && segment.parts.length > 0 ? { ...segment, parts: [] } : segment;
  });
  return kept.reverse();
}

/** `msn` from which on a playlist may name parts. */
export const firstNamedParts = ({ segments, open, nextMsn }: Timeline): number =>
  segments.find(({ parts }) => parts.length > 0)?.msn ?? open?.msn ?? nextMsn;

/** The same timeline without the parts of its closed segments. */
export const withoutParts = (timeline: Timeline): Timeline => ({
  ...timeline,
  segments: timeline.segments.map((segment) =>
    segment.parts.length > 0 ? { ...segment, parts: [] } : segment,
  ),
});
