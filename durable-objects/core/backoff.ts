/** How long an object waits before it tries again what failed. Pure; no jitter, for each waits for its own. */

const FIRST_WAIT_MS = 5_000;

/** The wait after as many failures in a row: twice as long each time, and no longer than `longestMs`. */
export const backoffMs = (failures: number, longestMs: number): number =>
  Math.min(FIRST_WAIT_MS * 2 ** Math.max(0, failures - 1), longestMs);
