/**
 * A show with a fault in it: a real broadcast, a real player, something that breaks, and what was left of the show
 * when it was over. For the kill tests and their benchmark.
 */
import type { Browser, Page } from "playwright-core";
import { BroadcastRecordSchema } from "../../wire/broadcasts.ts";
import { parseJson } from "../../wire/parse.ts";
import { shownMoment } from "./browser.ts";
import type { Fault } from "./faults.ts";
import { checkPlaylist } from "./hls-checker.ts";
import { readMediaPlaylist } from "./hls-reader.ts";
import { type Outage, outageOf, recordFrames, shownFrames } from "./outage.ts";
import { PersistentEncoder } from "./outage-encoder.ts";
import { type Stack, until } from "./stack.ts";

/** What became of a show. */
export interface Survived extends Outage {
  /** Segments of the finished broadcast. */
  readonly segments: number;
  /** Segments, of any rendition, that cannot be had when it is over. */
  readonly missing: number;
  /** Objects that origin's history of the broadcast lacks. */
  readonly gaps: number;
  /** Time between one session and the next, which nobody has: seconds. */
  readonly betweenSessions: number;
  /** What the finished playlists break. */
  readonly violations: readonly string[];
  /** How often the encoder had to connect. */
  readonly connections: number;
}

/** What a show is like. */
export interface Show {
  readonly stream: string;
  readonly fault: Fault;
}

/** The broadcast waits this long for its encoder: longer than a lost lease takes to be given up. */
const RECONNECT_SECONDS = 45;
/** How long the player has to show what was sent after the return, and more of it. */
const RECOVERY_LIMIT_MS = 60_000;
/** Pictures that must have been seen before the fault, and after it: a player that stutters has not recovered. */
const STEADY_FRAMES = 60;
/** How long the transcoder has to hand over what it could not store in time. */
const WHOLE_LIMIT_MS = 60_000;
const RENDITIONS = ["v360", "audio"];

/** Give a show, break something in the middle, and see. */
export async function surviveFault(stack: Stack, browser: Browser, show: Show): Promise<Survived> {
  const { stream, fault } = show;
  const key = await stack.createStream(stream, { profile: "low", reconnectSeconds: RECONNECT_SECONDS });
  const encoder = PersistentEncoder.begin(stack, key, ["--size", "640x360", "--kbps", "800"]);
  const page = await browser.newPage({ viewport: { width: 1280, height: 720 } });
  try {
    await stack.state(stream, "live");
    await page.goto(`${stack.dev.edge}/watch/${stream}`);
    await untilShown(page, 0, RECOVERY_LIMIT_MS);
    await recordFrames(page);
    await untilSteady(page, RECOVERY_LIMIT_MS);
    const faultAt = Date.now();
    const backAt = await fault(stack, stream);
    await untilShown(page, backAt, RECOVERY_LIMIT_MS);
    await untilSteady(page, RECOVERY_LIMIT_MS);
    const outage = outageOf(await shownFrames(page), faultAt, backAt);
    await encoder.stop();
    await endBroadcast(stack, stream);
    return { ...outage, ...(await leftOf(stack, stream)), connections: encoder.connections };
  } finally {
    await page.close();
    await encoder.stop();
  }
}

/** Wait until the player shows what was painted after a moment; an error says what it does instead. */
async function untilShown(page: Page, after: number, limitMs: number): Promise<void> {
  try {
    await until(
      "a picture from after the fault",
      async () => ((await shownMoment(page)) ?? 0) > after || undefined,
      limitMs,
    );
  } catch (error) {
    throw new Error(`${error instanceof Error ? error.message : error}: ${await describePlayer(page)}`);
  }
}

/** Wait until the picture goes on and on. */
async function untilSteady(page: Page, limitMs: number): Promise<void> {
  const before = (await shownFrames(page)).length;
  await until(
    "the picture to go on",
    async () => (await shownFrames(page)).length >= before + STEADY_FRAMES || undefined,
    limitMs,
  );
}

/** What the player does: its state, where it stands and what it has. */
const describePlayer = (page: Page): Promise<string> =>
  page.evaluate(() => {
    const video = document.querySelector("video");
    const { buffered } = video ?? {};
    const ranges = Array.from({ length: buffered?.length ?? 0 }, (_, i) =>
      [buffered?.start(i), buffered?.end(i)].map((at) => at?.toFixed(2)).join(" to "),
    );
    return `the player is ${document.documentElement.dataset.player}, at ${video?.currentTime}, has ${ranges.join(", ")}`;
  });

/** End a broadcast whose encoder has said goodbye, without waiting for it to come back. */
async function endBroadcast(stack: Stack, stream: string): Promise<void> {
  await stack.state(stream, "interrupted");
  await stack.admin(`/streams/${stream}/disable`, { method: "POST" });
  await stack.admin(`/streams/${stream}/enable`, { method: "POST" });
  await stack.state(stream, "ended");
}

/** What the finished broadcast is made of. */
async function leftOf(stack: Stack, stream: string): Promise<Omit<Survived, keyof Outage | "connections">> {
  const urls = RENDITIONS.map((rendition) => `${stack.dev.edge}/live/${stream}/${rendition}/index.m3u8`);
  const texts = await Promise.all(urls.map(async (url) => (await fetch(url)).text()));
  const violations = texts.flatMap((text) => checkPlaylist(text).violations);
  // A segment that came late is a gap in the playlist for ever; its object is there all the same.
  const uris = texts.flatMap((text, i) =>
    readMediaPlaylist(text).segments.map(({ uri = "" }) => String(new URL(uri, urls[i]))),
  );
  let missing = await absent(uris);
  const deadline = Date.now() + WHOLE_LIMIT_MS;
  while (missing.length > 0 && Date.now() < deadline) missing = await absent(missing);
  return {
    segments: uris.length / RENDITIONS.length,
    missing: missing.length,
    gaps: await gapsOf(stack, uris[0] ?? ""),
    betweenSessions: betweenSessions(texts[0] ?? ""),
    violations,
  };
}

/** Those of some URLs that cannot be fetched. */
async function absent(urls: readonly string[]): Promise<readonly string[]> {
  const answers = await Promise.all(
    urls.map(async (url) => ({ url, ok: (await fetch(url, { method: "HEAD" })).ok })),
  );
  return answers.filter(({ ok }) => !ok).map(({ url }) => url);
}

/** What origin says of the broadcast that a media URL belongs to. */
async function gapsOf(stack: Stack, mediaUrl: string): Promise<number> {
  const [, broadcast] = /\/media\/([^/]+)\//.exec(mediaUrl) ?? [];
  const answer = await (await stack.admin(`/broadcasts/${broadcast}`)).text();
  const record = parseJson(BroadcastRecordSchema, answer);
  if (!record.ok) throw new Error(`origin says of ${broadcast}: ${answer}`);
  return record.value.gaps;
}

/** Seconds between the end of each session and the beginning of the next. */
function betweenSessions(text: string): number {
  const { segments } = readMediaPlaylist(text);
  return segments.slice(1).reduce((sum, { discontinuity, date = 0 }, i) => {
    const before = segments[i];
    if (!discontinuity || before?.date === undefined) return sum;
    return sum + (date - before.date) / 1000 - (before.duration ?? 0);
  }, 0);
}

/** What became of a show, in a line. */
export function tellSurvived(what: string, survived: Survived): string {
  const seconds = (ms: number) => `${(ms / 1000).toFixed(1)} s`;
  const { longestMs, afterReturnMs, darkMs, missing, gaps, segments, connections, betweenSessions } =
    survived;
  return (
    `${what}: ${seconds(longestMs)} without a new frame (${seconds(darkMs)} dark in all), the picture back ` +
    `${seconds(afterReturnMs)} after the part; ${missing} objects of ${segments} segments missing, ${gaps} gaps in ` +
    `history; ${betweenSessions.toFixed(1)} s between sessions; ${connections} connections`
  );
}
