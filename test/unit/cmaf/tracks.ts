/** Test support: synthetic tracks, plans, and a way to push frames in the order a real session would. Not a test. */
import type { Frame } from "../../../transcoder/cmaf/boxes.ts";
import { type Cut, Cutter } from "../../../transcoder/cmaf/cutter.ts";
import type { TrackInit } from "../../../transcoder/cmaf/init.ts";
import type { PlannedRendition, SessionPlan } from "../../../wire/ingest.ts";

export const video = (name: string): PlannedRendition => ({
  kind: "video",
  name,
  mode: "copy",
  width: 640,
  height: 360,
  bitrate: 500_000,
  publishAs: [name],
});
export const audio: PlannedRendition = {
  kind: "audio",
  name: "audio",
  mode: "copy",
  bitrate: 96_000,
  channels: 2,
  publishAs: ["audio"],
};

export const plan = (more: Partial<SessionPlan> = {}): SessionPlan => ({
  nextMsn: 0,
  segmentSeconds: 2,
  keyframeSeconds: 2,
  targetDuration: 2,
  partTarget: 0.51,
  renditions: [video("v720"), video("v360"), audio],
  ...more,
});

const base = {
  bytes: Uint8Array.of(1),
  trackId: 1,
  codecs: "avc1.64001f",
  defaults: { duration: 0, size: 0, flags: 0 },
};
export const initOf = (kind: "video" | "audio", timescale: number): TrackInit =>
  kind === "video"
    ? { ...base, kind, timescale, width: 640, height: 360 }
    : { ...base, kind, timescale, channels: 2, sampleRate: timescale };

/** Frames whose times are given in seconds, rounded to ticks; each lasts until the next. */
export function frames(
  timescale: number,
  times: readonly number[],
  end: number,
  isKeyframe: (i: number, time: number) => boolean,
): Frame[] {
  const ticks = [...times, end].map((time) => Math.round(time * timescale));
  return times.map((time, i) => ({
    dts: ticks[i] ?? 0,
    duration: (ticks[i + 1] ?? 0) - (ticks[i] ?? 0),
    ctsOffset: 0,
    keyframe: isKeyframe(i, time),
    bytes: Uint8Array.of(i & 255),
  }));
}

/** `count` frames at an even rate from `start`, a keyframe every `gop`. */
export function evenFrames(timescale: number, rate: number, count: number, gop: number, start = 0): Frame[] {
  const times = Array.from({ length: count }, (_, i) => start + i / rate);
  return frames(timescale, times, start + count / rate, (i) => i % gop === 0);
}

export interface Track {
  readonly timescale: number;
  readonly frames: readonly Frame[];
  /** How much later than its time each frame arrives, seconds. */
  readonly delay?: number | ((time: number) => number);
}

export interface Arrival {
  readonly at: number;
  readonly cut: Cut;
}

/** Run tracks through a cutter; what it says comes with the time of the frame that made it say so. */
export function run(sessionPlan: SessionPlan, tracks: Readonly<Record<string, Track>>): Arrival[] {
  const cutter = new Cutter(sessionPlan);
  const made: Arrival[] = [];
  for (const { name, kind } of sessionPlan.renditions) {
    const track = tracks[name];
    if (track)
      made.push(...cutter.describe(name, initOf(kind, track.timescale)).map((cut) => ({ at: 0, cut })));
  }
  const arrivals = Object.entries(tracks).flatMap(([name, { timescale, frames: list, delay = 0 }]) =>
    list.map((frame) => {
      const end = (frame.dts + frame.duration) / timescale;
      return { name, frame, at: end + (typeof delay === "number" ? delay : delay(end)) };
    }),
  );
  arrivals.sort((a, b) => a.at - b.at);
  for (const { name, frame, at } of arrivals)
    made.push(...cutter.push(name, frame).map((cut) => ({ at, cut })));
  made.push(...cutter.flush().map((cut) => ({ at: Number.POSITIVE_INFINITY, cut })));
  return made;
}

export const segments = (made: readonly Arrival[]) =>
  made.flatMap(({ cut }) => (cut.type === "segment" ? [cut] : []));
export const parts = (made: readonly Arrival[]) =>
  made.flatMap(({ cut }) => (cut.type === "part" ? [cut] : []));
export const problems = (made: readonly Arrival[]) =>
  made.flatMap(({ cut }) => (cut.type === "problem" ? [cut.problem] : []));
