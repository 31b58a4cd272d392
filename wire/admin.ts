/** The operator's API: streams and their keys (docs/wire.md, "Admin"). */
import * as v from "valibot";
import { STREAM_ID } from "../media/address.ts";
import { PROFILE_NAMES } from "../media/profile.ts";
import { AddressRangesSchema } from "./address-range.ts";
import { SourceSchema, StatsSchema } from "./ingest.ts";
import { STREAM_STATES } from "./public.ts";

/** A stream's permanent id. */
export const StreamIdSchema = v.pipe(
  v.string(),
  v.regex(STREAM_ID, "a stream id: a-z, 0-9 and inner hyphens, at most 63"),
);
const title = v.pipe(v.string(), v.trim(), v.maxLength(200));
/** Seconds that a broadcast waits for its encoder to come back. */
const reconnectSeconds = v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(3600));

/** What becomes of a backup encoder: it is transcoded while it waits, or held until it is needed, or refused. */
export const STANDBYS = ["warm", "cold", "off"] as const;
/** One of `STANDBYS`. */
export type Standby = (typeof STANDBYS)[number];

/** Who may watch: everybody, or who has a signed path (docs/edge.md, "Signed paths"). */
export const ACCESSES = ["public", "private"] as const;
/** One of `ACCESSES`. */
export type Access = (typeof ACCESSES)[number];

/** `POST /admin/streams`. A name that is not known is refused: an allow-list that is misspelt would be no list. */
export const CreateStreamSchema = v.strictObject({
  id: StreamIdSchema,
  title: v.optional(title, ""),
  profile: v.optional(v.picklist(PROFILE_NAMES), "low"),
  reconnectSeconds: v.optional(reconnectSeconds, 60),
  allowAddresses: v.optional(AddressRangesSchema, []),
  standby: v.optional(v.picklist(STANDBYS), "cold"),
  access: v.optional(v.picklist(ACCESSES), "public"),
});
export type CreateStream = v.InferOutput<typeof CreateStreamSchema>;

/** `PATCH /admin/streams/<id>`: what is not named stays. */
export const UpdateStreamSchema = v.pipe(
  v.strictObject({
    title: v.optional(title),
    profile: v.optional(v.picklist(PROFILE_NAMES)),
    reconnectSeconds: v.optional(reconnectSeconds),
    allowAddresses: v.optional(AddressRangesSchema),
    standby: v.optional(v.picklist(STANDBYS)),
    access: v.optional(v.picklist(ACCESSES)),
  }),
  v.check((settings) => Object.keys(settings).length > 0, "at least one setting"),
);
export type UpdateStream = v.InferOutput<typeof UpdateStreamSchema>;

/** `POST /admin/streams/<id>/check-key`: does this key still open the stream? */
export const CheckKeySchema = v.object({ key: v.pipe(v.string(), v.minLength(1), v.maxLength(256)) });
/** Its answer. */
export const KeyCheckedSchema = v.object({ valid: v.boolean() });

export const StreamRecordSchema = v.object({
  id: v.string(),
  title: v.string(),
  profile: v.picklist(PROFILE_NAMES),
  reconnectSeconds: v.number(),
  /** Addresses and CIDR ranges that encoders may connect from; empty is anywhere. */
  allowAddresses: v.array(v.string()),
  standby: v.picklist(STANDBYS),
  access: v.picklist(ACCESSES),
  disabled: v.boolean(),
  /** ISO 8601. */
  createdAt: v.string(),
  live: v.boolean(),
});
/** A stream as operators see it. */
export type StreamRecord = Readonly<v.InferOutput<typeof StreamRecordSchema>>;

export const StreamWithKeySchema = v.object({ ...StreamRecordSchema.entries, key: v.string() });
/** Answer of create and rotate-key: the only time the key is shown. */
export type StreamWithKey = Readonly<v.InferOutput<typeof StreamWithKeySchema>>;

/** `GET /admin/streams`. */
export const StreamListSchema = v.object({ streams: v.array(StreamRecordSchema) });

const count = v.pipe(v.number(), v.integer(), v.minValue(0));
const share = v.pipe(v.number(), v.minValue(0), v.maxValue(1));
const PercentilesSchema = v.object({
  /** Values they are of. */
  count,
  /** Milliseconds. */
  p50: v.number(),
  p95: v.number(),
});

/** What players said in the last five minutes; what nobody said is absent. */
export const QoeSummarySchema = v.object({
  reports: count,
  startupMs: v.exactOptional(PercentilesSchema),
  /** Behind the camera. */
  latencyMs: v.exactOptional(PercentilesSchema),
  stalls: count,
  /** Share of the time that stood still, of all time that was played or stood still. */
  stallRatio: v.exactOptional(share),
  /** Share of the frames that were due. */
  droppedRatio: v.exactOptional(share),
  /** Shares of the reports by lines of the picture, lowest first; 0 is sound alone. */
  heights: v.array(v.object({ height: count, share })),
});
export type QoeSummary = v.InferOutput<typeof QoeSummarySchema>;

export const StreamHealthSchema = v.object({
  id: v.string(),
  state: v.picklist(STREAM_STATES),
  /** People who watch, with a socket and without. */
  viewers: count,
  sockets: count,
  /** Objects that hold the sockets. */
  shards: count,
  qoe: QoeSummarySchema,
  /** What the encoder sends, as its first seconds showed. */
  source: v.optional(SourceSchema),
  /** Figures of the last minute, two seconds each, oldest first. */
  samples: v.array(StatsSchema),
  /** What its broadcaster should know, gravest first. */
  advice: v.array(
    v.object({ severity: v.picklist(["info", "warning", "critical"]), name: v.string(), text: v.string() }),
  ),
});
/** `GET /admin/streams/<id>/health`. */
export type StreamHealth = v.InferOutput<typeof StreamHealthSchema>;
