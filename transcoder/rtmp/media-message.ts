/** Media messages to FLV tag bodies: audio and video as they are, data without its RTMP wrapping, aggregates taken apart. */
import { fail, ok, type Result } from "../../media/result.ts";
import { type Amf0Limits, decodeAmf0, leadingString } from "./amf0-decode.ts";
import { readU24, viewOf } from "./bytes.ts";
import { amf0Payload } from "./command.ts";
import type { RtmpFailure } from "./failure.ts";
import { MESSAGE, type RtmpMessage } from "./message.ts";

/** Which of FLV's three kinds of tag. */
export type MediaKind = "audio" | "video" | "data";

/** One FLV tag without its header; `timestamp` is modulo 2^32. */
export interface MediaTag {
  readonly kind: MediaKind;
  readonly timestamp: number;
  readonly payload: Uint8Array;
}

/** `dropped`: data that is no AMF0, or that says nothing to an FLV reader. */
export type MediaParts = { readonly tags: readonly MediaTag[]; readonly dropped?: "malformed-data" };

const NOTHING: MediaParts = { tags: [] };
const KINDS: Readonly<Record<number, MediaKind>> = { [MESSAGE.audio]: "audio", [MESSAGE.video]: "video" };
/** Header and trailing length of each tag of an aggregate: those of FLV (RTMP 1.0, 7.1.6). */
const TAG_HEADER_BYTES = 11;
const TAG_TRAILER_BYTES = 4;
const UINT32 = 0x1_0000_0000;
const MAX_DATA_BYTES = 64 * 1024;

/** Take a media message apart. */
export function mediaTags(message: RtmpMessage, limits: Amf0Limits): Result<MediaParts, RtmpFailure> {
  const { type, timestamp, payload } = message;
  if (type === MESSAGE.aggregate) return splitAggregate(message, limits);
  const kind = KINDS[type];
  if (kind === undefined) return ok(dataTag(message, limits));
  // Flash encoders send empty audio to say "silence": no FLV tag has an empty body.
  return ok(payload.length === 0 ? NOTHING : { tags: [{ kind, timestamp, payload }] });
}

function dataTag(message: RtmpMessage, limits: Amf0Limits): MediaParts {
  // By itself it could not be so long; inside an aggregate it can.
  if (message.payload.length > MAX_DATA_BYTES) return { tags: [], dropped: "malformed-data" };
  const body = amf0Payload(message);
  // "@setDataFrame" and "@clearDataFrame" are orders to the server, not part of the data.
  if (leadingString(body, "@clearDataFrame") > 0) return NOTHING;
  const payload = body.subarray(leadingString(body, "@setDataFrame"));
  const decoded = decodeAmf0(payload, limits);
  if (!decoded.ok || typeof decoded.value[0] !== "string") return { tags: [], dropped: "malformed-data" };
  return { tags: [{ kind: "data", timestamp: message.timestamp, payload }] };
}

function splitAggregate(
  { payload, timestamp, streamId }: RtmpMessage,
  limits: Amf0Limits,
): Result<MediaParts, RtmpFailure> {
  const view = viewOf(payload);
  const tags: MediaTag[] = [];
  let dropped: MediaParts["dropped"];
  let shift: number | undefined;
  for (let at = 0; at < payload.length; ) {
    const bodyAt = at + TAG_HEADER_BYTES;
    if (bodyAt > payload.length) return fail({ reason: "malformed-aggregate", offset: at });
    const type = view.getUint8(at);
    const end = bodyAt + readU24(view, at + 1);
    if (end + TAG_TRAILER_BYTES > payload.length) return fail({ reason: "malformed-aggregate", offset: at });
    const own = readU24(view, at + 4) + view.getUint8(at + 7) * 0x100_0000;
    // The message's timestamp is that of the first tag; the others keep their distance to it.
    shift ??= timestamp - own + UINT32;
    const isMedia = type === MESSAGE.audio || type === MESSAGE.video || type === MESSAGE.data;
    if (!isMedia) return fail({ reason: "malformed-aggregate", offset: at });
    const inner = {
      kind: "message",
      type,
      streamId,
      timestamp: (own + shift) % UINT32,
      payload: payload.subarray(bodyAt, end),
    } as const;
    const parts = mediaTags(inner, limits);
    if (!parts.ok) return parts;
    tags.push(...parts.value.tags);
    dropped ??= parts.value.dropped;
    at = end + TAG_TRAILER_BYTES;
  }
  return ok({ tags, ...(dropped !== undefined && { dropped }) });
}
