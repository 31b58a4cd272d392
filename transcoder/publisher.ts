/**
 * Hands a session's cuts to origin: objects in parallel as soon as they are cut, then the timeline strictly in order.
 * A cut is named in the timeline only after its objects are stored. It retries nothing itself; the client does.
 */
import type { MediaFile } from "../media/address.ts";
import type { Result } from "../media/result.ts";
import type { Entry, RenditionFacts, TrackObject, Tracks } from "../media/timeline.ts";
import type { PlannedRendition } from "../wire/ingest.ts";
import type { Cut } from "./cmaf/cutter.ts";
import type { TrackInit } from "./cmaf/init.ts";
import type { Holder, OriginClient, Refusal } from "./origin-client.ts";

/** A cut that goes into the timeline. */
export type MediaCut = Cut & { readonly type: "part" | "segment" };

export interface PublisherOptions {
  readonly client: OriginClient;
  readonly holder: Holder;
  readonly renditions: readonly PlannedRendition[];
  /** Frames a second of the video tracks. */
  readonly frameRate?: number;
  /** Wall clock at media time 0, milliseconds since 1970. */
  readonly startedAt: number;
  /** A group is in the timeline; `waitedMs` is how long that took from the cut. */
  readonly onPublished?: (cuts: readonly MediaCut[], waitedMs: number) => void;
  /** Origin refused for good: nothing more will be published. */
  readonly onRefused: (refusal: Refusal) => void;
}

/** Entries that must be posted together, and the objects they name on their way. */
interface Group {
  readonly cuts: readonly MediaCut[];
  readonly entries: readonly Entry[];
  readonly stored: Promise<Result<true, Refusal>>;
  readonly bytes: number;
  readonly cutAt: number;
}

export class Publisher {
  readonly #options: PublisherOptions;
  readonly #publishAs: ReadonlyMap<string, readonly string[]>;
  #queue: Group[] = [];
  #running: Promise<void> | undefined;
  #waitingBytes = 0;
  #refused = false;

  constructor(options: PublisherOptions) {
    this.#options = options;
    this.#publishAs = new Map(options.renditions.map(({ name, publishAs }) => [name, publishAs]));
  }

  /** Bytes that were cut and are not in the timeline yet. */
  get waitingBytes(): number {
    return this.#waitingBytes;
  }

  /** Publish what the tracks are; comes before any cut. */
  describe(inits: ReadonlyMap<string, TrackInit>): void {
    const renditions: RenditionFacts[] = [];
    const puts: Promise<Result<true, Refusal>>[] = [];
    for (const { name: track, bitrate, publishAs } of this.#options.renditions) {
      const init = inits.get(track);
      if (!init) continue;
      for (const name of publishAs) {
        renditions.push({ name, bitrate, ...factsOf(init, this.#options.frameRate) });
        puts.push(this.#put(name, { kind: "init" }, init.bytes));
      }
    }
    this.#enqueue([], [{ type: "init", renditions }], puts, 0);
  }

  /** Publish cuts that belong together: a segment goes with its last part, so that no playlist hints a part that never comes. */
  publish(cuts: readonly MediaCut[]): void {
    if (this.#refused || cuts.length === 0) return;
    const puts: Promise<Result<true, Refusal>>[] = [];
    let bytes = 0;
    for (const cut of cuts) {
      const file = fileOf(cut);
      for (const [track, object] of cut.tracks) {
        const whole = join(object.chunks, object.bytes);
        bytes += object.bytes;
        for (const name of this.#publishAs.get(track) ?? []) puts.push(this.#put(name, file, whole));
      }
    }
    this.#enqueue(
      cuts,
      cuts.map((cut) => this.#entryOf(cut)),
      puts,
      bytes,
    );
  }

  /** Wait until everything is in the timeline, or was refused. */
  async drain(): Promise<void> {
    await this.#running;
  }

  #put(rendition: string, file: MediaFile, bytes: Uint8Array): Promise<Result<true, Refusal>> {
    return this.#options.client.put(this.#options.holder, rendition, file, bytes);
  }

  #enqueue(
    cuts: readonly MediaCut[],
    entries: readonly Entry[],
    puts: readonly Promise<Result<true, Refusal>>[],
    bytes: number,
  ): void {
    const stored = Promise.all(puts).then(
      (all) => all.find((put) => !put.ok) ?? { ok: true as const, value: true as const },
    );
    this.#queue.push({ cuts, entries, stored, bytes, cutAt: performance.now() });
    this.#waitingBytes += bytes;
    this.#running ??= this.#run().finally(() => {
      this.#running = undefined;
    });
  }

  async #run(): Promise<void> {
    for (let group = this.#queue.shift(); group !== undefined; group = this.#queue.shift()) {
      const stored = await group.stored;
      const told = stored.ok
        ? await this.#options.client.append(this.#options.holder, group.entries)
        : stored;
      this.#waitingBytes -= group.bytes;
      if (!told.ok) return this.#refuse(told.error);
      this.#options.onPublished?.(group.cuts, performance.now() - group.cutAt);
    }
  }

  #refuse(refusal: Refusal): void {
    this.#refused = true;
    this.#queue = [];
    this.#waitingBytes = 0;
    this.#options.onRefused(refusal);
  }

  #entryOf(cut: MediaCut): Entry {
    const { msn, duration } = cut;
    const at = this.#options.startedAt + 1000 * cut.startSeconds;
    const tracks = this.#tracksOf(cut);
    return cut.type === "part"
      ? { type: "part", msn, part: cut.part, at, duration, tracks }
      : { type: "segment", msn, at, duration, tracks };
  }

  #tracksOf(cut: MediaCut): Tracks {
    const tracks: Record<string, TrackObject> = {};
    for (const [track, { bytes, independent, iframeBytes }] of cut.tracks) {
      const object = { bytes, independent, ...(iframeBytes !== undefined && { iframeBytes }) };
      for (const name of this.#publishAs.get(track) ?? []) tracks[name] = object;
    }
    return tracks;
  }
}

const fileOf = (cut: MediaCut): MediaFile =>
  cut.type === "segment" ? { kind: "segment", msn: cut.msn } : { kind: "part", msn: cut.msn, part: cut.part };

function factsOf(init: TrackInit, frameRate: number | undefined): Omit<RenditionFacts, "name" | "bitrate"> {
  const { kind, codecs } = init;
  if (init.kind === "audio") return { kind, codecs, channels: init.channels };
  const { width, height } = init;
  return { kind, codecs, width, height, ...(frameRate !== undefined && { frameRate }) };
}

function join(chunks: readonly Uint8Array[], bytes: number): Uint8Array {
  const whole = new Uint8Array(bytes);
  let at = 0;
  for (const chunk of chunks) {
    whole.set(chunk, at);
    at += chunk.byteLength;
  }
  return whole;
}
