/**
 * Hands spooled segments to origin, oldest first and one at a time, for as long as it takes; what origin fails to take
 * does not keep the others waiting (core/setbacks.ts). Keeps nothing itself.
 */
import { setTimeout as delay } from "node:timers/promises";
import type { RetryPolicy } from "./core/retry.ts";
import { Setbacks } from "./core/setbacks.ts";
import type { Log } from "./log.ts";
import { isPassing, type OriginClient, type Refusal } from "./origin-client.ts";
import type { Spool, SpooledItem } from "./spool.ts";

/** A flusher that runs. */
export interface SpoolFlusher {
  /** Stop after the request that is under way, or without its answer; the item stays on disk. */
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
/** A process that is to end does not wait longer for an origin that hangs. */
const STOP_MS = 5_000;

/** Begin to flush. */
export function startFlusher(options: FlusherOptions): SpoolFlusher {
  const stopped = new AbortController();
  const running = run(options, stopped.signal);
  return {
    async stop() {
      stopped.abort();
      const left = new AbortController();
      await Promise.race([running, wait(STOP_MS, left.signal)]);
      left.abort();
    },
  };
}

async function run(
  { spool, client, log, policy = PATIENT }: FlusherOptions,
  stop: AbortSignal,
): Promise<void> {
  let wake = () => {};
  spool.onRelease(() => wake());
  const setbacks = new Setbacks(policy);
  while (!stop.aborted) {
    const woken = new Promise<void>((resolve) => {
      wake = resolve;
    });
    const item = await spool.next((facts) => setbacks.isDue(facts, performance.now()));
    if (!item) {
      if (spool.depth.items === 0) setbacks.clear();
      await pause(woken, setbacks.nextDueMs(performance.now()) ?? LOOK_MS, stop);
      continue;
    }
    const { session, msn } = item.facts;
    const told = { session, ...(msn !== undefined && { msn }) };
    const refusal = await send(client, item, stop);
    if (refusal && isPassing(refusal)) {
      setbacks.fail(item.facts, performance.now(), Math.random());
      continue;
    }
    setbacks.forget(item.facts);
    if (!refusal) {
      spool.done(item);
      log({ event: "spool-handed-over", ...told, waitedMs: Date.now() - item.facts.at });
    } else {
      spool.drop(item);
      log({ event: "spool-refused", ...told, problem: refusal.name, detail: refusal.detail });
    }
  }
}

/** Put the objects, then tell of the segment; `undefined` when origin has both. */
async function send(
  client: FlusherOptions["client"],
  item: SpooledItem,
  stop: AbortSignal,
): Promise<Refusal | undefined> {
  const taken = new Set<string>();
  for (const object of item.objects) {
    if (stop.aborted) return { name: "unreachable", detail: "this process is to end" };
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

/** Until something was released, or so long; nothing is left behind of a wait that was cut short. */
async function pause(woken: Promise<void>, ms: number, stop: AbortSignal): Promise<void> {
  const over = new AbortController();
  await Promise.race([woken, wait(ms, AbortSignal.any([stop, over.signal]))]);
  over.abort();
}

const wait = (ms: number, signal: AbortSignal): Promise<void> =>
  delay(ms, undefined, { signal, ref: false }).catch(() => {});
