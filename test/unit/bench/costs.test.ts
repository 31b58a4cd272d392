import { describe, expect, it } from "vitest";
import { costOf } from "../../../bench/viewers/costs.ts";

const polled = { media: 4, playlists: 4 };
const pushed = { media: 4, playlists: 0 };

describe("1,000 viewer-hours", () => {
  it("cost what their requests cost, where there are many viewers", () => {
    // 28.8 million requests at $0.30 and half a millisecond each, and 14 requests a viewer-hour of coming and going.
    expect(costOf(1_000_000, polled, false)).toBeCloseTo(8.64 + 0.288 + 0.015 + 0.0005, 1);
  });
  it("cost less when playlists are pushed, sockets included", () => {
    for (const viewers of [100, 10_000, 1_000_000]) {
      const ratio = costOf(viewers, pushed, true) / costOf(viewers, polled, false);
      expect(ratio).toBeGreaterThan(0.45);
      expect(ratio).toBeLessThan(0.75);
    }
  });
  it("cost more each where few share what caches lack", () => {
    expect(costOf(100, polled, false)).toBeGreaterThan(costOf(10_000, polled, false));
    expect(costOf(10_000, polled, false)).toBeGreaterThan(costOf(1_000_000, polled, false));
  });
});
