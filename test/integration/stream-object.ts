/** Reaching into a stream's object: its alarm, its bucket, its clock, and what it says of its broadcasts. */
import { evictDurableObject, runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, vi } from "vitest";
import type { BroadcastRecord, MissingOfSession } from "../../wire/broadcasts.ts";
import { broadcastsAdmin } from "../../workers/origin/broadcasts.ts";
import { type Encoder, origin } from "./encoder.ts";

export const liveStream = (stream: string) => env.LIVE_STREAM.getByName(stream);

/** Let time pass for a stream: every moment it has stored moves into the past, then it is restarted. */
export async function age(stream: string, ms: number): Promise<void> {
  await runInDurableObject(liveStream(stream), (_object, state) => {
    const live = state.storage.kv.get<{
      startedAt: number;
      session: { lastHeardAt: number; closedAt?: number };
    }>("live");
    if (!live) throw new Error("nothing is live");
    const { session } = live;
    state.storage.kv.put("live", {
      ...live,
      session: {
        ...session,
        lastHeardAt: session.lastHeardAt - ms,
        ...(session.closedAt !== undefined && { closedAt: session.closedAt - ms }),
      },
    });
  });
  await evictDurableObject(liveStream(stream));
}

/** Give one stream's object another bucket; the answer puts the right one back. */
export async function replaceBucket(stream: string, bucket: unknown): Promise<() => Promise<void>> {
  const put = (value: unknown) =>
    runInDurableObject(liveStream(stream), (object) => {
      const holder = object as unknown as { env: Record<string, unknown> };
      holder.env = { ...holder.env, MEDIA: value };
    });
  await put(bucket);
  return () => put(env.MEDIA);
}

/** A bucket that refuses everything, and one that answers nothing. */
export const FAILING = new Proxy({}, { get: () => () => Promise.reject(new Error("injected")) });
export const HANGING = new Proxy({}, { get: () => () => new Promise(() => {}) });

/** The clock goes on by so much, here and in the objects, which share the test's own. */
export function passTime(ms: number): void {
  const now = Date.now();
  vi.useFakeTimers({ toFake: ["Date"] });
  vi.setSystemTime(now + ms);
}

/** Ask the operator's routes of broadcasts. */
export const admin = async (path: string, method = "GET"): Promise<Response> =>
  broadcastsAdmin.fetch(new Request(`http://millrace.test${path}`, { method }), env);

/** What is known of a broadcast. */
export const recordOf = async (broadcast: string): Promise<BroadcastRecord> =>
  (await admin(`/broadcasts/${broadcast}`)).json<BroadcastRecord>();

/** What a session may still hand in. */
export const missingOf = async ({ grant, auth }: Encoder): Promise<MissingOfSession> =>
  (await origin(`/ingest/${grant.session}/missing`, { headers: auth })).json<MissingOfSession>();

/** Have a broadcast checked now, step by step; `between` runs after each step. The answer is the record then. */
export async function check(
  broadcast: string,
  between: () => Promise<unknown> = async () => {},
): Promise<BroadcastRecord> {
  await admin(`/broadcasts/${broadcast}/check`, "POST");
  return finishCheck(broadcast, between);
}

/** Run the alarm until no check is due. */
export async function finishCheck(
  broadcast: string,
  between: () => Promise<unknown> = async () => {},
): Promise<BroadcastRecord> {
  const { stream } = await recordOf(broadcast);
  for (let step = 0; step < 200; step += 1) {
    const record = await recordOf(broadcast);
    if (record.checkAt === undefined || Date.parse(record.checkAt) > Date.now()) return record;
    await runDurableObjectAlarm(liveStream(stream));
    await between();
  }
  throw new Error("a check that never ends");
}

/** All keys of a broadcast in R2. */
export async function keysOf(broadcast: string): Promise<readonly string[]> {
  const keys: string[] = [];
  const prefix = `media/${broadcast}/`;
  let cursor: string | undefined;
  do {
    const page: R2Objects = await env.MEDIA.list({ prefix, ...(cursor !== undefined && { cursor }) });
    keys.push(...page.objects.map(({ key }) => key.slice(prefix.length)));
    cursor = page.truncated ? page.cursor : undefined;
  } while (cursor !== undefined);
  return keys;
}

afterEach(() => {
  vi.useRealTimers();
});
