/** What players say, summed: quantiles within 5 %, and sums that do not depend on their order. */
import { describe, expect, it } from "vitest";
import {
  addQoe,
  bucketOf,
  type Histogram,
  mergeQoe,
  NO_QOE,
  quantile,
  summaryOf,
  valueOfBucket,
} from "../../../durable-objects/core/viewers/histogram.ts";
import type { Qoe } from "../../../wire/player-report.ts";

const counted = (values: readonly number[]): Histogram => {
  const counts: Record<number, number> = {};
  for (const value of values) counts[bucketOf(value)] = (counts[bucketOf(value)] ?? 0) + 1;
  return counts;
};
const said = (more: Partial<Qoe>): Qoe => ({
  ...{ stalls: 0, stalledMs: 0, playedMs: 10_000, droppedFrames: 0, shownFrames: 300 },
  ...more,
});

it("keeps every time to 5 %, up to ten minutes in 133 buckets", () => {
  for (let ms = 1; ms <= 600_000; ms *= 1.013) {
    const value = valueOfBucket(bucketOf(ms));
    expect(Math.abs(value - ms) / ms).toBeLessThanOrEqual(0.05 + 1e-9);
  }
  expect(bucketOf(600_000)).toBe(133);
  expect([0, 0.3, 1].map(bucketOf)).toEqual([0, 0, 0]);
});

describe("a quantile", () => {
  const values = Array.from({ length: 1000 }, (_, index) => 40 + ((index * 7919) % 1000) * 3);
  const sorted = values.toSorted((a, b) => a - b);

  it.each([0, 0.01, 0.25, 0.5, 0.95, 0.99, 1])("%d is within 5 % of the true one", (q) => {
    const truly = sorted[Math.max(0, Math.ceil(q * values.length) - 1)] ?? Number.NaN;
    const told = quantile(counted(values), q) ?? Number.NaN;
    expect(Math.abs(told - truly) / truly).toBeLessThanOrEqual(0.05 + 1e-9);
  });

  it("of nothing is nothing", () => {
    expect(quantile({}, 0.5)).toBeUndefined();
  });
});

describe("what players say", () => {
  const all = Array.from({ length: 50 }, (_, index) =>
    said({
      stalls: index % 3,
      stalledMs: (index % 3) * 200,
      droppedFrames: index % 7,
      latencyMs: 900 + index * 20,
      height: index % 4 === 0 ? 1080 : 720,
      ...(index < 10 && { startupMs: 500 + index * 10 }),
    }),
  );
  const whole = all.reduce(addQoe, NO_QOE);

  it("adds up the same by way of any shards", () => {
    const shards = [0, 1, 2].map((shard) =>
      all.filter((_, index) => index % 3 === shard).reduce(addQoe, NO_QOE),
    );
    expect(shards.reduce(mergeQoe)).toEqual(whole);
    expect(shards.toReversed().reduce(mergeQoe, NO_QOE)).toEqual(whole);
  });

  it("is summed up for people", () => {
    const summary = summaryOf(whole);
    expect(summary.reports).toBe(50);
    expect(summary.stalls).toBe(49);
    expect(summary.startupMs?.count).toBe(10);
    expect(summary.startupMs?.p50).toBeGreaterThan(0.95 * 540);
    expect(summary.startupMs?.p50).toBeLessThan(1.05 * 540);
    expect(summary.latencyMs?.p95).toBeGreaterThan(0.95 * 1840);
    expect(summary.latencyMs?.p95).toBeLessThan(1.05 * 1840);
    expect(summary.stallRatio).toBeCloseTo(9800 / (9800 + 500_000), 9);
    expect(summary.droppedRatio).toBeCloseTo(147 / (147 + 15_000), 9);
    expect(summary.heights).toEqual([
      { height: 720, share: 0.74 },
      { height: 1080, share: 0.26 },
    ]);
  });

  it("leaves out what nobody said", () => {
    expect(summaryOf(NO_QOE)).toEqual({ reports: 0, stalls: 0, heights: [] });
    expect(summaryOf(addQoe(NO_QOE, said({ playedMs: 0, shownFrames: 0 })))).toEqual({
      reports: 1,
      stalls: 0,
      heights: [],
    });
  });

  it("tells at most 24 heights apart, whatever players name", () => {
    const made = Array.from({ length: 2000 }, (_, index) => said({ height: index })).reduce(addQoe, NO_QOE);
    expect(Object.keys(made.heights)).toHaveLength(24);
    expect(Object.values(made.heights).reduce((sum, count) => sum + count, 0)).toBe(2000);
  });
});
