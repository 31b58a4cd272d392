/**
 * Asks origin, when a broadcast is over and was compared with R2, what it misses of the segments that are still on disk here,
 * and has those sent again. Sends nothing itself (spool-flusher.ts).
 */
import { setTimeout as delay } from "node:timers/promises";
import { type RetryPolicy, retryDelayMs } from "./core/retry.ts";
import type { Log } from "./log.ts";
import { isPassing, type OriginClient } from "./origin-client.ts";
import type { Spool } from "./spool.ts";

/** A checker that runs. */
export interface SpoolChecker {
  /** Ask no more; an answer that is under way is waited for. */
  stop(): Promise<void>;
}

export interface CheckerOptions {
  readonly spool: Spool;
  readonly client: Pick<OriginClient, "missing">;
  readonly log: Log;
  readonly policy?: RetryPolicy;
}

/** Origin compares a minute after the end, and a show may go on for a day: an answer costs it a look at the whole history. */
const SELDOM: RetryPolicy = {
  firstDelayMs: 90_000,
  maxDelayMs: 1_800_000,
  attempts: Number.POSITIVE_INFINITY,
};

/** Begin to ask. */
export function startChecker(options: CheckerOptions): SpoolChecker {
  const stopped = new AbortController();
  const running = run(options, stopped.signal);
  return {
    async stop() {
      stopped.abort();
      await running;
    },
  };
}

async function run(
  { spool, client, log, policy = SELDOM }: CheckerOptions,
  stop: AbortSignal,
): Promise<void> {
  /** By session: how often it was asked about, and when it may be again. */
  const asked = new Map<string, { readonly times: number; readonly notBefore: number }>();
  for (;;) {
    await delay(policy.firstDelayMs / 2, undefined, { signal: stop, ref: false }).catch(() => {});
    if (stop.aborted) return;
    for (const { holder, storedAt } of spool.unchecked()) {
      const { session } = holder;
      const { times, notBefore } = asked.get(session) ?? {
        times: 0,
        notBefore: storedAt + policy.firstDelayMs,
      };
      if (Date.now() < notBefore || stop.aborted) continue;
      const wait = retryDelayMs(policy, times + 1, Math.random()) ?? 0;
      asked.set(session, { times: times + 1, notBefore: Date.now() + wait });
      const missing = await client.missing(holder);
      if (!missing.ok && isPassing(missing.error)) continue;
      // The lease is no longer good for anything: nothing could be sent again.
      const { segments, inits, checkedAt } = missing.ok
        ? missing.value
        : { segments: [], inits: [], checkedAt: undefined };
      const isChecked = checkedAt !== undefined && checkedAt > storedAt;
      if (missing.ok && !isChecked) continue;
      asked.delete(session);
      const msns = new Set(segments.map(({ msn }) => msn));
      const again = spool.checked(session, (msn) => (msn === undefined ? inits.length > 0 : msns.has(msn)));
      log({ event: "spool-checked", session, missing: segments.length, again });
    }
  }
}
