/**
 * What a broadcaster should know about a live stream, in plain words, from what was measured. Pure: it judges facts, and neither
 * measures nor remembers.
 */
import type { Source } from "../wire/ingest.ts";

/** `info`: could be better; `warning`: viewers may notice; `critical`: viewers do notice. */
export type Severity = "info" | "warning" | "critical";

export interface Advice {
  readonly severity: Severity;
  /** Stable, in kebab case. */
  readonly name: string;
  readonly text: string;
}

/** What was measured in about two seconds. */
export interface HealthSample {
  /** Bits a second that arrived. */
  readonly inputBitrate?: number | undefined;
  /** Video frames a second that arrived. */
  readonly inputFrameRate?: number | undefined;
  /** Time between the last two keyframes, seconds. */
  readonly keyframeSeconds?: number | undefined;
  /** Media seconds encoded per second of time. */
  readonly encodeSpeed?: number | undefined;
  /** Media that is cut and not yet in the timeline. */
  readonly waitingBytes?: number | undefined;
  /** Input that FFmpeg has not taken yet. */
  readonly queuedBytes?: number | undefined;
}

export interface Health {
  /** What the encoder sends, as its first seconds showed; absent while it is looked at. */
  readonly source?: Source | undefined;
  /** Oldest first; the last five are judged. */
  readonly samples: readonly HealthSample[];
}

type Video = NonNullable<Source["video"]>;

/** Samples that are judged together: ten seconds, so that a still scene or one slow segment is no alarm. */
const JUDGED_SAMPLES = 5;
/** Fewer of them are no ground for a judgement on rates. */
const LEAST_SAMPLES = 3;
/** Longest keyframe distance of a source that is passed through, seconds (media/ladder.ts). */
const MAX_PASSTHROUGH_GOP_SECONDS = 4.05;
/** A little over the two seconds that everyone recommends, for rounded timestamps. */
const GOOD_GOP_SECONDS = 2.05;
/** Share of its announced frames that an encoder may miss. */
const FEWEST_FRAMES = 0.9;
/** Share of its announced bitrate below which missing frames are the network's doing. */
const LEAST_BITRATE = 0.5;
/** Speed is measured by whole parts: it is never exactly 1. */
const LEAST_SPEED = 0.95;
const CRITICAL_SPEED = 0.85;
/** Input in front of FFmpeg that shows it is the slow one: half of what makes the encoder wait. */
const MANY_QUEUED_BYTES = 512 * 1024;
/**
 * Media that waits for origin, in seconds of input. A ladder is about twice its input, and goes out as parts and as segments: these
 * are two and ten seconds of a show.
 */
const LONG_WAIT_SECONDS = 8;
const CRITICAL_WAIT_SECONDS = 40;
/** A usual bitrate of 1920x1080 at up to 30 frames a second in H.264. */
const FULL_HD_BITRATE = 5_000_000;
const FULL_HD_PIXELS = 1920 * 1080;

/** Advice on a stream, the gravest first; empty when all is well. */
export function advise(health: Health): readonly Advice[] {
  const recent = health.samples.slice(-JUDGED_SAMPLES);
  const { source } = health;
  const all = [
    ...(source ? onTracks(source) : []),
    ...(source?.video ? [...onKeyframes(source.video, recent), ...onBitrate(source.video, recent)] : []),
    ...onFlow(source, recent),
    ...onPublishing(source, recent),
  ];
  return all.sort((a, b) => GRAVITY[b.severity] - GRAVITY[a.severity]);
}

const GRAVITY: Record<Severity, number> = { info: 0, warning: 1, critical: 2 };

function onTracks({ video, audio }: Source): Advice[] {
  const advice: Advice[] = [];
  if (!audio)
    advice.push({
      severity: "warning",
      name: "no-audio",
      text: "There is no sound: check the audio source and the audio track in your encoder.",
    });
  else if (audio.codec !== "aac")
    advice.push({
      severity: "info",
      name: "audio-codec",
      text: `The sound (${audio.codec}) is encoded again, which costs quality: choose AAC in your encoder.`,
    });
  if (!video)
    advice.push({
      severity: "info",
      name: "no-video",
      text: "There is no picture: this is an audio-only stream.",
    });
  else if (video.variableFrameRate)
    advice.push({
      severity: "warning",
      name: "variable-frame-rate",
      text: "Frames come at uneven times, so motion is not smooth: set a constant frame rate in your encoder.",
    });
  return advice;
}

/** The most serious thing to say about keyframes; one setting at a time. */
function onKeyframes(video: Video, recent: readonly HealthSample[]): Advice[] {
  const seen = [video.keyframeSeconds, ...recent.map(({ keyframeSeconds }) => keyframeSeconds)].filter(
    (seconds) => seconds !== undefined,
  );
  const longest = Math.max(0, ...seen);
  const set = "set the keyframe interval to 2 s in your encoder";
  if (longest > MAX_PASSTHROUGH_GOP_SECONDS)
    return [
      {
        severity: "warning",
        name: "keyframes-far-apart",
        text: `Keyframes come every ${oneDecimal(longest)} s: ${set}. Until then every quality is encoded again.`,
      },
    ];
  if (video.codec !== "h264")
    return [
      {
        severity: "info",
        name: "video-codec",
        text: `The picture (${video.codec}) is encoded again, which costs quality: choose H.264 in your encoder.`,
      },
    ];
  if (!video.closedGops)
    return [
      {
        severity: "warning",
        name: "open-gops",
        text: "Keyframes do not begin afresh (open GOPs), so every quality is encoded again, which costs quality: switch open GOPs off in your encoder.",
      },
    ];
  if (seen.length > 0 && !video.regularKeyframes)
    return [
      {
        severity: "info",
        name: "irregular-keyframes",
        text: `Keyframes come at uneven times, at most ${oneDecimal(longest)} s apart: ${set} and switch scene-change keyframes off.`,
      },
    ];
  if (longest > GOOD_GOP_SECONDS)
    return [
      {
        severity: "info",
        name: "keyframes-apart",
        text: `Keyframes come every ${oneDecimal(longest)} s: viewers wait less with 2 s.`,
      },
    ];
  return [];
}

/** A still picture needs few bits whatever its size, so that few are no more than a hint. */
function onBitrate(video: Video, recent: readonly HealthSample[]): Advice[] {
  const now = mean(recent, "inputBitrate") ?? video.bitrate;
  const most = Math.max(now, video.bitrate);
  const usual = usualBitrate(video);
  const picture = `${video.width}x${video.height} at ${Math.round(video.frameRate)} frames a second`;
  if (most > 0 && most < usual / 3)
    return [
      {
        severity: "info",
        name: "bitrate-low",
        text: `${rate(most)} is little for ${picture}: set about ${rate(usual)}, or a smaller picture.`,
      },
    ];
  if (now > 3 * usual)
    return [
      {
        severity: "warning",
        name: "bitrate-high",
        text: `${rate(now)} is more than many viewers can receive, and more than ${picture} needs: set about ${rate(usual)}.`,
      },
    ];
  return [];
}

/** What arrives, and what is made of it. One cause is named: a slow transcoder holds its encoder back, a slow network starves it. */
function onFlow(source: Source | undefined, recent: readonly HealthSample[]): Advice[] {
  if (recent.length < LEAST_SAMPLES) return [];
  const frames = shareOfFrames(source?.video, recent);
  const speed = mean(recent, "encodeSpeed");
  const queued = recent.at(-1)?.queuedBytes ?? 0;
  // What has not arrived cannot be encoded: only a speed below that of the input is the transcoder's doing.
  const possible = Math.min(1, frames ?? 1);
  const isSlowPart = queued >= MANY_QUEUED_BYTES || (speed ?? 1) < LEAST_SPEED * possible;
  if (speed !== undefined && speed < LEAST_SPEED && isSlowPart)
    return [
      {
        severity: speed < CRITICAL_SPEED || queued >= MANY_QUEUED_BYTES ? "critical" : "warning",
        name: "transcoder-overloaded",
        text: `The transcoder encodes at ${speed.toFixed(2)} of the speed it should: give it more CPU, or send a smaller picture or fewer frames a second.`,
      },
    ];
  return onInput(source, recent, frames);
}

function onInput(
  source: Source | undefined,
  recent: readonly HealthSample[],
  frames: number | undefined,
): Advice[] {
  const newest = recent.slice(-LEAST_SAMPLES);
  if (mean(newest, "inputBitrate") === 0)
    return [
      {
        severity: "critical",
        name: "no-input",
        text: "Nothing arrives from your encoder any more: check your network.",
      },
    ];
  const video = source?.video;
  if (!video || frames === undefined) return [];
  if (mean(newest, "inputFrameRate") === 0)
    return [
      {
        severity: "critical",
        name: "no-frames",
        text: "The picture has stopped while something else still arrives: check the video source in your encoder.",
      },
    ];
  if (frames >= FEWEST_FRAMES) return [];
  const severity = frames < 0.6 ? "critical" : "warning";
  const bitrate = mean(recent, "inputBitrate");
  const fell = `${oneDecimal(frames * video.frameRate)} of ${oneDecimal(video.frameRate)} frames a second arrive`;
  const announced = announcedBitrate(source);
  if (bitrate !== undefined && bitrate < LEAST_BITRATE * announced)
    return [
      {
        severity,
        name: "network-slow",
        text: `Only ${rate(bitrate)} of ${rate(announced)} and ${fell}: your network does not keep up. Lower the bitrate, or use a cable.`,
      },
    ];
  return [
    {
      severity,
      name: "encoder-overloaded",
      text: `Only ${fell}: your encoder does not keep up. Choose a faster preset, a smaller picture or fewer frames a second.`,
    },
  ];
}

function onPublishing(source: Source | undefined, recent: readonly HealthSample[]): Advice[] {
  const waiting = recent.at(-1)?.waitingBytes;
  // Whichever is more: a still scene, or input that failed meanwhile, does not make what waits any longer.
  const bitrate = Math.max(mean(recent, "inputBitrate") ?? 0, source ? announcedBitrate(source) : 0);
  if (waiting === undefined || bitrate === 0) return [];
  const seconds = (8 * waiting) / bitrate;
  if (seconds < LONG_WAIT_SECONDS) return [];
  return [
    {
      severity: seconds < CRITICAL_WAIT_SECONDS ? "warning" : "critical",
      name: "publishing-slow",
      text: `${oneDecimal(waiting / 1e6)} MB of video wait at the transcoder for the origin: check the network between the two.`,
    },
  ];
}

const announcedBitrate = ({ video, audio }: Source): number => (video?.bitrate ?? 0) + (audio?.bitrate ?? 0);

/** Share of the announced frames that arrive; a variable rate announces none. */
function shareOfFrames(video: Video | undefined, recent: readonly HealthSample[]): number | undefined {
  const now = mean(recent, "inputFrameRate");
  if (!video || now === undefined) return undefined;
  if (video.variableFrameRate) return 1;
  return now / video.frameRate;
}

/** Larger pictures need fewer bits for each pixel, better codecs for all of them. */
function usualBitrate({ width, height, frameRate, codec }: Video): number {
  const forSize = FULL_HD_BITRATE * ((width * height) / FULL_HD_PIXELS) ** 0.8;
  return forSize * (frameRate > 35 ? 1.4 : 1) * (codec === "h264" ? 1 : 0.6);
}

function mean(samples: readonly HealthSample[], name: keyof HealthSample): number | undefined {
  const values = samples.map((sample) => sample[name]).filter((value) => value !== undefined);
  return values.length === 0 ? undefined : values.reduce((sum, value) => sum + value, 0) / values.length;
}

const oneDecimal = (value: number): string => String(Number(value.toFixed(1)));

const rate = (bitsPerSecond: number): string =>
  bitsPerSecond >= 950_000
    ? `${oneDecimal(bitsPerSecond / 1e6)} Mbit/s`
    : `${Math.round(bitsPerSecond / 1e3)} kbit/s`;
