/**
 * One session: FLV goes into one FFmpeg, its tracks are cut, and the cuts are published. From a plan to its last segment.
 * When to begin one, and what to do when it cannot go on, is the encoder's business (encoder.ts).
 */
import type { SessionPlan, Source } from "../wire/ingest.ts";
import type { BoxEvent } from "./cmaf/boxes.ts";
import { type Cut, type CutProblem, Cutter } from "./cmaf/cutter.ts";
import type { TrackEvent } from "./cmaf/recent-frames.ts";
import type { Log } from "./log.ts";
import type { Holder, OriginClient, Refusal } from "./origin-client.ts";
import type { MediaCut } from "./packaging.ts";
import { type FfmpegProgram, Pipeline, type PipelineTrouble } from "./pipeline.ts";
import { Publisher } from "./publisher.ts";
import type { SessionSpool } from "./spool.ts";

/** Why a session cannot go on. */
export type SessionTrouble =
  | { readonly reason: "refused"; readonly refusal: Refusal }
  | PipelineTrouble
  | { readonly reason: "cut"; readonly problem: CutProblem };

export interface SessionOptions {
  readonly client: OriginClient;
  readonly holder: Holder;
  readonly plan: SessionPlan;
  readonly source: Source;
  readonly ffmpeg: FfmpegProgram;
  /** FFmpeg runs already, and this is what came out of it so far that is still of use. */
  readonly warm?: { readonly pipeline: Pipeline; readonly events: readonly TrackEvent[] };
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
  readonly #publisher: Publisher;
  readonly #pipeline: Pipeline;
  #troubled = false;
  /** FFmpeg is gone; what it wrote is as good as ever. */
  #lostFfmpeg = false;
  /** Media that was cut so far, seconds. */
  #cutSeconds = 0;

  constructor(options: SessionOptions) {
    this.#options = options;
    const { client, holder, plan, source, spool, startedAt, warm } = options;
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
    const listener = {
      onEvent: (track: string, event: BoxEvent) => this.#take(track, event),
      onTrouble: (trouble: PipelineTrouble) => this.#trouble(trouble),
    };
    this.#pipeline = warm?.pipeline ?? new Pipeline(plan, options.ffmpeg, listener);
    this.#pipeline.handOver(listener);
    for (const { track, event } of warm?.events ?? []) this.#take(track, event);
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
    return this.#pipeline.queuedBytes;
  }

  /** Feed FLV; resolves when there is room for more. */
  write(bytes: Uint8Array): Promise<void> {
    return this.#pipeline.write(bytes);
  }

  /**
   * No more input: let FFmpeg finish, cut what is left, and wait until origin has it all; what it has not after
   * `limitMs` comes later, by way of the spool.
   */
  async finish(limitMs: number): Promise<void> {
    const exit = await this.#pipeline.end();
    if (exit.how !== "ended") this.#options.log({ event: "ffmpeg-exit", ...exit });
    if (!this.#troubled || this.#lostFfmpeg) this.#publishCuts(this.#cutter.flush());
    await this.#publisher.drain(limitMs);
  }

  #take(track: string, event: BoxEvent): void {
    if (this.#troubled) return;
    this.#publishCuts(
      event.type === "init"
        ? this.#cutter.describe(track, event.init)
        : this.#cutter.push(track, event.frame),
    );
  }

  #publishCuts(cuts: readonly Cut[]): void {
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
    this.#lostFfmpeg = trouble.reason === "ffmpeg";
    this.#troubled = trouble.reason !== "cut" || trouble.problem.reason !== "overlong-gop";
    this.#options.onTrouble(trouble);
  }
}
