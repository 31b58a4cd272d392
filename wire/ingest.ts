/**
 * The ingest API: what a transcoder says to origin, and what it hears back (docs/wire.md, "Ingest").
 * Requests are parsed from unknown; answers are plain interfaces.
 */
import * as v from "valibot";
import { RENDITION_NAME, STREAM_ID } from "../media/address.ts";
import { MAX_RENDITIONS } from "../media/timeline.ts";

/** Longest body of a JSON request, bytes. */
export const MAX_INGEST_JSON_BYTES = 256 * 1024;
/** Largest media object, bytes: 8 s at 16 Mbit/s. */
export const MAX_OBJECT_BYTES = 16 * 1024 * 1024;
/** Entries of one append. */
export const MAX_APPEND_ENTRIES = 256;

const count = v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(4_294_967_295));
const positive = v.pipe(v.number(), v.finite(), v.minValue(0));
/** Bits a second that a playlist can spell. */
const bitrate = v.pipe(v.number(), v.minValue(0), v.maxValue(1e12));
/** Milliseconds since 1970, up to the last day that ISO 8601 writes with four digits of the year. */
const moment = v.pipe(v.number(), v.minValue(0), v.maxValue(253_402_214_400_000));
const seconds = v.pipe(v.number(), v.finite(), v.minValue(0.001), v.maxValue(60));
const codecs = v.pipe(v.string(), v.regex(/^[A-Za-z0-9.,-]{1,64}$/));
/** Records are read by name, and every object has a `constructor`; valibot leaves both names out of records. */
const rendition = v.pipe(v.string(), v.regex(RENDITION_NAME), v.notValues(["constructor", "prototype"]));

/** What the encoder sends, as measured from its first seconds. */
export const SourceSchema = v.object({
  video: v.optional(
    v.object({
      /** FLV codec name in lower case: `h264`, `hevc`, `av1`, `vp9`. */
      codec: v.pipe(v.string(), v.maxLength(16)),
      width: v.pipe(count, v.minValue(16), v.maxValue(8192)),
      height: v.pipe(count, v.minValue(16), v.maxValue(8192)),
      /** Frames a second, averaged. */
      frameRate: v.pipe(positive, v.minValue(0.1), v.maxValue(240)),
      variableFrameRate: v.optional(v.boolean(), false),
      /** Bits a second. */
      bitrate: positive,
      /** Longest time between keyframes seen so far, seconds; absent when only one was seen. */
      keyframeSeconds: v.optional(positive),
      /** Keyframes come at even times. */
      regularKeyframes: v.optional(v.boolean(), false),
      /** Every keyframe is an IDR: no frame after it needs one before it. */
      closedGops: v.optional(v.boolean(), false),
    }),
  ),
  audio: v.optional(
    v.object({
      codec: v.pipe(v.string(), v.maxLength(16)),
      sampleRate: v.pipe(count, v.minValue(4000), v.maxValue(192_000)),
      channels: v.pipe(count, v.minValue(1), v.maxValue(8)),
      bitrate: positive,
    }),
  ),
  /** Name of the encoder software, for people. */
  encoder: v.optional(v.pipe(v.string(), v.maxLength(200))),
});
export type Source = v.InferOutput<typeof SourceSchema>;

/** A transcoder host: the name it keeps, and one that is new each time its process starts. */
export const TranscoderSchema = v.object({
  id: v.pipe(v.string(), v.regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/)),
  boot: v.pipe(v.string(), v.regex(/^[0-9a-f-]{16,64}$/)),
});
export type Transcoder = v.InferOutput<typeof TranscoderSchema>;

/** `POST /ingest/sessions`. The source may follow in `POST /ingest/<session>/source`: RTMP names its key before it shows a frame. */
export const OpenSessionSchema = v.object({
  key: v.pipe(v.string(), v.minLength(1), v.maxLength(256)),
  source: v.optional(SourceSchema),
  /** Names this request: a repeat with the same name gets the same grant. */
  claimId: v.optional(v.pipe(v.string(), v.regex(/^[0-9a-f-]{16,64}$/))),
  /** Give way at once to any encoder that does not. */
  yields: v.optional(v.boolean(), false),
  /** Stream that the encoder named beside its key; a key of another stream is then refused as unknown. */
  stream: v.optional(v.pipe(v.string(), v.regex(STREAM_ID))),
  /** Where the encoder connects from, for streams that only some addresses may push to. */
  remoteAddress: v.optional(v.pipe(v.string(), v.maxLength(64))),
  /** Wait behind the present encoder, and take over when it falls silent. */
  backup: v.optional(v.boolean(), false),
  /** The host that asks. Another boot of the same host proves that its earlier sessions are gone. */
  transcoder: v.optional(TranscoderSchema),
});
export type OpenSession = v.InferOutput<typeof OpenSessionSchema>;

/** `POST /ingest/<session>/source`. `allowCopy: false` asks for a plan that passes nothing through. */
export const DescribeSourceSchema = v.object({
  source: SourceSchema,
  allowCopy: v.optional(v.boolean(), true),
  /** Encoded rungs to leave out, from the top: the host is too slow for them. */
  lighter: v.optional(v.pipe(count, v.maxValue(8)), 0),
});

const TrackObjectSchema = v.pipe(
  v.object({
    bytes: v.pipe(count, v.minValue(1), v.maxValue(MAX_OBJECT_BYTES)),
    independent: v.boolean(),
    iframeBytes: v.exactOptional(v.pipe(count, v.minValue(1), v.maxValue(MAX_OBJECT_BYTES))),
    md5: v.exactOptional(v.pipe(v.string(), v.regex(/^[0-9a-f]{32}$/))),
  }),
  v.check(({ bytes, iframeBytes = 0 }) => iframeBytes <= bytes, "a keyframe within its object"),
);
const TracksSchema = v.pipe(
  v.record(rendition, TrackObjectSchema),
  v.check((tracks) => Object.keys(tracks).length <= MAX_RENDITIONS, `at most ${MAX_RENDITIONS} renditions`),
);
const RenditionFactsSchema = v.object({
  name: rendition,
  kind: v.picklist(["video", "audio"]),
  codecs,
  bitrate,
  width: v.exactOptional(count),
  height: v.exactOptional(count),
  frameRate: v.exactOptional(v.pipe(positive, v.maxValue(1000))),
  channels: v.exactOptional(count),
});
/** A whole segment, in an append or late. */
export const SegmentEntrySchema = v.object({
  type: v.literal("segment"),
  msn: count,
  at: moment,
  duration: seconds,
  tracks: TracksSchema,
});
/** What a session adds to a timeline. */
export const EntrySchema = v.variant("type", [
  v.object({
    type: v.literal("init"),
    renditions: v.pipe(v.array(RenditionFactsSchema), v.minLength(1), v.maxLength(MAX_RENDITIONS)),
  }),
  v.object({
    type: v.literal("part"),
    msn: count,
    part: v.pipe(count, v.maxValue(1000)),
    at: moment,
    duration: seconds,
    tracks: TracksSchema,
  }),
  SegmentEntrySchema,
]);

/** `POST /ingest/<session>/timeline`: in order, for all renditions at once. */
export const AppendSchema = v.object({
  entries: v.pipe(v.array(EntrySchema), v.minLength(1), v.maxLength(MAX_APPEND_ENTRIES)),
});

/**
 * `POST /ingest/<session>/late`: segments whose objects were put after the live edge had passed them (`PUT …?late=1`).
 * They complete the history of the broadcast, never its live playlists; also after the session or the broadcast is over.
 */
export const LateSchema = v.object({
  segments: v.pipe(v.array(SegmentEntrySchema), v.minLength(1), v.maxLength(64)),
});
export type Late = v.InferOutput<typeof LateSchema>;

/** `POST /ingest/<session>/stats`: how the session does; also the sign that it is alive. */
export const StatsSchema = v.object({
  /** Bits a second that arrived since the last sample. */
  inputBitrate: v.optional(positive),
  inputFrameRate: v.optional(positive),
  keyframeSeconds: v.optional(positive),
  /** Media seconds encoded per second of time. */
  encodeSpeed: v.optional(positive),
  /** Bytes cut that are not in the timeline yet. */
  waitingBytes: v.optional(positive),
  /** Bytes of input that FFmpeg has not taken yet. */
  queuedBytes: v.optional(positive),
  /** For how long the encoder has sent neither sound nor pictures, seconds. */
  silentSeconds: v.optional(positive),
});
export type Stats = v.InferOutput<typeof StatsSchema>;

/** `DELETE /ingest/<session>?end=…`: `session` waits for the encoder to come back, `broadcast` does not. */
export const EndScopeSchema = v.picklist(["session", "broadcast"]);
export type EndScope = v.InferOutput<typeof EndScopeSchema>;

/** One track that the transcoder makes. */
export type PlannedRendition =
  | {
      readonly kind: "video";
      readonly name: string;
      /** `copy` passes the source through untouched. */
      readonly mode: "copy" | "encode";
      readonly width: number;
      readonly height: number;
      /** Bits a second. */
      readonly bitrate: number;
      /** Renditions this track is published as: its own name, and those the broadcast began with that the source no longer reaches. */
      readonly publishAs: readonly string[];
    }
  | {
      readonly kind: "audio";
      readonly name: string;
      readonly mode: "copy" | "encode";
      readonly bitrate: number;
      readonly channels: number;
      readonly publishAs: readonly string[];
    };

/** How the transcoder is to encode and cut. */
export interface SessionPlan {
  /** First media sequence number of this session. */
  readonly nextMsn: number;
  /** A segment ends at the first keyframe after this much, seconds. */
  readonly segmentSeconds: number;
  /** Keyframes that are encoded come this often, seconds. */
  readonly keyframeSeconds: number;
  readonly targetDuration: number;
  readonly partTarget?: number;
  /** Frames a second of encoded tracks; absent means as the source. */
  readonly frameRate?: number;
  readonly renditions: readonly PlannedRendition[];
}

/**
 * Answer to `POST /ingest/sessions` and to `POST /ingest/<session>/source`. The second may name another session and
 * broadcast than the first: a source whose kinds of track do not fit the present broadcast begins a new one.
 */
export interface SessionGrant {
  readonly session: string;
  readonly stream: string;
  readonly broadcast: string;
  /** Bearer token of every later request of this session. */
  readonly lease: string;
  /** Present once a source was given. */
  readonly plan?: SessionPlan;
}

/** Answer to `POST /ingest/<session>/timeline`: where the timeline goes on. */
export interface AppendAnswer {
  readonly next: { readonly msn: number; readonly part: number };
}

/** Answer (202) to `POST /ingest/sessions` of an encoder that waits behind another: ask again. */
export interface Waiting {
  readonly standby: {
    readonly stream: string;
    /** Present when the stream wants its second encoder warm and the request described its source: what to encode meanwhile. */
    readonly plan?: SessionPlan;
  };
}

/** Answer to `POST /ingest/<session>/stats`. */
export interface Sampled {
  /** Another encoder waits to take over: say often whether this one is silent. */
  readonly standby: boolean;
}
