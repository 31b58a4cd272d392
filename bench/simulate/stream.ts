/**
 * The LiveStream of the simulation: its rows of shards, its tree and its position, by the same pure core as the real object.
 * What it is asked and what it sends are counted; nothing takes time here.
 */
import { type Ring, ringOf } from "../../durable-objects/core/viewers/ring.ts";
import { totalsOf } from "../../durable-objects/core/viewers/rollup.ts";
import {
  applyDecisions,
  decideShards,
  firstShard,
  fullShard,
  heard,
  isSilent,
  type Shard,
  type ShardDecisions,
  shardsInTree,
  shardsOffered,
} from "../../durable-objects/core/viewers/shards.ts";
import { type Tree, treeOf } from "../../durable-objects/core/viewers/tree.ts";
import type { ShardReport } from "../../durable-objects/core/viewers/viewer-messages.ts";
import type { Meter } from "./meter.ts";

export const STREAM = "show";

/** A region that got more shards, or gave some back. */
export interface Step {
  readonly region: string;
  readonly from: number;
  readonly to: number;
}

export class SimulatedStream {
  readonly #meter: Meter;
  #shards: readonly Shard[] = [];
  #playing = new Map<string, number>();
  #tree: Tree = { branches: [], parents: {} };
  #inTree = "";
  /** Shards that failed a delivery, until they report. */
  readonly #dropped = new Set<string>();
  readonly #rings = new Map<string, { readonly key: string; readonly ring: Ring }>();
  /** Publications so far. */
  position = 0;
  opened = 0;
  drained = 0;
  most = 0;
  /** Shards that came below another parent when the tree was drawn anew. */
  reparented = 0;
  readonly steps: Step[] = [];

  constructor(meter: Meter) {
    this.#meter = meter;
  }

  get tree(): Tree {
    return this.#tree;
  }

  get shards(): readonly Shard[] {
    return this.#shards;
  }

  /** What an edge learns of a region when it asks. */
  directory(region: string, now: number): Ring {
    this.#meter.count("stream in", STREAM);
    this.#settle({ open: firstShard(this.#shards, region), drain: [], remove: [] }, now);
    return this.#ringOf(region, now);
  }

  /** A shard has refused a socket. */
  full(shard: string, region: string, now: number): Ring {
    this.#meter.count("stream in", STREAM);
    const { shards, open } = fullShard(this.#shards, shard, now);
    this.#shards = shards;
    this.#settle({ open, drain: [], remove: [] }, now);
    return this.#ringOf(region, now);
  }

  /** Take reports, and say which of those shards are draining. */
  report(reports: readonly ShardReport[], now: number): ReadonlySet<string> {
    this.#meter.count("stream in", STREAM);
    const known = new Map(this.#shards.map((shard) => [shard.shard, shard]));
    for (const report of reports) {
      const next = heard(known.get(report.shard), report, now);
      if (next === undefined) continue;
      known.set(report.shard, next);
      this.#playing.set(report.shard, report.playing);
      this.#dropped.delete(report.shard);
    }
    this.#shards = [...known.values()];
    this.#settle(decideShards(this.#shards, now), now);
    return new Set(this.#shards.filter(({ state }) => state === "draining").map(({ shard }) => shard));
  }

  /** A shard asks for what it has missed. */
  since(): number {
    this.#meter.count("stream in", STREAM);
    return this.position;
  }

  /** These did not take a delivery. */
  drop(shards: readonly string[], now: number): void {
    for (const shard of shards) this.#dropped.add(shard);
    this.#draw(now);
  }

  /** People who watch, as far as it knows. */
  viewers(now: number): number {
    const heardOf = this.#shards.filter((shard) => !isSilent(shard, now));
    return totalsOf(
      heardOf.map(({ shard, sockets }) => ({ sockets, playing: this.#playing.get(shard) ?? 0 })),
    ).viewers;
  }

  #settle(decisions: ShardDecisions, now: number): void {
    const { open, drain, remove } = decisions;
    if (open.length + drain.length + remove.length > 0) {
      const before = this.#openByRegion();
      this.#shards = applyDecisions(this.#shards, decisions, STREAM, now);
      for (const [region, to] of this.#openByRegion()) {
        const from = before.get(region) ?? 0;
        if (from !== to) this.steps.push({ region, from, to });
      }
      this.opened += open.length;
      this.drained += drain.length;
      this.most = Math.max(this.most, this.#shards.length);
    }
    this.#draw(now);
  }

  #openByRegion(): ReadonlyMap<string, number> {
    const counts = new Map<string, number>();
    for (const { region, state } of this.#shards)
      if (state === "open") counts.set(region, (counts.get(region) ?? 0) + 1);
    return counts;
  }

  #draw(now: number): void {
    const names = shardsInTree(this.#shards, now).filter((shard) => !this.#dropped.has(shard));
    const key = names.join();
    if (key === this.#inTree) return;
    this.#inTree = key;
    const before = this.#tree.parents;
    this.#tree = treeOf(names, (n) => `${STREAM}/relay/${n}`);
    const { parents } = this.#tree;
    this.reparented += names.filter((name) => name in before && before[name] !== parents[name]).length;
  }

  #ringOf(region: string, now: number): Ring {
    const offered = shardsOffered(this.#shards, now)[region] ?? [];
    const key = offered.join();
    const kept = this.#rings.get(region);
    if (kept?.key === key) return kept.ring;
    const ring = ringOf(offered);
    this.#rings.set(region, { key, ring });
    return ring;
  }
}
