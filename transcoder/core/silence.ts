/**
 * Frames of silence, in the coding of the sound that they stand in for: AAC written bit by bit (ISO/IEC 14496-3, 4.4.2),
 * MPEG audio as the header of a real frame with nothing behind it. When they are needed is said in stand-in.ts.
 */
import { BitReader } from "./bit-reader.ts";
import type { AudioTag } from "./flv.ts";

/** One silent frame. */
export interface SilentFrame {
  /** FLV tag body. */
  readonly payload: Uint8Array;
  /** How long it lasts, milliseconds. */
  readonly ms: number;
}

const AAC_RATES = [96000, 88200, 64000, 48000, 44100, 32000, 24000, 22050, 16000, 12000, 11025, 8000, 7350];
const ESCAPED_RATE = 15;
const ESCAPED_TYPE = 31;
/** Audio object types (1.5.1.1): what may be coded, and the two that only say that more is coded beside it. */
const AAC_LC = 2;
const EXTENDED_TYPES: ReadonlySet<number> = new Set([5, 29]);
/** Syntactic elements by channelConfiguration (1.6.3.5): single, pair, low frequency. */
const ELEMENTS = ["", "S", "P", "SP", "SPS", "SPP", "SPPL", "SPPPL"];
const ELEMENT_IDS: Readonly<Record<string, number>> = { S: 0, P: 1, L: 3 };
const END = 7;
/** FLV: AAC, 44.1 kHz, 16 bit, stereo, which is what it says of all AAC; and "raw". */
const FLV_AAC_RAW = [0xaf, 1];

/** Silence for an AudioSpecificConfig; `undefined` for other codings than AAC-LC and what is built on it. */
export function silentAac(config: Uint8Array): SilentFrame | undefined {
  const bits = new BitReader(config);
  const outer = readType(bits);
  // With SBR the first rate is that of the core, which is what is written here.
  const rate = readRate(bits);
  const elements = ELEMENTS[bits.u(4)];
  if (EXTENDED_TYPES.has(outer)) readRate(bits);
  const type = EXTENDED_TYPES.has(outer) ? readType(bits) : outer;
  const samples = bits.u(1) === 1 ? 960 : 1024;
  if (bits.exhausted || type !== AAC_LC || rate === undefined || !elements) return undefined;
  return { payload: Uint8Array.of(...FLV_AAC_RAW, ...rawDataBlock(elements)), ms: (1000 * samples) / rate };
}

function readType(bits: BitReader): number {
  const type = bits.u(5);
  return type === ESCAPED_TYPE ? 32 + bits.u(6) : type;
}

function readRate(bits: BitReader): number | undefined {
  const index = bits.u(4);
  const rate = index === ESCAPED_RATE ? bits.u(24) : AAC_RATES[index];
  return rate !== undefined && rate > 0 ? rate : undefined;
}

/** A raw_data_block in which every channel says that it has no spectrum. */
function rawDataBlock(elements: string): Uint8Array {
  const bits = new Bits();
  const tags: Record<string, number> = {};
  for (const element of elements) {
    const tag = tags[element] ?? 0;
    tags[element] = tag + 1;
    bits.put(3, ELEMENT_IDS[element] ?? 0).put(4, tag);
    if (element === "P") {
      // One window for both, and no M/S stereo.
      icsInfo(bits.put(1, 1)).put(2, 0);
      emptyChannel(emptyChannel(bits.put(8, 0)).put(8, 0));
    } else emptyChannel(icsInfo(bits.put(8, 0)));
  }
  return bits.put(3, END).bytes();
}

/** ics_info: a long window with a sine slope, no scale factor bands, no prediction. */
const icsInfo = (bits: Bits): Bits => bits.put(1, 0).put(2, 0).put(1, 0).put(6, 0).put(1, 0);
/** After the gain: sections and scale factors of no bands are nothing; no pulses, no noise shaping, no gain control. */
const emptyChannel = (bits: Bits): Bits => bits.put(3, 0);

class Bits {
  readonly #bits: number[] = [];

  put(count: number, value: number): this {
    for (let i = count - 1; i >= 0; i -= 1) this.#bits.push((value >> i) & 1);
    return this;
  }

  /** Filled up with zeros to whole bytes. */
  bytes(): Uint8Array {
    const bytes = new Uint8Array(Math.ceil(this.#bits.length / 8));
    this.#bits.forEach((bit, i) => {
      bytes[i >> 3] = (bytes[i >> 3] ?? 0) | (bit << (7 - (i & 7)));
    });
    return bytes;
  }
}

const MPEG_RATES = [44100, 48000, 32000];
const MPEG_HEADER_BYTES = 4;

/** Silence for MPEG audio, layer III, of the size of a real frame; `undefined` when that is none. */
export function silentMp3(tag: AudioTag, payload: Uint8Array): SilentFrame | undefined {
  const [sync, version = 0, rate = 0] = tag.body;
  const base = MPEG_RATES[(rate >> 2) & 3];
  const divisor = { 3: 1, 2: 2, 0: 4 }[(version >> 3) & 3];
  const isLayer3 = ((version >> 1) & 3) === 1;
  if (sync !== 0xff || (version & 0xe0) !== 0xe0 || !isLayer3) return undefined;
  if (base === undefined || divisor === undefined) return undefined;
  // Zeros as side information: no granule has any main data. The checksum would not fit them, so there is none.
  const silent = new Uint8Array(payload.length);
  const head = payload.length - tag.body.length + MPEG_HEADER_BYTES;
  silent.set(payload.subarray(0, head));
  silent[head - 3] = version | 1;
  return { payload: silent, ms: (1000 * (divisor === 1 ? 1152 : 576) * divisor) / base };
}
