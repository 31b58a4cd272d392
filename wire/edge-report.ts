/**
 * What an edge tells origin of its streams every few seconds, and what operators read of it (docs/edge.md, "What the edge
 * counts"). Sums only: nothing in it is about one viewer.
 */
import * as v from "valibot";
import { StreamIdSchema } from "./admin.ts";

/**
 * How a request for a playlist or a media object was answered. `hit`: from the cache, fresh. `stale`: from the cache, past
 * its time, as its directives allow. `collapsed`: from a read that another request had begun. The others are misses, by why:
 * `cold` never seen here, `expired` too old, `purged`, `range` only part of it was asked for, `error` it could not be had.
 */
export const OUTCOMES = ["hit", "stale", "collapsed", "cold", "expired", "purged", "range", "error"] as const;
export type Outcome = (typeof OUTCOMES)[number];
/** Those that cost no read of their own. */
export const HITS: readonly Outcome[] = ["hit", "stale", "collapsed"];

/** Streams of one report; an edge with more sends several. */
export const MAX_REPORT_STREAMS = 1000;

/** Sums of sums stay whole numbers: no edge counts this far between two reports. */
const MAX_COUNT = 1e9;
const MAX_SUM = 1e15;
const count = v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(MAX_COUNT));
const sum = v.pipe(v.number(), v.finite(), v.minValue(0), v.maxValue(MAX_SUM));
const outcomes = v.record(v.picklist(OUTCOMES), count);

const StreamCountsSchema = v.object({
  stream: StreamIdSchema,
  media: outcomes,
  playlists: outcomes,
  /** Objects read from R2. */
  bucketReads: count,
  /** Calls of the stream's LiveStream object. */
  streamCalls: count,
});
/** Of one stream, since the last report. */
export type StreamCounts = Readonly<v.InferOutput<typeof StreamCountsSchema>>;

/**
 * What is averaged of CMCD: encoded bitrate of video in kbit/s (`br`), buffer in ms (`bl`), measured throughput in kbit/s
 * (`mtp`), latency in ms (`ltc`), media start delay in ms (`msd`).
 */
export const QOE_FIGURES = ["bitrate", "buffer", "throughput", "latency", "startDelay"] as const;
export type QoeFigure = (typeof QOE_FIGURES)[number];

/** A sum, and how many were added. */
const SummedSchema = v.object({ sum, count });

const QoeCountsSchema = v.object({
  stream: StreamIdSchema,
  /** Requests that carried CMCD. */
  requests: count,
  /** Requests of a player that starts or comes back from a stall (`su`). */
  startups: count,
  /** Requests that tell of a stall (`bs`). */
  stalls: count,
  bitrate: SummedSchema,
  buffer: SummedSchema,
  throughput: SummedSchema,
  latency: SummedSchema,
  startDelay: SummedSchema,
});
/** What the players of one stream said in CMCD (CTA-5004), since the last report. */
export type QoeCounts = Readonly<v.InferOutput<typeof QoeCountsSchema>>;

export const EdgeReportSchema = v.object({
  counts: v.pipe(v.array(StreamCountsSchema), v.maxLength(MAX_REPORT_STREAMS)),
  qoe: v.pipe(v.array(QoeCountsSchema), v.maxLength(MAX_REPORT_STREAMS)),
});
/** One report; what an isolate counted since its last. */
export interface EdgeReport {
  readonly counts: readonly StreamCounts[];
  readonly qoe: readonly QoeCounts[];
}
