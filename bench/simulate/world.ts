/**
 * A show, a tenth of a second at a time: viewers come and go, edges ask, shards report, relays pass on, and some of them die.
 * What is decided is decided by durable-objects/core, as in the real objects; messages arrive at once.
 */
import { type Admission, admit } from "../../durable-objects/core/viewers/admission.ts";
import { type Ring, ringOf, shardFor } from "../../durable-objects/core/viewers/ring.ts";
import { mergeReports, type Watched, watchedOf } from "../../durable-objects/core/viewers/rollup.ts";
import { parseShardName, SHARD_CAPACITY } from "../../durable-objects/core/viewers/shards.ts";
import type { Branch, ShardReport } from "../../durable-objects/core/viewers/viewer-messages.ts";
import { LIVE_HISTORY } from "../../wire/live-events.ts";
import { Crowd } from "./crowd.ts";
import type { Meter } from "./meter.ts";
import { randomFrom } from "./random.ts";
import { type SimulatedStream, STREAM } from "./stream.ts";

export const TICK_MS = 100;
const REPORT_MS = 1_000;
const HEARTBEAT_MS = 10_000;
/** An edge remembers the shards for so long. */
const DIRECTORY_MS = 1_000;
/** Sockets that a draining shard closes each second. */
const DRAINED_PER_SECOND = 50;
/** A relay that dies takes nothing for so long. */
const RELAY_DEAD_MS = 3_000;

export interface WorldSettings {
  readonly viewers: number;
  readonly regions: number;
  readonly seed: number;
  readonly partsPerSecond: number;
  /** Isolates of the edge that remember shards each for itself, in all regions. */
  readonly askers: number;
}

interface Edge {
  ring: Ring;
  learnedAt: number;
}

interface ShardObject {
  readonly index: number;
  readonly name: string;
  /** Newest publication it has; `undefined` when it was started anew. */
  offset: number | undefined;
  admission: Admission | undefined;
  parent: string | null;
  isDraining: boolean;
  isChanged: boolean;
  reportedAt: number;
}

interface Relay {
  reports: ShardReport[];
  flushAt: number;
  deadUntil: number;
}

export class World {
  readonly crowd: Crowd;
  readonly regions: readonly string[];
  readonly #settings: WorldSettings;
  readonly #stream: SimulatedStream;
  readonly #meter: Meter;
  readonly #random: () => number;
  readonly #edges: readonly Edge[][];
  /** Regions are not equally full: the second has half as many as the first, the third a third. */
  readonly #reach: readonly number[];
  readonly #shards = new Map<string, ShardObject>();
  readonly #byIndex: ShardObject[] = [];
  readonly #relays = new Map<string, Relay>();
  /** When each viewer who was refused had come. */
  readonly #refused = new Map<number, number>();
  #tick = 0;
  #leaving = 0;
  /** Attempts that a shard refused, viewers who had to wait because of one, and the longest wait. */
  refusals = 0;
  waited = 0;
  longestWaitMs = 0;
  drainedViewers = 0;
  droppedViewers = 0;
  shardDeaths = 0;
  relayDeaths = 0;
  /** Publications that a shard could not get any more. */
  lost = 0;
  recoveries = 0;
  watched: Watched | undefined;

  constructor(settings: WorldSettings, stream: SimulatedStream, meter: Meter) {
    this.#settings = settings;
    this.#stream = stream;
    this.#meter = meter;
    this.#random = randomFrom(settings.seed);
    this.crowd = new Crowd(settings.viewers);
    this.regions = Array.from({ length: settings.regions }, (_, index) => `region${index + 1}`);
    const weights = this.regions.map((_, index) => 1 / (index + 1));
    const whole = weights.reduce((sum, weight) => sum + weight, 0);
    this.#reach = weights.map((_, index) => weights.slice(0, index + 1).reduce((a, b) => a + b, 0) / whole);
    this.#edges = weights.map((weight) =>
      Array.from({ length: Math.max(1, Math.round((settings.askers * weight) / whole)) }, () => ({
        ring: ringOf([]),
        learnedAt: Number.NEGATIVE_INFINITY,
      })),
    );
  }

  get now(): number {
    return this.#tick * TICK_MS;
  }

  /** Sockets of each shard that has any. */
  loads(): ReadonlyMap<string, number> {
    const held = this.#byIndex.map(({ name, index }) => [name, this.crowd.members(index).length] as const);
    return new Map(held.filter(([, sockets]) => sockets > 0));
  }

  /** Shards that hold sockets and do not have the newest publication. */
  behind(): number {
    return this.#byIndex.filter(
      ({ index, offset }) => this.crowd.members(index).length > 0 && offset !== this.#stream.position,
    ).length;
  }

  /** A tenth of a second. */
  step(joining: number, leavePerMinute: number): void {
    for (const viewer of this.crowd.due(this.#tick)) this.#connect(viewer);
    for (let i = 0; i < joining && this.crowd.joined < this.#settings.viewers; i++) {
      const at = this.#random();
      this.#connect(this.crowd.arrive(this.#reach.findIndex((reach) => at < reach)));
    }
    this.#leave(leavePerMinute);
    for (const shard of this.#byIndex) this.#report(shard);
    for (const [name, relay] of this.#relays) if (relay.flushAt <= this.now) this.#flush(name, relay);
    if (this.now % (1000 / this.#settings.partsPerSecond) === 0) {
      // The transcoder's call that brings the part.
      this.#meter.count("stream in", STREAM);
      this.#stream.position += 1;
      this.#tell(true);
    }
    if (this.now % 1000 === 0) {
      this.#drain();
      this.watched = watchedOf(this.watched, this.#stream.viewers(this.now), this.now);
      // Viewers are told how many they are.
      this.#tell(false);
      this.#meter.roll(this.now / 1000);
    }
    this.#tick += 1;
  }

  /** A shard's object is started anew: its sockets are gone, its viewers come back within seconds. */
  killShard(): void {
    const held = this.#byIndex.filter(({ index }) => this.crowd.members(index).length > 0);
    const shard = held[Math.floor(this.#random() * held.length)];
    if (shard === undefined) return;
    const members = [...this.crowd.members(shard.index)];
    for (const viewer of members) this.#sendAway(viewer, 500, 5_000);
    this.droppedViewers += members.length;
    this.shardDeaths += 1;
    Object.assign(shard, { offset: undefined, admission: undefined, isChanged: true });
  }

  /** A relay takes nothing for a while, and what it had gathered is gone. */
  killRelay(): void {
    const names = Object.values(this.#stream.tree.parents).filter((name) => name !== null);
    const name = names[Math.floor(this.#random() * names.length)];
    if (name === undefined) return;
    Object.assign(this.#relay(name), {
      reports: [],
      flushAt: Number.POSITIVE_INFINITY,
      deadUntil: this.now + RELAY_DEAD_MS,
    });
    this.relayDeaths += 1;
  }

  #connect(viewer: number): void {
    const region = this.crowd.regionOf(viewer);
    const regionName = this.regions[region] ?? "";
    const edges = this.#edges[region] ?? [];
    const edge = edges[viewer % edges.length];
    if (edge === undefined) return;
    if (this.now - edge.learnedAt >= DIRECTORY_MS) {
      edge.ring = this.#stream.directory(regionName, this.now);
      edge.learnedAt = this.now;
    }
    const refused: string[] = [];
    const key = `viewer-${viewer}`;
    for (let attempt = 0; attempt < 4; attempt++) {
      const name = shardFor(edge.ring, key);
      if (name === undefined || refused.includes(name)) break;
      const shard = this.#shardNamed(name);
      if (this.#take(shard, viewer)) return;
      refused.push(name);
      this.refusals += 1;
      edge.ring = this.#stream.full(name, regionName, this.now);
      edge.learnedAt = this.now;
    }
    if (!this.#refused.has(viewer)) {
      this.#refused.set(viewer, this.now);
      this.waited += 1;
    }
    this.#wait(viewer, 500, 1_500);
  }

  #take(shard: ShardObject, viewer: number): boolean {
    this.#meter.count("shard upgrades", shard.name);
    const { isAdmitted, after } = admit(shard.admission, this.now);
    shard.admission = after;
    const sockets = this.crowd.members(shard.index).length;
    if (shard.isDraining || sockets >= SHARD_CAPACITY || !isAdmitted) return false;
    this.crowd.connect(viewer, shard.index);
    const since = this.#refused.get(viewer);
    if (since !== undefined) this.longestWaitMs = Math.max(this.longestWaitMs, this.now - since);
    this.#refused.delete(viewer);
    shard.isChanged = true;
    // Nothing was delivered to a shard that held nobody.
    if (sockets === 0) this.#recover(shard);
    return true;
  }

  #leave(perMinute: number): void {
    this.#leaving += (this.crowd.connected * perMinute * TICK_MS) / 60_000;
    for (; this.#leaving >= 1 && this.crowd.connected > 0; this.#leaving--) {
      const shard = this.crowd.disconnect(this.crowd.pick(this.#random));
      const object = this.#byIndex[shard ?? -1];
      if (object) object.isChanged = true;
      this.crowd.left += 1;
    }
  }

  #sendAway(viewer: number, fromMs: number, toMs: number): void {
    this.crowd.disconnect(viewer);
    this.#wait(viewer, fromMs, toMs);
  }

  #wait(viewer: number, fromMs: number, toMs: number): void {
    const ms = fromMs + this.#random() * (toMs - fromMs);
    this.crowd.wait(viewer, this.#tick + Math.max(1, Math.round(ms / TICK_MS)));
  }

  #report(shard: ShardObject): void {
    const sockets = this.crowd.members(shard.index).length;
    const dueAfterMs = shard.isChanged ? REPORT_MS : HEARTBEAT_MS;
    if ((!shard.isChanged && sockets === 0) || this.now - shard.reportedAt < dueAfterMs) return;
    shard.isChanged = false;
    shard.reportedAt = this.now;
    const report: ShardReport = { shard: shard.name, sockets, playing: sockets };
    this.#meter.count("shard reports", shard.name);
    const relay = shard.parent === null ? undefined : this.#relay(shard.parent);
    if (relay === undefined || shard.parent === null || relay.deadUntil > this.now) {
      this.#reportToStream([report]);
      return;
    }
    this.#meter.count("relay in", shard.parent);
    if (relay.reports.length === 0) relay.flushAt = this.now + REPORT_MS;
    relay.reports.push(report);
  }

  #flush(name: string, relay: Relay): void {
    this.#meter.count("relay out", name);
    this.#reportToStream(mergeReports(relay.reports));
    relay.reports = [];
    relay.flushAt = Number.POSITIVE_INFINITY;
  }

  #reportToStream(reports: readonly ShardReport[]): void {
    const draining = this.#stream.report(reports, this.now);
    for (const { shard: name } of reports) {
      const shard = this.#shardNamed(name);
      shard.isDraining = draining.has(name);
      shard.parent = this.#stream.tree.parents[name] ?? null;
      if (shard.offset !== this.#stream.position) this.#recover(shard);
    }
  }

  /** Send a publication down the tree; one without a number is in no history. */
  #tell(isNumbered: boolean): void {
    const failed: string[] = [];
    for (const branch of this.#stream.tree.branches) {
      this.#meter.count("stream out", STREAM);
      this.#deliver(branch, isNumbered, failed);
    }
    if (failed.length > 0) this.#stream.drop(failed, this.now);
  }

  #deliver(branch: Branch, isNumbered: boolean, failed: string[]): void {
    if ("shard" in branch) {
      const shard = this.#shardNamed(branch.shard);
      const { position } = this.#stream;
      this.#meter.count("shard calls", shard.name);
      if (isNumbered && shard.offset === position - 1) shard.offset = position;
      if (shard.offset !== position) this.#recover(shard);
      return;
    }
    const { relay, branches } = branch;
    if (this.#relay(relay).deadUntil > this.now) {
      failed.push(...shardsBelow(branches));
      return;
    }
    this.#meter.count("relay in", relay);
    for (const below of branches) {
      this.#meter.count("relay out", relay);
      this.#deliver(below, isNumbered, failed);
    }
  }

  /** Ask for what was missed: all that is kept is sent, and what is not kept any more is lost. */
  #recover(shard: ShardObject): void {
    const position = this.#stream.since();
    this.#meter.count("shard calls", shard.name);
    const missed = shard.offset === undefined ? 0 : position - shard.offset;
    if (this.crowd.members(shard.index).length > 0) this.lost += Math.max(0, missed - LIVE_HISTORY);
    this.recoveries += 1;
    shard.offset = position;
  }

  #drain(): void {
    for (const shard of this.#byIndex) {
      if (!shard.isDraining) continue;
      const away = this.crowd.members(shard.index).slice(0, DRAINED_PER_SECOND);
      for (const viewer of away) this.#sendAway(viewer, 200, 3_000);
      this.drainedViewers += away.length;
      if (away.length > 0) shard.isChanged = true;
    }
  }

  #shardNamed(name: string): ShardObject {
    const known = this.#shards.get(name);
    if (known) return known;
    if (parseShardName(name) === undefined) throw new Error(`not the name of a shard: ${name}`);
    const shard: ShardObject = {
      ...{ index: this.#byIndex.length, name, offset: undefined, admission: undefined },
      ...{ parent: null, isDraining: false, isChanged: false, reportedAt: Number.NEGATIVE_INFINITY },
    };
    this.#shards.set(name, shard);
    this.#byIndex.push(shard);
    return shard;
  }

  #relay(name: string): Relay {
    const relay = this.#relays.get(name) ?? { reports: [], flushAt: Number.POSITIVE_INFINITY, deadUntil: 0 };
    this.#relays.set(name, relay);
    return relay;
  }
}

/** All shards below. */
export const shardsBelow = (branches: readonly Branch[]): readonly string[] =>
  branches.flatMap((branch) => ("shard" in branch ? [branch.shard] : shardsBelow(branch.branches)));
