/** RTMP messages: their types (RTMP 1.0, sections 5.4 and 7.1) and their shape once put together from chunks. */

/** Message type ids. */
export const MESSAGE = {
  setChunkSize: 1,
  abort: 2,
  acknowledgement: 3,
  userControl: 4,
  windowAckSize: 5,
  setPeerBandwidth: 6,
  audio: 8,
  video: 9,
  dataAmf3: 15,
  sharedObjectAmf3: 16,
  commandAmf3: 17,
  data: 18,
  sharedObject: 19,
  command: 20,
  aggregate: 22,
} as const;

/** A whole message. */
export interface RtmpMessage {
  readonly kind: "message";
  readonly type: number;
  /** Message stream id; 0 is the connection itself. */
  readonly streamId: number;
  /** Milliseconds modulo 2^32. */
  readonly timestamp: number;
  /** Belongs to whoever gets the message. */
  readonly payload: Uint8Array;
}

const MEDIA_TYPES: ReadonlySet<number> = new Set([
  MESSAGE.audio,
  MESSAGE.video,
  MESSAGE.data,
  MESSAGE.dataAmf3,
  MESSAGE.aggregate,
]);

/** Types that carry media or say something of it. */
export const isMediaType = (type: number): boolean => MEDIA_TYPES.has(type);

const LONG_TYPES: ReadonlySet<number> = new Set([MESSAGE.audio, MESSAGE.video, MESSAGE.aggregate]);

/** Types that may be long. Data may not: to decode megabytes of it would hold up everyone. */
export const mayBeLong = (type: number): boolean => LONG_TYPES.has(type);
