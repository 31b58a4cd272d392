/** A track that is cut where the lead is: its frames that wait for a cut, and where in them the cut belongs. */
import type { Frame } from "./boxes.ts";

/** Index of the first frame behind a cut; `wait`: not known yet; `none`: no keyframe anywhere near. */
export type Boundary = number | "wait" | "none";

/** A keyframe this far from the lead's still counts as the same one. */
const KEYFRAME_WINDOW_SECONDS = 1;
/** Half a frame of tolerance, but never more than this. */
const MAX_TOLERANCE_SECONDS = 0.05;

export class Follower {
  readonly kind: "video" | "audio";
  readonly #timescale: number;
  #frames: Frame[] = [];
  /** Where the newest frame ends, seconds; nothing yet. */
  #end = Number.NEGATIVE_INFINITY;
  #first: number | undefined;
  #tolerance = 0;
  /** Frames that start before this are too late. */
  #floor = Number.NEGATIVE_INFINITY;
  /** Its next frame is where its segment begins, or goes on. Sound can begin anywhere. */
  aligned: boolean;
  /** Too far behind to be waited for. */
  lost = false;

  constructor(kind: "video" | "audio", timescale: number) {
    this.kind = kind;
    this.#timescale = timescale;
    this.aligned = kind === "audio";
  }

  /** Seconds. */
  get end(): number {
    return this.#end;
  }

  /** Seconds of media delivered so far, whether still held or not. */
  get delivered(): number {
    return this.#first === undefined ? 0 : this.#end - this.#first;
  }

  push(frame: Frame): void {
    const start = this.#start(frame);
    this.#first ??= start;
    this.#end = (frame.dts + frame.duration) / this.#timescale;
    this.#tolerance = Math.min(frame.duration / this.#timescale / 2, MAX_TOLERANCE_SECONDS);
    if (start >= this.#floor - this.#tolerance) this.#frames.push(frame);
  }

  /** Where a cut at this instant belongs. `last`: no more frames will come. */
  boundary(instant: number, atKeyframe: boolean, last: boolean): Boundary {
    return atKeyframe ? this.#keyframeNear(instant, last) : this.#frameAt(instant, last);
  }

  /** Take the frames in front of a boundary. */
  take(boundary: number): Frame[] {
    return this.#frames.splice(0, boundary);
  }

  /** Let go of everything before an instant, also of what has yet to come. */
  skipTo(instant: number): void {
    this.#floor = instant;
    const keep = this.#frames.findIndex((frame) => this.#start(frame) >= instant - this.#tolerance);
    this.#frames.splice(0, keep === -1 ? this.#frames.length : keep);
    if (this.kind === "video") this.aligned = false;
  }

  #frameAt(instant: number, last: boolean): Boundary {
    if (this.#end < instant - this.#tolerance && !last) return "wait";
    const index = this.#frames.findIndex((frame) => this.#start(frame) >= instant - this.#tolerance);
    return index === -1 ? this.#frames.length : index;
  }

  #keyframeNear(instant: number, last: boolean): Boundary {
    let best: Boundary = "none";
    let bestOff = KEYFRAME_WINDOW_SECONDS;
    this.#frames.forEach((frame, index) => {
      const off = Math.abs(this.#start(frame) - instant);
      if (!frame.keyframe || off >= bestOff) return;
      best = index;
      bestOff = off;
    });
    // A better one can still come until as much time has passed behind the instant.
    const settled = bestOff <= this.#tolerance || this.#end >= instant + bestOff;
    return settled || last ? best : "wait";
  }

  #start(frame: Frame): number {
    return frame.dts / this.#timescale;
  }
}
