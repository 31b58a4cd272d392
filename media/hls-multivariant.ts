/**
 * The multivariant playlist: which renditions there are and what each asks of the network (4.4.6, Apple 9.1-9.15).
 * Bit rates are measured ones; planned ones stand in until there is a measurement.
 */
import { tag } from "./hls-tags.ts";
import type { Rendition, Timeline } from "./timeline.ts";

/** EXT-X-MEDIA and I-frame playlists are meant for clients of version 4 and later (section 8). */
const VERSION = 4;
const AUDIO_GROUP = "audio";

/**
 * What a viewer is shown of the renditions. A height is the shorter side of the picture, as in a rendition's name; a picture
 * whose size is not known is taller than any cap.
 */
export interface View {
  /** Taller video is left out, but never the smallest. */
  readonly maxHeight?: number;
  /** Taller video is left out, whatever remains. */
  readonly hardMaxHeight?: number;
  /** Sound alone stands first, and video is for those who want it: at most `AUDIO_FIRST_HEIGHT`. */
  readonly audioFirst?: boolean;
}

/** Tallest video of a view that puts sound first. */
const AUDIO_FIRST_HEIGHT = 480;

/** The playlist at `/live/<stream>/index.m3u8`. A view may leave nothing to list: callers look with `isEmptyView` before. */
export function multivariantPlaylist(timeline: Timeline, view: View = {}): string {
  const video = videoOf(timeline, view);
  const audio = audioOf(timeline);
  const [sound] = audio;
  const group = video.length > 0 && sound !== undefined;
  const variants = [
    video.map((rendition) => streamInf(rendition, sound, group)),
    audio.map((rendition) => streamInf(undefined, rendition, group)),
  ];
  return [
    `#EXTM3U\n#EXT-X-VERSION:${VERSION}\n#EXT-X-INDEPENDENT-SEGMENTS\n`,
    ...(group ? audio.map((rendition, index) => audioMedia(rendition, index === 0)) : []),
    ...(view.audioFirst ? variants.reverse() : variants).flat(),
    ...video.map((rendition) => iframeStreamInf(timeline, rendition)),
  ].join("");
}

/** The same view, with caps that are heights of this timeline: however many views are asked for, few are drawn. */
export function foldView(timeline: Timeline, { maxHeight, hardMaxHeight, audioFirst }: View): View {
  const heights = videoIn(timeline).map(heightOf);
  const fold = (cap: number | undefined): number | undefined =>
    cap === undefined || heights.every((height) => height <= cap)
      ? undefined
      : Math.max(0, ...heights.filter((height) => height <= cap));
  const [soft, hard] = [fold(maxHeight), fold(hardMaxHeight)];
  return {
    ...(soft !== undefined && { maxHeight: soft }),
    ...(hard !== undefined && { hardMaxHeight: hard }),
    ...(audioFirst && { audioFirst }),
  };
}

/** Does the view leave neither video nor sound? */
export const isEmptyView = (timeline: Timeline, view: View): boolean =>
  videoOf(timeline, view).length + audioOf(timeline).length === 0;

/** Video that the view leaves, best first. */
function videoOf(timeline: Timeline, { maxHeight, hardMaxHeight, audioFirst }: View): readonly Rendition[] {
  const allowed = videoIn(timeline).filter((video) => heightOf(video) <= (hardMaxHeight ?? Infinity));
  const cap = Math.min(maxHeight ?? Infinity, audioFirst ? AUDIO_FIRST_HEIGHT : Infinity);
  const smallest = Math.min(...allowed.map(heightOf));
  return allowed.filter((video) => heightOf(video) <= Math.max(cap, smallest));
}

const videoIn = ({ renditions }: Timeline): readonly Rendition[] =>
  renditions.filter(({ kind }) => kind === "video");
const audioOf = ({ renditions }: Timeline): readonly Rendition[] =>
  renditions.filter(({ kind }) => kind === "audio");

const heightOf = ({ width, height }: Rendition): number =>
  height === undefined ? Infinity : Math.min(height, width ?? height);

function audioMedia({ name, channels }: Rendition, isDefault: boolean): string {
  return tag("EXT-X-MEDIA", {
    TYPE: "AUDIO",
    "GROUP-ID": `"${AUDIO_GROUP}"`,
    NAME: `"${name}"`,
    DEFAULT: isDefault ? "YES" : "NO",
    AUTOSELECT: "YES",
    CHANNELS: channels === undefined ? undefined : `"${channels}"`,
    URI: `"${name}/index.m3u8"`,
  });
}

/** A variant: video with the sound that goes with it, or sound alone. */
function streamInf(video: Rendition | undefined, sound: Rendition | undefined, group: boolean): string {
  const parts = [video, sound].filter((rendition) => rendition !== undefined);
  const [first] = parts;
  if (!first) return "";
  const sum = (rate: (rendition: Rendition) => number) => parts.reduce((total, one) => total + rate(one), 0);
  const attributes = {
    BANDWIDTH: sum(peakBandwidth),
    "AVERAGE-BANDWIDTH": sum(averageBandwidth),
    CODECS: `"${parts.map(({ codecs }) => codecs).join(",")}"`,
    ...(video && { RESOLUTION: resolution(video), "FRAME-RATE": video.frameRate?.toFixed(3) }),
    AUDIO: group ? `"${AUDIO_GROUP}"` : undefined,
  };
  return `${tag("EXT-X-STREAM-INF", attributes)}${first.name}/index.m3u8\n`;
}

function iframeStreamInf(timeline: Timeline, video: Rendition): string {
  const { peak, average } = iframeBandwidth(timeline, video);
  return tag("EXT-X-I-FRAME-STREAM-INF", {
    BANDWIDTH: peak,
    "AVERAGE-BANDWIDTH": average,
    CODECS: `"${video.codecs}"`,
    RESOLUTION: resolution(video),
    URI: `"${video.name}/iframes.m3u8"`,
  });
}

const resolution = ({ width, height }: Rendition): string | undefined =>
  width === undefined || height === undefined ? undefined : `${width}x${height}`;

/** Bits a second of the most demanding segment (4.4.6.2, BANDWIDTH). */
const peakBandwidth = (rendition: Rendition): number =>
  Math.ceil(Math.max(rendition.measured.peak || rendition.bitrate, averageBandwidth(rendition)));

/** Bits a second over all segments so far. */
const averageBandwidth = ({ measured, bitrate }: Rendition): number =>
  measured.seconds > 0 ? Math.ceil((8 * measured.bytes) / measured.seconds) : Math.ceil(bitrate);

/** Of the keyframes alone, over the window; before there is one, the whole track is an upper bound. */
function iframeBandwidth({ segments }: Timeline, video: Rendition): { peak: number; average: number } {
  let [bits, seconds, peak] = [0, 0, 0];
  for (const { tracks, duration } of segments) {
    const bytes = tracks[video.name]?.iframeBytes;
    if (bytes === undefined) continue;
    bits += 8 * bytes;
    seconds += duration;
    peak = Math.max(peak, (8 * bytes) / duration);
  }
  if (seconds === 0) return { peak: peakBandwidth(video), average: averageBandwidth(video) };
  return { peak: Math.ceil(peak), average: Math.ceil(bits / seconds) };
}
