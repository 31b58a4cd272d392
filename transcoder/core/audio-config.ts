/**
 * Sample rate and channels of an audio track: from an AudioSpecificConfig (ISO/IEC 14496-3, 1.6.2.1)
 * or from the header of an MPEG audio frame (ISO/IEC 11172-3, 2.4.1.3).
 */
import { BitReader } from "./bit-reader.ts";

export interface AudioConfig {
  readonly sampleRate: number;
  readonly channels: number;
}

const AAC_RATES = [96000, 88200, 64000, 48000, 44100, 32000, 24000, 22050, 16000, 12000, 11025, 8000, 7350];
const ESCAPED_RATE = 15;
const ESCAPED_TYPE = 31;
/** Channels by channelConfiguration; 0 means a program config element, which is not read. */
const AAC_CHANNELS = [2, 1, 2, 3, 4, 5, 6, 8];

/** Read an AudioSpecificConfig; `undefined` when it makes no sense. */
export function readAudioSpecificConfig(bytes: Uint8Array): AudioConfig | undefined {
  const bits = new BitReader(bytes);
  if (bits.u(5) === ESCAPED_TYPE) bits.u(6);
  const index = bits.u(4);
  const sampleRate = index === ESCAPED_RATE ? bits.u(24) : AAC_RATES[index];
  const channels = AAC_CHANNELS[bits.u(4)];
  if (bits.exhausted || sampleRate === undefined || channels === undefined) return undefined;
  return sampleRate >= 4000 && sampleRate <= 192_000 ? { sampleRate, channels } : undefined;
}

const MPEG_RATES = [44100, 48000, 32000];

/** Read an MPEG audio frame's header; `undefined` when there is none. */
export function readMpegAudioHeader(frame: Uint8Array): AudioConfig | undefined {
  const [sync, version = 0, rate = 0, mode = 0] = frame;
  if (frame.length < 4 || sync !== 0xff || (version & 0xe0) !== 0xe0) return undefined;
  const base = MPEG_RATES[(rate >> 2) & 3];
  // Version bits: 3 is MPEG-1, 2 is MPEG-2 at half the rate, 0 is MPEG-2.5 at a quarter.
  const divisor = { 3: 1, 2: 2, 0: 4 }[(version >> 3) & 3];
  if (base === undefined || divisor === undefined) return undefined;
  return { sampleRate: base / divisor, channels: mode >> 6 === 3 ? 1 : 2 };
}
