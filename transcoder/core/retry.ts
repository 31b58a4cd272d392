/** How long to wait before trying again: exponential, half of it jitter, bounded. Pure. */

export interface RetryPolicy {
  readonly firstDelayMs: number;
  readonly maxDelayMs: number;
  /** Tries in all. */
  readonly attempts: number;
  /** No try begins later than this after the first one; unset, the attempts alone count. */
  readonly withinMs?: number;
}

/** Six to ten seconds in all: longer than a redeploy of origin, shorter than the silence that loses a lease. */
export const ORIGIN_RETRY: RetryPolicy = {
  firstDelayMs: 100,
  maxDelayMs: 2_000,
  attempts: 8,
  withinMs: 10_000,
};

/**
 * Wait before try `attempt` (the second try is 1); `undefined` when it was the last. `random` is in [0, 1), `elapsedMs` the
 * time since the first try began: tries that hang take long.
 */
export function retryDelayMs(
  policy: RetryPolicy,
  attempt: number,
  random: number,
  elapsedMs = 0,
): number | undefined {
  if (attempt >= policy.attempts) return undefined;
  const ceiling = Math.min(policy.maxDelayMs, policy.firstDelayMs * 2 ** attempt);
  const wait = ceiling / 2 + (ceiling / 2) * random;
  return policy.withinMs !== undefined && elapsedMs + wait > policy.withinMs ? undefined : wait;
}
