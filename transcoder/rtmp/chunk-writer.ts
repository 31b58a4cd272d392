/** Messages to chunks (RTMP 1.0, section 5.3), always with a full header: this server says little. */
import { concat, u24 } from "./bytes.ts";
import { MESSAGE } from "./message.ts";

/** Chunk size of a connection until it is changed (5.4.1). */
export const INITIAL_CHUNK_SIZE = 128;
/** Reserved for protocol control (5.3.1.1). */
const CONTROL_CHUNK_STREAM = 2;
const CONNECTION_CHUNK_STREAM = 3;
const STREAM_CHUNK_STREAM = 5;

/** Write a message of timestamp 0. `chunkSize` is the one this side has announced. */
export function encodeMessage(
  type: number,
  streamId: number,
  payload: Uint8Array,
  chunkSize: number,
): Uint8Array {
  const chunkStream =
    type <= MESSAGE.setPeerBandwidth
      ? CONTROL_CHUNK_STREAM
      : streamId === 0
        ? CONNECTION_CHUNK_STREAM
        : STREAM_CHUNK_STREAM;
  const header = concat([
    Uint8Array.of(chunkStream),
    u24(0),
    u24(payload.length),
    // The one little-endian number of the protocol (5.3.1.2.1).
    Uint8Array.of(type, streamId, streamId >>> 8, streamId >>> 16, streamId >>> 24),
  ]);
  const pieces = [header, payload.subarray(0, chunkSize)];
  for (let at = chunkSize; at < payload.length; at += chunkSize) {
    pieces.push(Uint8Array.of(0xc0 | chunkStream), payload.subarray(at, at + chunkSize));
  }
  return concat(pieces);
}
