/** Timelines for tests, grown by `extend` as an origin would. Dates and sizes are made up; nothing is random. */
import { broadcastId } from "../../../media/address.ts";
import { PROFILES, type ProfileName, type Timing } from "../../../media/profile.ts";
import {
  type Entry,
  emptyTimeline,
  extend,
  type RenditionFacts,
  type Timeline,
  type Tracks,
} from "../../../media/timeline.ts";

export const BROADCAST = broadcastId(
  "demo",
  Uint8Array.from({ length: 26 }, (_, i) => i),
);
/** When every test's broadcast begins. */
export const START_MS = Date.UTC(2026, 10, 21, 12);

export const V720: RenditionFacts = {
  name: "v720",
  kind: "video",
  codecs: "avc1.64001f",
  bitrate: 2_800_000,
  width: 1280,
  height: 720,
  frameRate: 30,
};
export const V480: RenditionFacts = {
  ...V720,
  name: "v480",
  codecs: "avc1.64001e",
  bitrate: 1_200_000,
  width: 854,
  height: 480,
};
export const AUDIO: RenditionFacts = {
  name: "audio",
  kind: "audio",
  codecs: "mp4a.40.2",
  bitrate: 128_000,
  channels: 2,
};
export const TRIO = [V720, V480, AUDIO];

/** Timing of a profile with a window that tests can fill. */
export function timingOf(profile: ProfileName, windowSeconds = 60): Timing {
  const { segmentSeconds, partTargetSeconds } = PROFILES[profile];
  return {
    targetDuration: segmentSeconds,
    windowSeconds,
    ...(partTargetSeconds !== undefined && { partTarget: partTargetSeconds }),
  };
}

/** Extend or fail the test. */
export function grow(timeline: Timeline, session: number, entries: readonly Entry[]): Timeline {
  const extended = extend(timeline, session, entries);
  if (!extended.ok) throw new Error(JSON.stringify(extended.error));
  return extended.value.timeline;
}

/** A broadcast whose first session has described its tracks. */
export const begin = (timing: Timing, renditions: readonly RenditionFacts[] = TRIO): Timeline =>
  join(emptyTimeline(BROADCAST, "demo", timing), 1, renditions);

/** A session describes its tracks. */
export const join = (
  timeline: Timeline,
  session: number,
  renditions: readonly RenditionFacts[] = TRIO,
): Timeline => grow(timeline, session, [{ type: "init", renditions }]);

/** What a test says of a part. */
export interface PartSpec {
  readonly duration: number;
  /** Renditions whose object is missing. */
  readonly missing?: readonly string[];
}

/** Objects of all renditions at their planned bit rates; video is independent in part 0 only. */
export function tracks(
  timeline: Timeline,
  seconds: number,
  part: number | "whole",
  missing: readonly string[] = [],
): Tracks {
  const present = timeline.renditions.filter(({ name }) => !missing.includes(name));
  return Object.fromEntries(
    present.map(({ name, kind, bitrate }) => [
      name,
      {
        bytes: Math.round((bitrate * seconds) / 8),
        independent: kind === "audio" || part === "whole" || part === 0,
        ...(kind === "video" && part === "whole" && { iframeBytes: 20_000 }),
      },
    ]),
  );
}

/** Where the next segment begins, as its encoder would say: the end of the last one. */
export function nextAt(timeline: Timeline): number {
  const last = timeline.segments.at(-1);
  return last ? last.at + last.duration * 1000 : START_MS;
}

/** The entries of parts, from `first` on. */
export function partEntries(
  timeline: Timeline,
  parts: readonly PartSpec[],
  first = 0,
  at = nextAt(timeline),
): Entry[] {
  return parts.map(({ duration, missing }, index) => ({
    type: "part",
    msn: timeline.nextMsn,
    part: first + index,
    at,
    duration,
    tracks: tracks(timeline, duration, first + index, missing),
  }));
}

/** The entry that closes the open segment, or a whole one without parts. */
export function segmentEntry(
  timeline: Timeline,
  duration: number,
  missing?: readonly string[],
  at = nextAt(timeline),
): Entry {
  return {
    type: "segment",
    msn: timeline.nextMsn,
    at,
    duration,
    tracks: tracks(timeline, duration, "whole", missing),
  };
}

/** Add whole segments, each of parts of these lengths (of one length and no parts, when `parts` is a number). */
export function segments(
  timeline: Timeline,
  count: number,
  parts: readonly number[] | number,
  { missing = [], at }: { readonly missing?: readonly string[]; readonly at?: number } = {},
): Timeline {
  let next = timeline;
  for (let i = 0; i < count; i += 1) {
    const from = i === 0 && at !== undefined ? at : nextAt(next);
    const lengths = typeof parts === "number" ? [] : parts;
    const whole = typeof parts === "number" ? parts : parts.reduce((sum, duration) => sum + duration, 0);
    next = grow(next, next.session, [
      ...partEntries(
        next,
        lengths.map((duration) => ({ duration, missing })),
        0,
        from,
      ),
      segmentEntry(next, whole, missing, from),
    ]);
  }
  return next;
}

/** Add parts to the open segment, opening it if need be. */
export const openParts = (timeline: Timeline, ...parts: readonly PartSpec[]): Timeline =>
  grow(timeline, timeline.session, partEntries(timeline, parts, timeline.open?.parts.length ?? 0));

/** Four half-second parts: a segment of the `low` profile. */
export const LOW = [0.5, 0.5, 0.5, 0.5];
/** Five parts: a segment of the `ultra` profile. */
export const ULTRA = [0.2, 0.2, 0.2, 0.2, 0.2];
