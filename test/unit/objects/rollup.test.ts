/** Counting who watches: reports merged, summed, and kept for the broadcast. */
import { describe, expect, it } from "vitest";
import { addQoe, NO_QOE } from "../../../durable-objects/core/viewers/histogram.ts";
import {
  averageOf,
  mergeReports,
  totalsOf,
  type Watched,
  watchedOf,
} from "../../../durable-objects/core/viewers/rollup.ts";

const quiet = { stalls: 0, stalledMs: 0, playedMs: 10_000, droppedFrames: 0, shownFrames: 300 };
const qoe = addQoe(NO_QOE, quiet);

describe("reports", () => {
  it("of one shard become its newest, and what players said adds up", () => {
    const merged = mergeReports([
      { shard: "a", sockets: 10, playing: 5, qoe, position: { epoch: "e", offset: 1 } },
      { shard: "b", sockets: 1, playing: 1 },
      { shard: "a", sockets: 12, playing: 6, position: { epoch: "e", offset: 2 } },
      { shard: "a", sockets: 11, playing: 4, qoe },
    ]);
    expect(merged).toEqual([
      { shard: "a", sockets: 11, playing: 4, qoe: { ...addQoe(qoe, quiet) } },
      { shard: "b", sockets: 1, playing: 1 },
    ]);
  });

  it("merged at a relay and merged again above say the same as merged once", () => {
    const reports = Array.from({ length: 60 }, (_, index) => ({
      shard: `s${index % 7}`,
      sockets: index,
      playing: index % 5,
      ...(index % 3 === 0 && { qoe }),
    }));
    const inTwo = mergeReports([...mergeReports(reports.slice(0, 31)), ...mergeReports(reports.slice(31))]);
    expect(inTwo).toEqual(mergeReports(reports));
    expect(totalsOf(inTwo)).toEqual(totalsOf(mergeReports(reports)));
    expect(inTwo.reduce((sum, report) => sum + (report.qoe?.reports ?? 0), 0)).toBe(20);
  });

  it("are summed, with those who have no socket", () => {
    const reports = [
      { sockets: 10, playing: 7 },
      { sockets: 5, playing: 5 },
    ];
    expect(totalsOf(reports, 3)).toEqual({ shards: 2, sockets: 15, viewers: 15 });
    expect(totalsOf([])).toEqual({ shards: 0, sockets: 0, viewers: 0 });
  });
});

describe("a broadcast was watched", () => {
  const fold = (steps: readonly (readonly [number, number])[]): Watched | undefined =>
    steps.reduce<Watched | undefined>(
      (before, [atMs, viewers]) => watchedOf(before, viewers, atMs),
      undefined,
    );

  it.each([
    ["by nobody yet", [[0, 0]], 0, 0],
    ["by those who are there at once", [[5000, 4]], 4, 4],
    [
      "by more and more",
      [
        [0, 0],
        [10_000, 10],
        [20_000, 30],
        [30_000, 0],
      ],
      30,
      40 / 3,
    ],
    [
      "through a clock that goes back",
      [
        [10_000, 10],
        [5000, 20],
        [20_000, 0],
      ],
      20,
      20,
    ],
  ] as const)("%s", (_name, steps, peak, average) => {
    const watched = fold(steps);
    expect(watched?.peak).toBe(peak);
    expect(watched && averageOf(watched)).toBeCloseTo(average, 6);
  });
});
