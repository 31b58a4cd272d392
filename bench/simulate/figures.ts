/** The figures of a simulated show, beside what the platform publishes as its limits. */
import { ringOf, shardFor } from "../../durable-objects/core/viewers/ring.ts";
import { SHARD_CAPACITY } from "../../durable-objects/core/viewers/shards.ts";
import { type Costs, journeyOf } from "./journey.ts";
import type { Simulated } from "./show.ts";
import { STREAM } from "./stream.ts";
import type { WorldSettings } from "./world.ts";

/** Requests a second of one object, softly; sockets of one object (developers.cloudflare.com/durable-objects/platform/limits). */
export const LIMITS = { requestsPerSecond: 1_000, sockets: 32_768 } as const;
/** What the project asks of itself (issue 5). */
const TARGETS = { spread: 0.05, moved: 1.3 } as const;
const SAMPLE_KEYS = 20_000;

/** One line of the report. A line without a limit is for reading only. */
export interface Line {
  readonly what: string;
  readonly value: number;
  readonly unit: string;
  readonly atMost?: number;
  readonly note?: string;
}

/** It is above its limit. */
export const isAbove = ({ value, atMost }: Line): boolean => atMost !== undefined && value > atMost;

export function linesOf(simulated: Simulated, settings: WorldSettings, costs: Costs): readonly Line[] {
  return [
    ...peopleLines(simulated),
    ...shardLines(simulated),
    ...messageLines(simulated, settings, costs),
    ...journeyLines(simulated, settings, costs),
  ];
}

function peopleLines({ world, peak, settled, missing, stream, averageViewers }: Simulated): readonly Line[] {
  return [
    { what: "viewers with a socket when all had come", value: peak.connected, unit: "" },
    { what: "peak of the count (rolled up by the tree)", value: world.watched?.peak ?? 0, unit: "" },
    { what: "average of the count", value: averageViewers, unit: "" },
    {
      what: "count against the truth when all is quiet",
      value: Math.abs(settled.counted - settled.connected),
      unit: "off",
      atMost: 0,
    },
    { what: "viewers lost", value: missing, unit: "", atMost: 0 },
    { what: "publications lost", value: world.lost, unit: "", atMost: 0 },
    { what: "shards behind the stream when all is quiet", value: settled.behind, unit: "", atMost: 0 },
    {
      what: "viewers cut off by deaths of shards",
      value: world.droppedViewers,
      unit: "",
      note: deaths(world),
    },
    {
      what: "sockets that a shard refused, for the next to take",
      value: world.refusals,
      unit: "",
      note: `${world.waited} viewers found none at once and waited, ${(world.longestWaitMs / 1000).toFixed(1)} s at most`,
    },
    { what: "recoveries that the stream was asked for", value: world.recoveries, unit: "" },
    { what: "viewers moved by drains as the audience goes home", value: world.drainedViewers, unit: "" },
    { what: "shards that came below another relay", value: stream.reparented, unit: "", note: "all told" },
  ];
}

const deaths = ({ shardDeaths, relayDeaths }: Simulated["world"]): string =>
  `${shardDeaths} shards and ${relayDeaths} relays died`;

function shardLines({ stream, peak, fullest, growth, end }: Simulated): readonly Line[] {
  const largest = [...peak.openByRegion.values()].toSorted((a, b) => b.length - a.length)[0] ?? [];
  const moves = growth.map(({ region, from, to }) => movedOf(region, from, to));
  const worst = Math.max(0, ...moves.map(({ moved, ideal }) => moved / ideal));
  const last = moves.at(-1);
  return [
    { what: "shards opened", value: stream.opened, unit: "", note: `at most ${stream.most} at once` },
    {
      what: "shards left in the end",
      value: end.openShards,
      unit: "",
      note: `${stream.drained} were drained`,
    },
    { what: "sockets of the fullest shard", value: fullest, unit: "", atMost: LIMITS.sockets },
    { what: "the same, against the setting", value: fullest, unit: "", atMost: SHARD_CAPACITY },
    {
      what: `spread of the ring over ${largest.length} shards, s.d.`,
      value: spreadOf(keysByShard(largest)) * 100,
      unit: "%",
      atMost: TARGETS.spread * 100,
    },
    {
      what: "spread of the sockets when all had come, s.d.",
      value: spreadOf([...peak.loads.values()]) * 100,
      unit: "%",
      note: "shards that were added last are still filling: sockets stay where they are",
    },
    {
      what: "keys moved by a growth step, of what is ideal",
      value: worst,
      unit: "x",
      atMost: TARGETS.moved,
      note: `the worst of ${growth.length} steps; sockets moved: 0`,
    },
    {
      what: "keys moved by the last growth step",
      value: (last?.moved ?? 0) * 100,
      unit: "%",
      note: `from ${growth.at(-1)?.from ?? 0} shards to ${growth.at(-1)?.to ?? 0}`,
    },
  ];
}

function messageLines(
  { meter, peak, fullest }: Simulated,
  settings: WorldSettings,
  costs: Costs,
): readonly Line[] {
  const { partsPerSecond, askers } = settings;
  const { requestsPerSecond } = LIMITS;
  const { branches, parents } = peak.tree;
  const relays = new Set(Object.values(parents).filter((parent) => parent !== null));
  const shards = Object.keys(parents).length - relays.size;
  const [stream, relay, shard] = (["stream", "relay", "shard"] as const).map((name) => meter.busiest(name));
  const asked = meter.busiest("stream in").count;
  return [
    {
      what: "calls of the stream for each part",
      value: branches.length,
      unit: "",
      note: `${relays.size} relays`,
    },
    { what: "calls of all relays for each part", value: relays.size === 0 ? 0 : shards, unit: "" },
    { what: "socket sends for each part", value: peak.connected, unit: "" },
    {
      what: `${STREAM}: calls in its busiest second, in and out`,
      value: stream?.count ?? 0,
      unit: "/s",
      atMost: requestsPerSecond,
      note: at(stream?.atSecond),
    },
    {
      what: "of these from edges and shards",
      value: asked,
      unit: "/s",
      note: `${askers} isolates of the edge ask, each once a second`,
    },
    {
      what: "relay: calls in its busiest second, in and out",
      value: relay?.count ?? 0,
      unit: "/s",
      atMost: requestsPerSecond,
      note: at(relay?.atSecond),
    },
    {
      what: "shard: calls and upgrades in its busiest second",
      value: shard?.count ?? 0,
      unit: "/s",
      atMost: requestsPerSecond,
      note: at(shard?.atSecond),
    },
    {
      what: "shard: messages of its sockets",
      value: fullest * (1 / costs.progressSeconds + 1 / costs.qoeSeconds),
      unit: "/s",
      atMost: requestsPerSecond,
      note: `progress every ${costs.progressSeconds} s, qoe every ${costs.qoeSeconds} s; billed 20 to a request`,
    },
    {
      what: "shard: socket sends",
      value: fullest * (partsPerSecond + 1),
      unit: "/s",
      note: "not requests; parts, and the count once a second",
    },
    {
      what: "shard: time of its thread that sends take",
      value: (fullest * (partsPerSecond + 1) * costs.sendMicros) / 10_000,
      unit: "%",
      atMost: 100,
    },
  ];
}

const at = (second: number | undefined): string => `second ${second ?? 0}`;

function journeyLines({ peak }: Simulated, { partsPerSecond }: WorldSettings, costs: Costs): readonly Line[] {
  const free = journeyOf(peak, costs);
  const six = journeyOf(peak, { ...costs, callsAtOnce: 6 });
  return [
    {
      what: "hops from the stream to the last viewer",
      value: free.hops,
      unit: "",
      note: "calls, and the socket",
    },
    {
      what: "time to the last viewer",
      value: free.lastMs,
      unit: "ms",
      note: `the first after ${free.firstMs.toFixed(1)} ms`,
    },
    {
      what: "the same if six calls may be open at once",
      value: six.lastMs,
      unit: "ms",
      note: "unknown whether calls between objects count",
    },
    {
      what: "the slowest object against the pace of the parts",
      value: free.slowestObjectMs,
      unit: "ms",
      atMost: 1000 / partsPerSecond,
    },
  ];
}

const KEYS: readonly string[] = Array.from({ length: SAMPLE_KEYS }, (_, index) => `viewer-${index}`);

function keysByShard(shards: readonly string[]): readonly number[] {
  const ring = ringOf(shards);
  const counts = new Map(shards.map((shard) => [shard, 0]));
  // Enough of them that their own chance spreads less than the ring does.
  for (let index = 0; index < shards.length * 4_000; index++) {
    const shard = shardFor(ring, `viewer-${index}`) ?? "";
    counts.set(shard, (counts.get(shard) ?? 0) + 1);
  }
  return [...counts.values()];
}

/** Standard deviation, as a share of the mean. */
function spreadOf(counts: readonly number[]): number {
  const mean = counts.reduce((sum, count) => sum + count, 0) / counts.length;
  const squares = counts.reduce((sum, count) => sum + (count - mean) ** 2, 0);
  return Math.sqrt(squares / counts.length) / mean;
}

/** Keys that another shard gets when a region grows, and how many must. */
function movedOf(
  region: string,
  from: number,
  to: number,
): { readonly moved: number; readonly ideal: number } {
  const named = (count: number): readonly string[] =>
    Array.from({ length: count }, (_, index) => `${STREAM}/${region}/${index + 1}`);
  const [before, after] = [ringOf(named(from)), ringOf(named(to))];
  const moved = KEYS.filter((key) => shardFor(before, key) !== shardFor(after, key)).length;
  return { moved: moved / KEYS.length, ideal: (to - from) / to };
}
