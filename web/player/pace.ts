/**
 * How fast to play so that latency settles on the target: hls.js's own catch-up asks for a second of buffer,
 * which a stream with PART-HOLD-BACK 0.6 s never has, and it never comes back from a stall. And the way out of a stall.
 * Pure numbers, seconds.
 */

export interface PaceSample {
  /** Behind the newest media the server has. */
  readonly latency: number;
  /** Where latency should settle: PART-HOLD-BACK or HOLD-BACK, and the margin that stalls earned. */
  readonly target: number;
  /** Media ahead of the playhead. */
  readonly buffer: number;
  /** TARGETDURATION. */
  readonly targetDuration: number;
  /** The rate now. */
  readonly rate: number;
}

export type Pace = { readonly type: "rate"; readonly rate: number } | { readonly type: "jump" };

/** Up to here time-stretching is hardly heard in speech or music; below the least, it would never arrive. */
const FASTEST = 1.08;
const SLOWEST = 1.02;
/** Nearer to the edge than a target that has moved away, as it does when playlists have to be asked for again. */
const WAITING = 0.96;
/** Rate above 1 for each second of distance: nine tenths of a distance are made up in about 25 s. */
const RATE_PER_SECOND = 0.1;
/** Below this much buffer speeding up would cause the next stall. */
const LEAST_BUFFER_SECONDS = 0.25;
const START_SECONDS = 0.12;
const STOP_SECONDS = 0.03;
const START_WAITING_SECONDS = 0.18;
/** No target moves this far. A show that has only begun is nearer to its edge, and would be slow for minutes. */
const LONGEST_WAIT_SECONDS = 1.5;
/** Steps of rate, so that the resampler is left alone most of the time. */
const STEP = 0.01;

/** What to do now, for a viewer who wants to be at the live edge. */
export function paceOf({ latency, target, buffer, targetDuration, rate }: PaceSample): Pace {
  const distance = latency - target;
  if (distance > jumpDistance(targetDuration)) return { type: "jump" };
  const isNear = distance < (rate < 1 ? -STOP_SECONDS : -START_WAITING_SECONDS);
  if (isNear && distance > -LONGEST_WAIT_SECONDS) return { type: "rate", rate: WAITING };
  const threshold = rate > 1 ? STOP_SECONDS : START_SECONDS;
  if (distance < threshold || buffer < LEAST_BUFFER_SECONDS) return { type: "rate", rate: 1 };
  const wanted = Math.min(FASTEST, Math.max(SLOWEST, 1 + distance * RATE_PER_SECOND));
  return { type: "rate", rate: Math.round(wanted / STEP) * STEP };
}

/** Further behind than this, a jump costs the viewer less than catching up would. */
export const jumpDistance = (targetDuration: number): number => Math.max(4, 2 * targetDuration);

/** A stall that lasts this long does not end by itself. */
const STUCK_SECONDS = 1.5;

/** A stall, as a look at the player finds it; seconds. */
export interface StallSample {
  /** For how long nothing has moved. */
  readonly stalledSeconds: number;
  /** The viewer wants the live edge, of a stream that has one. */
  readonly following: boolean;
  readonly latency: number;
  readonly target: number;
  readonly targetDuration: number;
  readonly position: number;
  /** Where a viewer at the live edge is. It does not move while nothing new comes. */
  readonly edge: number;
  /** Where the next media begins that is in memory, behind a hole. */
  readonly nextRange?: number;
}

/** What to do about a stall. */
export type Escape =
  | { readonly type: "wait" }
  | { readonly type: "jump" }
  | { readonly type: "seek"; readonly seconds: number };

/**
 * The way out of a stall. Gaps in the playlist (EXT-X-GAP) leave holes in memory, and hls.js does not always find its way
 * across one: a gap that was partly loaded looks to it like more to come.
 */
export function escapeOf(stall: StallSample): Escape {
  const { stalledSeconds, following, latency, target, targetDuration, position, edge, nextRange } = stall;
  if (stalledSeconds < STUCK_SECONDS) return { type: "wait" };
  const isForward = edge - position > LEAST_JUMP_SECONDS;
  if (following && isForward && latency - target > jumpDistance(targetDuration)) return { type: "jump" };
  return nextRange === undefined
    ? { type: "wait" }
    : { type: "seek", seconds: nextRange + HOLE_EDGE_SECONDS };
}

/** A jump by less would show again what was seen. */
const LEAST_JUMP_SECONDS = 0.5;
/** A little inside the media, so that rounding does not leave the playhead in the hole. */
const HOLE_EDGE_SECONDS = 0.05;

/** Each stall earns this much margin, at most three of them, and a minute without a stall gives one back. */
export const STALL_MARGIN_SECONDS = 0.25;
const MOST_STALLS = 3;
const FORGIVEN_AFTER_MS = 60_000;

export interface StallMemory {
  readonly stalls: number;
  readonly sinceMs: number;
}
export const NO_STALLS: StallMemory = { stalls: 0, sinceMs: 0 };

/** Remember a stall. */
export const addStall = ({ stalls }: StallMemory, nowMs: number): StallMemory => ({
  stalls: Math.min(MOST_STALLS, stalls + 1),
  sinceMs: nowMs,
});

/** Let go of a stall that is long past. */
export const forgive = (memory: StallMemory, nowMs: number): StallMemory =>
  memory.stalls > 0 && nowMs - memory.sinceMs >= FORGIVEN_AFTER_MS
    ? { stalls: memory.stalls - 1, sinceMs: nowMs }
    : memory;
