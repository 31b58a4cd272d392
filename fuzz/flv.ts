/** Fuzz target: what reads single FLV tag bodies: video and audio headers, parameter sets, audio configurations, metadata. */
import { readAudioSpecificConfig, readMpegAudioHeader } from "../transcoder/core/audio-config.ts";
import { flvTag, readAudioTag, readVideoTag } from "../transcoder/core/flv.ts";
import { isIdr, readAvcConfig } from "../transcoder/core/h264.ts";
import { announcedTracks, readMetadata } from "../transcoder/core/metadata.ts";
import type { Amf0Value } from "../transcoder/rtmp/amf0.ts";
import { encodeAmf0 } from "../transcoder/rtmp/amf0-encode.ts";
import { concat, u32 } from "../transcoder/rtmp/bytes.ts";
import { amfValue } from "./amf.ts";
import { audioSpecificConfig, avcConfig } from "./bits.ts";
import { mutateBytes } from "./mutate.ts";
import { noise, type Random, several } from "./random.ts";
import { asBytes, must, type Ran, type Target } from "./target.ts";

const FOURCCS = ["avc1", "hvc1", "av01", "vp09", "mp4a", "Opus", "\u0000\n\u00ff "] as const;
const letters = (text: string): Uint8Array => Uint8Array.from(text, (letter) => letter.charCodeAt(0));

/** Body of a video tag, legacy or Enhanced RTMP. */
export function videoBody(
  random: Random,
  keyframe: boolean,
  payload: Uint8Array,
  { config = false, enhanced = random.once(6) } = {},
): Uint8Array {
  const frameType = keyframe ? 1 : 2;
  if (enhanced) {
    const fourCc = letters(random.pick(FOURCCS));
    return concat([Uint8Array.of(0x80 | (frameType << 4) | (config ? 0 : 3)), fourCc, payload]);
  }
  return concat([Uint8Array.of((frameType << 4) | 7, config ? 0 : 1, 0, 0, random.below(80)), payload]);
}

/** Slices with their lengths in front. */
export const slices = (random: Random, keyframe: boolean): Uint8Array =>
  concat(
    several(random, 3, () => {
      const body = noise(random, 30);
      return concat([u32(1 + body.length), Uint8Array.of(keyframe ? 0x65 : 0x41), body]);
    }),
  );

/** A body of `onMetaData`. */
export function metadataBody(random: Random): Uint8Array {
  const facts: [string, Amf0Value][] = [
    ["width", random.pick([640, 0, -1, 1e300, Number.NaN])],
    ["height", 360],
    ["videocodecid", random.pick<Amf0Value>([7, "hvc1"])],
    ["audiocodecid", 10],
    ["encoder", random.pick(["obs-output module", "é".repeat(300), ""])],
    ["nested", amfValue(random, 2)],
  ];
  const members = new Map(facts.filter(() => !random.once(4)));
  const type = random.once(2) ? "ecma-array" : "object";
  return encodeAmf0([...(random.once(2) ? ["@setDataFrame"] : []), "onMetaData", { type, members }]);
}

function good(random: Random): Uint8Array {
  switch (random.below(6)) {
    case 0:
      return videoBody(random, true, avcConfig(random, random.between(1, 530), random.between(1, 512)), {
        config: true,
      });
    case 1:
      return videoBody(random, random.once(2), slices(random, random.once(2)));
    case 2:
      return concat([
        Uint8Array.of(0xaf, 0),
        audioSpecificConfig(random.pick([0, 3, 4, 12, 44_100, 1, 0xffffff]), random.below(9)),
      ]);
    case 3:
      return concat([
        Uint8Array.of(0x2f, 0xff, random.pick([0xfb, 0xf3, 0xe3]), random.below(256)),
        noise(random, 9),
      ]);
    case 4:
      return metadataBody(random);
    default:
      return noise(random, 40);
  }
}

const make = (random: Random): Uint8Array => {
  const body = good(random);
  return random.once(3) ? body : mutateBytes(body, random, 1 + random.below(3));
};

function run(payload: Uint8Array): Ran {
  const video = readVideoTag(payload);
  const audio = readAudioTag(payload);
  for (const tag of [video, audio]) {
    if (tag === undefined) continue;
    must(tag.body.length <= payload.length, "a body is part of its message");
    must(/^[\x20-\x7e]{1,16}$/.test(tag.codec), "codec names are short and printable", tag.codec);
  }
  must(video === undefined || Math.abs(video.compositionMs) <= 0x800000, "composition times have 24 bits");
  const avc = video && readAvcConfig(video.body);
  if (avc) {
    const sizes = [avc.width, avc.height];
    must(
      sizes.every((size) => Number.isInteger(size) && size >= 16 && size <= 8192),
      "sizes make sense",
      avc,
    );
  }
  const idr = video && [1, 2, 3, 4].map((lengthSize) => isIdr(video.body, lengthSize));
  const aac = audio && readAudioSpecificConfig(audio.body);
  const mpeg = audio && readMpegAudioHeader(audio.body);
  for (const sound of [aac, mpeg]) {
    if (!sound) continue;
    must(sound.sampleRate >= 4000 && sound.sampleRate <= 192_000, "sample rates make sense", sound);
    must(sound.channels >= 1 && sound.channels <= 8, "channels make sense", sound);
  }
  const metadata = readMetadata(payload);
  if (metadata)
    must(metadata.names.size <= 200 && (metadata.encoder ?? "").length <= 200, "metadata is bounded");
  const tracks = metadata && announcedTracks(metadata);
  checkTag(payload);
  const outcome = avc
    ? "avc"
    : metadata
      ? "metadata"
      : aac
        ? "aac"
        : mpeg
          ? "mpeg"
          : (video?.packet ?? "short");
  return { outcome, said: { video, audio, avc, idr, aac, mpeg, metadata, tracks } };
}

/** A tag says its size at both ends, and its time in the odd order of FLV. */
function checkTag(payload: Uint8Array): void {
  const timestamp = 0x12345678 + payload.length;
  const tag = flvTag({ kind: "video", timestamp, payload });
  const view = new DataView(tag.buffer);
  must((view.getUint32(0) & 0xffffff) === payload.length, "a tag says its size");
  must(view.getUint32(tag.length - 4) === tag.length - 4, "a tag says its size behind it");
  const time = (view.getUint8(7) << 24) | (view.getUint16(4) << 8) | view.getUint8(6);
  must(time === timestamp, "a tag says its time", time);
}

export const flv: Target = {
  name: "flv",
  thousands: 250,
  reaches: ["avc", "aac", "mpeg", "metadata", "frame", "short"],
  make,
  run: (input) => run(asBytes(input)),
};
