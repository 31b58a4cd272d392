/**
 * What came out of FFmpeg lately, while nobody publishes it: the description of each track, and the frames from a keyframe of
 * the lead on, one or two groups of pictures long. Pure.
 */
import type { BoxEvent, Frame } from "./boxes.ts";

/** What came out for one track. */
export interface TrackEvent {
  readonly track: string;
  readonly event: BoxEvent;
}

/** Frames of other tracks may begin this much before the keyframe they belong to. */
const OVERLAP_SECONDS = 0.1;
/** A lead that shows no keyframe, or nothing, for this long is not waited for. */
const MAX_SECONDS = 20;

interface Held {
  readonly track: string;
  readonly frame: Frame;
  readonly atSeconds: number;
}

export class RecentFrames {
  readonly #lead: string;
  readonly #inits = new Map<string, BoxEvent & { readonly type: "init" }>();
  #frames: Held[] = [];
  /** Where the newest group of pictures of the lead begins. */
  #newestKeyframe: number | undefined;

  /** `lead` is the track whose keyframes decide: the first video track, or the only one. */
  constructor(lead: string) {
    this.#lead = lead;
  }

  /** Take what came out, and let go of what is no longer recent. */
  push(track: string, event: BoxEvent): void {
    if (event.type === "init") {
      this.#inits.set(track, event);
      return;
    }
    const timescale = this.#inits.get(track)?.init.timescale;
    if (timescale === undefined) return;
    const atSeconds = event.frame.dts / timescale;
    this.#frames.push({ track, frame: event.frame, atSeconds });
    if (track === this.#lead && event.frame.keyframe) {
      // Other tracks may be a little behind: the group before this one stays until the next keyframe.
      if (this.#newestKeyframe !== undefined) this.#dropBefore(this.#newestKeyframe - OVERLAP_SECONDS);
      this.#newestKeyframe = atSeconds;
    } else this.#dropBefore(atSeconds - MAX_SECONDS); // Also when the lead itself has stopped.
  }

  /** Descriptions first, then frames in the order they came. */
  events(): readonly TrackEvent[] {
    return [
      ...[...this.#inits].map(([track, event]) => ({ track, event })),
      ...this.#frames.map(({ track, frame }) => ({ track, event: { type: "frame" as const, frame } })),
    ];
  }

  #dropBefore(seconds: number): void {
    if ((this.#frames[0]?.atSeconds ?? seconds) >= seconds) return;
    this.#frames = this.#frames.filter(({ atSeconds }) => atSeconds >= seconds);
  }
}
