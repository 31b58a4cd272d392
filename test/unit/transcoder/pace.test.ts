/** When FFmpeg is held to be slower than live, and what it is relieved of. */
import { describe, expect, it } from "vitest";
import { planLadder } from "../../../media/ladder.ts";
import { dispensable, type PaceReading, slowness } from "../../../transcoder/core/pace.ts";
import type { SessionPlan } from "../../../wire/ingest.ts";

/** Readings two seconds apart, at a speed, with a queue. */
const readings = (
  count: number,
  speed: number,
  queuedBytes: (i: number) => number = () => 1000,
): PaceReading[] =>
  Array.from({ length: count }, (_, i) => ({
    nowMs: 7000 + 2000 * i,
    cutSeconds: 40 + 2 * i * speed,
    queuedBytes: queuedBytes(i),
  }));

describe("slowness", () => {
  it.each([
    ["half the speed for six seconds", readings(4, 0.5), 0.5, 0.5],
    ["half the speed for four seconds", readings(3, 0.5), 0.5, undefined],
    ["live speed", readings(8, 1), 0.5, undefined],
    ["catching up", readings(8, 1.4), 0.5, undefined],
    ["a slow source: nothing waits for FFmpeg", readings(8, 0.5, () => 0), 0.5, undefined],
    ["a queue that was empty in between", readings(4, 0.5, (i) => (i === 2 ? 0 : 9)), 0.5, undefined],
    ["four-second segments, looked at for eight", readings(5, 0.5), 4, undefined],
    ["four-second segments, looked at for twelve", readings(7, 0.5), 4, 0.5],
    ["no reading at all", [], 0.5, undefined],
  ])("of %s", (_name, given, step, speed) => {
    expect(slowness(given, step)).toBe(speed);
  });
});

describe("what FFmpeg is relieved of", () => {
  const source = (lines: number, codec = "h264") => ({
    video: {
      codec,
      width: (lines * 16) / 9,
      height: lines,
      frameRate: 30,
      variableFrameRate: false,
      bitrate: 4e6,
      keyframeSeconds: 2,
      regularKeyframes: true,
      closedGops: true,
    },
  });
  const plan = (lines: number, allowCopy: boolean): SessionPlan => ({
    ...planLadder(source(lines), "low", undefined, allowCopy).plan,
    nextMsn: 0,
  });
  it.each([
    ["1080p passed through", plan(1080, true), "v720"],
    ["1080p encoded", plan(1080, false), "v1080"],
    ["a single rung passed through", plan(360, true), undefined],
    ["a single rung encoded", plan(360, false), undefined],
  ])("with %s", (_name, given, track) => {
    expect(dispensable(given)).toBe(track);
  });
});
