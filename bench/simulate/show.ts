/** The whole show that is simulated, and its figures: a minute of joining, four of deaths, five of an audience that goes home. */

import { averageOf } from "../../durable-objects/core/viewers/rollup.ts";
import type { Tree } from "../../durable-objects/core/viewers/tree.ts";
import { Meter } from "./meter.ts";
import { SimulatedStream, type Step } from "./stream.ts";
import { TICK_MS, World, type WorldSettings } from "./world.ts";

const JOIN_SECONDS = 60;
const LEAVE_PER_MINUTE = 0.05;
/** Until then shards and relays die. */
const DEATHS_UNTIL_SECOND = 240;
const SHARD_DEATH_EVERY_SECONDS = 20;
const RELAY_DEATH_EVERY_SECONDS = 15;
/** Then everything settles, and is looked at. */
const SETTLED_AT_SECOND = 270;
const HOME_PER_MINUTE = 0.75;
const END_AT_SECOND = 600;

/** The audience at its largest: when all have come. */
export interface Peak {
  readonly connected: number;
  readonly waiting: number;
  readonly loads: ReadonlyMap<string, number>;
  readonly tree: Tree;
  readonly openByRegion: ReadonlyMap<string, readonly string[]>;
}

export interface Simulated {
  readonly world: World;
  readonly meter: Meter;
  readonly stream: SimulatedStream;
  readonly peak: Peak;
  /** All was quiet for 30 s. */
  readonly settled: {
    readonly connected: number;
    readonly waiting: number;
    /** As the stream counts them. */
    readonly counted: number;
    readonly behind: number;
  };
  readonly end: { readonly connected: number; readonly waiting: number; readonly openShards: number };
  /** Viewers who neither left nor are there nor on their way back. */
  readonly missing: number;
  readonly fullest: number;
  readonly growth: readonly Step[];
  readonly averageViewers: number;
}

/** Simulate; the same for the same settings. */
export function simulate(settings: WorldSettings): Simulated {
  const meter = new Meter();
  const stream = new SimulatedStream(meter);
  const world = new World(settings, stream, meter);
  const perTick = Math.ceil((settings.viewers * TICK_MS) / (JOIN_SECONDS * 1000));
  let fullest = 0;
  const until = (second: number, each: (second: number) => void, leaving: number): void => {
    while (world.now < second * 1000) {
      world.step(perTick, leaving);
      if (world.now % 1000 !== 0) continue;
      for (const sockets of world.loads().values()) fullest = Math.max(fullest, sockets);
      each(world.now / 1000);
    }
  };
  const nothing = (): void => undefined;
  const kill = (second: number): void => {
    if (second % SHARD_DEATH_EVERY_SECONDS === 0) world.killShard();
    if (second % RELAY_DEATH_EVERY_SECONDS === 0) world.killRelay();
  };
  until(JOIN_SECONDS, (second) => second >= 20 && kill(second), LEAVE_PER_MINUTE);
  const { crowd } = world;
  const peak: Peak = {
    connected: crowd.connected,
    waiting: crowd.waiting,
    loads: world.loads(),
    tree: stream.tree,
    openByRegion: new Map(
      [...Map.groupBy(stream.shards, ({ region }) => region)].map(([region, shards]) => [
        region,
        shards.filter(({ state }) => state === "open").map(({ shard }) => shard),
      ]),
    ),
  };
  until(DEATHS_UNTIL_SECOND, kill, LEAVE_PER_MINUTE);
  // The last of it nobody comes or goes, so that counts can be compared.
  until(SETTLED_AT_SECOND - 15, nothing, LEAVE_PER_MINUTE);
  until(SETTLED_AT_SECOND, nothing, 0);
  const settled = {
    connected: crowd.connected,
    waiting: crowd.waiting,
    counted: stream.viewers(world.now),
    behind: world.behind(),
  };
  until(END_AT_SECOND, nothing, HOME_PER_MINUTE);
  until(END_AT_SECOND + 30, nothing, 0);
  return {
    ...{ world, meter, stream, peak, settled, fullest },
    end: {
      connected: crowd.connected,
      waiting: crowd.waiting,
      openShards: stream.shards.filter(({ state }) => state === "open").length,
    },
    missing: crowd.joined - crowd.left - crowd.connected - crowd.waiting,
    growth: stream.steps.filter(({ from, to }) => to > from && from > 0),
    averageViewers: world.watched === undefined ? 0 : averageOf(world.watched),
  };
}
