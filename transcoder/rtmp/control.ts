/** Protocol control and user control messages (RTMP 1.0, sections 5.4 and 7.1.7): read and written. */
import { fail, ok, type Result } from "../../media/result.ts";
import { concat, u16, u32, viewOf } from "./bytes.ts";
import { encodeMessage } from "./chunk-writer.ts";
import type { RtmpFailure } from "./failure.ts";
import { MESSAGE, type RtmpMessage } from "./message.ts";

/** What a control message asks for; `nothing` is one that needs no answer. */
export type Control =
  | { readonly type: "set-chunk-size"; readonly bytes: number }
  | { readonly type: "abort"; readonly chunkStream: number }
  | { readonly type: "window-ack-size"; readonly bytes: number }
  | { readonly type: "set-peer-bandwidth"; readonly bytes: number }
  | { readonly type: "ping"; readonly time: number }
  | { readonly type: "nothing" };

/** No message is longer than 24 bits say, so greater chunks are this one (5.4.1). */
const LARGEST_CHUNK_SIZE = 0xffffff;
/** Events of User Control messages (7.1.7). */
const EVENT = { streamBegin: 0, pingRequest: 6, pingResponse: 7 } as const;
const PEER_BANDWIDTH_DYNAMIC = 2;

/** Exact payload lengths. */
const LENGTHS: Readonly<Record<number, number>> = {
  [MESSAGE.setChunkSize]: 4,
  [MESSAGE.abort]: 4,
  [MESSAGE.acknowledgement]: 4,
  [MESSAGE.windowAckSize]: 4,
  [MESSAGE.setPeerBandwidth]: 5,
};

/** Read a control message; `undefined` for any other. */
export function parseControl({ type, payload }: RtmpMessage): Result<Control, RtmpFailure> | undefined {
  if (type === MESSAGE.userControl) return parseUserControl(payload);
  const length = LENGTHS[type];
  if (length === undefined) return undefined;
  if (payload.length !== length) return fail({ reason: "malformed-control", type, bytes: payload.length });
  const bytes = viewOf(payload).getUint32(0);
  switch (type) {
    case MESSAGE.setChunkSize:
      // The top bit must be zero, and so must not the rest (5.4.1).
      if (bytes < 1 || bytes > 0x7fffffff) return fail({ reason: "bad-chunk-size", chunkSize: bytes });
      return ok({ type: "set-chunk-size", bytes: Math.min(bytes, LARGEST_CHUNK_SIZE) });
    case MESSAGE.abort:
      return ok({ type: "abort", chunkStream: bytes });
    case MESSAGE.windowAckSize:
      return ok({ type: "window-ack-size", bytes });
    case MESSAGE.setPeerBandwidth:
      return ok({ type: "set-peer-bandwidth", bytes });
    default:
      return ok({ type: "nothing" });
  }
}

function parseUserControl(payload: Uint8Array): Result<Control, RtmpFailure> {
  const malformed = fail<RtmpFailure>({
    reason: "malformed-control",
    type: MESSAGE.userControl,
    bytes: payload.length,
  });
  if (payload.length < 2) return malformed;
  const view = viewOf(payload);
  if (view.getUint16(0) !== EVENT.pingRequest) return ok({ type: "nothing" });
  return payload.length < 6 ? malformed : ok({ type: "ping", time: view.getUint32(2) });
}

/** Announce the chunk size of what follows. */
export const setChunkSize = (bytes: number, chunkSize: number): Uint8Array =>
  encodeMessage(MESSAGE.setChunkSize, 0, u32(bytes), chunkSize);

/** Acknowledge bytes received so far, modulo 2^32 (5.4.3). */
export const acknowledgement = (receivedBytes: number, chunkSize: number): Uint8Array =>
  encodeMessage(MESSAGE.acknowledgement, 0, u32(receivedBytes), chunkSize);

/** Say how often this side wants acknowledgements (5.4.4). */
export const windowAckSize = (bytes: number, chunkSize: number): Uint8Array =>
  encodeMessage(MESSAGE.windowAckSize, 0, u32(bytes), chunkSize);

/** Limit what the other side sends without acknowledgement (5.4.5). */
export const setPeerBandwidth = (bytes: number, chunkSize: number): Uint8Array =>
  encodeMessage(
    MESSAGE.setPeerBandwidth,
    0,
    concat([u32(bytes), Uint8Array.of(PEER_BANDWIDTH_DYNAMIC)]),
    chunkSize,
  );

/** A message stream is ready. */
export const streamBegin = (streamId: number, chunkSize: number): Uint8Array =>
  userControl(EVENT.streamBegin, streamId, chunkSize);

/** Answer a ping with its own time. */
export const pingResponse = (time: number, chunkSize: number): Uint8Array =>
  userControl(EVENT.pingResponse, time, chunkSize);

const userControl = (event: number, value: number, chunkSize: number): Uint8Array =>
  encodeMessage(MESSAGE.userControl, 0, concat([u16(event), u32(value)]), chunkSize);
