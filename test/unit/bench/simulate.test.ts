/** A small simulated show: it keeps the limits, loses nobody, and is the same each time. */
import { describe, expect, it } from "vitest";
import { isAbove, linesOf } from "../../../bench/simulate/figures.ts";
import type { Costs } from "../../../bench/simulate/journey.ts";
import { type Simulated, simulate } from "../../../bench/simulate/show.ts";
import type { WorldSettings } from "../../../bench/simulate/world.ts";

const SETTINGS: WorldSettings = { viewers: 150_000, regions: 3, seed: 7, partsPerSecond: 5, askers: 100 };
const COSTS: Costs = {
  ...{ hopMs: 2, wireMs: 75, callMicros: 100, sendMicros: 15 },
  ...{ progressSeconds: 10, qoeSeconds: 10 },
};

/** What can be compared of a show. */
const tell = (simulated: Simulated, settings: WorldSettings) => linesOf(simulated, settings, COSTS);

describe("a show of 150,000", () => {
  const simulated = simulate(SETTINGS);
  const { world, stream, peak, settled, missing, end } = simulated;

  it("has deaths, relays, growth, refusals and drains in it", () => {
    expect(world.shardDeaths).toBeGreaterThan(5);
    expect(world.relayDeaths).toBeGreaterThan(5);
    expect(world.droppedViewers).toBeGreaterThan(5_000);
    expect(world.refusals).toBeGreaterThan(100);
    expect(world.drainedViewers).toBeGreaterThan(1_000);
    expect(world.recoveries).toBeGreaterThan(stream.opened);
    expect(simulated.growth.length).toBeGreaterThan(5);
    expect(Object.values(peak.tree.parents).some((parent) => parent !== null)).toBe(true);
  });

  it("loses no viewer and no publication, and counts everyone", () => {
    expect(world.crowd.joined).toBe(SETTINGS.viewers);
    expect(missing).toBe(0);
    expect(world.lost).toBe(0);
    expect(settled.behind).toBe(0);
    expect(settled.waiting).toBe(0);
    expect(settled.connected).toBeGreaterThan(100_000);
    expect(settled.counted).toBe(settled.connected);
    expect(world.longestWaitMs).toBeLessThan(5_000);
  });

  it("gives shards back as the audience goes home", () => {
    expect(stream.opened).toBeGreaterThan(40);
    expect(end.openShards).toBeLessThan(stream.most / 2);
    expect(end.connected).toBeGreaterThan(0);
  });

  it("is within the limits of each object", () => {
    const lines = tell(simulated, SETTINGS);
    expect(lines.filter(({ atMost }) => atMost !== undefined).length).toBeGreaterThan(10);
    expect(lines.filter(isAbove)).toEqual([]);
  });

  it("is the same for the same seed, and another for another", () => {
    expect(tell(simulate(SETTINGS), SETTINGS)).toEqual(tell(simulated, SETTINGS));
    expect(tell(simulate({ ...SETTINGS, seed: 8 }), SETTINGS)).not.toEqual(tell(simulated, SETTINGS));
  });
});

it("says so when an object would be above its limit", () => {
  // Everyone's isolate asks for itself.
  const settings = { ...SETTINGS, viewers: 60_000, askers: 30_000 };
  const above = tell(simulate(settings), settings).filter(isAbove);
  expect(above.map(({ what }) => what)).toContain("show: calls in its busiest second, in and out");
});
