/** Health in words, as the CLI prints it. */
import { expect, it } from "vitest";
import { healthLine, healthPage } from "../../../cli/health-words.ts";
import type { StreamHealth } from "../../../wire/admin.ts";

/** Nobody watches. */
const alone = {
  viewers: 0,
  sockets: 0,
  shards: 0,
  qoe: { reports: 0, stalls: 0, heights: [] },
} satisfies Partial<StreamHealth>;

const health: StreamHealth = {
  id: "radio",
  state: "live",
  ...alone,
  source: {
    video: {
      codec: "h264",
      width: 1280,
      height: 720,
      frameRate: 29.97003,
      variableFrameRate: false,
      bitrate: 2_950_000,
      regularKeyframes: true,
      closedGops: true,
    },
    audio: { codec: "aac", sampleRate: 44_100, channels: 2, bitrate: 128_000 },
    encoder: "OBS 31",
  },
  samples: [
    {
      inputBitrate: 3_100_000,
      inputFrameRate: 29.97,
      keyframeSeconds: 2,
      encodeSpeed: 1,
      waitingBytes: 2048,
    },
  ],
  advice: [{ severity: "warning", name: "x", text: "Do this." }],
};

it("says in one line how a stream does and what is worst", () => {
  expect(healthLine(health)).toBe(
    "live         in 3.10 Mbit/s  29.97 fps  keyframe every 2 s  speed 1.00x  waiting 2 KiB  ! Do this.",
  );
  expect(healthLine({ ...health, state: "offline", samples: [], advice: [] })).toBe("offline    ");
});

it("says on a page what is known", () => {
  expect(healthPage(health)).toBe(
    [
      "Stream   radio: live",
      "Source   h264 1280x720 29.97 fps 2.95 Mbit/s, aac 44.1 kHz x2, OBS 31",
      "Now      in 3.10 Mbit/s  29.97 fps  keyframe every 2 s  speed 1.00x  waiting 2 KiB",
      "warning  Do this.",
    ].join("\n"),
  );
  expect(healthPage({ ...health, source: { encoder: "\u001b[2Jx" } })).not.toContain("\u001b");
  expect(healthPage({ ...health, advice: [] })).toContain("Nothing to complain of.");
  expect(healthPage({ id: "radio", state: "offline", ...alone, samples: [], advice: [] })).toBe(
    "Stream   radio: offline",
  );
});

it("says who watches, and how players do", () => {
  const watched: StreamHealth = {
    ...health,
    viewers: 1200,
    sockets: 1100,
    shards: 1,
    qoe: {
      reports: 9,
      startupMs: { count: 3, p50: 480, p95: 912.4 },
      latencyMs: { count: 9, p50: 1490, p95: 2000 },
      stalls: 2,
      stallRatio: 0.0012,
      droppedRatio: 0,
      heights: [{ height: 720, share: 1 }],
    },
  };
  expect(healthLine(watched)).toContain("live         1200 watching  in 3.10 Mbit/s");
  expect(healthPage(watched).split("\n").slice(3, 5)).toEqual([
    "Viewers  1200, 1100 sockets on 1 shard",
    "Players  first frame after 0.48 s (95 of 100 within 0.91 s)  behind by 1.49 s (95 of 100 within 2.00 s)  stalled 0.1 % of the time  0.0 % of frames dropped",
  ]);
  const silent: StreamHealth = { ...watched, sockets: 0, qoe: { reports: 1, stalls: 0, heights: [] } };
  expect(healthPage(silent)).toContain("Viewers  1200\n");
  expect(healthPage(silent)).not.toContain("Players");
});
