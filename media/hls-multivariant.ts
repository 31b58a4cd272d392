/**
 * The multivariant playlist: which renditions there are and what each asks of the network (4.4.6, Apple 9.1-9.15).
 * Bit rates are measured ones; planned ones stand in until there is a measurement.
 */
import { tag } from "./hls-tags.ts";
import type { Rendition, Timeline } from "./timeline.ts";

/** EXT-X-MEDIA and I-frame playlists are meant for clients of version 4 and later (section 8). */
const VERSION = 4;
const AUDIO_GROUP = "audio";

/** The playlist at `/live/<stream>/index.m3u8`. */
export function multivariantPlaylist(timeline: Timeline): string {
  const video = timeline.renditions.filter(({ kind }) => kind === "video");
  const audio = timeline.renditions.filter(({ kind }) => kind === "audio");
  const [sound] = audio;
  const group = video.length > 0 && sound !== undefined;
  return [
    `#EXTM3U\n#EXT-X-VERSION:${VERSION}\n#EXT-X-INDEPENDENT-SEGMENTS\n`,
    ...(group ? audio.map((rendition, index) => audioMedia(rendition, index === 0)) : []),
    ...video.map((rendition) => streamInf(rendition, sound, group)),
    ...audio.map((rendition) => streamInf(undefined, rendition, group)),
    ...video.map((rendition) => iframeStreamInf(timeline, rendition)),
  ].join("");
}

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
