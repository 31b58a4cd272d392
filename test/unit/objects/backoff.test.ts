/** How long the Purges object waits before it tries again. */
import { expect, it } from "vitest";
import { backoffMs } from "../../../durable-objects/core/backoff.ts";

it.each([
  [0, 300_000, 5_000],
  [1, 300_000, 5_000],
  [2, 300_000, 10_000],
  [3, 300_000, 20_000],
  [6, 300_000, 160_000],
  [7, 300_000, 300_000],
  [10, 3_600_000, 2_560_000],
  [11, 3_600_000, 3_600_000],
  [5_000, 3_600_000, 3_600_000],
])("after %i failures, at most %i ms: %i ms", (failures, longestMs, waitMs) => {
  expect(backoffMs(failures, longestMs)).toBe(waitMs);
});
