/**
 * What a viewer sees of an outage: when new frames came to the screen, and how long none did. Frames are counted in the
 * page, as the browser presents them; what causes the outage is in faults.ts.
 */
import type { Page } from "playwright-core";

declare global {
  interface Window {
    /** When frames were presented that showed something new, milliseconds since 1970. */
    shownFrames?: number[];
  }
}

/** Note the time of every new frame of the page's video from now on. */
export async function recordFrames(page: Page): Promise<void> {
  await page.evaluate(() => {
    const video = document.querySelector("video");
    if (!video) throw new Error("no video on the page");
    const times: number[] = [];
    window.shownFrames = times;
    let last = -1;
    const note: VideoFrameRequestCallback = (now, { mediaTime }) => {
      // A seek to where the picture stands presents the same frame once more.
      if (mediaTime !== last) times.push(performance.timeOrigin + now);
      last = mediaTime;
      video.requestVideoFrameCallback(note);
    };
    video.requestVideoFrameCallback(note);
  });
}

/** The times noted so far. */
export const shownFrames = (page: Page): Promise<readonly number[]> =>
  page.evaluate(() => window.shownFrames ?? []);

/** An outage as a viewer saw it. */
export interface Outage {
  /** The longest time without a new frame, milliseconds. */
  readonly longestMs: number;
  /** From the return of what was away to the frame that ended the last outage; 0 when none ended after the return. */
  readonly afterReturnMs: number;
  /** Time without a picture in all: what each gap is longer than a hitch. */
  readonly darkMs: number;
}

/** Frames this far apart are no outage. */
const HITCH_MS = 500;

/** Read an outage from the times of frames: something went away at `faultAt` and was back at `backAt`. Pure. */
export function outageOf(frames: readonly number[], faultAt: number, backAt: number): Outage {
  const gaps = frames.slice(1).flatMap((end, i) => {
    const start = frames[i] ?? end;
    return end > faultAt ? [{ end, ms: end - start }] : [];
  });
  const lastEnd = gaps.findLast(({ ms }) => ms > HITCH_MS)?.end ?? backAt;
  return {
    longestMs: Math.max(0, ...gaps.map(({ ms }) => ms)),
    afterReturnMs: Math.max(0, lastEnd - backAt),
    darkMs: gaps.reduce((sum, { ms }) => sum + Math.max(0, ms - HITCH_MS), 0),
  };
}
