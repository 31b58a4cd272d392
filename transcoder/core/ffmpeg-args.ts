/**
 * FFmpeg's command line for a plan: FLV on stdin, one fragmented mp4 per track on a pipe of its own.
 * Every switch that is not obvious was measured; pure text, nothing is started here.
 */
import type { PlannedRendition, SessionPlan } from "../../wire/ingest.ts";

export interface FfmpegVersion {
  readonly major: number;
  readonly minor: number;
}

/** One mp4 output. */
export interface FfmpegOutput {
  /** Name of the planned rendition. */
  readonly track: string;
  readonly kind: "video" | "audio";
  /** File descriptor FFmpeg writes it to. */
  readonly fd: number;
}

export interface FfmpegCommand {
  readonly args: readonly string[];
  readonly outputs: readonly FfmpegOutput[];
}

type PlannedVideo = PlannedRendition & { kind: "video" };

const FIRST_PIPE_FD = 3;
const VIDEO_TIMESCALE = 90_000;
/** Oldest FFmpeg that understands Enhanced RTMP's FourCC headers. */
const ENHANCED_RTMP: FfmpegVersion = { major: 6, minor: 1 };
/** A build from git has no number: it is newer than any. */
const UNNUMBERED: FfmpegVersion = { major: 99, minor: 0 };

/** Read the output of `ffmpeg -version`; `undefined` when it is something else. */
export function ffmpegVersion(text: string): FfmpegVersion | undefined {
  const word = /^ffmpeg version (\S+)/.exec(text)?.[1];
  if (word === undefined) return undefined;
  const numbers = /^n?(\d{1,3})\.(\d{1,3})/.exec(word);
  return numbers ? { major: Number(numbers[1]), minor: Number(numbers[2]) } : UNNUMBERED;
}

const atLeast = (version: FfmpegVersion, least: FfmpegVersion): boolean =>
  version.major > least.major || (version.major === least.major && version.minor >= least.minor);

/** Codecs with FourCC headers that this FFmpeg reads from FLV, for the probe. */
export const supportedCodecs = (version: FfmpegVersion): readonly string[] =>
  atLeast(version, ENHANCED_RTMP) ? ["hevc", "av1", "vp9"] : [];

/** The command line for a plan. */
export function ffmpegCommand(plan: SessionPlan, version: FfmpegVersion): FfmpegCommand {
  const videos = plan.renditions.filter((rendition) => rendition.kind === "video");
  const encoded = videos.filter(({ mode }) => mode === "encode");
  const outputs = plan.renditions.map(({ name, kind }, i) => ({ track: name, kind, fd: FIRST_PIPE_FD + i }));
  const args = [...INPUT, ...filterGraph(plan, encoded)];
  plan.renditions.forEach((rendition, i) => {
    const codec =
      rendition.kind === "audio"
        ? audioCodec(rendition)
        : videoCodec(rendition, plan, encoded.indexOf(rendition), version);
    args.push(...codec, ...MP4, `pipe:${FIRST_PIPE_FD + i}`);
  });
  return { args, outputs };
}

const INPUT = [
  ...["-hide_banner", "-nostdin", "-nostats", "-loglevel", "warning"],
  // With right flags in the FLV header and both configurations first, FFmpeg knows all streams from the first frames;
  // measuring the frame rate would take another 1.3 s. `nobuffer` would throw those first frames away.
  ...["-analyzeduration", "0", "-fpsprobesize", "0"],
  // Frame threads hold one frame each back: 70 ms at 30 fps on two cores.
  ...["-thread_type", "slice"],
  ...["-copyts", "-f", "flv", "-i", "pipe:0"],
];

const MP4 = [
  ...["-f", "mp4"],
  // `frag_discont` keeps each track's true start, so that tracks stay in step (measured: up to 0.5 s off without).
  ...["-movflags", "cmaf+empty_moov+default_base_moof+frag_every_frame+frag_discont"],
  ...["-flush_packets", "1"],
];

/** One decode, one split, one scaler for each encoded track. */
function filterGraph(plan: SessionPlan, encoded: readonly PlannedVideo[]): string[] {
  if (encoded.length === 0) return [];
  // Even frames, so that a fixed GOP is a fixed time; beside a passed-through track times must stay the source's own.
  const even = isAllEncoded(plan) && plan.frameRate !== undefined ? `fps=${rational(plan.frameRate)},` : "";
  const split = `[0:v]${even}split=${encoded.length}${encoded.map((_, i) => `[s${i}]`).join("")}`;
  const scalers = encoded.map(
    ({ width, height }, i) => `[s${i}]scale=${width}:${height}:flags=bicubic,setsar=1,format=yuv420p[v${i}]`,
  );
  return ["-filter_complex", [split, ...scalers].join(";")];
}

const isAllEncoded = (plan: SessionPlan): boolean =>
  plan.renditions.every((rendition) => rendition.kind === "audio" || rendition.mode === "encode");

function videoCodec(
  track: PlannedVideo,
  plan: SessionPlan,
  filterPad: number,
  version: FfmpegVersion,
): string[] {
  const timescale = ["-video_track_timescale", String(VIDEO_TIMESCALE)];
  if (track.mode === "copy") return ["-map", "0:v:0", "-c:v", "copy", ...timescale];
  const rate = String(track.bitrate);
  return [
    ...["-map", `[v${filterPad}]`, "-c:v", "libx264", "-preset", "veryfast", "-tune", "zerolatency"],
    ...["-bf", "0", "-sc_threshold", "0", ...keyframes(plan, version)],
    ...["-b:v", rate, "-maxrate", rate, "-bufsize", rate, ...timescale],
  ];
}

/** Keyframes at the same instants on all tracks: every so many frames, or wherever the source has its own. */
function keyframes(plan: SessionPlan, version: FfmpegVersion): string[] {
  if (isAllEncoded(plan)) {
    if (plan.frameRate === undefined)
      return ["-g", "9999", "-force_key_frames", `expr:gte(t,n_forced*${plan.keyframeSeconds})`];
    const gop = String(Math.max(1, Math.round(plan.keyframeSeconds * plan.frameRate)));
    return ["-g", gop, "-keyint_min", gop];
  }
  const frameMode = atLeast(version, { major: 5, minor: 1 }) ? "-fps_mode" : "-vsync";
  const demuxer = atLeast(version, { major: 6, minor: 1 }) ? "demux" : "-1";
  return [
    ...["-g", "9999", "-force_key_frames", "source"],
    ...[frameMode, "passthrough", "-enc_time_base", demuxer],
  ];
}

function audioCodec(track: PlannedRendition & { kind: "audio" }): string[] {
  if (track.mode === "copy") return ["-map", "0:a:0", "-c:a", "copy"];
  const channels = String(Math.min(2, track.channels));
  return ["-map", "0:a:0", "-c:a", "aac", "-b:a", String(track.bitrate), "-ac", channels];
}

/** NTSC rates as the fractions they are: a rounded one drifts from the source by a frame an hour. */
function rational(frameRate: number): string {
  const ntsc = Math.round(frameRate);
  return Math.abs((ntsc * 1000) / 1001 - frameRate) < 0.001 ? `${ntsc * 1000}/1001` : String(frameRate);
}
