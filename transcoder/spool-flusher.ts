/** Hands spooled segments to origin, oldest first and one at a time, for as long as it takes. Keeps nothing itself. */
import { setTimeout as delay } from "node:timers/promises";
import { type RetryPolicy, retryDelayMs } from "./core/retry.ts";
import type { Log } from "./log.ts";
import { isPassing, type OriginClient, type Refusal } from "./origin-client.ts";
import type { Spool, SpooledItem } from "./spool.ts";

export interface SpoolFlusher {
  /** Stop after the item that is under way. */
  stop(): Promise<void>;
}

export interface FlusherOptions {
  readonly spool: Spool;
  readonly client: Pick<OriginClient, "putLate" | "tellLate">;
  readonly log: Log;
  readonly policy?: RetryPolicy;
}

const PATIENT: RetryPolicy = { firstDelayMs: 500, maxDelayMs: 10_000, attempts: Number.POSITIVE_INFINITY };
/** Ages are looked at this often even if nothing happens. */
const LOOK_MS = 60_000;

/** Begin to flush. */
export function startFlusher(options: FlusherOptions): SpoolFlusher {
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
  { spool, client, log, policy = PATIENT }: FlusherOptions,
  stop: AbortSignal,
): Promise<void> {
  let wake = () => {};
  spool.onRelease(() => wake());
  let failures = 0;
  while (!stop.aborted) {
    const woken = new Promise<void>((resolve) => {
      wake = resolve;
    });
    const item = await spool.next();
    if (!item) {
      await Promise.race([woken, wait(LOOK_MS, stop)]);
      continue;
    }
    const { session, msn } = item.facts;
    const told = { session, ...(msn !== undefined && { msn }) };
    const refusal = await send(client, item);
    if (!refusal) {
      failures = 0;
      spool.done(item);
      log({ event: "spool-handed-over", ...told, waitedMs: Date.now() - item.facts.at });
    } else if (isPassing(refusal)) {
      failures += 1;
      await wait(retryDelayMs(policy, Math.min(failures, 10), Math.random()) ?? 0, stop);
    } else {
      spool.done(item);
      log({ event: "spool-refused", ...told, problem: refusal.name, detail: refusal.detail });
    }
  }
}

/** Put the objects, then tell of the segment; `undefined` when origin has both. */
async function send(client: FlusherOptions["client"], item: SpooledItem): Promise<Refusal | undefined> {
  const taken = new Set<string>();
  for (const object of item.objects) {
    const put = await client.putLate(item.holder, object);
    if (put.ok) taken.add(object.rendition);
    // Origin has made that one itself, of its parts, say: its own history knows it.
    else if (put.error.name !== "object-exists") return put.error;
  }
  if (!item.segment) return undefined;
  // What was kept without objects has them in the bucket already.
  const tracks =
    item.objects.length === 0
      ? item.segment.tracks
      : Object.fromEntries(Object.entries(item.segment.tracks).filter(([rendition]) => taken.has(rendition)));
  if (Object.keys(tracks).length === 0) return undefined;
  const told = await client.tellLate(item.holder, [{ ...item.segment, tracks }]);
  return told.ok ? undefined : told.error;
}

const wait = (ms: number, signal: AbortSignal): Promise<void> =>
  delay(ms, undefined, { signal, ref: false }).catch(() => {});
