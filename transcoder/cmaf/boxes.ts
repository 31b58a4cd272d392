/**
 * Reads a fragmented mp4 of one track as it comes out of a pipe, in chunks of any size: first its init segment, then
 * frame after frame. Bounded: a box that is too large or makes no sense is an error value, and the end of the reading.
 */
import { fail, ok, type Result } from "../../media/result.ts";
import { boxType, viewOf } from "./box.ts";
import { readInit, type TrackInit } from "./init.ts";
import { readMoof, type Sample } from "./moof.ts";

/** One frame of a track; times are in ticks of the track's timescale. */
export interface Frame {
  readonly dts: number;
  readonly duration: number;
  /** Presentation time less decode time. */
  readonly ctsOffset: number;
  readonly keyframe: boolean;
  readonly bytes: Uint8Array;
}

export type BoxEvent =
  | { readonly type: "init"; readonly init: TrackInit }
  | { readonly type: "frame"; readonly frame: Frame };

export type BoxError =
  | { readonly reason: "box-too-large"; readonly box: string; readonly bytes: number }
  | { readonly reason: "bad-box"; readonly box: string };

/** Largest box there is room for. */
export const MAX_BOX_BYTES = 64 * 1024 * 1024;
const SMALL_HEADER_BYTES = 8;
const LARGE_HEADER_BYTES = 16;
const FIRST_BUFFER_BYTES = 64 * 1024;

interface Head {
  readonly type: string;
  readonly headerBytes: number;
  readonly bytes: number;
}

export class BoxReader {
  #buffer = new Uint8Array(FIRST_BUFFER_BYTES);
  #start = 0;
  #end = 0;
  /** Place of `#start` in the file. */
  #position = 0;
  #ftyp: Uint8Array = new Uint8Array(0);
  #init: TrackInit | undefined;
  #fragment: { readonly start: number; readonly samples: readonly Sample[] } | undefined;
  #error: BoxError | undefined;

  /** Take a chunk and tell what it completed. After an error there is only that error. */
  push(chunk: Uint8Array): Result<readonly BoxEvent[], BoxError> {
    if (this.#error) return fail(this.#error);
    this.#append(chunk);
    const events: BoxEvent[] = [];
    for (;;) {
      const head = this.#head();
      if (head === undefined) return ok(events);
      if (!head.ok) return this.#stop(head.error);
      const { bytes, headerBytes, type } = head.value;
      if (this.#end - this.#start < bytes) return ok(events);
      const whole = this.#buffer.subarray(this.#start, this.#start + bytes);
      if (!this.#read(type, whole, headerBytes, events)) return this.#stop({ reason: "bad-box", box: type });
      this.#start += bytes;
      this.#position += bytes;
    }
  }

  #stop(error: BoxError): Result<never, BoxError> {
    this.#error = error;
    this.#buffer = new Uint8Array(0);
    return fail(error);
  }

  /** Size and type of the box at the start, as soon as they are there. */
  #head(): Result<Head, BoxError> | undefined {
    const bytes = this.#buffer.subarray(this.#start, this.#end);
    if (bytes.length < SMALL_HEADER_BYTES) return undefined;
    const view = viewOf(bytes);
    const type = boxType(bytes, 4);
    const small = view.getUint32(0);
    const large = small === 1;
    if (large && bytes.length < LARGE_HEADER_BYTES) return undefined;
    const size = large ? view.getUint32(8) * 0x100000000 + view.getUint32(12) : small;
    const headerBytes = large ? LARGE_HEADER_BYTES : SMALL_HEADER_BYTES;
    // Size 0 means up to the end of the file, which a pipe does not have.
    if (size < headerBytes || type.includes("?")) return fail({ reason: "bad-box", box: type });
    if (size > MAX_BOX_BYTES) return fail({ reason: "box-too-large", box: type, bytes: size });
    return ok({ type, headerBytes, bytes: size });
  }

  #read(type: string, whole: Uint8Array, headerBytes: number, events: BoxEvent[]): boolean {
    const body = whole.subarray(headerBytes);
    switch (type) {
      case "ftyp":
        this.#ftyp = whole.slice();
        return true;
      case "moov":
        return this.#readMoov(whole, headerBytes, events);
      case "moof":
        return this.#readMoof(body);
      case "mdat":
        return this.#readMdat(body, headerBytes, events);
      default:
        return true;
    }
  }

  #readMoov(whole: Uint8Array, headerBytes: number, events: BoxEvent[]): boolean {
    if (this.#init) return false;
    const bytes = new Uint8Array(this.#ftyp.length + whole.length);
    bytes.set(this.#ftyp);
    bytes.set(whole, this.#ftyp.length);
    const moov = bytes.subarray(this.#ftyp.length + headerBytes);
    this.#init = readInit(moov, bytes);
    if (this.#init) events.push({ type: "init", init: this.#init });
    return this.#init !== undefined;
  }

  #readMoof(body: Uint8Array): boolean {
    const samples = this.#init && readMoof(body, this.#position, this.#init);
    if (!samples || this.#fragment) return false;
    this.#fragment = { start: this.#position, samples };
    return true;
  }

  #readMdat(body: Uint8Array, headerBytes: number, events: BoxEvent[]): boolean {
    if (!this.#fragment) return false;
    const { start, samples } = this.#fragment;
    this.#fragment = undefined;
    const bodyStart = this.#position + headerBytes - start;
    // Samples that share bytes would let a small file ask for much memory.
    if (samples.reduce((sum, { size }) => sum + size, 0) > body.length) return false;
    for (const { offset, size, ...times } of samples) {
      const from = offset - bodyStart;
      if (from < 0 || from + size > body.length) return false;
      events.push({ type: "frame", frame: { ...times, bytes: body.slice(from, from + size) } });
    }
    return true;
  }

  #append(chunk: Uint8Array): void {
    const held = this.#end - this.#start;
    if (this.#end + chunk.length > this.#buffer.length) {
      const room = held + chunk.length <= this.#buffer.length / 2;
      const target = room
        ? this.#buffer
        : new Uint8Array(Math.max(FIRST_BUFFER_BYTES, 2 * (held + chunk.length)));
      target.set(this.#buffer.subarray(this.#start, this.#end));
      this.#buffer = target;
      this.#start = 0;
      this.#end = held;
    }
    this.#buffer.set(chunk, this.#end);
    this.#end += chunk.length;
  }
}
