/**
 * Which renditions a session makes of its source, and how it is cut: never upscaled, the source untouched on top where
 * its keyframes allow. Pure; the origin decides with it and the transcoder obeys.
 */
import type { PlannedRendition, SessionPlan, Source } from "../wire/ingest.ts";
import { DEFAULT_WINDOW_SECONDS, PROFILES, type ProfileName, type Timing } from "./profile.ts";

type SourceVideo = NonNullable<Source["video"]>;
type SourceAudio = NonNullable<Source["audio"]>;

/** Rungs by the shorter side of the picture, with bits a second at up to 30 frames a second. */
const RUNGS = [
  { lines: 1080, bitrate: 5_000_000 },
  { lines: 720, bitrate: 2_800_000 },
  { lines: 480, bitrate: 1_200_000 },
  { lines: 360, bitrate: 700_000 },
] as const;
/** A rung this near to the source's size is not worth a second encode. */
const WORTHWHILE_STEP = 0.85;
/** Longest time between keyframes that may be passed through, seconds; a little over four for rounded timestamps. */
const MAX_PASSTHROUGH_GOP_SECONDS = 4.05;
/** Shortest time between keyframes that is believed, seconds. */
const MIN_GOP_SECONDS = 0.001;
const MAX_FRAME_RATE = 60;
/** Longest time between encoded keyframes, seconds (Apple's authoring specification 1.13); whole ones fill a segment. */
const MAX_KEYFRAME_SECONDS = 2;
/** A rung has at most this share of the bit rate of the one above, or players could not tell which is better. */
const STEP_BITRATE = 0.7;
const AUDIO_BITRATE = 128_000;

/** What a broadcast that is already under way has fixed. */
export interface Fixed {
  readonly timing: Timing;
  /** Names of its video renditions, best first. */
  readonly video: readonly string[];
}

/** Everything in a plan but its place in the timeline, and the timing the broadcast has or gets. */
export interface Ladder {
  readonly timing: Timing;
  readonly plan: Omit<SessionPlan, "nextMsn">;
}

/**
 * Plan a session. `allowCopy: false` encodes even where the source could be passed through; `lighter` leaves out so many
 * of the topmost encoded rungs, but never all video.
 */
export function planLadder(
  source: Source,
  profile: ProfileName,
  fixed?: Fixed,
  allowCopy = true,
  lighter = 0,
): Ladder {
  const { segmentSeconds: wanted, partTargetSeconds } = PROFILES[profile];
  // The stream's profile may have changed since the broadcast fixed its timing.
  const segmentSeconds = Math.min(wanted, fixed?.timing.targetDuration ?? wanted);
  const cut =
    source.video && allowCopy ? passthroughCut(source.video, segmentSeconds, fixed?.timing) : undefined;
  const timing: Timing = fixed?.timing ?? {
    targetDuration: cut?.targetDuration ?? segmentSeconds,
    windowSeconds: DEFAULT_WINDOW_SECONDS,
    ...(partTargetSeconds !== undefined && { partTarget: partTargetSeconds }),
  };
  const video = source.video ? videoRungs(source.video, cut !== undefined, fixed?.video ?? [], lighter) : [];
  // A source that may be passed through, into a broadcast that has no rendition for it: nothing is left to follow.
  if (cut && video.every(({ mode }) => mode === "encode"))
    return planLadder(source, profile, fixed, false, lighter);
  const frameRate = source.video && cut === undefined ? encodedFrameRate(source.video) : undefined;
  return {
    timing,
    plan: {
      segmentSeconds: cut?.segmentSeconds ?? segmentSeconds,
      keyframeSeconds: segmentSeconds / Math.ceil(segmentSeconds / MAX_KEYFRAME_SECONDS),
      targetDuration: timing.targetDuration,
      ...(timing.partTarget !== undefined && { partTarget: timing.partTarget }),
      ...(frameRate !== undefined && { frameRate }),
      renditions: [...video, ...(source.audio ? [audioRendition(source.audio)] : [])],
    },
  };
}

interface Cut {
  readonly segmentSeconds: number;
  readonly targetDuration: number;
}

/** How the source's own keyframes would be cut, or `undefined` when it has to be encoded. */
function passthroughCut(video: SourceVideo, wanted: number, timing: Timing | undefined): Cut | undefined {
  const gop = video.keyframeSeconds;
  if (video.codec !== "h264" || !video.closedGops || gop === undefined) return undefined;
  // No source is so fast; so many GOPs of next to nothing would make a segment without end.
  if (gop < MIN_GOP_SECONDS) return undefined;
  if (gop > MAX_PASSTHROUGH_GOP_SECONDS || shorterSide(video) > RUNGS[0].lines) return undefined;
  // Whole GOPs, as many as fill the wanted length; uneven ones may overrun it by almost one more.
  const segmentSeconds = video.regularKeyframes ? Math.max(1, Math.ceil(wanted / gop - 0.05)) * gop : wanted;
  const longest = video.regularKeyframes ? segmentSeconds : wanted + gop;
  const targetDuration = Math.max(wanted, Math.ceil(longest - 0.25));
  if (timing && targetDuration > timing.targetDuration) return undefined;
  return { segmentSeconds, targetDuration };
}

function videoRungs(
  source: SourceVideo,
  copy: boolean,
  known: readonly string[],
  lighter: number,
): PlannedRendition[] {
  const lines = Math.min(shorterSide(source), RUNGS[0].lines);
  let bitrate = copy && source.bitrate > 0 ? source.bitrate : nominalBitrate(lines, source);
  const top = rung(source, lines, bitrate, copy ? "copy" : "encode");
  const lower = RUNGS.filter(({ lines: rungLines }) => rungLines <= lines * WORTHWHILE_STEP).map(
    ({ lines: rungLines }) => {
      bitrate = Math.min(nominalBitrate(rungLines, source), STEP_BITRATE * bitrate);
      return rung(source, rungLines, bitrate, "encode");
    },
  );
  const fitted = (tracks: readonly PlannedVideo[]) =>
    known.length === 0 ? [...tracks] : fitTo(known, tracks);
  // Only of the rungs that would be made: leaving out another makes nothing lighter.
  return fitted(withoutTopmost(fitted([top, ...lower]), lighter));
}

/** Leave out the topmost rungs that cost an encode; the last track of all stays. */
function withoutTopmost(tracks: readonly PlannedVideo[], count: number): readonly PlannedVideo[] {
  const encoded = tracks.filter(({ mode }) => mode === "encode");
  const kept = encoded.slice(encoded.length === tracks.length ? Math.min(count, tracks.length - 1) : count);
  return tracks.filter((track) => track.mode === "copy" || kept.includes(track));
}

type PlannedVideo = PlannedRendition & { kind: "video" };

function rung(source: SourceVideo, lines: number, bitrate: number, mode: "copy" | "encode"): PlannedVideo {
  const scale = lines / shorterSide(source);
  // Encoders want even sizes; the nearest one, unless that would be larger than the source.
  const even = (n: number) => Math.max(2, Math.min(2 * Math.round((n * scale) / 2), 2 * Math.floor(n / 2)));
  const size =
    mode === "copy"
      ? { width: source.width, height: source.height }
      : { width: even(source.width), height: even(source.height) };
  const name = `v${lines}`;
  return { kind: "video", name, mode, ...size, bitrate: Math.round(bitrate), publishAs: [name] };
}

/**
 * Keep the renditions that the broadcast began with. A name that this source does not reach is served by the best track
 * there is; a track whose name is new is left out unless it is the one that must carry others.
 */
function fitTo(known: readonly string[], tracks: readonly PlannedVideo[]): PlannedVideo[] {
  const linesOf = (name: string) => Number(name.slice(1));
  const carried = new Map<PlannedVideo, string[]>();
  for (const name of known) {
    const track =
      tracks.find((candidate) => candidate.name === name) ??
      tracks.find((candidate) => linesOf(candidate.name) <= linesOf(name)) ??
      tracks.at(-1);
    if (track) carried.set(track, [...(carried.get(track) ?? []), name]);
  }
  return [...carried].map(([track, publishAs]) => ({ ...track, publishAs }));
}

function audioRendition(audio: SourceAudio): PlannedRendition {
  const copy = audio.codec === "aac";
  const bitrate = copy && audio.bitrate > 0 ? Math.round(audio.bitrate) : AUDIO_BITRATE;
  return {
    kind: "audio",
    name: "audio",
    mode: copy ? "copy" : "encode",
    bitrate,
    channels: audio.channels,
    publishAs: ["audio"],
  };
}

function nominalBitrate(lines: number, source: SourceVideo): number {
  const nearest = RUNGS.find((candidate) => candidate.lines <= lines) ?? RUNGS[RUNGS.length - 1];
  const base = nearest ? nearest.bitrate * Math.min(1.5, (lines / nearest.lines) ** 1.5) : 0;
  return source.frameRate > 35 ? base * 1.4 : base;
}

/** Encoded frames come evenly: the source's own rate where it is plausible, else 30. */
function encodedFrameRate(video: SourceVideo): number {
  if (video.variableFrameRate || video.frameRate < 5)
    return Math.min(30, Math.max(10, Math.round(video.frameRate)));
  const off = (rate: number) => Math.abs(rate - video.frameRate);
  const nearest = STANDARD_FRAME_RATES.reduce((best, rate) => (off(rate) < off(best) ? rate : best));
  return Math.min(off(nearest) < 0.1 ? nearest : video.frameRate, MAX_FRAME_RATE);
}

const STANDARD_FRAME_RATES = [24_000 / 1001, 24, 25, 30_000 / 1001, 30, 48, 50, 60_000 / 1001, 60];

const shorterSide = ({ width, height }: { width: number; height: number }): number => Math.min(width, height);
