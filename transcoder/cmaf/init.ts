/** What an init segment says of its one track: timescale, codec, picture or sound, defaults for its samples. */
import { readAudioSpecificConfig } from "../core/audio-config.ts";
import { boxesIn, findBody, viewOf } from "./box.ts";
import { av1Codec, avcCodec, type ElementaryStream, esdsCodec, hevcCodec, vp9Codec } from "./codecs.ts";

/** Defaults of `trex` (ISO/IEC 14496-12, 8.8.3). */
export interface SampleDefaults {
  readonly duration: number;
  readonly size: number;
  readonly flags: number;
}

interface Track {
  /** `ftyp` and `moov`: the init segment. */
  readonly bytes: Uint8Array;
  readonly trackId: number;
  /** Ticks a second. */
  readonly timescale: number;
  /** RFC 6381. */
  readonly codecs: string;
  readonly defaults: SampleDefaults;
}

/** One track's init segment, read. */
export type TrackInit =
  | (Track & { readonly kind: "video"; readonly width: number; readonly height: number })
  | (Track & { readonly kind: "audio"; readonly channels: number; readonly sampleRate: number });

/** Fields of a sample entry before its boxes (ISO/IEC 14496-12, 12.1.3 and 12.2.3). */
const VISUAL_ENTRY_BYTES = 78;
const AUDIO_ENTRY_BYTES = 28;

/** Read the body of a `moov`; `bytes` is the whole init segment. `undefined` when it is not what FFmpeg writes. */
export function readInit(moov: Uint8Array, bytes: Uint8Array): TrackInit | undefined {
  const trak = findBody(moov, "trak");
  const mdhd = trak && findBody(trak, "mdia", "mdhd");
  const stsd = trak && findBody(trak, "mdia", "minf", "stbl", "stsd");
  const [entry] = (stsd && boxesIn(stsd.subarray(8))) ?? [];
  const trex = readTrex(findBody(moov, "mvex", "trex"));
  if (!mdhd || !entry || !trex || mdhd.length < 24) return undefined;
  const timescale = viewOf(mdhd).getUint32(mdhd[0] === 1 ? 20 : 12);
  if (timescale === 0) return undefined;
  const track = { bytes, timescale, ...trex };
  return readVideoEntry(entry.type, entry.body, track) ?? readAudioEntry(entry.type, entry.body, track);
}

function readTrex(trex: Uint8Array | undefined): Pick<Track, "trackId" | "defaults"> | undefined {
  if (!trex || trex.length < 24) return undefined;
  const view = viewOf(trex);
  return {
    trackId: view.getUint32(4),
    defaults: { duration: view.getUint32(12), size: view.getUint32(16), flags: view.getUint32(20) },
  };
}

function readVideoEntry(type: string, body: Uint8Array, track: Omit<Track, "codecs">): TrackInit | undefined {
  if (body.length < VISUAL_ENTRY_BYTES) return undefined;
  const codecs = videoCodecs(type, body.subarray(VISUAL_ENTRY_BYTES));
  if (codecs === undefined) return undefined;
  const view = viewOf(body);
  return { ...track, kind: "video", codecs, width: view.getUint16(24), height: view.getUint16(26) };
}

function videoCodecs(type: string, boxes: Uint8Array): string | undefined {
  const configOf = <T>(box: string, read: (config: Uint8Array) => T): T | undefined => {
    const config = findBody(boxes, box);
    return config && read(config);
  };
  switch (type) {
    case "avc1":
    case "avc3":
      return configOf("avcC", avcCodec);
    case "hvc1":
    case "hev1":
      return configOf("hvcC", (config) => hevcCodec(type, config));
    case "av01":
      return configOf("av1C", av1Codec);
    case "vp09":
      return configOf("vpcC", vp9Codec);
    default:
      return undefined;
  }
}

function readAudioEntry(type: string, body: Uint8Array, track: Omit<Track, "codecs">): TrackInit | undefined {
  if (body.length < AUDIO_ENTRY_BYTES) return undefined;
  const view = viewOf(body);
  const stream = audioStream(type, body.subarray(AUDIO_ENTRY_BYTES));
  if (stream === undefined) return undefined;
  // The entry's own fields are often left at their defaults; the configuration is what decoders believe.
  const config = stream.config && readAudioSpecificConfig(stream.config);
  const channels = config?.channels ?? view.getUint16(16);
  const sampleRate = config?.sampleRate ?? view.getUint16(24);
  return { ...track, kind: "audio", codecs: stream.codecs, channels, sampleRate };
}

function audioStream(type: string, boxes: Uint8Array): ElementaryStream | undefined {
  const esds = type === "mp4a" ? findBody(boxes, "esds") : undefined;
  if (esds) return esdsCodec(esds);
  if (type === "Opus") return { codecs: "opus" };
  return type === "fLaC" ? { codecs: "flac" } : undefined;
}
