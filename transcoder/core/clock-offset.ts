/** What an encoder's clock and this machine's are apart, as a look at a source finds it: where media time 0 is on the wall. Pure. */
import { MAX_CLOCK_STEP_MS, type MediaMessage } from "./flv.ts";

/** Before the first message. */
export const NO_OFFSET = Number.POSITIVE_INFINITY;

/**
 * The offset after a message that arrived at `nowMs`: the least there was, as what comes sooner was less delayed. Messages on
 * another clock than before, after a jump or configurations that are sent at 0, begin the comparison anew.
 */
export function offsetAfter(offsetMs: number, { kind, timestamp }: MediaMessage, nowMs: number): number {
  if (kind === "data") return offsetMs;
  const seen = nowMs - timestamp;
  return Math.abs(seen - offsetMs) > MAX_CLOCK_STEP_MS ? seen : Math.min(offsetMs, seen);
}
