/**
 * Keeps a part of `npm start` running: one that ends although nobody asked for it is started again, a little later
 * each time. A part that does not stay up is given up. Which parts there are is said by `start.ts`.
 */
import { setTimeout } from "node:timers/promises";
import { killGroup } from "../process-group.ts";
import { type Child, wordsOf } from "./children.ts";

/** A part that ran this long has started well: its earlier ends do not count any more. */
export const STEADY_MS = 20_000;
const FIRST_DELAY_MS = 250;
const MAX_DELAY_MS = 8_000;
/** Ends in a row, each soon after the start, before a part is given up. */
export const MAX_QUICK_ENDS = 6;

/** When to start a part again. */
export interface NextStart {
  /** Quick ends in a row, this one included. */
  readonly quickEnds: number;
  readonly delayMs: number;
}

/** Decide after an end: `quickEnds` came in a row before it, and this time it ran for `ranMs`. `undefined` gives it up. */
export function nextStart(quickEnds: number, ranMs: number): NextStart | undefined {
  const ends = ranMs >= STEADY_MS ? 1 : quickEnds + 1;
  if (ends > MAX_QUICK_ENDS) return undefined;
  return { quickEnds: ends, delayMs: Math.min(MAX_DELAY_MS, FIRST_DELAY_MS * 2 ** (ends - 1)) };
}

/** How a part is kept running. */
export interface KeepOptions {
  /** Start the same part once more, in the place of the one that ended. */
  readonly again: (ended: Child) => Child;
  readonly isStopping: () => boolean;
  /** Tell the person. */
  readonly tell: (line: string) => void;
  /** Called with the part that runs now, and with each one after it. */
  readonly watch?: (child: Child) => void;
  /** Waits between an end and the next start. */
  readonly delay?: (ms: number) => Promise<unknown>;
}

/** Keep a part running until the stop. Rejects with what to tell when it is given up. */
export async function keepRunning(first: Child, options: KeepOptions): Promise<never> {
  const { again, isStopping, tell, watch, delay = setTimeout } = options;
  let child = first;
  for (let quickEnds = 0; ; ) {
    const startedAt = performance.now();
    watch?.(child);
    const exit = await child.group.exited;
    if (isStopping()) return forever();
    // What it had started would be in the way of the next one.
    killGroup(child.group);
    const next = nextStart(quickEnds, performance.now() - startedAt);
    if (next === undefined) {
      // Its last words may still be in the pipe.
      await child.heard;
      throw child.deathOf(exit);
    }
    quickEnds = next.quickEnds;
    tell(`The ${child.plan.name} ended (${wordsOf(exit)}) and is started again. Its log: ${child.plan.log}`);
    await delay(next.delayMs);
    if (isStopping()) return forever();
    child = again(child);
  }
}

const forever = (): Promise<never> => new Promise(() => {});
