import { describe, expect, it } from "vitest";
import { type FeedSample, type Hunger, hungerAfter, isStarved } from "../../../web/player/starvation.ts";

/** Looks every quarter of a second; answers at which second the source was given up, if it was. */
function starvedAt(seconds: number, look: (second: number) => Partial<FeedSample>): number | undefined {
  let hunger: Hunger | undefined;
  for (let second = 0; second <= seconds; second += 0.25) {
    const sample = {
      atMs: 1000 * second,
      waiting: true,
      mediaAtMs: 0,
      edge: 100 + second,
      ...look(second),
    };
    hunger = hungerAfter(hunger, sample);
    if (isStarved(hunger, sample)) return second;
  }
  return undefined;
}

describe("a source", () => {
  it("is given up after six seconds without a byte, while the show goes on", () => {
    expect(starvedAt(20, (second) => ({ mediaAtMs: second < 2 ? 1000 * second : 2000 }))).toBe(8);
  });
  it.each<[string, (second: number) => Partial<FeedSample>]>([
    ["is slow", (second) => ({ mediaAtMs: 5000 * Math.floor(second / 5) })],
    ["has nothing new", () => ({ edge: 100 })],
    ["hardly grew", (second) => ({ edge: 100 + Math.min(2.5, second) })],
    ["shows frames", () => ({ waiting: false })],
    ["shows frames now and then", (second) => ({ waiting: second % 5 !== 0 })],
  ])("is kept when it %s", (_name, look) => {
    expect(starvedAt(60, look)).toBeUndefined();
  });
});
