/** An encoder that waits, already encoded: FFmpeg runs and its newest frames are held, so that a session can begin with them. */
import type { SessionPlan, Source } from "../wire/ingest.ts";
import { RecentFrames, type TrackEvent } from "./cmaf/recent-frames.ts";
import type { MediaMessage } from "./core/flv.ts";
import { FlvFeed } from "./core/flv-feed.ts";
import { type FfmpegProgram, Pipeline } from "./pipeline.ts";

export interface WarmUpOptions {
  readonly plan: SessionPlan;
  readonly source: Source;
  readonly ffmpeg: FfmpegProgram;
  /** Least difference between arrival and timestamp, milliseconds. */
  readonly clockOffsetMs: number;
  /** What the encoder sent from its newest keyframe on. */
  readonly messages: readonly MediaMessage[];
}

/** Input that may wait for FFmpeg; one that is slower than that is not worth keeping warm. */
const MAX_QUEUED_BYTES = 8 * 1024 * 1024;

export class WarmUp {
  readonly plan: SessionPlan;
  readonly pipeline: Pipeline;
  readonly feed: FlvFeed;
  /** Wall clock at media time 0, milliseconds since 1970. */
  readonly startedAt: number;
  readonly #frames: RecentFrames;
  #isGood = true;

  constructor({ plan, source, ffmpeg, clockOffsetMs, messages }: WarmUpOptions) {
    this.plan = plan;
    this.startedAt = clockOffsetMs + (messages[0]?.timestamp ?? 0);
    const lead = plan.renditions.find(({ kind }) => kind === "video") ?? plan.renditions[0];
    this.#frames = new RecentFrames(lead?.name ?? "");
    this.pipeline = new Pipeline(plan, ffmpeg, {
      onEvent: (track, event) => this.#frames.push(track, event),
      onTrouble: () => {
        this.#isGood = false;
      },
    });
    this.feed = new FlvFeed({ audio: source.audio !== undefined, video: source.video !== undefined });
    void this.pipeline.write(this.feed.header());
    for (const message of messages) this.push(message);
  }

  /** FFmpeg runs, keeps up, and the source is still what it was planned for. */
  get isGood(): boolean {
    return this.#isGood;
  }

  /** Feed a message. */
  push(message: MediaMessage): void {
    if (!this.#isGood) return;
    const fed = this.feed.push(message);
    if (fed.type === "tag") void this.pipeline.write(fed.bytes);
    if (fed.type === "break" || this.pipeline.queuedBytes > MAX_QUEUED_BYTES) this.stop();
  }

  /** What a session begins with. */
  events(): readonly TrackEvent[] {
    return this.#frames.events();
  }

  /** It is of no use any more. */
  stop(): void {
    this.#isGood = false;
    this.pipeline.kill();
  }

  /** Was it made for this plan? Where the session begins does not matter to FFmpeg. */
  fits(plan: SessionPlan): boolean {
    const shape = (one: SessionPlan) => JSON.stringify({ ...one, nextMsn: 0 });
    return this.#isGood && shape(this.plan) === shape(plan);
  }
}
