/** What a viewer sees when a part of Millrace is killed or fails, and what is missing in the end: the kill tests, measured. */
import type { Browser } from "playwright-core";
import {
  breakR2,
  type Fault,
  killFfmpeg,
  killTranscoder,
  killWorkerd,
  startFaultyStack,
} from "../test/support/faults.ts";
import { type Survived, surviveFault, tellSurvived } from "../test/support/faults-show.ts";
import type { Figure } from "./report.ts";

/** From the return of the part to the next new frame. */
const TARGET_SECONDS = 5;

/** Measure each fault once; R2 fails and hangs for `r2Seconds`. */
export async function measureKills(browser: Browser, r2Seconds: number): Promise<readonly Figure[]> {
  const faults: readonly (readonly [string, string, Fault])[] = [
    ["kill -9 of FFmpeg", "ffmpeg", killFfmpeg],
    ["kill -9 of the transcoder", "transcoder", killTranscoder],
    ["kill -9 of workerd", "workerd", killWorkerd],
    [`${r2Seconds} s of an R2 that fails`, "r2-fails", breakR2("fail", r2Seconds)],
    [`${r2Seconds} s of an R2 that hangs`, "r2-hangs", breakR2("hang", r2Seconds)],
  ];
  const stack = await startFaultyStack();
  try {
    const figures: Figure[] = [];
    for (const [what, stream, fault] of faults) {
      try {
        const survived = await surviveFault(stack, browser, { stream, fault });
        process.stdout.write(`  ${tellSurvived(what, survived)}\n`);
        figures.push(...figuresOf(what, survived));
      } catch (error) {
        // The others are worth knowing all the same.
        figures.push(neverBack(what, error instanceof Error ? error.message : String(error)));
      }
    }
    return figures;
  } finally {
    await stack.stop();
  }
}

const neverBack = (what: string, note: string): Figure => ({
  what: `${what}: from its return to the next frame`,
  value: Number.POSITIVE_INFINITY,
  unit: "s",
  target: { atMost: TARGET_SECONDS },
  note,
});

function figuresOf(what: string, survived: Survived): readonly Figure[] {
  const {
    longestMs,
    afterReturnMs,
    darkMs,
    missing,
    gaps = 0,
    segments,
    connections,
    betweenSessions,
  } = survived;
  return [
    {
      what: `${what}: from its return to the next frame`,
      value: afterReturnMs / 1000,
      unit: "s",
      target: { atMost: TARGET_SECONDS },
      note: `longest time without a new frame ${(longestMs / 1000).toFixed(1)} s, dark in all ${(darkMs / 1000).toFixed(1)} s`,
    },
    {
      what: `${what}: segments missing in the end`,
      value: Math.max(missing, gaps),
      unit: "",
      target: { atMost: 0 },
      note: `of ${segments}; ${betweenSessions.toFixed(1)} s between sessions; the encoder connected ${connections} times`,
    },
  ];
}
