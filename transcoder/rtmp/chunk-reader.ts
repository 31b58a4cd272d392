/**
 * Chunks to messages (RTMP 1.0, section 5.3): the four header types, interleaving, extended timestamps. Says nothing of what a
 * message means; the caller applies Set Chunk Size and Abort between two calls of `next`.
 */
import { readU24, viewOf } from "./bytes.ts";
import type { RtmpFailure } from "./failure.ts";
import type { RtmpLimits } from "./limits.ts";
import { mayBeLong, type RtmpMessage } from "./message.ts";

/** `more`: give it bytes. `chunk`: a chunk ended, but not its message. */
export type ChunkStep =
  | "more"
  | "chunk"
  | RtmpMessage
  | { readonly kind: "failed"; readonly failure: RtmpFailure };

/** Reads one connection's chunks. */
export interface ChunkReader {
  /** Add bytes that came in; they are not kept beyond the chunk they belong to. */
  push(bytes: Uint8Array): void;
  /** Go on to the end of the next chunk. After a failure, don't. */
  next(): ChunkStep;
  /** Let go of input memory that is not ours, when reading stops half way. */
  detach(): void;
  /** Set Chunk Size (5.4.1); holds from the next chunk on. */
  setChunkSize(bytes: number): void;
  /** Abort Message (5.4.2): forget the unfinished message of a chunk stream. */
  abort(chunkStream: number): void;
  /** Bytes taken in so far, those not yet looked at left out. */
  readonly consumedBytes: number;
  /** Bytes of memory held: unfinished messages, and input not yet looked at. */
  readonly bufferedBytes: number;
  /** Bytes of input not yet looked at. */
  readonly unreadBytes: number;
}

const DEFAULT_CHUNK_SIZE = 128;
/** Sizes of the four message headers (5.3.1.2). */
const HEADER_BYTES = [11, 7, 3, 0] as const;
/** In a 24-bit timestamp field: the real one follows in 32 bits (5.3.1.3). */
const EXTENDED = 0xffffff;
/** First memory taken for a message: its sender gets more by sending, not by promising. */
const FIRST_CAPACITY_BYTES = 64 * 1024;
/**
 * A new message by type 3 after a type 0 repeats its timestamp as a delta (5.3.1.2.4), and FFmpeg means it so in its first
 * frames. librtmp means "the same timestamp as before", and a jump that doubles the clock is never meant: above this, none.
 */
const LARGEST_ABSOLUTE_AS_DELTA_MS = 10_000;
const UINT32 = 0x1_0000_0000;

interface ChunkStream {
  readonly id: number;
  /** Of the message that is being read, else of the last one; modulo 2^32. */
  timestamp: number;
  /** Latest timestamp field: `absolute` after type 0, else a delta. */
  field: number;
  absolute: boolean;
  extended: boolean;
  length: number;
  type: number;
  streamId: number;
  /** Of the unfinished message. */
  payload: Uint8Array | undefined;
  received: number;
}

const NO_BYTES: Uint8Array = new Uint8Array(0);
const failed = (failure: RtmpFailure): ChunkStep => ({ kind: "failed", failure });

/** Start reading, right after the handshake. */
export function createChunkReader(
  limits: Pick<RtmpLimits, "messageBytes" | "commandBytes" | "unfinishedBytes" | "chunkStreams">,
): ChunkReader {
  const streams = new Map<number, ChunkStream>();
  let input = NO_BYTES;
  let view = viewOf(input);
  let offset = 0;
  let chunkSize = DEFAULT_CHUNK_SIZE;
  let current: ChunkStream | undefined;
  let leftInChunk = 0;
  let consumed = 0;
  let unfinished = 0;

  function push(bytes: Uint8Array): void {
    const rest = input.length - offset;
    if (rest === 0) input = bytes;
    else {
      const joined = new Uint8Array(rest + bytes.length);
      joined.set(input.subarray(offset));
      joined.set(bytes, rest);
      input = joined;
    }
    view = viewOf(input);
    offset = 0;
  }

  function detach(): void {
    input = input.slice(offset);
    view = viewOf(input);
    offset = 0;
  }

  function next(): ChunkStep {
    if (current === undefined) {
      const stopped = readHeader();
      if (stopped !== undefined) {
        if (stopped === "more") detach();
        return stopped;
      }
    }
    return current === undefined ? "more" : readPayload(current);
  }

  /** Read a whole header or nothing of it; `undefined` when `current` is set. */
  function readHeader(): ChunkStep | undefined {
    const end = input.length;
    if (offset >= end) return "more";
    const first = view.getUint8(offset);
    const fmt = first >> 6;
    let id = first & 0x3f;
    let at = offset + 1;
    // Ids from 64 on take one or two bytes more, the low one first (5.3.1.1).
    if (id < 2) {
      const idBytes = id + 1;
      if (at + idBytes > end) return "more";
      id = 64 + view.getUint8(at) + (idBytes === 2 ? 256 * view.getUint8(at + 1) : 0);
      at += idBytes;
    }
    const fields = at;
    at += HEADER_BYTES[fmt] ?? 0;
    if (at > end) return "more";
    const known = streams.get(id);
    if (fmt === 3) return readType3(id, known, at);

    // librtmp opens chunk stream 2 with a type 1 header: message stream 0 is meant.
    if (known === undefined && fmt === 2)
      return failed({ reason: "no-previous-header", chunkStream: id, fmt });
    if (known?.payload !== undefined) {
      const missingBytes = known.length - known.received;
      return failed({ reason: "message-interrupted", chunkStream: id, missingBytes });
    }
    let field = readU24(view, fields);
    const extended = field === EXTENDED;
    if (extended) {
      if (at + 4 > end) return "more";
      field = view.getUint32(at);
      at += 4;
    }
    if (known === undefined && streams.size >= limits.chunkStreams) {
      return failed({ reason: "too-many-chunk-streams", limit: limits.chunkStreams });
    }
    const stream = known ?? openStream(id);
    stream.field = field;
    stream.absolute = fmt === 0;
    stream.extended = extended;
    stream.timestamp = fmt === 0 ? field : (stream.timestamp + field) % UINT32;
    if (fmt < 2) {
      stream.length = readU24(view, fields + 3);
      stream.type = view.getUint8(fields + 6);
    }
    if (fmt === 0) stream.streamId = view.getUint32(fields + 7, true);
    return begin(stream, at);
  }

  /** Type 3: the rest of a message, or a new one whose header would be the same. */
  function readType3(id: number, stream: ChunkStream | undefined, fields: number): ChunkStep | undefined {
    if (stream === undefined) return failed({ reason: "no-previous-header", chunkStream: id, fmt: 3 });
    const continues = stream.payload !== undefined;
    const timestamp = continues ? stream.timestamp : (stream.timestamp + repeatedDelta(stream)) % UINT32;
    let at = fields;
    if (stream.extended) {
      const present = hasExtended(at, stream.field, timestamp);
      if (present === undefined) return "more";
      if (present) at += 4;
    }
    stream.timestamp = timestamp;
    if (!continues) return begin(stream, at);
    enterChunk(stream, at);
    return undefined;
  }

  /**
   * Whether the extended timestamp is repeated at `at`. The specification wants it (5.3.1.3), some encoders leave it out; those
   * that have it write the field or the whole timestamp again. Decided at the first byte that differs; `undefined`: too early.
   */
  function hasExtended(at: number, field: number, timestamp: number): boolean | undefined {
    let isField = true;
    let isTimestamp = true;
    for (let i = 0; i < 4; i += 1) {
      if (at + i >= input.length) return undefined;
      const byte = view.getUint8(at + i);
      const shift = 24 - 8 * i;
      isField &&= byte === ((field >>> shift) & 0xff);
      isTimestamp &&= byte === ((timestamp >>> shift) & 0xff);
      if (!isField && !isTimestamp) return false;
    }
    return true;
  }

  function openStream(id: number): ChunkStream {
    const stream: ChunkStream = {
      id,
      timestamp: 0,
      field: 0,
      absolute: true,
      extended: false,
      length: 0,
      type: 0,
      streamId: 0,
      payload: undefined,
      received: 0,
    };
    streams.set(id, stream);
    return stream;
  }

  function begin(stream: ChunkStream, payloadAt: number): ChunkStep | undefined {
    const { type, length } = stream;
    const limit = mayBeLong(type) ? limits.messageBytes : limits.commandBytes;
    if (length > limit) return failed({ reason: "message-too-long", type, bytes: length, limit });
    stream.payload = NO_BYTES;
    stream.received = 0;
    enterChunk(stream, payloadAt);
    return undefined;
  }

  function enterChunk(stream: ChunkStream, payloadAt: number): void {
    consumed += payloadAt - offset;
    offset = payloadAt;
    current = stream;
    leftInChunk = Math.min(chunkSize, stream.length - stream.received);
  }

  function readPayload(stream: ChunkStream): ChunkStep {
    const size = Math.min(leftInChunk, input.length - offset);
    if (size > 0) {
      const payload = withRoom(stream, stream.received + size);
      if (payload === undefined) {
        return failed({ reason: "too-much-unfinished", bytes: unfinished, limit: limits.unfinishedBytes });
      }
      payload.set(input.subarray(offset, offset + size), stream.received);
      stream.received += size;
      offset += size;
      consumed += size;
      leftInChunk -= size;
    }
    if (leftInChunk > 0) {
      detach();
      return "more";
    }
    current = undefined;
    return stream.received < stream.length ? "chunk" : finish(stream);
  }

  /** Grow a message's memory as its bytes arrive; `undefined` when the connection holds too much. */
  function withRoom(stream: ChunkStream, bytes: number): Uint8Array | undefined {
    const held = stream.payload ?? NO_BYTES;
    if (held.length >= bytes) return held;
    const capacity = Math.min(stream.length, Math.max(bytes, 2 * held.length, FIRST_CAPACITY_BYTES));
    if (unfinished - held.length + capacity > limits.unfinishedBytes) return undefined;
    const grown = new Uint8Array(capacity);
    grown.set(held.subarray(0, stream.received));
    stream.payload = grown;
    unfinished += capacity - held.length;
    return grown;
  }

  function finish(stream: ChunkStream): RtmpMessage {
    const { type, streamId, timestamp } = stream;
    // Memory never grows past the length, so a complete message fills it.
    const payload = stream.payload ?? NO_BYTES;
    drop(stream);
    return { kind: "message", type, streamId, timestamp, payload };
  }

  function drop(stream: ChunkStream): void {
    unfinished -= stream.payload?.length ?? 0;
    stream.payload = undefined;
    stream.received = 0;
  }

  return {
    push,
    next,
    detach,
    setChunkSize(bytes) {
      chunkSize = bytes;
    },
    abort(chunkStream) {
      const stream = streams.get(chunkStream);
      if (stream !== undefined) drop(stream);
    },
    get consumedBytes() {
      return consumed;
    },
    get bufferedBytes() {
      return unfinished + input.length - offset;
    },
    get unreadBytes() {
      return input.length - offset;
    },
  };
}

function repeatedDelta({ absolute, field }: ChunkStream): number {
  return absolute && field > LARGEST_ABSOLUTE_AS_DELTA_MS ? 0 : field;
}
