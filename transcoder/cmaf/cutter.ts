/**
 * Cuts the tracks of a session into the same parts and segments. The lead, its first video track, decides where; the
 * others follow. Pure: frames go in, cuts come out; nothing waits for anything but frames.
 */
import type { TrackObject } from "../../media/timeline.ts";
import type { SessionPlan } from "../../wire/ingest.ts";
import { AudioClock } from "./audio-clock.ts";
import type { Frame } from "./boxes.ts";
import { type Boundary, Follower } from "./follower.ts";
import type { TrackInit } from "./init.ts";
import { LeadCutter, type LeadProblem, type Stretch } from "./lead.ts";
import { TrackWriter, type WrittenTrack } from "./track-writer.ts";

/** One track's share of a part or segment. */
export interface CutTrack extends TrackObject {
  /** Its bytes, in order; `bytes` is their total. Segments share the chunks of their parts. */
  readonly chunks: readonly Uint8Array[];
}

/** By name of the planned rendition. A track that is not there has a gap. */
export type CutTracks = ReadonlyMap<string, CutTrack>;

export type CutProblem =
  | LeadProblem
  /** The lead delivers nothing while others go on: begin a new session. Nothing more is cut. */
  | { readonly reason: "lead-lost"; readonly seconds: number };

export type Cut =
  /** Comes first, once. `missing` tracks did not start in time and stay out of the session. */
  | {
      readonly type: "init";
      readonly tracks: ReadonlyMap<string, TrackInit>;
      readonly missing: readonly string[];
    }
  | {
      readonly type: "part";
      readonly msn: number;
      readonly part: number;
      /** On the source's clock, which starts at 0. */
      readonly startSeconds: number;
      readonly duration: number;
      readonly tracks: CutTracks;
    }
  /** Follows its last part. */
  | {
      readonly type: "segment";
      readonly msn: number;
      readonly startSeconds: number;
      readonly duration: number;
      readonly tracks: CutTracks;
    }
  | { readonly type: "problem"; readonly problem: CutProblem };

/** What becomes of a follower in a stretch; `stray`: it has no keyframe where its segment would begin. */
type Placing = { readonly boundary: Boundary; readonly aligned: boolean } | "wait" | "stray";

/** A track this far behind the lead is no longer waited for. */
const MAX_LAG_SECONDS = 3;

export class Cutter {
  readonly #plan: SessionPlan;
  readonly #maxLagSeconds: number;
  readonly #leadName: string | undefined;
  #lead: LeadCutter | undefined;
  #leadTimescale = 1;
  #leadStart: number | undefined;
  #leadEnd = 0;
  readonly #inits = new Map<string, TrackInit>();
  readonly #followers = new Map<string, Follower>();
  readonly #writers = new Map<string, TrackWriter>();
  readonly #clocks = new Map<string, AudioClock>();
  #initSent = false;
  #pending: Stretch[] = [];
  #segmentStart = 0;
  #stopped = false;

  constructor(plan: SessionPlan, maxLagSeconds = MAX_LAG_SECONDS) {
    this.#plan = plan;
    this.#maxLagSeconds = maxLagSeconds;
    const lead = plan.renditions.find(({ kind }) => kind === "video") ?? plan.renditions[0];
    this.#leadName = lead?.name;
  }

  /** A track's init segment has come. */
  describe(track: string, init: TrackInit): readonly Cut[] {
    const planned = this.#plan.renditions.some(({ name, kind }) => name === track && kind === init.kind);
    if (!planned || this.#inits.has(track) || this.#initSent) return [];
    this.#inits.set(track, init);
    this.#writers.set(track, new TrackWriter(init));
    if (init.kind === "audio") this.#clocks.set(track, new AudioClock(init.timescale));
    if (track === this.#leadName) {
      this.#lead = new LeadCutter(this.#plan, init.kind, init.timescale);
      this.#leadTimescale = init.timescale;
    } else {
      const follower = new Follower(init.kind, init.timescale);
      if (init.kind === "audio" && this.#leadStart !== undefined) follower.skipTo(this.#leadStart);
      this.#followers.set(track, follower);
    }
    return this.#drain(false);
  }

  /** A track's next frame has come. Frames of a track that was not described are let go. */
  push(track: string, read: Frame): readonly Cut[] {
    // The priming of an audio encoder lies before 0, where no fragment can be.
    if (this.#stopped || read.dts < 0) return [];
    const frame = this.#clocks.get(track)?.place(read) ?? read;
    const follower = this.#followers.get(track);
    if (follower) return this.#pushFollower(follower, frame);
    return track === this.#leadName ? this.#pushLead(frame) : [];
  }

  /** No more frames will come: cut what is there. */
  flush(): readonly Cut[] {
    this.#stopped = true;
    this.#pending.push(...(this.#lead?.flush() ?? []));
    return this.#drain(true);
  }

  #pushLead(frame: Frame): readonly Cut[] {
    if (!this.#lead) return [];
    if (this.#leadStart === undefined) {
      if (!frame.keyframe) return [];
      this.#leadStart = frame.dts / this.#leadTimescale;
      // Sound from before the first picture has no part to be in.
      for (const follower of this.#followers.values())
        if (follower.kind === "audio") follower.skipTo(this.#leadStart);
    }
    this.#leadEnd = (frame.dts + frame.duration) / this.#leadTimescale;
    const { stretches, problem } = this.#lead.push(frame);
    this.#pending.push(...stretches);
    const cuts = this.#drain(false);
    if (problem?.reason === "timestamp-jump") this.#stopped = true;
    return problem ? [...cuts, { type: "problem", problem }] : cuts;
  }

  #pushFollower(follower: Follower, frame: Frame): readonly Cut[] {
    follower.push(frame);
    const ahead = this.#leadStart === undefined ? follower.delivered : follower.end - this.#leadEnd;
    if (ahead > this.#plan.targetDuration + this.#maxLagSeconds) {
      this.#stopped = true;
      return [{ type: "problem", problem: { reason: "lead-lost", seconds: ahead } }];
    }
    if (follower.lost && follower.end > this.#leadEnd - this.#maxLagSeconds / 2) follower.lost = false;
    return this.#drain(false);
  }

  /** Emit every stretch that all tracks have reached the end of. `last`: wait for nothing. */
  #drain(last: boolean): Cut[] {
    const cuts: Cut[] = [];
    if (!this.#sendInit(last, cuts)) return cuts;
    for (let stretch = this.#pending[0]; stretch; stretch = this.#pending[0]) {
      const shares = this.#shares(stretch, last);
      if (shares === undefined) break;
      this.#pending.shift();
      this.#emit(stretch, shares, cuts);
    }
    return cuts;
  }

  #sendInit(last: boolean, cuts: Cut[]): boolean {
    if (this.#initSent) return true;
    const missing = this.#plan.renditions.map(({ name }) => name).filter((name) => !this.#inits.has(name));
    const waited = this.#leadStart === undefined ? 0 : this.#leadEnd - this.#leadStart;
    if (!this.#lead || (missing.length > 0 && waited <= this.#maxLagSeconds && !last)) return false;
    this.#initSent = true;
    cuts.push({ type: "init", tracks: new Map(this.#inits), missing });
    return true;
  }

  /** Followers' frames for a stretch, without those that have a gap; `undefined` while one has to be waited for. */
  #shares(stretch: Stretch, last: boolean): Map<string, readonly Frame[]> | undefined {
    const late = this.#leadEnd - stretch.end / this.#leadTimescale > this.#maxLagSeconds;
    const placings = new Map<Follower, Placing>();
    for (const follower of this.#followers.values()) {
      const placing = this.#place(follower, stretch, last);
      if (placing === "wait" && !late && !follower.lost) return undefined;
      placings.set(follower, placing);
    }
    const shares = new Map<string, readonly Frame[]>();
    for (const [name, follower] of this.#followers) {
      const share = this.#share(follower, stretch, placings.get(follower));
      if (share) shares.set(name, share);
    }
    return shares;
  }

  /** Where a follower's share of a stretch ends. May be asked again: nothing it does changes the answer. */
  #place(follower: Follower, stretch: Stretch, last: boolean): Placing {
    const start = stretch.start / this.#leadTimescale;
    const end = stretch.end / this.#leadTimescale;
    const video = follower.kind === "video";
    if (video && !follower.aligned) {
      const found = stretch.opensSegment ? follower.boundary(start, true, last) : "none";
      if (typeof found !== "number") return found === "wait" ? "wait" : "stray";
      follower.take(found);
      follower.aligned = true;
    }
    const atKeyframe = video && stretch.closesSegment && !stretch.forced;
    const boundary = follower.boundary(end, atKeyframe, last);
    if (boundary === "wait") return "wait";
    if (boundary !== "none") return { boundary, aligned: true };
    // Its next segment cannot begin there; this one can still end.
    const plain = follower.boundary(end, false, true);
    return { boundary: plain, aligned: false };
  }

  /** A follower's frames for a stretch; `undefined` where it has a gap. */
  #share(follower: Follower, stretch: Stretch, placing: Placing | undefined): readonly Frame[] | undefined {
    if (typeof placing === "object" && typeof placing.boundary === "number") {
      follower.aligned = placing.aligned || follower.kind === "audio";
      return follower.take(placing.boundary);
    }
    if (placing === "wait") follower.lost = true;
    // A stray track keeps what may hold the keyframe of its next segment.
    follower.skipTo((placing === "stray" ? stretch.start : stretch.end) / this.#leadTimescale);
    return undefined;
  }

  #emit(stretch: Stretch, shares: ReadonlyMap<string, readonly Frame[]>, cuts: Cut[]): void {
    const seconds = (ticks: number) => ticks / this.#leadTimescale;
    const { msn, part, start, end, opensSegment } = stretch;
    if (opensSegment) this.#segmentStart = start;
    const written = this.#write((name, writer) => {
      const frames = name === this.#leadName ? stretch.frames : shares.get(name);
      if (frames === undefined) writer.lose();
      return writer.writePart(frames ?? [], opensSegment);
    });
    if (this.#plan.partTarget !== undefined) {
      const duration = seconds(end - start);
      cuts.push({ type: "part", msn, part, startSeconds: seconds(start), duration, tracks: written });
    }
    if (!stretch.closesSegment) return;
    cuts.push({
      type: "segment",
      msn,
      startSeconds: seconds(this.#segmentStart),
      duration: seconds(end - this.#segmentStart),
      tracks: this.#write((_name, writer) => writer.closeSegment()),
    });
  }

  /** In the order of the plan; tracks with nothing are left out. */
  #write(write: (name: string, writer: TrackWriter) => WrittenTrack | undefined): CutTracks {
    const tracks = new Map<string, CutTrack>();
    for (const { name } of this.#plan.renditions) {
      const writer = this.#writers.get(name);
      const written = writer && write(name, writer);
      if (written) tracks.set(name, written);
    }
    return tracks;
  }
}
