/** A publishing client for tests: writes chunks of every kind, right or wrong as asked. Not an implementation of anything in `transcoder/`. */
import { type Amf0Value, amf0Object } from "../../../transcoder/rtmp/amf0.ts";
import { encodeAmf0 } from "../../../transcoder/rtmp/amf0-encode.ts";
import {
  createRtmpConnection,
  type RtmpConnection,
  type RtmpEvent,
} from "../../../transcoder/rtmp/connection.ts";
import { HANDSHAKE_RANDOM_BYTES } from "../../../transcoder/rtmp/handshake.ts";
import { DEFAULT_RTMP_LIMITS, type RtmpLimits } from "../../../transcoder/rtmp/limits.ts";

export const bytes = (...parts: readonly (number | readonly number[] | Uint8Array)[]): Uint8Array =>
  Uint8Array.from(parts.flatMap((part) => (typeof part === "number" ? [part] : [...part])));
export const be24 = (n: number): number[] => [(n >>> 16) & 255, (n >>> 8) & 255, n & 255];
export const be32 = (n: number): number[] => [(n >>> 24) & 255, ...be24(n)];
export const le32 = (n: number): number[] => be32(n).reverse();
/** Bytes that say where they are. */
export const ramp = (length: number): Uint8Array => Uint8Array.from({ length }, (_, i) => i & 255);

const stamp = (ms: number): number[] => be24(Math.min(ms, 0xffffff));
const extension = (ms: number): number[] => (ms >= 0xffffff ? be32(ms) : []);

/** Chunks with header type 0, 1, 2, 3 and short chunk stream ids. `payload` is this chunk's own. */
export const type0 = (
  csid: number,
  ms: number,
  length: number,
  type: number,
  streamId: number,
  payload: Uint8Array,
): Uint8Array => bytes(csid, stamp(ms), be24(length), type, le32(streamId), extension(ms), payload);
export const type1 = (
  csid: number,
  delta: number,
  length: number,
  type: number,
  payload: Uint8Array,
): Uint8Array => bytes(0x40 | csid, stamp(delta), be24(length), type, extension(delta), payload);
export const type2 = (csid: number, delta: number, payload: Uint8Array): Uint8Array =>
  bytes(0x80 | csid, stamp(delta), extension(delta), payload);
/** `extended` is what is repeated in front of the payload. */
export const type3 = (csid: number, payload: Uint8Array, extended?: number): Uint8Array =>
  bytes(0xc0 | csid, extended === undefined ? [] : be32(extended), payload);

/** A whole message: type 0, then type 3 chunks of `chunkSize`. */
export function message(
  type: number,
  streamId: number,
  payload: Uint8Array,
  { csid = 3, ms = 0, chunkSize = 128 } = {},
): Uint8Array {
  const pieces = [type0(csid, ms, payload.length, type, streamId, payload.subarray(0, chunkSize))];
  for (let at = chunkSize; at < payload.length; at += chunkSize) {
    const piece = payload.subarray(at, at + chunkSize);
    pieces.push(type3(csid, piece, ms >= 0xffffff ? ms : undefined));
  }
  return bytes(...pieces);
}

export const command = (values: readonly Amf0Value[], streamId = 0): Uint8Array =>
  message(20, streamId, encodeAmf0(values));

export const HELLO = bytes(3, be32(7), be32(0), ramp(1528));
export const C2 = ramp(1536);
export const CONNECT_OBJECT = {
  app: "live",
  type: "nonprivate",
  flashVer: "FMLE/3.0 (compatible; Test)",
  tcUrl: "rtmp://example.test/live",
};
export const CONNECT = command(["connect", 1, amf0Object(CONNECT_OBJECT)]);
export const CREATE_STREAM = command(["createStream", 4, null]);
export const PUBLISH = command(["publish", 5, null, "key?a=b", "live"], 1);
/** What OBS says before media. */
export const SETUP = bytes(
  HELLO,
  C2,
  message(1, 0, bytes(be32(4096)), { csid: 2 }),
  // From here on in chunks of 4096, as announced.
  message(20, 0, encodeAmf0(["connect", 1, amf0Object(CONNECT_OBJECT)]), { chunkSize: 4096 }),
  command(["releaseStream", 2, null, "key?a=b"]),
  command(["FCPublish", 3, null, "key?a=b"]),
  CREATE_STREAM,
  PUBLISH,
);

const METADATA: Amf0Value = {
  type: "ecma-array",
  members: new Map<string, Amf0Value>([
    ["width", 1280],
    ["stereo", true],
    ["encoder", "test"],
  ]),
};
export const ON_METADATA = encodeAmf0(["onMetaData", METADATA]);

/** A show that uses every kind of message and chunk there is; chunk size 4096 at its start. */
export const SHOW = bytes(
  message(18, 1, bytes(encodeAmf0(["@setDataFrame"]), ON_METADATA), { csid: 4, chunkSize: 4096 }),
  message(9, 1, bytes(0x17, 0, ramp(30)), { csid: 6, chunkSize: 4096 }),
  message(8, 1, bytes(0xaf, 0, 0x12, 0x10), { csid: 4, chunkSize: 4096 }),
  message(1, 0, bytes(be32(64)), { csid: 2 }),
  // Video and audio interleaved.
  type0(6, 33, 100, 9, 1, ramp(64)),
  type1(4, 21, 10, 8, ramp(10)),
  type3(6, ramp(36)),
  type2(4, 21, ramp(10)),
  type3(4, ramp(10)),
  // A ping, an acknowledgement, and a message that is given up.
  message(4, 0, bytes(0, 6, be32(1234)), { csid: 2 }),
  message(3, 0, bytes(be32(5000)), { csid: 2 }),
  type1(6, 33, 200, 9, ramp(64)),
  message(2, 0, bytes(be32(6)), { csid: 2 }),
  // An aggregate of one audio and one video tag.
  message(
    22,
    1,
    bytes(
      [8, ...be24(3), ...be24(500), 0, 0, 0, 0, 0xaf, 1, 2, ...be32(14)],
      [9, ...be24(2), ...be24(520), 0, 0, 0, 0, 0x27, 1, ...be32(13)],
    ),
    { csid: 5, ms: 120, chunkSize: 64 },
  ),
  // Past 24 bits.
  message(9, 1, ramp(150), { csid: 6, ms: 16_777_300, chunkSize: 64 }),
  message(17, 0, bytes(0, encodeAmf0(["_error", 0, null])), { csid: 3, chunkSize: 64 }),
);
export const FAREWELL = bytes(
  command(["FCUnpublish", 6, null, "key?a=b"]),
  command(["deleteStream", 7, null, 1]),
);

export const limitsWith = (some: Partial<RtmpLimits> = {}): RtmpLimits => ({
  ...DEFAULT_RTMP_LIMITS,
  ...some,
});

export const newConnection = (
  limits: Partial<RtmpLimits> = {},
  fourCcs: readonly string[] = [],
): RtmpConnection =>
  createRtmpConnection({
    limits: limitsWith(limits),
    random: new Uint8Array(HANDSHAKE_RANDOM_BYTES),
    fourCcs,
  });

/** Feed in pieces of `size` bytes, accepting every publish. */
export function play(connection: RtmpConnection, input: Uint8Array, size = input.length): RtmpEvent[] {
  const events: RtmpEvent[] = [];
  for (let at = 0; at < input.length; at += size) {
    const arrived = connection.receive(input.subarray(at, at + size));
    events.push(...arrived);
    if (arrived.some((event) => event.type === "publish")) events.push(...connection.accept());
  }
  return events;
}

export const eventsOf = <T extends RtmpEvent["type"]>(
  events: readonly RtmpEvent[],
  type: T,
): Extract<RtmpEvent, { type: T }>[] =>
  events.filter((event): event is Extract<RtmpEvent, { type: T }> => event.type === type);
