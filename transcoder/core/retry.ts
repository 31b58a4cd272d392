/** How long to wait before trying again: exponential, half of it jitter, bounded. Pure. */

export interface RetryPolicy {
  readonly firstDelayMs: number;
  readonly maxDelayMs: number;
  /** Tries in all. */
  readonly attempts: number;
}

/** Six to ten seconds in all: longer than a redeploy of origin, shorter than the silence that loses a lease. */
export const ORIGIN_RETRY: RetryPolicy = { firstDelayMs: 100, maxDelayMs: 2_000, attempts: 8 };

/** Wait before try `attempt` (the second try is 1); `undefined` when it was the last. `random` is in [0, 1). */
export function retryDelayMs(policy: RetryPolicy, attempt: number, random: number): number | undefined {
  if (attempt >= policy.attempts) return undefined;
  const ceiling = Math.min(policy.maxDelayMs, policy.firstDelayMs * 2 ** attempt);
  return ceiling / 2 + (ceiling / 2) * random;
}
