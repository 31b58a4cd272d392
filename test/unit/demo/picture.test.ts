/** What the test picture shows, and the pace at which it is sent. */
import { expect, it } from "vitest";
import { digitsOf } from "../../../demo/clock.ts";
import { ffmpegArguments } from "../../../demo/encode.ts";
import { MAX_CATCH_UP_MS, nextStep, type Pace } from "../../../demo/pace.ts";
import { createPicture } from "../../../demo/picture.ts";

const NOON = Date.UTC(2026, 10, 21, 12, 0, 0, 7);

it.each([
  [NOON, 0, "120000007"],
  [NOON, 90, "133000007"],
  [NOON, -13 * 60, "230000007"],
  [NOON - 8, 0, "115959999"],
] as const)("shows the time of day %#", (timeMs, offset, digits) => {
  expect(digitsOf(timeMs, offset).join("")).toBe(digits);
});

it("paints the same moment the same, whatever was painted before", () => {
  const [fresh, used] = [createPicture(640, 360), createPicture(640, 360)];
  for (let n = 0; n < 90; n++) used.paint(NOON + n * 411, 0);
  fresh.paint(NOON, 0);
  used.paint(NOON, 0);
  expect(Buffer.compare(used.frame.data, fresh.frame.data)).toBe(0);
});

it("changes wheel, water, clock and strip from frame to frame", () => {
  const picture = createPicture(1280, 720);
  picture.paint(NOON, 0);
  const before = picture.frame.y.slice();
  picture.paint(NOON + 33, 0);
  const changed = (fromX: number, toX: number, fromY: number, toY: number) => {
    let count = 0;
    for (let y = fromY; y < toY; y++)
      for (let x = fromX; x < toX; x++) if (before[y * 1280 + x] !== picture.frame.y[y * 1280 + x]) count++;
    return count;
  };
  expect(changed(40, 410, 160, 460)).toBeGreaterThan(500);
  expect(changed(0, 1280, 470, 600)).toBeGreaterThan(500);
  expect(changed(1060, 1210, 240, 315)).toBeGreaterThan(100);
  expect(changed(64, 1216, 664, 692)).toBeGreaterThan(24 * 28 - 1);
  // The rest stands still.
  expect(changed(0, 1280, 0, 160)).toBe(0);
});

it("sends frames when they are due, without drift", () => {
  let pace: Pace = { framesPerSecond: 30_000 / 1001, startMs: 5000, sent: 0 };
  let now = 5000;
  for (let n = 0; n < 10_000; n++) {
    const step = nextStep(pace, now);
    if (step.type === "wait") now += Math.ceil(step.ms);
    else pace = step.pace;
  }
  expect(now - 5000).toBeCloseTo((pace.sent * 1001) / 30, -2);
  expect(pace.startMs).toBe(5000);
});

it("catches up after a short pause, and lets time go after a long one", () => {
  const pace: Pace = { framesPerSecond: 25, startMs: 0, sent: 10 };
  const short = nextStep(pace, 400 + MAX_CATCH_UP_MS);
  expect(short).toEqual({ type: "send", pace: { ...pace, sent: 11 } });
  const long = nextStep(pace, 60_400);
  expect(long).toEqual({ type: "send", pace: { ...pace, startMs: 60_000, sent: 11 } });
  if (long.type === "send") expect(nextStep(long.pace, 60_400)).toEqual({ type: "wait", ms: 40 });
});

it("asks FFmpeg for keyframes at the wanted distance, and for sound only when wanted", () => {
  const settings = { url: "rtmp://x/live/k", width: 640, height: 360, framesPerSecond: 25, gopSeconds: 2 };
  const rest = { videoKilobits: 800, bFrames: 0, phaseSeconds: 0.25 };
  const loud = ffmpegArguments({ ...settings, ...rest, audio: true });
  expect(loud[loud.indexOf("-g") + 1]).toBe("50");
  expect(loud).toContain("1:a");
  expect(loud.at(-1)).toBe("rtmp://x/live/k");
  const silent = ffmpegArguments({ ...settings, ...rest, audio: false });
  expect(silent).not.toContain("1:a");
  expect(silent).not.toContain("lavfi");
});
