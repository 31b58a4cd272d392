/**
 * Where the lead track is cut: which frame opens a segment, and which closes a part. Knows nothing of other tracks.
 * A part is closed by the frame after it, so that whether a segment ends there is known at that moment.
 */
import type { SessionPlan } from "../../wire/ingest.ts";
import type { Frame } from "./boxes.ts";

/** A stretch of the lead between two cuts: a part, or a whole segment where there are no parts. */
export interface Stretch {
  readonly msn: number;
  readonly part: number;
  /** Ticks of the lead. */
  readonly start: number;
  readonly end: number;
  readonly frames: readonly Frame[];
  /** First of its segment. */
  readonly opensSegment: boolean;
  /** Last of its segment. */
  readonly closesSegment: boolean;
  /** What follows starts where no keyframe is. */
  readonly forced: boolean;
}

/** What cannot be cut within the rules. The session should go on in another way. */
export type LeadProblem =
  /** No keyframe in time: the segment was closed without one. Encode instead of passing through. */
  | { readonly reason: "overlong-gop"; readonly seconds: number }
  /** A frame that lasts longer than any segment may: begin a new session. Nothing more is cut. */
  | { readonly reason: "timestamp-jump"; readonly seconds: number };

export interface LeadStep {
  readonly stretches: readonly Stretch[];
  readonly problem?: LeadProblem;
}

/** EXTINF rounds to at most TARGETDURATION (rfc8216bis 4.4.3.1) as long as it is less than this much over. */
const ROUNDS_DOWN_SECONDS = 0.5;
/** Where a segment is closed without a keyframe: a little earlier than it must be. */
const FORCED_CLOSE_SECONDS = 0.45;
/** "The longest GOP seen" forgets: one hiccup must not shorten segments for the rest of a day. */
const REMEMBERED_GOPS = 16;
/** Stands for a PART-TARGET where there are no parts: longer than any segment, seconds. */
const WITHOUT_PARTS = 1000;
/** Nothing shorter is made a segment, whatever the keyframes do. */
const SHORTEST_SEGMENT_SECONDS = 0.05;
/** Times are sums of whole ticks; limits are decimals. */
const ROUNDING_SECONDS = 1e-6;

export class LeadCutter {
  readonly #plan: SessionPlan;
  readonly #timescale: number;
  readonly #audio: boolean;
  #msn: number;
  #part = 0;
  #segmentStart: number | undefined;
  #partStart = 0;
  #partEnd = 0;
  #frames: Frame[] = [];
  /** The open segment began without a keyframe. */
  #resync = false;
  #lastKeyframe: number | undefined;
  readonly #gops: number[] = [];
  #stopped = false;

  constructor(plan: SessionPlan, kind: "video" | "audio", timescale: number) {
    this.#plan = plan;
    this.#audio = kind === "audio";
    this.#timescale = timescale;
    this.#msn = plan.nextMsn;
  }

  /** Take the lead's next frame. Frames before its first keyframe are let go. */
  push(frame: Frame): LeadStep {
    if (this.#stopped || (this.#segmentStart === undefined && !frame.keyframe)) return { stretches: [] };
    const stretches: Stretch[] = [];
    if (this.#segmentStart === undefined) this.#open(frame.dts);
    else if (this.#opensSegment(frame)) {
      stretches.push(this.#close(true, false));
      this.#open(frame.dts);
    }
    const problem = this.#checkLimits(frame, stretches);
    if (this.#stopped) return { stretches, ...(problem && { problem }) };
    if (frame.keyframe) this.#measureGop(frame.dts);
    this.#add(frame, stretches);
    return { stretches, ...(problem && { problem }) };
  }

  /** Close what is open: the end of the session. */
  flush(): readonly Stretch[] {
    this.#stopped = true;
    if (this.#segmentStart === undefined || this.#partEnd <= this.#partStart) return [];
    return [this.#close(true, true)];
  }

  #opensSegment(frame: Frame): boolean {
    if (!frame.keyframe || this.#segmentStart === undefined) return false;
    const elapsed = this.#seconds(frame.dts - this.#segmentStart);
    const halfFrame = this.#seconds(frame.duration) / 2;
    if (elapsed >= this.#plan.segmentSeconds - Math.min(halfFrame, SHORTEST_SEGMENT_SECONDS)) return true;
    if (this.#audio || elapsed < SHORTEST_SEGMENT_SECONDS) return false;
    if (this.#resync) return true;
    // The GOP that ends with this frame counts as well.
    const gop = Math.max(frame.dts - (this.#lastKeyframe ?? frame.dts), ...this.#gops);
    return elapsed + this.#seconds(gop) >= this.#plan.targetDuration + ROUNDS_DOWN_SECONDS - ROUNDING_SECONDS;
  }

  #checkLimits(frame: Frame, stretches: Stretch[]): LeadProblem | undefined {
    const limit = this.#plan.targetDuration + FORCED_CLOSE_SECONDS;
    const seconds = this.#seconds(frame.duration);
    if (seconds > limit) {
      if (this.#partEnd > this.#partStart) stretches.push(this.#close(true, true));
      this.#stopped = true;
      return { reason: "timestamp-jump", seconds };
    }
    const elapsed = this.#seconds(frame.dts + frame.duration - (this.#segmentStart ?? frame.dts));
    if (elapsed <= limit) return undefined;
    stretches.push(this.#close(true, true));
    this.#open(frame.dts);
    this.#resync = !frame.keyframe;
    return { reason: "overlong-gop", seconds: this.#seconds(frame.dts - (this.#lastKeyframe ?? frame.dts)) };
  }

  /** Greedy: a part is closed before the frame that would make it too long. */
  #add(frame: Frame, stretches: Stretch[]): void {
    const { partTarget } = this.#plan;
    const end = frame.dts + frame.duration;
    // Where a tick is longer than a part may be, a part is one tick.
    const limit = Math.max(
      1,
      Math.floor(((partTarget ?? WITHOUT_PARTS) + ROUNDING_SECONDS) * this.#timescale),
    );
    if (this.#partEnd > this.#partStart && end - this.#partStart > limit)
      stretches.push(this.#close(false, false));
    this.#frames.push(frame);
    // A frame that alone is longer than a part is followed by parts in which the lead has nothing new; even ones, so
    // that no sliver is left over.
    const pieces = Math.ceil((end - this.#partStart) / limit);
    const piece = Math.ceil((end - this.#partStart) / pieces);
    for (let i = 1; i < pieces; i += 1) {
      this.#partEnd = this.#partStart + piece;
      stretches.push(this.#close(false, false));
    }
    this.#partEnd = end;
  }

  #open(start: number): void {
    this.#segmentStart = start;
    this.#partStart = start;
    this.#partEnd = start;
    this.#resync = false;
  }

  #close(closesSegment: boolean, forced: boolean): Stretch {
    const stretch: Stretch = {
      msn: this.#msn,
      part: this.#part,
      start: this.#partStart,
      end: this.#partEnd,
      frames: this.#frames,
      opensSegment: this.#part === 0,
      closesSegment,
      forced,
    };
    this.#frames = [];
    this.#partStart = this.#partEnd;
    this.#part = closesSegment ? 0 : this.#part + 1;
    if (closesSegment) this.#msn += 1;
    return stretch;
  }

  #measureGop(dts: number): void {
    if (this.#lastKeyframe !== undefined) this.#gops.push(dts - this.#lastKeyframe);
    if (this.#gops.length > REMEMBERED_GOPS) this.#gops.shift();
    this.#lastKeyframe = dts;
  }

  #seconds(ticks: number): number {
    return ticks / this.#timescale;
  }
}
