/** The timeline of a day: 43,200 segments of five tracks neither grow it nor make an append slower. */
import { expect, it } from "vitest";
import { mediaPlaylist } from "../../../media/hls.ts";
import type { RenditionFacts, Timeline } from "../../../media/timeline.ts";
import { AUDIO, begin, grow, nextAt, partEntries, segmentEntry, timingOf, V480, V720 } from "./broadcast.ts";

const SEGMENTS = 43_200;
const FIVE: readonly RenditionFacts[] = [
  { ...V720, name: "v1080" },
  V720,
  V480,
  { ...V480, name: "v360" },
  AUDIO,
];
const PARTS = [0.5, 0.5, 0.5, 0.5].map((duration) => ({ duration }));

const append = (timeline: Timeline): Timeline =>
  grow(timeline, 1, [
    ...partEntries(timeline, PARTS, 0, nextAt(timeline)),
    segmentEntry(timeline, 2, undefined, nextAt(timeline)),
  ]);
const median = (values: readonly number[]): number =>
  values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;

it("a day costs what an hour does", () => {
  let timeline = begin(timingOf("low", 900), FIVE);
  const took: number[] = [];
  const sizes: number[] = [];
  for (let msn = 0; msn < SEGMENTS; msn += 1) {
    const before = performance.now();
    timeline = append(timeline);
    took.push(performance.now() - before);
    if (msn % 4000 === 999) sizes.push(JSON.stringify(timeline).length);
  }
  expect(timeline.segments).toHaveLength(450);
  expect(Math.max(...sizes)).toBeLessThan(1.01 * Math.min(...sizes));
  // The window is full after 450. A cost that grew with the show would be some thirty times as much at its end.
  expect(median(took.slice(-1000))).toBeLessThan(4 * median(took.slice(500, 1500)));
  expect(mediaPlaylist(timeline, "v720", { skip: "YES" }).length).toBeLessThan(8000);
});
