/**
 * What an edge tells origin of its streams every few seconds, and what operators read of it (docs/wire.md, "What the edge
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

const count = v.pipe(v.number(), v.integer(), v.minValue(0));
const sum = v.pipe(v.number(), v.finite(), v.minValue(0));
const outcomes = v.record(v.picklist(OUTCOMES), count);

export const StreamCountsSchema = v.object({
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

export const QoeCountsSchema = v.object({
  stream: StreamIdSchema,
  /** Requests that carried CMCD. */
  requests: count,
  /** Requests of a player that starts or comes back from a stall (`su`). */
  startups: count,
  /** Requests that tell of a stall (`bs`). */
  stalls: count,
  /** Sums and how many were added: encoded bitrate in kbit/s (`br`), buffer in ms (`bl`), measured throughput in kbit/s (`mtp`), latency in ms (`ltc`), media start delay in ms (`msd`). */
  bitrate: v.object({ sum, count }),
  buffer: v.object({ sum, count }),
  throughput: v.object({ sum, count }),
  latency: v.object({ sum, count }),
  startDelay: v.object({ sum, count }),
});
/** What the players of one stream said in CMCD (CTA-5004), since the last report. */
export type QoeCounts = Readonly<v.InferOutput<typeof QoeCountsSchema>>;

/** One report; what an isolate counted since its last. */
export interface EdgeReport {
  readonly counts: readonly StreamCounts[];
  readonly qoe: readonly QoeCounts[];
}
