/**
 * FLV: the container that RTMP media messages are the bodies of (Adobe FLV 10.1, annex E; Enhanced RTMP v1 FourCC headers).
 * Writes headers and tags for FFmpeg's stdin, and reads as much of a tag body as is needed to know what it carries.
 */

/** One RTMP media message. */
export interface MediaMessage {
  readonly kind: "audio" | "video" | "data";
  /** Milliseconds on the encoder's clock, unwrapped. */
  readonly timestamp: number;
  /** FLV tag body. */
  readonly payload: Uint8Array;
}

/** Tracks of one encoder are interleaved closer than this; more is a step of its clock. */
export const MAX_CLOCK_STEP_MS = 5000;

/** What a video message carries. */
export interface VideoTag {
  /** `h264`, `hevc`, `av1`, `vp9`, or another name that says what it is. */
  readonly codec: string;
  /** Has an Enhanced RTMP header. */
  readonly enhanced: boolean;
  readonly keyframe: boolean;
  readonly packet: "config" | "frame" | "other";
  /** Presentation time less decode time, milliseconds. */
  readonly compositionMs: number;
  /** What follows the FLV header: a decoder configuration record, or the frame. */
  readonly body: Uint8Array;
}

/** What an audio message carries. */
export interface AudioTag {
  /** `aac`, `mp3`, or another name that says what it is. */
  readonly codec: string;
  readonly packet: "config" | "frame";
  readonly body: Uint8Array;
}

const TAG_TYPE = { audio: 8, video: 9, data: 18 } as const;
const TAG_HEADER_BYTES = 11;
const TAG_TRAILER_BYTES = 4;

/** File header with the first, empty, PreviousTagSize. The flags let FFmpeg start without looking for more streams. */
export function flvHeader(has: { readonly audio: boolean; readonly video: boolean }): Uint8Array {
  const flags = (has.audio ? 4 : 0) | (has.video ? 1 : 0);
  return Uint8Array.of(0x46, 0x4c, 0x56, 1, flags, 0, 0, 0, 9, 0, 0, 0, 0);
}

/** One tag with its PreviousTagSize. The timestamp is written modulo 2^32: 24 low bits, then the 8 high ones (E.4.1). */
export function flvTag(message: MediaMessage): Uint8Array {
  const { kind, timestamp, payload } = message;
  const tag = new Uint8Array(TAG_HEADER_BYTES + payload.length + TAG_TRAILER_BYTES);
  const view = new DataView(tag.buffer);
  const time = timestamp >>> 0;
  view.setUint32(0, TAG_TYPE[kind] * 0x1000000 + payload.length);
  view.setUint32(4, ((time << 8) | (time >>> 24)) >>> 0);
  tag.set(payload, TAG_HEADER_BYTES);
  view.setUint32(TAG_HEADER_BYTES + payload.length, TAG_HEADER_BYTES + payload.length);
  return tag;
}

/** Largest body that a tag can carry: its length has 24 bits. */
export const MAX_TAG_BODY_BYTES = 0xffffff;

const LEGACY_VIDEO: Readonly<Record<number, string>> = {
  2: "h263",
  3: "screen",
  4: "vp6",
  5: "vp6a",
  6: "screen2",
  7: "h264",
  // Not in any specification; some encoders send HEVC so, and FFmpeg cannot read it.
  12: "hevc-id12",
};
const FOURCC_VIDEO: Readonly<Record<string, string>> = {
  avc1: "h264",
  hvc1: "hevc",
  av01: "av1",
  vp09: "vp9",
  vp08: "vp8",
};
const KEYFRAME = 1;
const INFO_FRAME = 5;

/** Read the head of a video message; `undefined` when it is cut short. */
export function readVideoTag(payload: Uint8Array): VideoTag | undefined {
  const [first] = payload;
  if (first === undefined) return undefined;
  return first & 0x80 ? readEnhancedVideo(first, payload) : readLegacyVideo(first, payload);
}

function readLegacyVideo(first: number, payload: Uint8Array): VideoTag | undefined {
  const codec = LEGACY_VIDEO[first & 15] ?? `flv-video-${first & 15}`;
  const frameType = first >> 4;
  const keyframe = frameType === KEYFRAME;
  if (frameType === INFO_FRAME) return other(codec, false);
  if (codec !== "h264") {
    return { codec, enhanced: false, keyframe, packet: "frame", compositionMs: 0, body: payload.subarray(1) };
  }
  if (payload.length < 5) return undefined;
  const packet = packetOf(payload[1] === 0, payload[1] === 1);
  return {
    codec,
    enhanced: false,
    keyframe,
    packet,
    compositionMs: signed24(payload, 2),
    body: payload.subarray(5),
  };
}

function readEnhancedVideo(first: number, payload: Uint8Array): VideoTag | undefined {
  if (payload.length < 5) return undefined;
  const fourCc = ascii(payload.subarray(1, 5));
  const codec = FOURCC_VIDEO[fourCc] ?? fourCc;
  const frameType = (first >> 4) & 7;
  if (frameType === INFO_FRAME) return other(codec, true);
  const type = first & 15;
  // CodedFrames of AVC and HEVC have a composition time; CodedFramesX leaves out one that is zero.
  const timed = type === 1 && (codec === "hevc" || codec === "h264");
  if (timed && payload.length < 8) return undefined;
  return {
    codec,
    enhanced: true,
    keyframe: frameType === KEYFRAME,
    packet: packetOf(type === 0, type === 1 || type === 3),
    compositionMs: timed ? signed24(payload, 5) : 0,
    body: payload.subarray(timed ? 8 : 5),
  };
}

const other = (codec: string, enhanced: boolean): VideoTag => ({
  codec,
  enhanced,
  keyframe: false,
  packet: "other",
  compositionMs: 0,
  body: new Uint8Array(0),
});

const packetOf = (config: boolean, frame: boolean): VideoTag["packet"] =>
  config ? "config" : frame ? "frame" : "other";

const LEGACY_AUDIO: Readonly<Record<number, string>> = {
  0: "pcm",
  1: "adpcm",
  2: "mp3",
  3: "pcm",
  4: "nellymoser",
  5: "nellymoser",
  6: "nellymoser",
  7: "g711a",
  8: "g711u",
  10: "aac",
  11: "speex",
  14: "mp3",
};
const ENHANCED_AUDIO = 9;
const FOURCC_AUDIO: Readonly<Record<string, string>> = {
  mp4a: "aac-fourcc",
  Opus: "opus",
  fLaC: "flac",
  ".mp3": "mp3-fourcc",
};

/** Read the head of an audio message; `undefined` when it is cut short. */
export function readAudioTag(payload: Uint8Array): AudioTag | undefined {
  const [first, second] = payload;
  if (first === undefined) return undefined;
  const format = first >> 4;
  if (format === ENHANCED_AUDIO) {
    if (payload.length < 5) return undefined;
    const fourCc = ascii(payload.subarray(1, 5));
    const packet = (first & 15) === 0 ? "config" : "frame";
    return { codec: FOURCC_AUDIO[fourCc] ?? fourCc, packet, body: payload.subarray(5) };
  }
  const codec = LEGACY_AUDIO[format] ?? `flv-audio-${format}`;
  if (codec !== "aac") return { codec, packet: "frame", body: payload.subarray(1) };
  if (second === undefined) return undefined;
  return { codec, packet: second === 0 ? "config" : "frame", body: payload.subarray(2) };
}

function signed24(bytes: Uint8Array, at: number): number {
  const value = ((bytes[at] ?? 0) << 16) | ((bytes[at + 1] ?? 0) << 8) | (bytes[at + 2] ?? 0);
  return (value << 8) >> 8;
}

/** Printable letters only: the name goes into messages for people. */
function ascii(bytes: Uint8Array): string {
  let text = "";
  for (const byte of bytes) text += byte > 0x20 && byte < 0x7f ? String.fromCharCode(byte) : "?";
  return text;
}
