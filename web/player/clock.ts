/**
 * The server's clock, from the Date headers of its answers. A header is cut to whole seconds, so one answer says only
 * that the offset lies in an interval; intervals of several answers are intersected. No I/O: times come in.
 */

export interface ClockSample {
  /** Local time when the answer came, milliseconds since 1970. */
  readonly receivedMs: number;
  /** When its request left; absent when the answer may be a copy, whose date may be old. */
  readonly sentMs?: number;
  /** The Date header, milliseconds since 1970. */
  readonly dateMs: number;
}

/** Server time minus local time lies within. */
export interface ClockOffset {
  readonly leastMs: number;
  readonly mostMs: number;
}

/** A Date header names the second that has begun. */
const RESOLUTION_MS = 1_000;
/** Answers that took longer say too little. */
const LONGEST_USEFUL_MS = 2_000;

/** Add what an answer says. When it contradicts what was known, a clock was set: the past is dropped. */
export function learnClock(known: ClockOffset | undefined, sample: ClockSample): ClockOffset | undefined {
  const { sentMs, receivedMs, dateMs } = sample;
  if (!Number.isFinite(dateMs)) return known;
  // Even an old date is not later than now.
  const least = dateMs - receivedMs;
  if (sentMs === undefined) {
    if (!known || least <= known.leastMs) return known;
    return { leastMs: least, mostMs: Math.max(known.mostMs, least) };
  }
  if (receivedMs < sentMs || receivedMs - sentMs > LONGEST_USEFUL_MS) return known;
  const most = dateMs + RESOLUTION_MS - sentMs;
  if (!known) return { leastMs: least, mostMs: most };
  const leastMs = Math.max(known.leastMs, least);
  const mostMs = Math.min(known.mostMs, most);
  return leastMs <= mostMs ? { leastMs, mostMs } : { leastMs: least, mostMs: most };
}

/** Best estimate of server time minus local time. */
export const offsetMs = ({ leastMs, mostMs }: ClockOffset): number => (leastMs + mostMs) / 2;

/** Clocks of encoder and server that differ by more than this make the difference meaningless. */
const PLAUSIBLE_SECONDS = 30;

export interface LatencyFacts {
  readonly clock?: ClockOffset;
  readonly nowMs: number;
  /** EXT-X-PROGRAM-DATE-TIME at the playhead, milliseconds since 1970. */
  readonly playingMs?: number;
  /** Behind the newest media in the playlist, seconds. */
  readonly edgeLatency: number;
}

/** How far behind the camera the viewer is, seconds: by the clocks when they make sense, else behind the playlist. */
export function latencyOf({ clock, nowMs, playingMs, edgeLatency }: LatencyFacts): {
  readonly seconds: number;
  readonly by: "clock" | "playlist";
} {
  if (clock && playingMs !== undefined) {
    const seconds = (nowMs + offsetMs(clock) - playingMs) / 1000;
    // Nobody sees a frame before it was filmed, nor much before the playlist's end says so.
    const excess = seconds - edgeLatency;
    if (seconds > 0 && excess > -1 && excess < PLAUSIBLE_SECONDS) return { seconds, by: "clock" };
  }
  return { seconds: edgeLatency, by: "playlist" };
}
