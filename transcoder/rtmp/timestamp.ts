/** RTMP's 32-bit clock to a number that goes on: wraps go forward, jitter may go back. No rates, no clocks of its own. */

const UINT24 = 0x100_0000;
/** Audio and video of one instant are never further apart than this, milliseconds. */
const LARGEST_JITTER_MS = 10_000;

/** Timestamps of one message stream, put on one line. */
export interface TimestampLine {
  /** Latest timestamp as it came, modulo 2^32; `undefined` before the first. */
  readonly raw: number | undefined;
  /** The same on the line, milliseconds. */
  readonly timestampMs: number;
  /** The encoder has shown that it only counts to 2^24. */
  readonly counts24Bits: boolean;
}

/** Before the first timestamp. */
export const NEW_LINE: TimestampLine = { raw: undefined, timestampMs: 0, counts24Bits: false };

/** Put the next timestamp on the line: the nearest value that is the same modulo 2^32 (RTMP 1.0, 5.3.1 and RFC 1982). */
export function advanceTo(line: TimestampLine, raw: number): TimestampLine {
  if (line.raw === undefined) return { raw, timestampMs: raw, counts24Bits: false };
  const step = (raw - line.raw) | 0;
  // A step back by almost exactly 2^24 is an encoder that knows no extended timestamps; the other track may still be before it.
  if (isNear(step, -UINT24)) {
    return { raw, timestampMs: line.timestampMs + step + UINT24, counts24Bits: true };
  }
  const late = line.counts24Bits && isNear(step, UINT24);
  return { ...line, raw, timestampMs: line.timestampMs + step - (late ? UINT24 : 0) };
}

const isNear = (step: number, wrap: number): boolean => Math.abs(step - wrap) <= LARGEST_JITTER_MS;
