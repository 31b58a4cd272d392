/**
 * Writes one movie fragment, `moof` and `mdat`, from a list of frames (CMAF, ISO/IEC 23000-19, 7.5.16 to 7.5.19:
 * one track, `default-base-is-moof`, `tfdt` and `trun` of version 1). Frame bytes are passed on, not copied.
 */
import type { Frame } from "./boxes.ts";

/** Chunks of a fragment, in order, and their total. */
export interface Fragment {
  readonly chunks: readonly Uint8Array[];
  readonly bytes: number;
}

const TFHD_DEFAULT_BASE_IS_MOOF = 0x020000;
const TFHD_DURATION = 0x08;
const TFHD_FLAGS = 0x20;
const TRUN_DATA_OFFSET = 0x01;
const TRUN_DURATION = 0x100;
const TRUN_SIZE = 0x200;
const TRUN_FLAGS = 0x400;
const TRUN_CTS = 0x800;

/** Sample flags (ISO/IEC 14496-12, 8.8.3.1): depends on no other; depends on others and is not a sync sample. */
const SYNC_SAMPLE = 0x02000000;
const OTHER_SAMPLE = 0x01010000;

const flagsOf = (frame: Frame): number => (frame.keyframe ? SYNC_SAMPLE : OTHER_SAMPLE);

/** Put a fragment together. `frames` must not be empty, and follow each other without a hole. */
export function writeFragment(trackId: number, sequence: number, frames: readonly Frame[]): Fragment {
  const [first] = frames;
  const dts = first?.dts ?? 0;
  const duration = first?.duration ?? 0;
  const flags = first ? flagsOf(first) : 0;
  // What all samples share is said once.
  const perSample =
    TRUN_SIZE |
    (frames.every((frame) => frame.duration === duration) ? 0 : TRUN_DURATION) |
    (frames.every((frame) => flagsOf(frame) === flags) ? 0 : TRUN_FLAGS) |
    (frames.every((frame) => frame.ctsOffset === 0) ? 0 : TRUN_CTS);
  const payload = frames.reduce((sum, frame) => sum + frame.bytes.length, 0);
  const trunBytes = 20 + frames.length * 4 * bitCount(perSample);
  const trafBytes = 8 + 24 + 20 + trunBytes;
  const moofBytes = 8 + 16 + trafBytes;
  const head = new Uint8Array(moofBytes + 8);
  const write = new Writer(head);

  write.box(moofBytes, "moof");
  write.box(16, "mfhd").u32(0).u32(sequence);
  write.box(trafBytes, "traf");
  write.box(24, "tfhd").u32(TFHD_DEFAULT_BASE_IS_MOOF | TFHD_DURATION | TFHD_FLAGS);
  write.u32(trackId).u32(duration).u32(flags);
  write.box(20, "tfdt").u32(0x01000000);
  write.u32(Math.floor(dts / 0x100000000)).u32(dts % 0x100000000);
  write.box(trunBytes, "trun").u32(0x01000000 | TRUN_DATA_OFFSET | perSample);
  write.u32(frames.length).u32(moofBytes + 8);
  for (const frame of frames) {
    if (perSample & TRUN_DURATION) write.u32(frame.duration);
    write.u32(frame.bytes.length);
    if (perSample & TRUN_FLAGS) write.u32(flagsOf(frame));
    if (perSample & TRUN_CTS) write.u32(frame.ctsOffset);
  }
  write.box(payload + 8, "mdat");
  return { chunks: [head, ...frames.map((frame) => frame.bytes)], bytes: head.length + payload };
}

function bitCount(flags: number): number {
  let count = 0;
  for (let rest = flags; rest > 0; rest >>= 1) count += rest & 1;
  return count;
}

class Writer {
  readonly #view: DataView;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  u32(value: number): this {
    this.#view.setUint32(this.#at, value);
    this.#at += 4;
    return this;
  }

  /** Size and type of a box whose fields follow. */
  box(bytes: number, type: string): this {
    this.u32(bytes);
    for (let i = 0; i < 4; i += 1) this.#view.setUint8(this.#at + i, type.charCodeAt(i));
    this.#at += 4;
    return this;
  }
}
