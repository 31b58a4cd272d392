/**
 * One session: FLV goes into one FFmpeg, its tracks are cut, and the cuts are published. From a plan to its last segment.
 * When to begin one, and what to do when it cannot go on, is the encoder's business (encoder.ts).
 */
import type { SessionPlan, Source } from "../wire/ingest.ts";
import { BoxReader } from "./cmaf/boxes.ts";
import { type Cut, type CutProblem, Cutter } from "./cmaf/cutter.ts";
import { type FfmpegVersion, ffmpegCommand } from "./core/ffmpeg-args.ts";
import { Ffmpeg, type FfmpegExit } from "./ffmpeg.ts";
import type { Log } from "./log.ts";
import type { Holder, OriginClient, Refusal } from "./origin-client.ts";
import type { MediaCut } from "./packaging.ts";
import { Publisher } from "./publisher.ts";
import type { SessionSpool } from "./spool.ts";

/** The FFmpeg that sessions run. */
export interface FfmpegProgram {
  readonly program: string;
  readonly version: FfmpegVersion;
}

/** Why a session cannot go on. */
export type SessionTrouble =
  | { readonly reason: "refused"; readonly refusal: Refusal }
  | { readonly reason: "ffmpeg"; readonly exit: FfmpegExit }
  | { readonly reason: "cut"; readonly problem: CutProblem }
  | { readonly reason: "output"; readonly track: string; readonly detail: string };

export interface SessionOptions {
  readonly client: OriginClient;
  readonly holder: Holder;
  readonly plan: SessionPlan;
  readonly source: Source;
  readonly ffmpeg: FfmpegProgram;
  readonly spool: SessionSpool;
  /** Wall clock at media time 0, milliseconds since 1970. */
  readonly startedAt: number;
  readonly log: Log;
  /** Told once; only a GOP that is too long may be told of again, as cutting goes on. */
  readonly onTrouble: (trouble: SessionTrouble) => void;
}

export class Session {
  readonly #options: SessionOptions;
  readonly #cutter: Cutter;
  readonly #readers = new Map<string, BoxReader>();
  readonly #publisher: Publisher;
  readonly #ffmpeg: Ffmpeg;
  #troubled = false;
  #ending = false;
  /** Media that was cut so far, seconds. */
  #cutSeconds = 0;

  constructor(options: SessionOptions) {
    this.#options = options;
    const { client, holder, plan, source, spool, startedAt } = options;
    const frameRate = plan.frameRate ?? source.video?.frameRate;
    this.#cutter = new Cutter(plan);
    this.#publisher = new Publisher({
      client,
      holder,
      renditions: plan.renditions,
      spool,
      startedAt,
      ...(frameRate !== undefined && { frameRate }),
      onPublished: (published, waitedMs, late) =>
        this.#options.log({
          event: "published",
          ...published,
          waitedMs: Math.round(waitedMs * 10) / 10,
          ...(late > 0 && { late }),
        }),
      onRefused: (refusal) => this.#trouble({ reason: "refused", refusal }),
    });
    const command = ffmpegCommand(plan, options.ffmpeg.version);
    for (const { track } of command.outputs) this.#readers.set(track, new BoxReader());
    this.#ffmpeg = new Ffmpeg(command, {
      program: options.ffmpeg.program,
      onChunk: (track, chunk) => this.#read(track, chunk),
    });
    void this.#ffmpeg.exited.then((exit) => {
      if (!this.#ending) this.#trouble({ reason: "ffmpeg", exit });
    });
  }

  /** Seconds of media cut so far. */
  get cutSeconds(): number {
    return this.#cutSeconds;
  }

  /** Bytes cut that wait for origin. */
  get waitingBytes(): number {
    return this.#publisher.waitingBytes;
  }

  /** Input that FFmpeg has not taken yet. */
  get queuedBytes(): number {
    return this.#ffmpeg.queuedBytes;
  }

  /** Feed FLV; resolves when there is room for more. */
  write(bytes: Uint8Array): Promise<void> {
    return this.#ffmpeg.write(bytes);
  }

  /**
   * No more input: let FFmpeg finish, cut what is left, and wait until origin has it all; what it has not after
   * `limitMs` comes later, by way of the spool.
   */
  async finish(limitMs: number): Promise<void> {
    this.#ending = true;
    const exit = await this.#ffmpeg.end();
    if (exit.how !== "ended") this.#options.log({ event: "ffmpeg-exit", ...exit });
    if (!this.#troubled) this.#take(this.#cutter.flush());
    await this.#publisher.drain(limitMs);
  }

  #read(track: string, chunk: Uint8Array): void {
    if (this.#troubled) return;
    const read = this.#readers.get(track)?.push(chunk);
    if (read === undefined) return;
    if (!read.ok) {
      this.#trouble({ reason: "output", track, detail: `${read.error.reason}: ${read.error.box}` });
      return;
    }
    for (const event of read.value) {
      this.#take(
        event.type === "init"
          ? this.#cutter.describe(track, event.init)
          : this.#cutter.push(track, event.frame),
      );
    }
  }

  #take(cuts: readonly Cut[]): void {
    let group: MediaCut[] = [];
    for (const cut of cuts) {
      if (cut.type === "init") {
        if (cut.missing.length > 0) this.#options.log({ event: "tracks-missing", tracks: cut.missing });
        this.#publisher.describe(cut.tracks);
      } else if (cut.type === "problem") this.#trouble({ reason: "cut", problem: cut.problem });
      else {
        if (cut.type === "part" && group.at(-1)?.type === "segment") {
          this.#publish(group);
          group = [];
        }
        group.push(cut);
      }
    }
    this.#publish(group);
  }

  #publish(group: readonly MediaCut[]): void {
    const last = group.at(-1);
    if (!last) return;
    this.#cutSeconds = last.startSeconds + last.duration;
    this.#publisher.publish(group);
  }

  #trouble(trouble: SessionTrouble): void {
    if (this.#troubled) return;
    this.#troubled = trouble.reason !== "cut" || trouble.problem.reason !== "overlong-gop";
    this.#options.onTrouble(trouble);
  }
}
