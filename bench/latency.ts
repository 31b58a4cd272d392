/** Glass to glass: from the test picture's clock through RTMP, FFmpeg, origin and edge to a page in Chromium. */
import type { Browser } from "playwright-core";
import { median, percentile, type Watched, watchPicture } from "../test/support/browser.ts";
import { endChild, type Stack, until } from "../test/support/stack.ts";
import type { Figure } from "./report.ts";

/** What is promised, seconds; `standard` is reported only. */
const TARGETS: Record<string, number | undefined> = { low: 2.2, ultra: 1.4, standard: undefined };
/** After this long a player that catches up has done so. */
const SETTLE_SECONDS = 15;

/** A viewer comes in the middle of a show, and finds a playlist that is long enough for any hold-back. */
export const UNDER_WAY_SECONDS = 12;

/** Seconds of media in a playlist. */
export const segmentSeconds = (playlist: string): number =>
  [...playlist.matchAll(/^#EXTINF:([0-9.]+)/gm)].reduce((sum, [, seconds]) => sum + Number(seconds), 0);

/** Measure one latency profile. */
export async function measureProfile(
  stack: Stack,
  browser: Browser,
  profile: string,
  seconds: number,
): Promise<readonly Figure[]> {
  const stream = `bench-${profile}`;
  const key = await stack.createStream(stream, { profile });
  const gop = profile === "ultra" ? "1" : "2";
  const picture = stack.broadcast(key, ["--size", "640x360", "--kbps", "800", "--gop-seconds", gop]);
  await stack.state(stream, "live");
  await until("a show that is under way", async () => {
    const text = await (await stack.get(`/live/${stream}/v360/index.m3u8`)).text();
    return segmentSeconds(text) >= UNDER_WAY_SECONDS ? true : undefined;
  });
  const page = await browser.newPage({ viewport: { width: 1280, height: 720 } });
  await page.goto(`${stack.dev.edge}/watch/${stream}`);
  await until("the player to play", async () =>
    (await page.evaluate(() => document.documentElement.dataset.player)) === "playing" ? true : undefined,
  );
  await page.waitForTimeout(SETTLE_SECONDS * 1000);
  const watched = await watchPicture(page, seconds);
  await page.close();
  await endChild(picture);
  return latencyFigures(`glass to glass, ${profile}`, watched, seconds, TARGETS[profile]);
}

/** Figures of what was watched, for our player and for a peer's. */
export function latencyFigures(
  what: string,
  { latencies, stalls, played }: Watched,
  seconds: number,
  targetSeconds: number | undefined,
): readonly Figure[] {
  const target = targetSeconds === undefined ? undefined : { atMost: targetSeconds };
  return [
    {
      what: `${what}: median`,
      value: median(latencies) / 1000,
      unit: "s",
      ...(target && { target }),
      note: `p95 ${(percentile(latencies, 0.95) / 1000).toFixed(2)} s, ${latencies.length} samples, played ${played.toFixed(1)} of ${seconds} s`,
    },
    { what: `${what}: stalls`, value: stalls, unit: "", ...(target && { target: { atMost: 0 } }) },
  ];
}
