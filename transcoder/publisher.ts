/**
 * Hands a session's cuts to origin: objects in parallel as soon as they are cut, then the timeline strictly in order.
 * A cut is named in the timeline only after its objects are stored. It retries nothing itself; the client does.
 */
import type { MediaFile } from "../media/address.ts";
import type { Result } from "../media/result.ts";
import type { Entry, RenditionFacts, TrackObject, Tracks } from "../media/timeline.ts";
import type { PlannedRendition } from "../wire/ingest.ts";
import type { Holder, OriginClient, Refusal } from "./origin-client.ts";

/** One track's share of a cut: its bytes in pieces, to be sent one after the other. */
export interface CutTrack {
  readonly bytes: readonly Uint8Array[];
  readonly independent: boolean;
  readonly iframeBytes?: number;
}

/** What the cutter closes: a part, or a whole segment. A track that is missing has a gap. */
export interface Cut {
  readonly type: "part" | "segment";
  readonly msn: number;
  /** Of parts: the place in its segment. */
  readonly part?: number;
  /** Media time of its first frame on the session's clock. */
  readonly startSeconds: number;
  readonly duration: number;
  /** By name of the planned rendition. */
  readonly tracks: ReadonlyMap<string, CutTrack>;
}

/** An init segment, and what it says. */
export interface TrackInit {
  readonly bytes: Uint8Array;
  readonly facts: RenditionFacts;
}

export interface PublisherOptions {
  readonly client: OriginClient;
  readonly holder: Holder;
  readonly renditions: readonly PlannedRendition[];
  /** Wall clock at media time 0, milliseconds since 1970. */
  readonly startedAt: number;
  /** A group is in the timeline; `waitedMs` is how long that took from the cut. */
  readonly onPublished?: (cuts: readonly Cut[], waitedMs: number) => void;
  /** Origin refused for good: nothing more will be published. */
  readonly onRefused: (refusal: Refusal) => void;
}

/** Entries that must be posted together, and the objects they name on their way. */
interface Group {
  readonly cuts: readonly Cut[];
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
    for (const [track, { bytes, facts }] of inits) {
      for (const name of this.#publishAs.get(track) ?? []) {
        renditions.push({ ...facts, name });
        puts.push(this.#put(name, { kind: "init" }, bytes));
      }
    }
    this.#enqueue([], [{ type: "init", renditions }], puts, 0);
  }

  /** Publish cuts that belong together: a segment goes with its last part, so that no playlist hints a part that never comes. */
  publish(cuts: readonly Cut[]): void {
    if (this.#refused || cuts.length === 0) return;
    const puts: Promise<Result<true, Refusal>>[] = [];
    let bytes = 0;
    for (const cut of cuts) {
      const file = fileOf(cut);
      for (const [track, object] of cut.tracks) {
        const whole = join(object.bytes);
        bytes += whole.byteLength;
        for (const name of this.#publishAs.get(track) ?? []) puts.push(this.#put(name, file, whole));
      }
    }
    this.#enqueue(cuts, cuts.map((cut) => this.#entryOf(cut)), puts, bytes);
  }

  /** Wait until everything is in the timeline, or was refused. */
  async drain(): Promise<void> {
    await this.#running;
  }

  #put(rendition: string, file: MediaFile, bytes: Uint8Array): Promise<Result<true, Refusal>> {
    return this.#options.client.put(this.#options.holder, rendition, file, bytes);
  }

  #enqueue(
    cuts: readonly Cut[],
    entries: readonly Entry[],
    puts: readonly Promise<Result<true, Refusal>>[],
    bytes: number,
  ): void {
    const stored = Promise.all(puts).then((all) => all.find((put) => !put.ok) ?? { ok: true as const, value: true as const });
    this.#queue.push({ cuts, entries, stored, bytes, cutAt: performance.now() });
    this.#waitingBytes += bytes;
    this.#running ??= this.#run().finally(() => {
      this.#running = undefined;
    });
  }

  async #run(): Promise<void> {
    for (let group = this.#queue.shift(); group !== undefined; group = this.#queue.shift()) {
      const stored = await group.stored;
      const told = stored.ok ? await this.#options.client.append(this.#options.holder, group.entries) : stored;
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

  #entryOf(cut: Cut): Entry {
    const { msn, duration } = cut;
    const at = this.#options.startedAt + 1000 * cut.startSeconds;
    const tracks = this.#tracksOf(cut);
    if (cut.type === "segment" || cut.part === undefined) return { type: "segment", msn, at, duration, tracks };
    return { type: "part", msn, part: cut.part, at, duration, tracks };
  }

  #tracksOf(cut: Cut): Tracks {
    const tracks: Record<string, TrackObject> = {};
    for (const [track, { bytes, independent, iframeBytes }] of cut.tracks) {
      const size = bytes.reduce((sum, piece) => sum + piece.byteLength, 0);
      const object = { bytes: size, independent, ...(iframeBytes !== undefined && { iframeBytes }) };
      for (const name of this.#publishAs.get(track) ?? []) tracks[name] = object;
    }
    return tracks;
  }
}

const fileOf = ({ type, msn, part }: Cut): MediaFile =>
  type === "segment" || part === undefined ? { kind: "segment", msn } : { kind: "part", msn, part };

function join(pieces: readonly Uint8Array[]): Uint8Array {
  const [only] = pieces;
  if (pieces.length === 1 && only) return only;
  const whole = new Uint8Array(pieces.reduce((sum, piece) => sum + piece.byteLength, 0));
  let at = 0;
  for (const piece of pieces) {
    whole.set(piece, at);
    at += piece.byteLength;
  }
  return whole;
}
