/**
 * Hands a session's cuts to origin: objects in parallel as soon as they are cut, then the timeline strictly in order.
 * A cut is named in the timeline only after its objects are stored. What takes too long is named as a gap, so that the
 * live edge stays at now, and its segments come later by way of the spool (spool.ts).
 */
import type { RenditionFacts } from "../media/timeline.ts";
import type { PlannedRendition } from "../wire/ingest.ts";
import type { TrackInit } from "./cmaf/init.ts";
import { Gate } from "./gate.ts";
import { Group } from "./group.ts";
import { type Holder, isPassing, type OriginClient, type Refusal } from "./origin-client.ts";
import {
  describeCuts,
  type MediaCut,
  type NamedObject,
  objectName,
  type PublishAs,
  type Published,
  pack,
} from "./packaging.ts";
import type { SessionSpool } from "./spool.ts";
import { Upload } from "./upload.ts";

export interface PublisherOptions {
  readonly client: OriginClient;
  readonly holder: Holder;
  readonly renditions: readonly PlannedRendition[];
  /** Where segments wait that origin does not take in time. */
  readonly spool: SessionSpool;
  /** Frames a second of the video tracks. */
  readonly frameRate?: number;
  /** Wall clock at media time 0, milliseconds since 1970. */
  readonly startedAt: number;
  /** A group is in the timeline, `lateObjects` of it as gaps; `waitedMs` is how long that took from the cut. */
  readonly onPublished?: (published: Published, waitedMs: number, lateObjects: number) => void;
  /** Origin refused for good: nothing more will be published. */
  readonly onRefused: (refusal: Refusal) => void;
  readonly limits?: Partial<PublisherLimits>;
}

/** How long is waited for origin, and with how much. */
export interface PublisherLimits {
  /** The live edge goes on without media that is older than this. */
  readonly lateMs: number;
  /** A segment that is not stored by then is written to disk: should this process die, it is there. */
  readonly spoolAfterMs: number;
  /** Media that waits in memory; past this the oldest is late at once. */
  readonly waitingBytes: number;
}

const LIMITS: PublisherLimits = { lateMs: 10_000, spoolAfterMs: 1_000, waitingBytes: 64 * 1024 * 1024 };
/** Entries of one append; origin takes 256, and a group has two. */
const MAX_APPEND_ENTRIES = 200;
/** Groups that wait to be told, an hour of them or more; by then the broadcast is over, and they would be refused. */
const MAX_WAITING_GROUPS = 10_000;

export class Publisher {
  readonly #options: PublisherOptions;
  readonly #limits: PublisherLimits;
  readonly #publishAs: PublishAs;
  /** R2 may be in trouble while the timeline is not. */
  readonly #objects = new Gate();
  readonly #timeline = new Gate();
  #queue: Group[] = [];
  #running: Promise<void> | undefined;
  #waitingBytes = 0;
  /** Nothing is sent any more: origin refused, or there is no time left. */
  #over = false;

  constructor(options: PublisherOptions) {
    this.#options = options;
    this.#limits = { ...LIMITS, ...options.limits };
    this.#publishAs = new Map(options.renditions.map(({ name, publishAs }) => [name, publishAs]));
  }

  /** Bytes that were cut and are neither stored nor given up. */
  get waitingBytes(): number {
    return this.#waitingBytes;
  }

  /** Publish what the tracks are; comes before any cut, and is never late: nothing can be shown without it. */
  describe(inits: ReadonlyMap<string, TrackInit>): void {
    const renditions: RenditionFacts[] = [];
    const objects: NamedObject[] = [];
    for (const { name: track, bitrate, publishAs } of this.#options.renditions) {
      const init = inits.get(track);
      if (!init) continue;
      for (const rendition of publishAs) {
        renditions.push({ name: rendition, bitrate, ...factsOf(init, this.#options.frameRate) });
        objects.push({ rendition, file: { kind: "init" }, bytes: init.bytes });
      }
    }
    const group = this.#send(objects, { entries: [{ type: "init", renditions }] });
    group.rescueAfter(this.#limits.spoolAfterMs, () => this.#options.spool.keep(undefined, objects));
    this.#enqueue(group);
  }

  /** Publish cuts that belong together: a segment goes with its last part, so that no playlist hints a part that never comes. */
  publish(cuts: readonly MediaCut[]): void {
    const [first, ...rest] = cuts;
    if (first === undefined) return;
    const { spool } = this.#options;
    const packed = cuts.map((cut) => pack(cut, this.#publishAs, this.#options.startedAt));
    const objects = packed.flatMap((one) => one.objects);
    const group = this.#send(objects, {
      entries: packed.map(({ entry }) => entry),
      published: describeCuts([first, ...rest]),
    });
    const { segment } = group;
    if (segment) {
      const whole = objects.filter(({ file }) => file.kind === "segment");
      group.rescueAfter(this.#limits.spoolAfterMs, () => spool.keep(segment, whole));
    }
    group.after(this.#limits.lateMs, () => group.giveUp());
    this.#enqueue(group);
    this.#relieve();
  }

  /** Wait until everything is in the timeline, or was refused; what is not after `limitMs` is left to the spool. */
  async drain(limitMs: number): Promise<void> {
    const timer = setTimeout(() => this.#giveUp(), limitMs);
    await this.#running;
    clearTimeout(timer);
  }

  #send(objects: readonly NamedObject[], facts: Pick<Group["facts"], "entries" | "published">): Group {
    const { client, holder } = this.#options;
    const uploads = objects.map(
      (object) =>
        new Upload(objectName(object), (isWanted) =>
          client.put(holder, object, { gate: this.#objects, isWanted: () => isWanted() && !this.#over }),
        ),
    );
    const bytes = objects.reduce((sum, object) => sum + object.bytes.byteLength, 0);
    return new Group({ ...facts, uploads, bytes });
  }

  #enqueue(group: Group): void {
    this.#waitingBytes += group.facts.bytes;
    void group.settled.then(() => this.#onSettled(group));
    this.#queue.push(group);
    if (this.#queue.length > MAX_WAITING_GROUPS && !this.#over) this.#despair();
    if (this.#over) this.#leave();
    else
      this.#running ??= this.#run().finally(() => {
        this.#running = undefined;
      });
  }

  async #run(): Promise<void> {
    for (let head = this.#queue[0]; head !== undefined; head = this.#queue[0]) {
      await head.settled;
      if (this.#over) return this.#leave();
      const batch = this.#nextBatch();
      const refusal = batch.find((group) => group.refusal)?.refusal;
      const told = refusal ? { ok: false as const, error: refusal } : await this.#tell(batch);
      if (!told.ok) {
        this.#over = true;
        this.#leave();
        if (!isPassing(told.error)) this.#options.onRefused(told.error);
        return;
      }
      this.#queue.splice(0, batch.length);
      for (const group of batch) this.#onTold(group);
    }
  }

  #onSettled(group: Group): void {
    this.#waitingBytes -= group.facts.bytes;
    const { segment } = group;
    if (!segment || !group.hasWholeSegment()) return;
    // Its objects are stored. Should this process die before it is told of, the next one tells of it.
    group.untoldAfter(this.#limits.spoolAfterMs, () => this.#options.spool.keep(segment, []));
  }

  /** Origin has been away for so long that what waits would not fit into memory. */
  #despair(): void {
    this.#over = true;
    this.#options.onRefused({ name: "unreachable", detail: "origin has taken nothing for too long" });
  }

  #tell(batch: readonly Group[]): ReturnType<OriginClient["append"]> {
    const entries = batch.flatMap((group) => group.entriesToTell());
    const patience = { gate: this.#timeline, isWanted: () => !this.#over };
    return this.#options.client.append(this.#options.holder, entries, patience);
  }

  /** Groups at the head of the queue that can be told now, in order. */
  #nextBatch(): readonly Group[] {
    const batch: Group[] = [];
    let entries = 0;
    for (const group of this.#queue) {
      entries += group.facts.entries.length;
      if (!group.isSettled || (batch.length > 0 && entries > MAX_APPEND_ENTRIES)) break;
      batch.push(group);
    }
    return batch;
  }

  #onTold(group: Group): void {
    const { spool, onPublished } = this.#options;
    const { published } = group.facts;
    group.close();
    if (!published) spool.discard(undefined);
    else onPublished?.(published, performance.now() - group.cutAt, group.lateObjects);
    if (!group.segment) return;
    if (group.hasWholeSegment()) spool.discard(group.segment.msn);
    else spool.release(group.segment.msn);
  }

  /** Too much waits in memory: let go of the oldest. */
  #relieve(): void {
    let excess = this.#waitingBytes - this.#limits.waitingBytes;
    for (const group of this.#queue) {
      if (excess <= 0) return;
      if (group.isSettled || !group.facts.published) continue;
      excess -= group.facts.bytes;
      group.giveUp();
    }
  }

  #giveUp(): void {
    this.#over = true;
    for (const group of this.#queue) group.giveUp();
  }

  /** Leave what was not told to the spool. */
  #leave(): void {
    const { spool } = this.#options;
    const left = this.#queue;
    this.#queue = [];
    for (const group of left) {
      group.giveUp();
      group.close();
      if (group.segment) {
        // Its objects may all be stored, and only the telling be left.
        if (group.hasWholeSegment()) spool.keep(group.segment, []);
        spool.release(group.segment.msn);
      } else if (!group.facts.published) spool.release(undefined);
    }
  }
}

function factsOf(init: TrackInit, frameRate: number | undefined): Omit<RenditionFacts, "name" | "bitrate"> {
  const { kind, codecs } = init;
  if (init.kind === "audio") return { kind, codecs, channels: init.channels };
  const { width, height } = init;
  return { kind, codecs, width, height, ...(frameRate !== undefined && { frameRate }) };
}
