/** How an outage is read from the times of frames. */
import { expect, it } from "vitest";
import { outageOf } from "../../support/outage.ts";

/** Frames every 40 ms, none where a gap is. */
const frames = (...gaps: readonly (readonly [number, number])[]): number[] =>
  Array.from({ length: 500 }, (_, i) => i * 40).filter(
    (at) => !gaps.some(([from, to]) => at > from && at < to),
  );

it.each([
  ["no gap", frames(), 1000, 2000, { longestMs: 40, afterReturnMs: 0, darkMs: 0 }],
  ["a hitch", frames([4000, 4400]), 1000, 2000, { longestMs: 400, afterReturnMs: 0, darkMs: 0 }],
  [
    "back before the buffer is dry",
    frames([4000, 8000]),
    1000,
    3000,
    { longestMs: 4000, afterReturnMs: 5000, darkMs: 3500 },
  ],
  [
    "back while it is dark",
    frames([4000, 8000]),
    1000,
    7000,
    { longestMs: 4000, afterReturnMs: 1000, darkMs: 3500 },
  ],
  [
    "a picture before the part is back",
    frames([4000, 8000]),
    1000,
    9000,
    { longestMs: 4000, afterReturnMs: 0, darkMs: 3500 },
  ],
  [
    "two gaps",
    frames([4000, 6000], [8000, 11000]),
    1000,
    5000,
    { longestMs: 3000, afterReturnMs: 6000, darkMs: 4000 },
  ],
  [
    "a gap before the fault",
    frames([4000, 8000]),
    9000,
    9500,
    { longestMs: 40, afterReturnMs: 0, darkMs: 0 },
  ],
  ["no frames at all", [], 0, 0, { longestMs: 0, afterReturnMs: 0, darkMs: 0 }],
] as const)("%s", (_what, times, faultAt, backAt, outage) => {
  expect(outageOf(times, faultAt, backAt)).toEqual(outage);
});
