/**
 * The viewers of a stream, as its LiveStream has to do with them: which shards hold their sockets, how they are reached, how
 * many they are and how they do. Shards, relays and edges say it; decisions stand in core/viewers/shards.ts and core/viewers/rollup.ts.
 */
import { liveChannel } from "../../wire/live-events.ts";
import { parse } from "../../wire/parse.ts";
import { type PolledViewers, PolledViewersSchema } from "../../wire/polled-viewers.ts";
import type { ObjectsEnv } from "../../workers/env.ts";
import type { QoeSummary } from "../core/viewers/histogram.ts";
import { totalsOf } from "../core/viewers/rollup.ts";
import {
  applyDecisions,
  decideShards,
  firstShard,
  fullShard,
  heard,
  isSilent,
  parseShardName,
  type Shard,
  type ShardDecisions,
  shardsInTree,
  shardsOffered,
} from "../core/viewers/shards.ts";
import type { ReportAnswer, ShardDirectory, ShardReport } from "../core/viewers/viewer-messages.ts";
import type { LiveState } from "../live-state.ts";
import { FanOut } from "./fan-out.ts";
import { regionNamed } from "./placement.ts";
import { QoeWindow } from "./qoe-window.ts";
import { type HeldShard, ShardRows } from "./shard-rows.ts";
import { ViewerCount } from "./viewer-count.ts";
import { ViewerDoors } from "./viewer-doors.ts";

/** What an audience needs of its object. */
export interface AudienceParts {
  readonly state: LiveState;
  readonly storage: DurableObjectStorage;
  readonly env: () => Pick<ObjectsEnv, "VIEWER_SET" | "LIVE_RELAY" | "DB">;
  readonly keepAlive: (work: Promise<unknown>) => void;
  /** The stream's id. */
  readonly stream: string;
  /** Sockets that a shard takes. */
  readonly capacity: number;
}

/** How many there are, for operators. */
export interface AudienceHealth {
  readonly viewers: number;
  readonly sockets: number;
  readonly shards: number;
  /** Of the last five minutes. */
  readonly qoe: QoeSummary;
}

/** Viewers are told how many they are at most this often. */
const COUNT_MS = 1_000;

export class Audience {
  readonly #parts: AudienceParts;
  readonly #rows: ShardRows;
  readonly #fanOut: FanOut;
  readonly #count: ViewerCount;
  readonly #doors: ViewerDoors;
  readonly #qoe = new QoeWindow();
  #shards: readonly HeldShard[] = [];
  /** What viewers were told last, and when; absent: nobody knows any more. */
  #told: { readonly viewers?: number; readonly at: number } = { viewers: 0, at: 0 };
  #isTelling = false;

  constructor(parts: AudienceParts, now: number) {
    this.#parts = parts;
    const { state, storage, env, keepAlive, stream } = parts;
    this.#rows = new ShardRows(storage);
    this.#count = new ViewerCount(state.archive);
    this.#fanOut = new FanOut({ env, keepAlive, channel: liveChannel(stream), log: state.log });
    this.#doors = new ViewerDoors({
      stream,
      db: () => env().DB,
      isDisabled: () => state.stored.disabled,
      keepAlive,
      sendAway: (whom) => this.#fanOut.sendAway(whom),
    });
    if (state.log.isStored) {
      this.#told = { at: 0 };
      state.stored.prepare();
      this.#shards = this.#rows.load(now);
      this.#fanOut.set(shardsInTree(this.#shards, now), now);
    }
    state.log.listen((publication) => {
      try {
        this.#fanOut.publish(publication);
        this.look(Date.now());
      } catch (error) {
        // It is stored, and what shards lack they ask for: an encoder's append is not to fail because of viewers.
        console.error("a publication was not passed on", error);
      }
    });
  }

  /** Shards that take sockets; a region gets its first one. */
  shards(region: string, now: number): ShardDirectory {
    this.#open(firstShard(this.#shards, regionNamed(region)), now);
    return this.#directory(now);
  }

  /** A shard has refused a socket. */
  full(shard: string, now: number): ShardDirectory {
    if (parseShardName(shard)?.stream !== this.#parts.stream) return this.#directory(now);
    const { shards, open } = fullShard(this.#shards, shard, now, this.#parts.capacity);
    this.#keep(shards);
    this.#open(open, now);
    return this.#directory(now);
  }

  /** What shards hold now; one that is not known is from now on. */
  report(reports: readonly ShardReport[], now: number): ReportAnswer {
    const own = reports.filter(({ shard }) => parseShardName(shard)?.stream === this.#parts.stream);
    if (own.length > 0) this.#begin();
    for (const { shard, sockets, playing, qoe } of own) {
      const known = this.#shards.find((one) => one.shard === shard);
      const next = heard(known, { shard, sockets }, now);
      if (!next) continue;
      const held = { ...next, playing };
      this.#shards = known
        ? this.#shards.map((one) => (one === known ? held : one))
        : [...this.#shards, held];
      if (qoe) this.#qoe.add(qoe, now);
    }
    const names = own.map(({ shard }) => shard);
    this.#fanOut.heard(names, now);
    this.look(now);
    const draining = this.#shards.filter(({ state }) => state === "draining").map(({ shard }) => shard);
    return {
      position: this.#parts.state.log.position,
      viewers: this.viewers(now),
      draining: names.filter((name) => draining.includes(name)),
      parents: this.#fanOut.parentsOf(names),
    };
  }

  /** People without a socket, as an edge has seen them. */
  polled(edge: string, said: PolledViewers, now: number): void {
    const viewers = parse(PolledViewersSchema, said);
    if (!viewers.ok) return;
    this.#count.hear(edge, viewers.value, now);
    this.look(now);
  }

  /** People who watch. */
  viewers(now: number): number {
    const heardOf = this.#shards.filter((shard) => !isSilent(shard, now));
    return totalsOf(heardOf, this.#count.polled(now)).viewers;
  }

  /** How they are and how they do. */
  health(now: number): AudienceHealth {
    const heardOf = this.#shards.filter((shard) => !isSilent(shard, now));
    const { sockets, shards } = totalsOf(heardOf);
    return { viewers: this.viewers(now), sockets, shards, qoe: this.#qoe.summary(now) };
  }

  /** Who may watch has changed. */
  recheck(now: number): void {
    if (!this.#fanOut.isEmpty) this.#doors.lookAgain(now);
  }

  /** See to what time alone changes: shards that fell silent, figures that are due. */
  look(now: number): void {
    const { state } = this.#parts;
    if (this.#shards.length > 0) this.#settle(decideShards(this.#shards, now, this.#parts.capacity), now);
    this.#count.note(state.live, this.viewers(now), now);
    if (this.#fanOut.isEmpty) return;
    this.#doors.look(now);
    this.#tellCount(now);
  }

  #directory(now: number): ShardDirectory {
    const regions = shardsOffered(this.#shards, now, this.#parts.capacity);
    const offered = new Set(Object.values(regions).flat());
    return { regions, others: shardsInTree(this.#shards, now).filter((shard) => !offered.has(shard)) };
  }

  /** Somebody listens. */
  #begin(): void {
    const { stored, log } = this.#parts.state;
    stored.prepare();
    log.store();
  }

  #open(open: ShardDecisions["open"], now: number): void {
    if (open.length === 0) return;
    this.#begin();
    this.#settle({ open, drain: [], remove: [] }, now);
  }

  /** What is decided is stored before anyone learns of it. */
  #settle(decisions: ShardDecisions, now: number): void {
    this.#keep(applyDecisions(this.#shards, decisions, this.#parts.stream, now));
    this.#rows.save(this.#shards, now);
    this.#fanOut.set(shardsInTree(this.#shards, now), now);
    if (this.#shards.length === 0) this.#parts.state.log.rest();
  }

  #keep(shards: readonly Shard[]): void {
    const playing = new Map(this.#shards.map((held) => [held.shard, held.playing]));
    this.#shards = shards.map((shard) => ({ ...shard, playing: playing.get(shard.shard) ?? 0 }));
  }

  /** Tell viewers how many they are, now or when it may be told again. */
  #tellCount(now: number): void {
    const viewers = this.viewers(now);
    if (this.#isTelling || viewers === this.#told.viewers || this.#fanOut.isEmpty) return;
    const wait = this.#told.at + COUNT_MS - now;
    if (wait > 0) {
      this.#isTelling = true;
      setTimeout(() => {
        this.#isTelling = false;
        this.#tellCount(Date.now());
      }, wait);
      return;
    }
    this.#told = { viewers, at: now };
    this.#fanOut.publish({ data: JSON.stringify({ type: "viewers", viewers }) });
  }
}
