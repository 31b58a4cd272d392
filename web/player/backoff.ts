/** How long the watch page waits before it asks or tries again. Pure numbers, milliseconds; `random` is 0 to 1. */

/** While something may start any moment. */
const EAGER_MS = 2_000;
/** While frames move, the engine notices most things by itself. */
const SETTLED_MS = 12_000;
/** Over the socket the page hears of everything at once; what it asks for besides is a second opinion. */
const FED_FACTOR = 5;
const MISSING_MS = 10_000;
/** A background tab need not be on time. */
const HIDDEN_FACTOR = 5;
const FIRST_RETRY_MS = 500;
const LONGEST_WAIT_MS = 30_000;
const LONGEST_RETRY_MS = 8_000;

export interface Poll {
  /** Frames move, or the viewer paused. */
  readonly settled: boolean;
  readonly missing: boolean;
  readonly hidden: boolean;
  /** The socket tells of every change. */
  readonly fed?: boolean;
  /** Questions that failed in a row. */
  readonly failures: number;
  readonly random: number;
}

/** Until the next question about the stream. Spread by a fifth either way, so that viewers don't ask in step. */
export function pollDelayMs({ settled, missing, hidden, fed = false, failures, random }: Poll): number {
  const rest = missing ? MISSING_MS : settled ? SETTLED_MS : EAGER_MS;
  const base = failures > 0 ? Math.min(LONGEST_WAIT_MS, EAGER_MS * 2 ** (failures - 1)) : rest;
  const spread = failures > 0 ? 0.5 + random : 0.8 + 0.4 * random;
  return Math.round(base * spread * (hidden ? HIDDEN_FACTOR : 1) * (fed && failures === 0 ? FED_FACTOR : 1));
}

/** Until loading is tried again after the `attempt`th fatal error, counted from 1. */
export function retryDelayMs(attempt: number, random: number): number {
  const base = Math.min(LONGEST_RETRY_MS, FIRST_RETRY_MS * 2 ** (attempt - 1));
  return Math.round(base * (0.5 + random));
}
