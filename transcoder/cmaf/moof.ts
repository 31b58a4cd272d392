/** Reads a movie fragment's sample table (ISO/IEC 14496-12, 8.8.4 to 8.8.12): where each sample is, and when. */
import { boxesIn, viewOf } from "./box.ts";
import type { SampleDefaults, TrackInit } from "./init.ts";

/** One sample, before its bytes are there. */
export interface Sample {
  /** Decode time, ticks. */
  readonly dts: number;
  readonly duration: number;
  /** Presentation time less decode time, ticks. */
  readonly ctsOffset: number;
  readonly keyframe: boolean;
  /** Position counted from the start of the `moof`. */
  readonly offset: number;
  readonly size: number;
}

/** A day of audio frames in one fragment is more than anyone sends: it bounds what a few lying bytes can ask for. */
const MAX_SAMPLES = 65_536;

const TFHD = { baseOffset: 1, description: 2, duration: 8, size: 16, flags: 32 } as const;
const TRUN = {
  dataOffset: 1,
  firstFlags: 4,
  duration: 0x100,
  size: 0x200,
  flags: 0x400,
  cts: 0x800,
} as const;
const NON_SYNC = 0x10000;

/** Samples of the track in a `moof` body; `moofStart` is its place in the file. `undefined` when it makes no sense. */
export function readMoof(moof: Uint8Array, moofStart: number, init: TrackInit): Sample[] | undefined {
  const boxes = boxesIn(moof);
  if (!boxes) return undefined;
  const samples: Sample[] = [];
  for (const { type, body } of boxes) {
    if (type === "traf" && !readTraf(body, moofStart, init, samples)) return undefined;
  }
  return samples;
}

/** Where a run of samples goes on. */
interface Cursor {
  dts: number;
  offset: number;
}

function readTraf(traf: Uint8Array, moofStart: number, init: TrackInit, samples: Sample[]): boolean {
  const boxes = boxesIn(traf);
  const tfhd = boxes?.find(({ type }) => type === "tfhd")?.body;
  const tfdt = boxes?.find(({ type }) => type === "tfdt")?.body;
  const header = tfhd && readTfhd(tfhd, init.defaults);
  const dts = tfdt && readTfdt(tfdt);
  if (!boxes || !header || dts === undefined) return false;
  if (header.trackId !== init.trackId) return true;
  const base = header.baseOffset === undefined ? 0 : header.baseOffset - moofStart;
  const cursor: Cursor = { dts, offset: base };
  return boxes.every(
    ({ type, body }) => type !== "trun" || readTrun(body, base, header.defaults, cursor, samples),
  );
}

interface TrackFragmentHeader {
  readonly trackId: number;
  readonly baseOffset?: number;
  readonly defaults: SampleDefaults;
}

function readTfhd(tfhd: Uint8Array, trex: SampleDefaults): TrackFragmentHeader | undefined {
  const fields = new Fields(tfhd);
  const flags = fields.u32() & 0xffffff;
  const trackId = fields.u32();
  const baseOffset = flags & TFHD.baseOffset ? fields.u64() : undefined;
  if (flags & TFHD.description) fields.u32();
  const defaults = {
    duration: flags & TFHD.duration ? fields.u32() : trex.duration,
    size: flags & TFHD.size ? fields.u32() : trex.size,
    flags: flags & TFHD.flags ? fields.u32() : trex.flags,
  };
  if (fields.overrun) return undefined;
  return { trackId, defaults, ...(baseOffset !== undefined && { baseOffset }) };
}

function readTfdt(tfdt: Uint8Array): number | undefined {
  const fields = new Fields(tfdt);
  const version = fields.u32() >>> 24;
  // Unsigned by the letter; but FFmpeg writes the priming of an audio encoder as a time before 0.
  const time = version === 1 ? fields.i32() * 0x100000000 + fields.u32() : fields.u32();
  return fields.overrun || !Number.isSafeInteger(time) ? undefined : time;
}

function readTrun(
  trun: Uint8Array,
  base: number,
  defaults: SampleDefaults,
  cursor: Cursor,
  samples: Sample[],
): boolean {
  const fields = new Fields(trun);
  const versionAndFlags = fields.u32();
  const signed = versionAndFlags >>> 24 > 0;
  const count = fields.u32();
  if (versionAndFlags & TRUN.dataOffset) cursor.offset = base + fields.i32();
  const firstFlags = versionAndFlags & TRUN.firstFlags ? fields.u32() : undefined;
  if (samples.length + count > MAX_SAMPLES) return false;
  for (let i = 0; i < count; i += 1) {
    const duration = versionAndFlags & TRUN.duration ? fields.u32() : defaults.duration;
    const size = versionAndFlags & TRUN.size ? fields.u32() : defaults.size;
    const ownFlags = versionAndFlags & TRUN.flags ? fields.u32() : defaults.flags;
    const flags = i === 0 && firstFlags !== undefined ? firstFlags : ownFlags;
    const ctsOffset = versionAndFlags & TRUN.cts ? (signed ? fields.i32() : fields.u32()) : 0;
    // Nothing can be shown of a sample without bytes, and a table of a few bytes could name thousands of them.
    if (fields.overrun || size === 0) return false;
    const keyframe = (flags & NON_SYNC) === 0;
    samples.push({ dts: cursor.dts, duration, ctsOffset, keyframe, offset: cursor.offset, size });
    cursor.dts += duration;
    cursor.offset += size;
  }
  return !fields.overrun && Number.isSafeInteger(cursor.dts) && Number.isSafeInteger(cursor.offset);
}

/** Big-endian fields one after the other. Past the end they are zero, and `overrun` says so. */
class Fields {
  readonly #view: DataView;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#view = viewOf(bytes);
  }

  get overrun(): boolean {
    return this.#at > this.#view.byteLength;
  }

  u32(): number {
    const at = this.#take(4);
    return at === undefined ? 0 : this.#view.getUint32(at);
  }

  i32(): number {
    return this.u32() | 0;
  }

  u64(): number {
    return this.u32() * 0x100000000 + this.u32();
  }

  #take(bytes: number): number | undefined {
    const at = this.#at;
    this.#at += bytes;
    return this.overrun ? undefined : at;
  }
}
