/** Twenty-seven hours through the cutter: past 32 and 33 bits of decode time, without drift and without growth. */
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { expect, it } from "vitest";
import { type Cut, Cutter } from "../../../transcoder/cmaf/cutter.ts";
import type { TrackInit } from "../../../transcoder/cmaf/init.ts";
import { readMoof } from "../../../transcoder/cmaf/moof.ts";
import { audio, initOf, plan, video } from "./tracks.ts";

const HOUR_SECONDS = 3600;
const HOURS = 27;
const VIDEO_RATE = 90_000;
const AUDIO_RATE = 44_100;
const FRAMES_A_SECOND = 10;
/** RTMP knows whole milliseconds, and FFmpeg makes ticks of them. */
const ticks = (seconds: number, rate: number) => Math.round((Math.round(seconds * 1000) * rate) / 1000);
const BYTES = Uint8Array.of(1);

setFlagsFromString("--expose-gc");
const collect: () => void = runInNewContext("gc");
function heapAfterCollection(): number {
  collect();
  return process.memoryUsage().heapUsed;
}

it("keeps pictures and sound together for 27 hours, in the same memory", { timeout: 120_000 }, () => {
  const inits = new Map<string, TrackInit>([
    ["v720", initOf("video", VIDEO_RATE)],
    ["audio", initOf("audio", AUDIO_RATE)],
  ]);
  const cutter = new Cutter(plan({ renditions: [video("v720"), audio] }));
  for (const [name, init] of inits) cutter.describe(name, init);

  /** Where the part's first frame is by its own bytes, seconds. */
  const startOf = (cut: Cut & { type: "part" }, name: string): number => {
    const head = cut.tracks.get(name)?.chunks[0];
    const init = inits.get(name);
    if (!head || !init) throw new Error(`${name} has a hole at ${cut.startSeconds}`);
    const size = new DataView(head.buffer, head.byteOffset).getUint32(0);
    const [first] = readMoof(head.subarray(8, size), 0, init) ?? [];
    return (first?.dts ?? Number.NaN) / init.timescale;
  };

  let segments = 0;
  let parts = 0;
  let worstOff = 0;
  let worstLag = 0;
  let end = 0;
  const heap: number[] = [];
  const take = (cuts: readonly Cut[], now: number) => {
    for (const cut of cuts) {
      if (cut.type === "problem") throw new Error(JSON.stringify(cut.problem));
      if (cut.type === "segment") segments += 1;
      if (cut.type !== "part") continue;
      parts += 1;
      // They follow each other without a hole, to a tick.
      if (Math.abs(cut.startSeconds - end) > 1e-5) throw new Error(`a hole at ${end}`);
      end = cut.startSeconds + cut.duration;
      worstLag = Math.max(worstLag, now - end);
      if (parts % 20 !== 0) continue;
      expect(startOf(cut, "v720")).toBeCloseTo(cut.startSeconds, 5);
      worstOff = Math.max(worstOff, Math.abs(startOf(cut, "audio") - cut.startSeconds));
    }
  };

  let sound = 0;
  for (let n = 0; n < HOURS * HOUR_SECONDS * FRAMES_A_SECOND; n += 1) {
    const now = (n + 1) / FRAMES_A_SECOND;
    const dts = ticks(n / FRAMES_A_SECOND, VIDEO_RATE);
    const duration = ticks(now, VIDEO_RATE) - dts;
    const keyframe = n % (2 * FRAMES_A_SECOND) === 0;
    take(cutter.push("v720", { dts, duration, ctsOffset: 0, keyframe, bytes: BYTES }), now);
    for (; (sound * 1024) / AUDIO_RATE < now; sound += 1) {
      const at = ticks((sound * 1024) / AUDIO_RATE, AUDIO_RATE);
      const until = ticks(((sound + 1) * 1024) / AUDIO_RATE, AUDIO_RATE);
      take(
        cutter.push("audio", { dts: at, duration: until - at, ctsOffset: 0, keyframe: true, bytes: BYTES }),
        now,
      );
    }
    if (n % (13 * HOUR_SECONDS * FRAMES_A_SECOND) === HOUR_SECONDS * FRAMES_A_SECOND)
      heap.push(heapAfterCollection());
  }

  expect(end * VIDEO_RATE).toBeGreaterThan(2 ** 33);
  expect(end).toBeGreaterThan(HOURS * HOUR_SECONDS - 3);
  expect(segments).toBe(HOURS * 1800 - 1);
  // Sound begins within half of one of its frames of the pictures, in the last hour as in the first.
  expect(worstOff).toBeLessThan(1024 / AUDIO_RATE);
  // A part is out with the frame behind it, whatever the hour.
  expect(worstLag).toBeLessThan(2 / FRAMES_A_SECOND + 1024 / AUDIO_RATE);
  const [first = 0, ...later] = heap;
  expect(later.length).toBeGreaterThan(0);
  for (const bytes of later) expect(bytes - first).toBeLessThan(1024 * 1024);
});
