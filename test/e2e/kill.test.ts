/**
 * Parts that are killed under a real broadcast, with a real player watching: it goes on, and nothing of the finished
 * broadcast is missing. What a viewer saw is printed; `npm run bench -- --only kill` measures it.
 */
import type { Browser } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startBrowser } from "../support/browser.ts";
import {
  breakR2,
  type Fault,
  killFfmpeg,
  killTranscoder,
  killWorkerd,
  startFaultyStack,
} from "../support/faults.ts";
import { surviveFault, tellSurvived } from "../support/faults-show.ts";
import type { Stack } from "../support/stack.ts";

let stack: Stack;
let browser: Browser;

// A stack of its own: what is killed here is everybody's.
beforeAll(async () => {
  [stack, browser] = await Promise.all([startFaultyStack(), startBrowser()]);
});
afterAll(async () => {
  await browser.close();
  await stack.stop();
});

const FAULTS: readonly (readonly [string, string, Fault])[] = [
  ["kill -9 of FFmpeg", "kill-ffmpeg", killFfmpeg],
  ["kill -9 of the transcoder", "kill-transcoder", killTranscoder],
  ["kill -9 of workerd", "kill-workerd", killWorkerd],
  ["12 s of an R2 that fails", "r2-fails", breakR2("fail", 12)],
  ["12 s of an R2 that hangs", "r2-hangs", breakR2("hang", 12)],
];

describe("a viewer sees the show go on, and it is whole in the end, after", () => {
  it.each(FAULTS)("%s", { timeout: 180_000 }, async (what, stream, fault) => {
    const survived = await surviveFault(stack, browser, { stream, fault });
    console.log(tellSurvived(what, survived));
    expect(survived.longestMs).toBeGreaterThan(0);
    expect(survived.segments).toBeGreaterThan(3);
    expect(survived.missing).toBe(0);
    expect(survived.gaps).toBe(0);
    expect(survived.violations).toEqual([]);
  });
});
