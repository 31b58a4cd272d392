/** The fleet: what a transcoder says of itself to origin, and what operators see of all of them (docs/wire.md, "Transcoders"). */
import * as v from "valibot";
import { parseSessionId } from "../media/address.ts";
import { TranscoderSchema } from "./ingest.ts";

/** Longest body of a report, bytes: a thousand sessions with the longest names. */
export const MAX_REPORT_BYTES = 256 * 1024;
/** Encoders that one transcoder may take at a time. */
export const MAX_SLOTS = 1000;
/** How often a transcoder is to report. */
export const HEARTBEAT_SECONDS = 10;

const words = v.pipe(v.string(), v.minLength(1), v.maxLength(64));
const sessionId = v.pipe(
  v.string(),
  v.maxLength(128),
  v.check((id) => parseSessionId(id) !== undefined, "a session id"),
);

/** A transcoder's name for itself, which it keeps over restarts. */
export const TranscoderIdSchema = TranscoderSchema.entries.id;

/** Where encoders reach a transcoder. */
export const RtmpUrlSchema = v.pipe(
  v.string(),
  v.maxLength(300),
  v.regex(/^rtmps?:\/\/[^\s]+$/, "an RTMP URL"),
);

/** `PUT /transcoders/<id>`: all there is to know of a host, at every heartbeat. */
export const ReportSchema = v.object({
  boot: TranscoderSchema.entries.boot,
  version: words,
  /** Version of FFmpeg. */
  ffmpeg: words,
  /** For people. */
  url: v.exactOptional(RtmpUrlSchema),
  /** Encoders that it takes at a time. */
  slots: v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(MAX_SLOTS)),
  /** Sessions that it holds now. */
  sessions: v.pipe(v.array(sessionId), v.maxLength(MAX_SLOTS)),
  /** It takes no new encoders. */
  draining: v.boolean(),
  /** It says goodbye: whatever it still holds is free. */
  stopping: v.optional(v.boolean(), false),
});
/** A heartbeat. */
export type Report = v.InferOutput<typeof ReportSchema>;

/** Answer to a report. */
export const RegisteredSchema = v.object({
  /** Take no new encoders, and let those that publish end. */
  drain: v.boolean(),
  heartbeatSeconds: v.pipe(v.number(), v.minValue(1), v.maxValue(3600)),
});
/** What is wanted of the host. */
export type Registered = Readonly<v.InferOutput<typeof RegisteredSchema>>;

/** `silent`: not heard for 30 s; `stopped`: it said so. */
const TRANSCODER_STATES = ["up", "draining", "silent", "stopped"] as const;
/** What becomes of a host that reports, or does not. */
export type TranscoderState = (typeof TRANSCODER_STATES)[number];

export const TranscoderRecordSchema = v.object({
  id: v.string(),
  state: v.picklist(TRANSCODER_STATES),
  version: v.string(),
  ffmpeg: v.string(),
  url: v.exactOptional(v.string()),
  slots: v.number(),
  /** Sessions that it held when it was last heard. */
  sessions: v.array(v.string()),
  /** Encoders that it would still take: none unless it is up. */
  freeSlots: v.number(),
  /** The operator wants it drained. */
  draining: v.boolean(),
  /** ISO 8601. */
  lastSeenAt: v.string(),
});
/** A transcoder as operators see it. */
export type TranscoderRecord = Readonly<v.InferOutput<typeof TranscoderRecordSchema>>;

/** `GET /admin/transcoders`. */
export const TranscoderListSchema = v.object({ transcoders: v.array(TranscoderRecordSchema) });
