/** Where media time 0 is on the wall, whatever an encoder's clock does while its source is looked at. */
import { expect, it } from "vitest";
import { NO_OFFSET, offsetAfter } from "../../../transcoder/core/clock-offset.ts";

const NOW = Date.UTC(2026, 10, 21);
const HOUR = 3_600_000;

/** Timestamps, and how long after the first each came. */
it.each<[string, [number, number][], number]>([
  [
    "takes the least delayed message",
    [
      [1000, 300],
      [1040, 310],
      [1080, 500],
    ],
    310 - 1040,
  ],
  [
    "follows a clock that jumps back",
    [
      [2 * HOUR, 0],
      [HOUR, 40],
      [HOUR + 40, 80],
    ],
    40 - HOUR,
  ],
  [
    "follows a clock that jumps forward",
    [
      [0, 0],
      [24 * HOUR, 40],
    ],
    40 - 24 * HOUR,
  ],
  [
    "settles on the new clock when the old one is heard once more",
    [
      [2 * HOUR, 0],
      [HOUR, 1],
      [2 * HOUR + 5, 2],
      [HOUR + 5, 9],
    ],
    4 - HOUR,
  ],
  [
    "forgets configurations that were sent at 0",
    [
      [0, 0],
      [0, 0],
      [9 * HOUR, 5],
    ],
    5 - 9 * HOUR,
  ],
  [
    "forgives a stall",
    [
      [0, 0],
      [40, 6040],
      [80, 6041],
      [6000, 6045],
    ],
    45,
  ],
])("%s", (_what, messages, expected) => {
  const offset = messages.reduce(
    (ms, [timestamp, after]) =>
      offsetAfter(ms, { kind: "video", timestamp, payload: new Uint8Array(1) }, NOW + after),
    NO_OFFSET,
  );
  expect(offset - NOW).toBe(expected);
});

it("is not told by data, whose times mean nothing", () => {
  expect(offsetAfter(NO_OFFSET, { kind: "data", timestamp: 5, payload: new Uint8Array(1) }, NOW)).toBe(
    NO_OFFSET,
  );
});
