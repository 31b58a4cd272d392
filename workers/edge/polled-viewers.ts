/**
 * Viewers without a socket, counted by their requests for media playlists: each isolate tells each stream's object about every
 * ten seconds whom it saw in the last thirty. A viewer's key never leaves the request: what is held, for 30 s in memory, and
 * told is a hash of it and of the stream, so that nobody can be followed from one stream to another.
 * Whoever asks once, a monitor or a prefetcher as well, is a viewer for those 30 s.
 */
import { within } from "../../durable-objects/deadline.ts";
import type { EdgeEnv } from "../env.ts";
import { type PolledReport, PolledTally } from "./core/polled-viewers.ts";
import { viewerKey } from "./viewer.ts";

/** How long what was seen waits before it is told. A stream holds what an edge told for half a minute (durable-objects/viewers/viewer-count.ts). */
const TELL_MS = 10_000;
/** A report that was due this long ago died with its request's context. */
const LOST_MS = 30_000;
/** Longest wait for one stream's object. */
const CALL_MS = 5_000;

/** What of a request's context is needed. */
type Waiting = Pick<ExecutionContext, "waitUntil">;

/** Of this isolate. */
const tally = new PolledTally();
/** When the report that is on its way was scheduled; 0 when none is. */
let scheduledAtMs = 0;
/** Nothing random can be made before the first request. */
let edgeName: string | undefined;

/** Somebody was given a media playlist: they watch. Nothing here delays the answer or can fail it. */
export function countPolledViewer(env: EdgeEnv, ctx: Waiting, request: Request, stream: string): void {
  const see = async () => tally.saw(stream, await hashOf(stream, await viewerKey(env, request)), Date.now());
  ctx.waitUntil(see().catch((error) => console.warn("a viewer was not counted", error)));
  schedule(env, ctx);
}

/** Tell now. What a stream does not take is told it with the next report, which is a whole one again. */
export async function tellPolledViewers(env: Pick<EdgeEnv, "LIVE_STREAM">): Promise<void> {
  scheduledAtMs = 0;
  await Promise.all(tally.take(Date.now()).map((report) => tell(env, report)));
}

async function tell(
  { LIVE_STREAM }: Pick<EdgeEnv, "LIVE_STREAM">,
  { stream, viewers }: PolledReport,
): Promise<void> {
  edgeName ??= crypto.randomUUID();
  try {
    await within(CALL_MS, "a stream", LIVE_STREAM.getByName(stream).polled(edgeName, viewers));
  } catch (error) {
    console.warn("polled viewers", stream, error);
  }
}

function schedule(env: EdgeEnv, ctx: Waiting): void {
  const nowMs = Date.now();
  if (scheduledAtMs !== 0 && nowMs - scheduledAtMs < LOST_MS) return;
  scheduledAtMs = nowMs;
  ctx.waitUntil(scheduler.wait(TELL_MS).then(() => tellPolledViewers(env)));
}

/** 64 bits of SHA-256, as wire/polled-viewers.ts wants them. */
async function hashOf(stream: string, viewer: string): Promise<string> {
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(`${stream} ${viewer}`));
  return new Uint8Array(digest, 0, 8).toHex();
}
