/** What goes to everybody in a huge room, and what does not. */
import { describe, expect, it } from "vitest";
import {
  FULL_LANE_PER_SECOND,
  HUGE_LISTENERS,
  QUIET,
  SAMPLED_AT_ONCE,
  SAMPLED_PER_SECOND,
  sample,
} from "../../../durable-objects/core/chat/sampling.ts";
import {
  BUSY_AMONG_FEW,
  BUSY_PER_SECOND,
  FEW_LISTENERS,
  tickMs,
} from "../../../durable-objects/core/viewers/ticks.ts";

const START = 1_000_000;

/** Times at which messages went to everybody, of a room that says `perSecond` a second for `seconds`. */
function toAll(
  perSecond: number,
  seconds: number,
  listeners: number,
  isKept: (n: number) => boolean = () => false,
): readonly number[] {
  let pace = QUIET;
  const times: number[] = [];
  for (let n = 0; n < perSecond * seconds; n += 1) {
    const now = START + (1000 * n) / perSecond;
    const sampled = sample(pace, { listeners, isKept: isKept(n), now });
    pace = sampled.pace;
    if (sampled.isForAll) times.push(now - START);
  }
  return times;
}

describe("a room", () => {
  it.each([
    ["small and quiet", 10, 50, 10],
    ["small and fast", 200, HUGE_LISTENERS, 200],
    ["huge and quiet", FULL_LANE_PER_SECOND, 100_000, FULL_LANE_PER_SECOND],
  ])("that is %s is heard whole", (_name, perSecond, listeners, expected) => {
    expect(toAll(perSecond, 10, listeners)).toHaveLength(10 * expected);
  });

  it.each([70, 200, 2_000])("that is huge and says %i a second is heard 20 times a second", (perSecond) => {
    const times = toAll(perSecond, 10, HUGE_LISTENERS + 1);
    for (let second = 1; second < 10; second += 1) {
      const heard = times.filter((time) => Math.floor(time / 1000) === second).length;
      expect(Math.abs(heard - SAMPLED_PER_SECOND)).toBeLessThanOrEqual(1);
    }
  });

  it("is heard whole although a few more come at once than do on average", () => {
    let pace = QUIET;
    for (let n = 0; n < 500; n += 1) {
      // A third of a second comes late, and then all at once.
      const now = START + 20 * (n % 50 < 15 ? n - (n % 50) + 15 : n);
      const sampled = sample(pace, { listeners: 5_000, isKept: false, now });
      pace = sampled.pace;
      expect(sampled.isForAll).toBe(true);
    }
  });

  it("is heard evenly over the second", () => {
    const times = toAll(200, 10, 5_000).filter((time) => time > 2_000);
    const gaps = times.slice(1).map((time, i) => time - (times[i] ?? 0));
    expect(Math.max(...gaps)).toBeLessThanOrEqual(55);
  });

  it("hears all of who runs it, and of others only what is left of the second", () => {
    const isKept = (n: number) => n % 10 === 0;
    const times = toAll(200, 10, 5_000, isKept);
    for (let n = 0; n < 2_000; n += 10) expect(times).toContain((1000 * n) / 200);
    const inSecond = times.filter((time) => time >= 5_000 && time < 6_000);
    expect(inSecond.length).toBeLessThanOrEqual(SAMPLED_PER_SECOND + 1);
  });

  it("is heard whole again once it is quieter", () => {
    let pace = QUIET;
    for (let n = 0; n < 400; n += 1) {
      pace = sample(pace, { listeners: 5_000, isKept: false, now: START + 5 * n }).pace;
    }
    const later = sample(pace, { listeners: 5_000, isKept: false, now: START + 2_000 + 1_001 });
    expect(later.isForAll).toBe(true);
  });

  it("gains nothing by a clock that steps back", () => {
    let pace = QUIET;
    let heard = 0;
    for (let n = 0; n < 300; n += 1) {
      const sampled = sample(pace, { listeners: 5_000, isKept: false, now: START - n });
      pace = sampled.pace;
      heard += sampled.isForAll ? 1 : 0;
    }
    expect(heard).toBeLessThanOrEqual(FULL_LANE_PER_SECOND + SAMPLED_AT_ONCE);
  });
});

describe("a tick", () => {
  it.each([
    ["a quiet channel", BUSY_PER_SECOND, 5_000, 0],
    ["a busy one", BUSY_PER_SECOND + 1, 1_000, 100],
    ["a busy one of many", BUSY_PER_SECOND + 1, 1_001, 250],
    ["one that would be busy among more", BUSY_AMONG_FEW, FEW_LISTENERS, 0],
    ["a busy one of few", BUSY_AMONG_FEW + 1, FEW_LISTENERS, 100],
    ["more than few", BUSY_AMONG_FEW, FEW_LISTENERS + 1, 100],
  ])("of %s", (_name, perSecond, listeners, ms) => {
    expect(tickMs(perSecond, listeners)).toBe(ms);
  });
});
