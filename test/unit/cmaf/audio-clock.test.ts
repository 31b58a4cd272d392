/** Audio frames whose times were rounded to milliseconds on their way. */
import { describe, expect, it } from "vitest";
import { AudioClock } from "../../../transcoder/cmaf/audio-clock.ts";

const frameAt = (dts: number, duration: number) => ({
  dts,
  duration,
  ctsOffset: 0,
  keyframe: true,
  bytes: new Uint8Array(1),
});

/** Frames as FFmpeg reads them from FLV: each time rounded to a millisecond, each length the distance to the next. */
function rounded(samples: number, rate: number, count: number) {
  const time = (n: number) => Math.round(Math.round((n * samples * 1000) / rate) * (rate / 1000));
  return Array.from({ length: count }, (_, n) => frameAt(time(n), time(n + 1) - time(n)));
}

describe("frames rounded to milliseconds", () => {
  it.each([
    [1024, 48_000],
    [1024, 44_100],
    [1024, 32_000],
    [960, 48_000],
    [2048, 48_000],
    [1152, 44_100],
  ])("of %d samples at %d Hz lie end to end, for an hour", (samples, rate) => {
    const clock = new AudioClock(rate);
    const frames = rounded(samples, rate, Math.ceil((3600 * rate) / samples));
    frames.forEach((frame, n) => {
      const { dts, duration } = clock.place(frame);
      if (dts !== n * samples || duration !== samples)
        expect({ n, dts, duration }).toEqual({ n, dts: n * samples, duration: samples });
    });
  });
});

it("leaves a real hole where it is, and goes on from its end", () => {
  const clock = new AudioClock(48_000);
  expect(clock.place(frameAt(0, 1008)).dts).toBe(0);
  expect(clock.place(frameAt(48_000, 1056)).dts).toBe(48_000);
  expect(clock.place(frameAt(49_000, 1008)).dts).toBe(49_024);
});

it("follows a clock that runs slow by steps nobody hears as out of step", () => {
  const clock = new AudioClock(48_000);
  let worst = 0;
  for (let n = 0; n < 50_000; n += 1) {
    const told = Math.round(n * 1024 * 1.0005);
    worst = Math.max(worst, Math.abs(clock.place(frameAt(told, 1024)).dts - told));
  }
  expect(worst).toBeLessThanOrEqual(0.03 * 48_000);
});

it("believes a length that no frame has", () => {
  expect(new AudioClock(48_000).place(frameAt(0, 700)).duration).toBe(700);
});
