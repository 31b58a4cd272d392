/** The operator's API of broadcasts: what is known of one, live or over, and what is missing of it (docs/wire.md, "Admin"). */
import * as v from "valibot";
import { STREAM_STATES } from "./public.ts";

/** Missing objects that a report names; it counts the rest. */
export const MAX_MISSING = 200;
/** Segments that one answer to `GET /ingest/<session>/missing` names. */
export const MAX_MISSING_SEGMENTS = 1000;

const count = v.pipe(v.number(), v.integer(), v.minValue(0));
const seconds = v.pipe(v.number(), v.minValue(0));

/** `gap`: history has nothing there. The others: R2 has no such object, or one of another size or checksum. */
const MISSING_REASONS = ["gap", "absent", "size", "checksum"] as const;
/** Why an object counts as missing. */
export type MissingReason = (typeof MISSING_REASONS)[number];

const MissingSchema = v.object({
  session: count,
  rendition: v.string(),
  /** Absent: the init section of the session. */
  msn: v.exactOptional(count),
  why: v.picklist(MISSING_REASONS),
});
/** One object that a whole broadcast would have. */
export type Missing = Readonly<v.InferOutput<typeof MissingSchema>>;

const TallyEntries = {
  segments: count,
  seconds,
  /** Segments in R2 that are what history says, and their bytes. */
  objects: count,
  bytes: count,
  /** Objects that `missing` would name if it were longer. */
  missingCount: count,
  /** Those of them that history itself lacks. */
  gaps: count,
  /** Objects that nothing named, and parts that had their time: removed by this check. */
  removed: count,
  missing: v.pipe(v.array(MissingSchema), v.maxLength(MAX_MISSING)),
};
const TallySchema = v.object(TallyEntries);
/** What a comparison of history with R2 found. */
export type Tally = Readonly<v.InferOutput<typeof TallySchema>>;

const ReportSchema = v.object({
  ...TallyEntries,
  /** ISO 8601. */
  checkedAt: v.string(),
  /** Nothing more can be handed in: orphans are gone, and no other check follows. */
  final: v.boolean(),
});

const BroadcastSessionSchema = v.object({
  ordinal: count,
  openedAt: v.string(),
  closedAt: v.exactOptional(v.string()),
  transcoder: v.exactOptional(v.string()),
});

export const BroadcastRecordSchema = v.object({
  id: v.string(),
  stream: v.string(),
  state: v.picklist(STREAM_STATES),
  startedAt: v.string(),
  endedAt: v.exactOptional(v.string()),
  sessions: v.array(BroadcastSessionSchema),
  /** Of the history as it is now, whatever R2 holds. */
  segments: count,
  seconds,
  /** Objects that history lacks. */
  gaps: count,
  /** People who watched at a time; absent when nobody was counted. */
  viewers: v.exactOptional(v.object({ peak: count, average: v.pipe(v.number(), v.minValue(0)) })),
  /** The newest comparison with R2; the first one comes a minute after the end. */
  report: v.exactOptional(ReportSchema),
  /** When the next comparison is due. */
  checkAt: v.exactOptional(v.string()),
});
/** `GET /admin/broadcasts/<id>`. */
export type BroadcastRecord = Readonly<v.InferOutput<typeof BroadcastRecordSchema>>;

export const BroadcastListSchema = v.object({
  broadcasts: v.array(
    v.object({
      id: v.string(),
      state: v.picklist(STREAM_STATES),
      startedAt: v.string(),
      endedAt: v.exactOptional(v.string()),
    }),
  ),
});
/** `GET /admin/streams/<id>/broadcasts`: newest first. */
export type BroadcastList = Readonly<v.InferOutput<typeof BroadcastListSchema>>;

export const MissingOfSessionSchema = v.object({
  /** Renditions whose init section is not there. */
  inits: v.array(v.string()),
  segments: v.pipe(
    v.array(v.object({ msn: count, renditions: v.array(v.string()) })),
    v.maxLength(MAX_MISSING_SEGMENTS),
  ),
  /** When the broadcast was last compared with R2, milliseconds since 1970; absent before the first time. */
  checkedAt: v.exactOptional(count),
});
/** `GET /ingest/<session>/missing`: what the session may still hand in, oldest first. */
export type MissingOfSession = Readonly<v.InferOutput<typeof MissingOfSessionSchema>>;
