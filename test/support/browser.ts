/** Debian's Chromium, as tests and benchmarks drive it; what a page shows is read from its test picture. */
import { execFileSync } from "node:child_process";
import { isAbsolute } from "node:path";
import { type Browser, chromium, type Page } from "playwright-core";
import { readerScript } from "../../demo/reader.ts";
import { findChromium } from "../../scripts/setup/programs.mjs";

const FLAGS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
  "--autoplay-policy=no-user-gesture-required",
];

/** Start a headless browser with a fresh profile. */
export async function startBrowser(): Promise<Browser> {
  const found = await findChromium();
  if (found === undefined) throw new Error("There is no Chromium: run npm test, which installs one.");
  // Playwright wants a path; a name is looked up as a shell would.
  const executablePath = isAbsolute(found)
    ? found
    : execFileSync("which", [found], { encoding: "utf8" }).trim();
  return chromium.launch({ executablePath, args: FLAGS });
}

/** What a minute of watching came to. */
export interface Watched {
  /** Clock on screen behind the clock on the wall, milliseconds, one a sample. */
  readonly latencies: readonly number[];
  /** Times that playback stopped for want of media. */
  readonly stalls: number;
  /** Seconds that the picture moved on. */
  readonly played: number;
}

/** The moment that the page's first video shows now, milliseconds since 1970; `undefined` while it shows no test picture. */
export const shownMoment = (page: Page): Promise<number | undefined> =>
  page.evaluate((script) => {
    const video = document.querySelector("video");
    // The function's text comes from our own tree; see demo/reader.ts.
    const read: (video: HTMLVideoElement) => number | undefined = new Function(`return ${script}`)();
    return video ? read(video) : undefined;
  }, readerScript());

/** Watch the test picture in the page's first video for some seconds. Both clocks are this machine's. */
export function watchPicture(page: Page, seconds: number, everyMs = 100): Promise<Watched> {
  return page.evaluate(
    async ({ script, seconds, everyMs }) => {
      const video = document.querySelector("video");
      if (!video) throw new Error("no video on the page");
      // The function's text comes from our own tree; see demo/reader.ts.
      const read: (video: HTMLVideoElement) => number | undefined = new Function(`return ${script}`)();
      let stalls = 0;
      const onWaiting = () => {
        stalls += 1;
      };
      video.addEventListener("waiting", onWaiting);
      const from = video.currentTime;
      const latencies: number[] = [];
      const end = performance.now() + seconds * 1000;
      while (performance.now() < end) {
        const shown = read(video);
        if (shown !== undefined) latencies.push(Date.now() - shown);
        await new Promise((resolve) => setTimeout(resolve, everyMs));
      }
      video.removeEventListener("waiting", onWaiting);
      return { latencies, stalls, played: video.currentTime - from };
    },
    { script: readerScript(), seconds, everyMs },
  );
}

/** Middle value; NaN of nothing. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : (upper + (sorted[middle - 1] ?? Number.NaN)) / 2;
}

/** The value that a share of the values does not exceed. */
export function percentile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.ceil(share * sorted.length) - 1)] ?? Number.NaN;
}
