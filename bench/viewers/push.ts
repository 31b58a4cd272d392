/**
 * What a viewer's player asks for, in Chromium, and how far behind the camera it is: with pushed playlists, without a socket, and
 * with segments of 4 s. The requests counted here are what costs.ts reckons with.
 */
import type { Browser, Page } from "playwright-core";
import { watchPicture } from "../../test/support/browser.ts";
import { endChild, type Stack, until } from "../../test/support/stack.ts";
import { latencyFigures, segmentSeconds, UNDER_WAY_SECONDS } from "../latency.ts";
import type { Figure } from "../report.ts";
import { costFigures, type ViewerRequests } from "./costs.ts";

/** After this long a player that catches up has done so, and its socket is up. */
const SETTLE_SECONDS = 15;

/** A way of watching. */
interface Way {
  readonly name: string;
  readonly profile: string;
  readonly isPushed: boolean;
  /** Glass to glass, seconds. */
  readonly target?: number;
}
const WAYS: readonly Way[] = [
  { name: "low, pushed", profile: "low", isPushed: true, target: 1.6 },
  { name: "ultra, pushed", profile: "ultra", isPushed: true, target: 1.0 },
  { name: "low, polled", profile: "low", isPushed: false },
  { name: "standard", profile: "standard", isPushed: false },
];

/** Measure each way, and what 1,000 viewer-hours of it cost. */
export async function measurePush(
  stack: Stack,
  browser: Browser,
  seconds: number,
): Promise<readonly Figure[]> {
  const figures: Figure[] = [];
  const counted: Record<string, ViewerRequests> = {};
  for (const way of WAYS) {
    const { own, requests } = await measureWay(stack, browser, way, seconds);
    figures.push(...own);
    counted[way.name] = requests;
  }
  return [...figures, ...costFigures(counted)];
}

async function measureWay(stack: Stack, browser: Browser, way: Way, seconds: number) {
  const stream = `bench-${way.name.replaceAll(/\W+/g, "-")}`;
  const key = await stack.createStream(stream, { profile: way.profile });
  const gop = way.profile === "ultra" ? "1" : "2";
  const picture = stack.broadcast(key, ["--size", "640x360", "--kbps", "800", "--gop-seconds", gop]);
  const page = await browser.newPage({ viewport: { width: 1280, height: 720 } });
  try {
    await stack.state(stream, "live");
    await until("a show that is under way", async () => {
      const text = await (await stack.get(`/live/${stream}/v360/index.m3u8`)).text();
      return segmentSeconds(text) >= UNDER_WAY_SECONDS ? true : undefined;
    });
    if (!way.isPushed)
      await page.routeWebSocket(/connection\/websocket/, (socket) => socket.close({ code: 3503 }));
    await page.goto(`${stack.dev.edge}/watch/${stream}`);
    await until("the player to play", async () =>
      (await page.evaluate(() => document.documentElement.dataset.player)) === "playing" ? true : undefined,
    );
    await page.waitForTimeout(SETTLE_SECONDS * 1000);
    const counts = countRequests(page);
    const watched = await watchPicture(page, seconds);
    const requests = { media: counts.media / seconds, playlists: counts.playlists / seconds };
    const figures: Figure[] = [
      ...latencyFigures(`glass to glass, ${way.name}`, watched, seconds, way.target),
      {
        what: `requests of a viewer, ${way.name}`,
        value: requests.media + requests.playlists,
        unit: "/s",
        note: `${requests.media.toFixed(2)} media, ${counts.others} others in all`,
      },
      {
        what: `playlists of a viewer, ${way.name}`,
        value: counts.playlists,
        unit: "",
        ...(way.isPushed && { target: { atMost: 0 } }),
        note: `in ${seconds} s`,
      },
    ];
    return { own: figures, requests };
  } finally {
    await page.close();
    await endChild(picture);
  }
}

/** Counts from now on. */
function countRequests(page: Page): { media: number; playlists: number; others: number } {
  const counts = { media: 0, playlists: 0, others: 0 };
  page.on("request", (request) => {
    const { pathname } = new URL(request.url());
    if (pathname.endsWith(".m3u8")) counts.playlists += 1;
    else if (pathname.startsWith("/media/")) counts.media += 1;
    else counts.others += 1;
  });
  return counts;
}
