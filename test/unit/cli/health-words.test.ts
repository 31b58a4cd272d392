/** Health in words, as the CLI prints it. */
import { expect, it } from "vitest";
import { healthLine, healthPage } from "../../../cli/health-words.ts";
import type { StreamHealth } from "../../../wire/admin.ts";

const health: StreamHealth = {
  id: "radio",
  state: "live",
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
  expect(healthPage({ id: "radio", state: "offline", samples: [], advice: [] })).toBe(
    "Stream   radio: offline",
  );
});
