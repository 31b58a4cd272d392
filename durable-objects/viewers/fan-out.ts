/**
 * How the owner of a channel (a LiveStream, a ChatRoom) reaches its shards: the tree as it is now, with a lane to each of its
 * branches. What a branch did not take it gets by another way, or asks for itself when it is back. Who is in the tree is decided
 * in core/viewers/.
 */
import type { StreamPosition } from "../../wire/centrifugo.ts";
import type { ObjectsEnv } from "../../workers/env.ts";
import { type Losses, lose, nextFilled, relayPlace, withRelays } from "../core/viewers/lost-relays.ts";
import { type Tree, treeOf } from "../core/viewers/tree.ts";
import type { Branch, Delivery, Followed, LivePublication } from "../core/viewers/viewer-messages.ts";
import { within } from "../deadline.ts";
import { Lanes, nameOf } from "./lanes.ts";
import { liveRelay, shardsBelow, viewerSet } from "./placement.ts";

/** What a fan-out needs. */
export interface FanOutPorts {
  readonly env: () => Pick<ObjectsEnv, "VIEWER_SET" | "LIVE_RELAY">;
  readonly keepAlive: (work: Promise<unknown>) => void;
  readonly channel: string;
  /** Where the channel is, and what followed a position. */
  readonly log: { readonly position: StreamPosition; since(position: StreamPosition): Followed };
}

/** A relay answers in a tenth of a second, however slow its branches are. */
const RELAY_MS = 2_000;

export class FanOut {
  readonly #ports: FanOutPorts;
  readonly #lanes: Lanes;
  #shards: readonly string[] = [];
  #tree: Tree = { branches: [], parents: {} };
  /** When the tree has to be drawn anew although nobody came or went. */
  #redrawAt = Number.POSITIVE_INFINITY;
  #losses: Losses = new Map();
  /** Shards that did not take a delivery, until they report. */
  readonly #lost = new Set<string>();
  /** How far each shard was reached. */
  readonly #reached = new Map<string, number>();

  constructor(ports: FanOutPorts) {
    this.#ports = ports;
    this.#lanes = new Lanes({
      deliver: (branch, delivery) => this.#deliver(branch, delivery),
      keepAlive: ports.keepAlive,
      took: (branch, offset, lost) => this.#took(branch, offset, lost),
      lost: (branch) => this.#lose([nameOf(branch)]),
    });
  }

  /** Nobody is reached. */
  get isEmpty(): boolean {
    return this.#tree.branches.length === 0;
  }

  /** Who is to be reached, oldest first. */
  set(shards: readonly string[], now: number): void {
    const isSame =
      shards.length === this.#shards.length && shards.every((name, index) => name === this.#shards[index]);
    if (isSame && now < this.#redrawAt) return;
    this.#shards = shards;
    this.#draw(now);
  }

  /** These shards have reported: they are there. */
  heard(shards: readonly string[], now: number): void {
    let isBack = false;
    for (const shard of shards) isBack = this.#lost.delete(shard) || isBack;
    if (isBack) this.#draw(now);
  }

  /** Tell everyone. */
  publish(...publications: readonly LivePublication[]): void {
    const { channel, log } = this.#ports;
    this.#lanes.push({ channel, position: log.position, publications });
  }

  /** Have the sockets closed of those who may not watch any more. */
  sendAway(leave: NonNullable<Delivery["leave"]>): void {
    const { channel, log } = this.#ports;
    this.#lanes.push({ channel, position: log.position, publications: [], leave });
  }

  /** Have these users unsubscribed, wherever they listen. */
  putOut(out: readonly string[]): void {
    const { channel, log } = this.#ports;
    this.#lanes.push({ channel, position: log.position, publications: [], out });
  }

  /** Whom shards report to: a relay, or the owner itself. */
  parentsOf(shards: readonly string[]): Readonly<Record<string, string | null>> {
    return Object.fromEntries(shards.map((shard) => [shard, this.#tree.parents[shard] ?? null]));
  }

  #draw(now: number): void {
    const { channel } = this.#ports;
    const reached = this.#shards.filter((shard) => !this.#lost.has(shard));
    const drawn = treeOf(reached, (n) => relayPlace(channel, n));
    this.#tree = withRelays(drawn, this.#losses, now);
    this.#redrawAt = nextFilled(this.#losses, now) ?? Number.POSITIVE_INFINITY;
    const { offset } = this.#ports.log.position;
    const names = new Set(reached);
    for (const shard of [...this.#reached.keys()]) if (!names.has(shard)) this.#reached.delete(shard);
    for (const shard of [...this.#lost]) if (!this.#shards.includes(shard)) this.#lost.delete(shard);
    // One that comes says itself what it lacks.
    for (const shard of reached) if (!this.#reached.has(shard)) this.#reached.set(shard, offset);
    this.#lanes.set(this.#tree.branches, (branch) => this.#backlog(branch));
  }

  /** What was on its way to a branch by another way. Those who have got it pass it over. */
  #backlog(branch: Branch): Delivery | undefined {
    const { log, channel } = this.#ports;
    const { epoch, offset: newest } = log.position;
    const offset = Math.min(...shardsBelow(branch).map((shard) => this.#reached.get(shard) ?? newest));
    const { publications, position } = log.since({ epoch, offset });
    return publications.length > 0 ? { channel, position, publications } : undefined;
  }

  async #deliver(branch: Branch, delivery: Delivery): Promise<readonly string[]> {
    const { VIEWER_SET, LIVE_RELAY } = this.#ports.env();
    if ("relay" in branch) {
      const { relay, branches } = branch;
      const passed = liveRelay(LIVE_RELAY, relay, branches).deliver(delivery, branches);
      return await within(RELAY_MS, "a relay", passed);
    }
    await viewerSet(VIEWER_SET, branch.shard).deliver(delivery);
    return [];
  }

  #took(branch: Branch, offset: number, lost: readonly string[]): void {
    const missed = new Set(lost);
    const took = (below: Branch): readonly string[] => {
      if (missed.has(nameOf(below))) return [];
      return "shard" in below ? [below.shard] : below.branches.flatMap(took);
    };
    for (const shard of took(branch))
      if (this.#reached.has(shard)) this.#reached.set(shard, Math.max(this.#reached.get(shard) ?? 0, offset));
    if (lost.length > 0) this.#lose(lost);
  }

  #lose(names: readonly string[]): void {
    const now = Date.now();
    for (const name of names) {
      if (this.#shards.includes(name)) this.#lost.add(name);
      else this.#losses = lose(this.#losses, name, now);
    }
    this.#draw(now);
  }
}
