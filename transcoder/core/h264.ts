/**
 * As much of H.264 as a probe needs: the decoder configuration record (ISO/IEC 14496-15, 5.3.3.1), the picture size and
 * profile of a sequence parameter set (ITU-T H.264, 7.3.2.1.1), and whether a frame is an IDR. Not a decoder.
 */
import { BitReader } from "./bit-reader.ts";

/** What a decoder configuration record says. */
export interface AvcConfig {
  readonly width: number;
  readonly height: number;
  readonly profile: number;
  readonly level: number;
  /** Bytes of the length in front of each NAL unit. */
  readonly lengthSize: number;
}

const NAL_IDR = 5;
const NAL_SLICE = 1;
const NAL_SPS = 7;
/** Profiles whose parameter set carries the chroma format (7.3.2.1.1). */
const HIGH_PROFILES = new Set([100, 110, 122, 244, 44, 83, 86, 118, 128, 138, 139, 134, 135]);

/** Read an AVCDecoderConfigurationRecord; `undefined` when it holds no usable parameter set. */
export function readAvcConfig(record: Uint8Array): AvcConfig | undefined {
  const count = (record[5] ?? 0) & 31;
  const spsLength = ((record[6] ?? 0) << 8) | (record[7] ?? 0);
  if (record[0] !== 1 || count === 0 || spsLength < 4 || 8 + spsLength > record.length) return undefined;
  const lengthSize = ((record[4] ?? 0) & 3) + 1;
  const sps = readSps(record.subarray(8, 8 + spsLength));
  return sps && { ...sps, lengthSize };
}

/** Is this frame an IDR: does it hold slices, and are they all of that kind? */
export function isIdr(frame: Uint8Array, lengthSize: number): boolean {
  let idr = false;
  for (let at = 0; at + lengthSize < frame.length; ) {
    let length = 0;
    for (let i = 0; i < lengthSize; i += 1) length = length * 256 + (frame[at + i] ?? 0);
    const type = (frame[at + lengthSize] ?? 0) & 31;
    if (type === NAL_SLICE) return false;
    if (type === NAL_IDR) idr = true;
    at += lengthSize + length;
  }
  return idr;
}

function readSps(nal: Uint8Array): Omit<AvcConfig, "lengthSize"> | undefined {
  if (((nal[0] ?? 0) & 31) !== NAL_SPS) return undefined;
  const bits = new BitReader(withoutEmulation(nal.subarray(1)));
  const profile = bits.u(8);
  bits.u(8);
  const level = bits.u(8);
  bits.ue();
  const chromaFormat = HIGH_PROFILES.has(profile) ? skipHighProfile(bits) : 1;
  bits.ue();
  skipPictureOrder(bits);
  bits.ue();
  bits.u(1);
  const widthInMbs = bits.ue() + 1;
  const heightInMapUnits = bits.ue() + 1;
  const frameMbsOnly = bits.u(1);
  if (frameMbsOnly === 0) bits.u(1);
  bits.u(1);
  const crop = bits.u(1) ? [bits.ue(), bits.ue(), bits.ue(), bits.ue()] : [0, 0, 0, 0];
  if (bits.exhausted) return undefined;
  const [left = 0, right = 0, top = 0, bottom = 0] = crop;
  // Table 6-1: crop units are chroma samples; fields double the vertical one.
  const unitX = chromaFormat === 1 || chromaFormat === 2 ? 2 : 1;
  const unitY = (chromaFormat === 1 ? 2 : 1) * (2 - frameMbsOnly);
  const width = widthInMbs * 16 - (left + right) * unitX;
  const height = (2 - frameMbsOnly) * heightInMapUnits * 16 - (top + bottom) * unitY;
  if (width < 16 || height < 16 || width > 8192 || height > 8192) return undefined;
  return { width, height, profile, level };
}

/** Chroma format, bit depths and scaling lists; only the first matters here. */
function skipHighProfile(bits: BitReader): number {
  const chromaFormat = bits.ue();
  if (chromaFormat === 3) bits.u(1);
  bits.ue();
  bits.ue();
  bits.u(1);
  if (bits.u(1)) {
    const lists = chromaFormat === 3 ? 12 : 8;
    for (let list = 0; list < lists; list += 1) if (bits.u(1)) skipScalingList(bits, list < 6 ? 16 : 64);
  }
  return chromaFormat;
}

function skipScalingList(bits: BitReader, size: number): void {
  let last = 8;
  let next = 8;
  for (let i = 0; i < size && !bits.exhausted; i += 1) {
    if (next !== 0) next = (last + bits.se() + 256) & 255;
    if (next !== 0) last = next;
  }
}

function skipPictureOrder(bits: BitReader): void {
  const type = bits.ue();
  if (type === 0) bits.ue();
  if (type !== 1) return;
  bits.u(1);
  bits.se();
  bits.se();
  const cycle = bits.ue();
  for (let i = 0; i < cycle && !bits.exhausted; i += 1) bits.se();
}

/** Take out emulation prevention bytes (7.4.1): 00 00 03 stands for 00 00. */
function withoutEmulation(nal: Uint8Array): Uint8Array {
  const plain = new Uint8Array(nal.length);
  let length = 0;
  let zeros = 0;
  for (const byte of nal) {
    if (zeros >= 2 && byte === 3) {
      zeros = 0;
      continue;
    }
    zeros = byte === 0 ? zeros + 1 : 0;
    plain[length++] = byte;
  }
  return plain.subarray(0, length);
}
