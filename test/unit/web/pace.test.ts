/** Catch-up: latency settles on its target, buffer permitting, and jumps only when catching up would take too long. */
import { describe, expect, it } from "vitest";
import {
  addStall,
  escapeOf,
  forgive,
  NO_STALLS,
  type PaceSample,
  paceOf,
  type StallSample,
} from "../../../web/player/pace.ts";

/** An ultra stream: target 0.63 s, segments of 1 s. */
const calm: PaceSample = { latency: 0.65, target: 0.63, buffer: 0.5, targetDuration: 1, rate: 1 };
const rateOf = (sample: Partial<PaceSample>): number => {
  const pace = paceOf({ ...calm, ...sample });
  return pace.type === "rate" ? pace.rate : Number.NaN;
};

describe("paceOf", () => {
  it.each([
    ["plays on at the target", {}, 1],
    ["lets a little distance be", { latency: 0.72 }, 1],
    ["goes on to the target once it began", { latency: 0.72, rate: 1.02 }, 1.02],
    ["speeds up with less than a second of buffer", { latency: 1 }, 1.04],
    ["never plays faster than is hardly heard", { latency: 4 }, 1.08],
    ["never speeds up on a thin buffer", { latency: 3, buffer: 0.1 }, 1],
    ["lets a little less than the target be", { latency: 0.5, buffer: 0.3 }, 1],
    ["slows down when the target has moved away", { latency: 0.42, buffer: 0.2 }, 0.96],
    ["goes on until it is there", { latency: 0.5, buffer: 0.3, rate: 0.96 }, 0.96],
    ["and no further", { latency: 0.61, buffer: 0.4, rate: 0.96 }, 1],
    ["is not slow for minutes when a show has only begun", { latency: 4, target: 12, targetDuration: 4 }, 1],
  ])("%s", (_name, sample, rate) => {
    expect(rateOf(sample)).toBeCloseTo(rate, 5);
  });

  it("jumps when far behind, and later so with long segments", () => {
    expect(paceOf({ ...calm, latency: 5 })).toEqual({ type: "jump" });
    expect(paceOf({ ...calm, latency: 17, target: 12, targetDuration: 4, buffer: 9 }).type).toBe("rate");
  });

  it.each([
    [0.63, 1],
    [1.53, 2],
    [12, 4],
  ])("converges to a target of %d s within a minute and stays", (target, targetDuration) => {
    let latency = target + 2.5;
    let rate = 1;
    let changes = 0;
    for (let tick = 0; tick < 400; tick += 1) {
      const pace = paceOf({ latency, target, buffer: latency * 0.8, targetDuration, rate });
      if (pace.type === "jump") throw new Error("no jump is due");
      if (pace.rate !== rate) changes += 1;
      rate = pace.rate;
      latency -= (rate - 1) * 0.25;
      if (tick > 240) expect(Math.abs(latency - target)).toBeLessThan(0.13);
    }
    expect(changes).toBeLessThan(15);
  });
});

describe("stalls", () => {
  it("earn margin up to a limit and are forgiven one by one", () => {
    let memory = NO_STALLS;
    for (let i = 0; i < 5; i += 1) memory = addStall(memory, i);
    expect(memory.stalls).toBe(3);
    expect(forgive(memory, 59_000).stalls).toBe(3);
    memory = forgive(memory, 60_004);
    expect(memory.stalls).toBe(2);
    expect(forgive(memory, 60_005).stalls).toBe(2);
  });
});

describe("escapeOf", () => {
  /** Twelve seconds of gaps, and the show goes on behind them. */
  const far: StallSample = {
    stalledSeconds: 2,
    following: true,
    latency: 14,
    target: 1.6,
    targetDuration: 2,
    position: 4.36,
    edge: 16,
  };
  const stuck: StallSample = { ...far, nextRange: 10 };
  it.each<[string, StallSample, ReturnType<typeof escapeOf>]>([
    ["goes to the live edge with a viewer who wants it", stuck, { type: "jump" }],
    ["gives a stall the time to end by itself", { ...stuck, stalledSeconds: 1 }, { type: "wait" }],
    [
      "takes a viewer of the past across the hole",
      { ...stuck, following: false },
      { type: "seek", seconds: 10.05 },
    ],
    ["crosses a hole that is not worth a jump", { ...stuck, latency: 4 }, { type: "seek", seconds: 10.05 }],
    ["waits where nothing is known to come", { ...far, latency: 4 }, { type: "wait" }],
    ["shows nothing again while nothing new comes", { ...far, edge: 3 }, { type: "wait" }],
  ])("%s", (_name, sample, way) => {
    expect(escapeOf(sample)).toEqual(way);
  });
});
