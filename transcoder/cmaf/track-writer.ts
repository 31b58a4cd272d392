/** Turns one track's frames into the bytes of its parts, and its parts into its segment. Numbers fragments through a session. */
import type { Frame } from "./boxes.ts";
import { type Fragment, writeFragment } from "./fragment.ts";
import type { TrackInit } from "./init.ts";

/** Bytes of a part or a segment. */
export interface WrittenTrack {
  readonly bytes: number;
  readonly chunks: readonly Uint8Array[];
  readonly independent: boolean;
  /** Video that begins a segment with a keyframe: where the fragment that holds nothing else ends. */
  readonly iframeBytes?: number;
}

export class TrackWriter {
  readonly #init: TrackInit;
  #sequence = 0;
  #parts: WrittenTrack[] = [];
  #incomplete = false;

  constructor(init: TrackInit) {
    this.#init = init;
  }

  /** Write the next part; `undefined` when there is nothing in it. */
  writePart(frames: readonly Frame[], opensSegment: boolean): WrittenTrack | undefined {
    const [first] = frames;
    if (first === undefined) return undefined;
    const alone = opensSegment && this.#init.kind === "video" && first.keyframe;
    const runs = alone ? [[first], ...contiguous(frames.slice(1))] : contiguous(frames);
    const fragments = runs.map((run) => this.#fragment(run));
    const [keyframe] = fragments;
    const part = {
      bytes: fragments.reduce((sum, { bytes }) => sum + bytes, 0),
      chunks: fragments.flatMap(({ chunks }) => chunks),
      independent: frames.some((frame) => frame.keyframe),
      ...(alone && keyframe && { iframeBytes: keyframe.bytes }),
    };
    this.#parts.push(part);
    return part;
  }

  /** Frames of the open segment are missing: it will be a gap, whatever else of it there is. */
  lose(): void {
    this.#incomplete = true;
  }

  /** All parts since the last segment, as one; `undefined` when there were none, or not all. */
  closeSegment(): WrittenTrack | undefined {
    const parts = this.#parts;
    const whole = !this.#incomplete;
    this.#parts = [];
    this.#incomplete = false;
    const [first] = parts;
    if (first === undefined || !whole) return undefined;
    return {
      bytes: parts.reduce((sum, { bytes }) => sum + bytes, 0),
      chunks: parts.flatMap(({ chunks }) => chunks),
      independent: parts.some(({ independent }) => independent),
      ...(first.iframeBytes !== undefined && { iframeBytes: first.iframeBytes }),
    };
  }

  #fragment(frames: readonly Frame[]): Fragment {
    this.#sequence += 1;
    return writeFragment(this.#init.trackId, this.#sequence, frames);
  }
}

/** A fragment has one start time, so a hole between frames begins another one. */
function contiguous(frames: readonly Frame[]): Frame[][] {
  const runs: Frame[][] = [];
  let end: number | undefined;
  for (const frame of frames) {
    const run = runs.at(-1);
    if (run && frame.dts === end) run.push(frame);
    else runs.push([frame]);
    end = frame.dts + frame.duration;
  }
  return runs;
}
