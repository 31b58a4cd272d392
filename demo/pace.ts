/** When the next frame is due. Pure: times come in as milliseconds. */

/** Furthest a broadcast may fall behind the clock and still send every frame late: beyond it, time is let go. */
export const MAX_CATCH_UP_MS = 1000;

export interface Pace {
  readonly framesPerSecond: number;
  /** Moment that frame 0 stands for; it moves on when time is let go. */
  readonly startMs: number;
  /** Frames sent. */
  readonly sent: number;
}

/** What to do at a moment: send the next frame, or come back later. */
export type Step =
  | { readonly type: "send"; readonly pace: Pace }
  | { readonly type: "wait"; readonly ms: number };

/** Decide at a moment. Frame times follow from the count, so that no error adds up. */
export function nextStep(pace: Pace, nowMs: number): Step {
  const dueMs = pace.startMs + (pace.sent * 1000) / pace.framesPerSecond;
  if (nowMs < dueMs) return { type: "wait", ms: dueMs - nowMs };
  const lost = nowMs - dueMs > MAX_CATCH_UP_MS ? nowMs - dueMs : 0;
  return { type: "send", pace: { ...pace, startMs: pace.startMs + lost, sent: pace.sent + 1 } };
}
