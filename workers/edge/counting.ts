/**
 * Counting at the edge: each isolate adds up what it answers and hears, and tells origin every few seconds. What is added
 * stands in core/tally.ts. A request pays for a look into a map; nothing here can fail one.
 */
import type { EdgeReport, Outcome } from "../../wire/edge-report.ts";
import type { EdgeEnv } from "../env.ts";
import { CMCD_PARAMETER, type Cmcd, readCmcd } from "./core/cmcd.ts";
import { figureOf, Tally } from "./core/tally.ts";

/** How long what was counted waits before it is reported. */
const FLUSH_MS = 5_000;
/** A report that was due this long ago died with its request's context. */
const LOST_MS = 30_000;

/** What of a request's context is needed. */
type Waiting = Pick<ExecutionContext, "waitUntil">;
type CountingEnv = Pick<EdgeEnv, "ORIGIN" | "QOE">;

/** Of this isolate. */
const tally = new Tally();
/** When the report that is on its way was scheduled; 0 when none is. */
let scheduledAtMs = 0;

/** A request for a media object was answered. */
export function countMedia(env: CountingEnv, ctx: Waiting, stream: string, outcome: Outcome): void {
  tally.answered("media", stream, outcome);
  schedule(env, ctx);
}

/** A request for a playlist was answered. */
export function countPlaylist(env: CountingEnv, ctx: Waiting, stream: string, outcome: Outcome): void {
  tally.answered("playlists", stream, outcome);
  schedule(env, ctx);
}

/** R2 was asked for an object. */
export function countBucketRead(env: CountingEnv, ctx: Waiting, stream: string): void {
  tally.bucketRead(stream);
  schedule(env, ctx);
}

/** The stream's object was called. */
export function countStreamCall(env: CountingEnv, ctx: Waiting, stream: string): void {
  tally.streamCall(stream);
  schedule(env, ctx);
}

/** Hear what the player says of itself with this request, if it does. */
export function hearPlayer(env: CountingEnv, ctx: Waiting, request: Request, stream: string): void {
  // Most requests have none, and to parse a URL costs more than to look for a word in it.
  const { url } = request;
  const query = url.includes(CMCD_PARAMETER) ? new URL(url).searchParams.get(CMCD_PARAMETER) : null;
  const cmcd = readCmcd(query, (name) => request.headers.get(name));
  if (!cmcd) return;
  tally.heard(stream, cmcd);
  writePoint(env.QOE, stream, cmcd, request.cf?.country);
  schedule(env, ctx);
}

/** Report now; what origin does not take is counted again. */
export async function flush(env: CountingEnv): Promise<void> {
  scheduledAtMs = 0;
  await Promise.all(tally.take().map((report) => send(env, report)));
}

async function send(env: CountingEnv, report: EdgeReport): Promise<void> {
  try {
    await env.ORIGIN.report(report);
  } catch (error) {
    // The next request that is counted schedules another report.
    tally.putBack(report);
    console.warn("edge report", error);
  }
}

function schedule(env: CountingEnv, ctx: Waiting): void {
  const nowMs = Date.now();
  if (scheduledAtMs !== 0 && nowMs - scheduledAtMs < LOST_MS) return;
  scheduledAtMs = nowMs;
  ctx.waitUntil(scheduler.wait(FLUSH_MS).then(() => flush(env)));
}

/**
 * One point for Analytics Engine (docs/edge.md, "CMCD"): no session and no content id, nothing of the viewer but the country.
 * The order of blobs and doubles is fixed, for queries name them by number; what was not said is "" or -1.
 */
function writePoint(
  dataset: AnalyticsEngineDataset | undefined,
  stream: string,
  cmcd: Cmcd,
  country: unknown,
): void {
  if (!dataset) return;
  const figure = (name: Parameters<typeof figureOf>[1]) => figureOf(cmcd, name) ?? -1;
  try {
    dataset.writeDataPoint({
      indexes: [stream],
      blobs: [
        cmcd.ot ?? "",
        cmcd.sf ?? "",
        cmcd.st ?? "",
        cmcd.sta ?? "",
        typeof country === "string" ? country : "",
      ],
      doubles: [
        cmcd.su ? 1 : 0,
        cmcd.bs ? 1 : 0,
        figure("bitrate"),
        figure("buffer"),
        figure("throughput"),
        figure("latency"),
        figure("startDelay"),
        cmcd.v ?? 1,
      ],
    });
  } catch (error) {
    console.warn("analytics", error);
  }
}
