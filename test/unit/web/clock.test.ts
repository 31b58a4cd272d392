/** The server's clock from whole-second Date headers, and the latency read off it. */
import { describe, expect, it } from "vitest";
import { type ClockOffset, latencyOf, learnClock, offsetMs } from "../../../web/player/clock.ts";

/** What a server whose clock is `trueOffset` ahead answers: asked at `sentMs`, answered half way. */
function answer(sentMs: number, tripMs: number, trueOffset: number) {
  const server = sentMs + tripMs / 2 + trueOffset;
  return { sentMs, receivedMs: sentMs + tripMs, dateMs: Math.floor(server / 1000) * 1000 };
}

describe("learnClock", () => {
  it.each([0, 380, -2_750, 3_600_000])("comes within 100 ms of an offset of %d ms", (offset) => {
    let known: ClockOffset | undefined;
    for (let i = 0; i < 40; i += 1) known = learnClock(known, answer(1_000_000 + i * 2_137, 40, offset));
    if (!known) throw new Error("nothing learnt");
    expect(known.leastMs).toBeLessThanOrEqual(offset);
    expect(known.mostMs).toBeGreaterThanOrEqual(offset);
    expect(Math.abs(offsetMs(known) - offset)).toBeLessThan(100);
  });

  it("takes old dates of cached answers as a lower bound only", () => {
    const known = learnClock(undefined, answer(1_000_000, 40, 0));
    const cached = learnClock(known, { receivedMs: 1_010_000, dateMs: 1_004_000 });
    expect(cached).toEqual(known);
    const newer = learnClock(known, { receivedMs: 1_010_990, dateMs: 1_011_000 });
    expect(newer?.leastMs).toBe(10);
  });

  it("starts over when the local clock was set", () => {
    const known = learnClock(undefined, answer(1_000_000, 40, 0));
    const moved = learnClock(known, answer(9_000_000, 40, -60_000));
    if (!moved) throw new Error("nothing learnt");
    expect(Math.abs(offsetMs(moved) + 60_000)).toBeLessThan(600);
  });

  it("learns nothing from nonsense or from slow answers", () => {
    expect(learnClock(undefined, { sentMs: 0, receivedMs: 10, dateMs: Number.NaN })).toBeUndefined();
    expect(learnClock(undefined, { sentMs: 0, receivedMs: 5_000, dateMs: 1_000 })).toBeUndefined();
    expect(learnClock(undefined, { receivedMs: 5_000, dateMs: 1_000 })).toBeUndefined();
  });
});

describe("latencyOf", () => {
  const clock: ClockOffset = { leastMs: -50, mostMs: 50 };
  it.each([
    ["goes by the clocks", { clock, nowMs: 10_000, playingMs: 8_400, edgeLatency: 1.2 }, 1.6, "clock"],
    ["has no clock", { nowMs: 10_000, playingMs: 8_400, edgeLatency: 1.2 }, 1.2, "playlist"],
    ["has no date", { clock, nowMs: 10_000, edgeLatency: 1.2 }, 1.2, "playlist"],
    [
      "distrusts a frame from the future",
      { clock, nowMs: 10_000, playingMs: 11_000, edgeLatency: 1.2 },
      1.2,
      "playlist",
    ],
    [
      "distrusts an encoder an hour off",
      { clock, nowMs: 4_000_000, playingMs: 400_000, edgeLatency: 1.2 },
      1.2,
      "playlist",
    ],
    [
      "distrusts less than the playlist says",
      { clock, nowMs: 10_000, playingMs: 9_000, edgeLatency: 4 },
      4,
      "playlist",
    ],
  ] as const)("%s", (_name, facts, seconds, by) => {
    const latency = latencyOf(facts);
    expect(latency.seconds).toBeCloseTo(seconds, 3);
    expect(latency.by).toBe(by);
  });
});
