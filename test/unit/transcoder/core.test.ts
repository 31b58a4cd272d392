/** The transcoder's small decisions: liveness, retries, words for refusals, names of publishes, what arrives. */
import { describe, expect, it } from "vitest";
import { InputMeter, SpeedMeter } from "../../../transcoder/core/input-meter.ts";
import { judge, MAX_PROBE_MS, MAX_SILENCE_MS, MAX_STANDSTILL_MS } from "../../../transcoder/core/liveness.ts";
import { statusOfProbeFailure, statusOfRefusal } from "../../../transcoder/core/refusal.ts";
import { ORIGIN_RETRY, retryDelayMs } from "../../../transcoder/core/retry.ts";

describe("liveness", () => {
  it.each([
    ["media that comes while the source is looked at", { heardAt: 100, since: 0 }, 100, "alive"],
    ["silence", { heardAt: 0, since: 0 }, MAX_SILENCE_MS + 1, "silent"],
    ["silence in a running session", { heardAt: 0, since: 0, cutSeconds: 5 }, MAX_SILENCE_MS + 1, "silent"],
    ["a look that finds nothing", { heardAt: MAX_PROBE_MS, since: 0 }, MAX_PROBE_MS + 1, "undecided"],
  ] as const)("%s", (_what, signs, now, verdict) => {
    expect(judge(signs, undefined, now).verdict).toBe(verdict);
  });

  it("sees a session that takes media and gives none, and forgives one that moves on", () => {
    let progress: { cutSeconds: number; at: number } | undefined;
    const at = (now: number, cutSeconds: number) => {
      const judged = judge({ heardAt: now, since: 1_000, cutSeconds }, progress, now);
      if (judged.verdict === "alive") progress = judged.progress;
      return judged.verdict;
    };
    expect(at(2_000, 0)).toBe("alive");
    expect(at(16_000, 0)).toBe("alive");
    expect(at(17_000, 2)).toBe("alive");
    expect(at(17_000 + MAX_STANDSTILL_MS, 2)).toBe("alive");
    expect(at(17_001 + MAX_STANDSTILL_MS, 2)).toBe("standstill");
  });

  it("does not hold the standstill of one session against the next", () => {
    const before = { cutSeconds: 0, at: 0 };
    expect(judge({ heardAt: 90_000, since: 80_000, cutSeconds: 0 }, before, 90_000).verdict).toBe("alive");
  });
});

describe("retries", () => {
  it("wait longer and longer, never longer than the most, and end", () => {
    expect(retryDelayMs(ORIGIN_RETRY, 1, 1, 9_000), "there is time for another").toBe(200);
    expect(retryDelayMs(ORIGIN_RETRY, 1, 1, 9_900), "tries that hang count by the clock").toBeUndefined();
    const longest = [1, 2, 3, 4, 5, 6, 7, 8].map((attempt) => retryDelayMs(ORIGIN_RETRY, attempt, 1));
    expect(longest).toEqual([200, 400, 800, 1600, 2000, 2000, 2000, undefined]);
    for (const [i, most] of longest.entries()) {
      if (most !== undefined) expect(retryDelayMs(ORIGIN_RETRY, i + 1, 0)).toBe(most / 2);
    }
  });
});

describe("what an encoder is told", () => {
  it.each([
    ["unknown-key", "NetStream.Publish.BadName"],
    ["already-live", "NetStream.Publish.BadName"],
    ["stream-disabled", "NetStream.Publish.Denied"],
    ["fenced", "NetStream.Publish.Failed"],
    ["unreachable", "NetStream.Publish.Failed"],
    ["a problem to come", "NetStream.Publish.Failed"],
  ])("of %s", (problem, code) => {
    const status = statusOfRefusal(problem);
    expect(status.code).toBe(code);
    expect(status.description).toMatch(/^[A-Z].*\.$/);
  });

  it("of a codec, by name, with what to use instead", () => {
    expect(
      statusOfProbeFailure({ reason: "unsupported-codec", kind: "video", codec: "vp6" }).description,
    ).toBe("The video codec vp6 is not supported. Use H.264 video and AAC audio.");
  });
});

describe("the input meter", () => {
  it("tells bits and frames a second since it was last read, and the distance of keyframes", () => {
    const meter = new InputMeter();
    meter.read(0);
    // AVC: frame type and codec, packet type, composition time; then 995 bytes.
    const frame = (keyframe: boolean) =>
      Uint8Array.of(keyframe ? 0x17 : 0x27, 1, 0, 0, 0, ...new Uint8Array(995));
    for (let n = 0; n < 60; n += 1) {
      meter.add({ kind: "video", timestamp: n * 40, payload: frame(n % 25 === 0) });
    }
    expect(meter.read(2_000)).toEqual({ inputBitrate: 240_000, inputFrameRate: 30, keyframeSeconds: 1 });
    expect(meter.read(4_000)).toEqual({ inputBitrate: 0, inputFrameRate: 0, keyframeSeconds: 1 });
  });
});

it("tells how fast media comes out of a session, and nothing across two", () => {
  const meter = new SpeedMeter();
  expect([
    meter.read(4, 0),
    meter.read(6, 2_000),
    meter.read(7, 4_000),
    meter.read(1, 6_000),
    meter.read(3, 8_000),
  ]).toEqual([undefined, 1, 0.5, undefined, 1]);
});
