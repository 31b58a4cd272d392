/**
 * The shards in which somebody listens to a channel, and the way there, for its owner: a room, an inbox, a presence channel. Shards say
 * it themselves, again and again; they are stored, so that an owner that was evicted still knows whom to tell.
 */
import type { StreamPosition } from "../../wire/centrifugo.ts";
import type { ObjectsEnv } from "../../workers/env.ts";
import { SILENT_MS } from "../core/viewers/shards.ts";
import { tickMs } from "../core/viewers/ticks.ts";
import type { Followed, LivePublication, ShardReport } from "../core/viewers/viewer-messages.ts";
import { FanOut } from "./fan-out.ts";
import { Unheard } from "./unheard.ts";

const SHARDS = "shards";
/** Sockets of a shard, on average, roughly: for the moments after a restart. */
const USUAL = "usual";
/** It is stored anew when it is off by this factor. */
const USUAL_FACTOR = 2;

export interface ChannelAudienceParts {
  /** Names the deliveries, and the relays that pass them on. */
  readonly channel: string;
  readonly kv: SyncKvStorage;
  readonly env: () => Pick<ObjectsEnv, "VIEWER_SET" | "LIVE_RELAY">;
  readonly keepAlive: (work: Promise<unknown>) => void;
  readonly log: { readonly position: StreamPosition; since(position: StreamPosition): Followed };
}

export class ChannelAudience {
  readonly #kv: SyncKvStorage;
  readonly #fanOut: FanOut;
  readonly #unheard: Unheard;
  readonly #heardAt: Map<string, number>;
  /** Sockets that listen, by shard; not known of those that have not reported since the object woke up. */
  readonly #sockets = new Map<string, number>();
  #usual: number;
  /** Publications of the last second, by their times. */
  #lately: number[] = [];
  #waiting: LivePublication[] = [];

  constructor({ kv, ...ports }: ChannelAudienceParts) {
    this.#kv = kv;
    this.#fanOut = new FanOut(ports);
    const now = Date.now();
    // They could not be heard while this object was away.
    this.#unheard = new Unheard(kv, now);
    this.#heardAt = new Map(kv.get<readonly string[]>(SHARDS)?.map((shard) => [shard, this.#unheard.since]));
    this.#usual = kv.get<number>(USUAL) ?? 1;
    this.#fanOut.set([...this.#heardAt.keys()], now);
  }

  /** Since when nothing was heard of any shard, as of when the object woke up: milliseconds since 1970. */
  get unheardSince(): number {
    return this.#unheard.since;
  }

  /** The alarm of an owner that has to know when nobody listens any more. */
  rang(): void {
    if (this.#heardAt.size > 0) this.#unheard.keep();
  }

  /** Sockets that listen, as shards said last; one that has not said it since a restart counts as they usually do. */
  get sockets(): number {
    let sum = 0;
    for (const shard of this.#heardAt.keys()) sum += this.#sockets.get(shard) ?? this.#usual;
    return sum;
  }

  /** Whether somebody listens; `undefined`: only shards would know that have not said so since the object woke up. */
  isHeard(now: number): boolean | undefined {
    const shards = [...this.#heardAt].filter(([, at]) => now - at <= SILENT_MS).map(([shard]) => shard);
    if (shards.length === 0) return false;
    return shards.some((shard) => this.#sockets.has(shard)) ? true : undefined;
  }

  /** What shards hold now. */
  hear(reports: readonly ShardReport[], now: number): void {
    this.#unheard.end();
    const before = [...this.#heardAt.keys()].join("\n");
    for (const { shard, sockets } of reports) {
      if (sockets > 0) {
        this.#heardAt.set(shard, now);
        this.#sockets.set(shard, sockets);
      } else this.#forget(shard);
    }
    for (const [shard, at] of [...this.#heardAt]) if (now - at > SILENT_MS) this.#forget(shard);
    const shards = [...this.#heardAt.keys()];
    if (shards.join("\n") !== before) this.#kv.put(SHARDS, shards);
    this.#learn();
    this.#fanOut.set(shards, now);
    this.#fanOut.heard(
      reports.map(({ shard }) => shard),
      now,
    );
  }

  /** Tell everyone who listens: at once, or with what else is said in this tick. */
  tell(publication: LivePublication, now: number): void {
    this.#lately = [...this.#lately.filter((at) => now - at < 1000), now];
    this.#waiting.push(publication);
    if (this.#waiting.length > 1) return;
    const ms = tickMs(this.#lately.length, this.sockets);
    if (ms === 0) this.#flush();
    else setTimeout(() => this.#flush(), ms);
  }

  /** These users may not listen any more. */
  putOut(users: readonly string[]): void {
    this.#fanOut.putOut(users);
  }

  /** A room that was huge before a restart is huge after it, although no shard has said so yet. */
  #learn(): void {
    if (this.#heardAt.size === 0) return;
    const average = Math.max(1, Math.round(this.sockets / this.#heardAt.size));
    if (average < USUAL_FACTOR * this.#usual && this.#usual < USUAL_FACTOR * average) return;
    this.#usual = average;
    this.#kv.put(USUAL, average);
  }

  #forget(shard: string): void {
    this.#heardAt.delete(shard);
    this.#sockets.delete(shard);
  }

  #flush(): void {
    this.#fanOut.publish(...this.#waiting.splice(0));
  }
}
