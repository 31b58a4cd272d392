/** The operator's view of what edges counted: answers of `GET /admin/edge` and `GET /admin/qoe/<stream>` (docs/wire.md, "Admin"). */
import * as v from "valibot";
import { HITS, OUTCOMES, type Outcome, QOE_FIGURES, type QoeFigure } from "./edge-report.ts";

/** Longest time that can be asked for: counts are kept for a day. */
export const MAX_MINUTES = 1440;
/** What is answered for when no time is named. */
export const DEFAULT_MINUTES = 60;
/** Streams that one answer names: those with the most requests. The totals are of all. */
export const MAX_LISTED_STREAMS = 1000;

/** `?minutes=`, as the text of a query. */
export const MinutesSchema = v.pipe(
  v.string(),
  v.regex(/^[0-9]{1,4}$/, `a whole number from 1 to ${MAX_MINUTES}`),
  v.transform(Number),
  v.check((minutes) => minutes >= 1 && minutes <= MAX_MINUTES, `a whole number from 1 to ${MAX_MINUTES}`),
);

const count = v.pipe(v.number(), v.integer(), v.minValue(0));
const rate = v.pipe(v.number(), v.minValue(0));

/** The time that is answered for: so many whole minutes, and the one that is going on. */
const windowEntries = {
  minutes: count,
  /** ISO 8601. */
  from: v.string(),
  to: v.string(),
  /** Between the two. */
  seconds: v.number(),
};

const AnsweredSchema = v.object({
  requests: count,
  /** Share that cost no read of its own: hit, stale and collapsed. Absent without requests. */
  hitRatio: v.exactOptional(rate),
  outcomes: v.record(v.picklist(OUTCOMES), count),
});
/** How requests of one kind were answered. */
export type Answered = Readonly<v.InferOutput<typeof AnsweredSchema>>;

const figuresEntries = {
  requests: count,
  hitRatio: v.exactOptional(rate),
  media: AnsweredSchema,
  playlists: AnsweredSchema,
  /** Objects read from R2. */
  bucketReads: count,
  /** Calls of LiveStream objects. */
  streamCalls: count,
  /** Means over the whole time. */
  perSecond: v.object({ requests: rate, bucketReads: rate, streamCalls: rate }),
};
const EdgeFiguresSchema = v.object(figuresEntries);
/** What was counted of one stream, or of all. */
export type EdgeFigures = Readonly<v.InferOutput<typeof EdgeFiguresSchema>>;

export const EdgeAnswerSchema = v.object({
  ...windowEntries,
  totals: EdgeFiguresSchema,
  /** Most requests first. */
  streams: v.array(v.object({ stream: v.string(), ...figuresEntries })),
});
/** `GET /admin/edge`. */
export type EdgeAnswer = Readonly<v.InferOutput<typeof EdgeAnswerSchema>>;

/** A mean, and of how many values; absent when nobody said anything. */
const MeanSchema = v.exactOptional(v.object({ mean: v.number(), count }));

export const QoeAnswerSchema = v.object({
  ...windowEntries,
  stream: v.string(),
  /** Requests whose player said something of itself. */
  requests: count,
  /** Those of a player that starts, seeks or comes back from a stall. Requests, not viewers. */
  startups: count,
  /** Those that tell of a stall. */
  stalls: count,
  /** Stalls for each thousand requests. Viewers and hours are not counted, so this is what stalls can be compared by. */
  stallsPerThousand: v.exactOptional(rate),
  /** kbit/s, of video. */
  bitrate: MeanSchema,
  /** Milliseconds. */
  buffer: MeanSchema,
  /** kbit/s. */
  throughput: MeanSchema,
  /** Milliseconds. */
  latency: MeanSchema,
  /** Milliseconds from play to picture. */
  startDelay: MeanSchema,
});
/** `GET /admin/qoe/<stream>`. */
export type QoeAnswer = Readonly<v.InferOutput<typeof QoeAnswerSchema>>;

/** Sums of one stream as they are stored. */
export interface EdgeSums {
  readonly media: Readonly<Record<Outcome, number>>;
  readonly playlists: Readonly<Record<Outcome, number>>;
  readonly bucketReads: number;
  readonly streamCalls: number;
}

/** Figures of sums over so many seconds. */
export function edgeFigures(
  { media, playlists, bucketReads, streamCalls }: EdgeSums,
  seconds: number,
): EdgeFigures {
  const [ofMedia, ofPlaylists] = [answered([media]), answered([playlists])];
  const { requests, hitRatio } = answered([media, playlists]);
  const each = (n: number) => round(n / seconds);
  return {
    requests,
    ...(hitRatio !== undefined && { hitRatio }),
    media: { ...ofMedia, outcomes: media },
    playlists: { ...ofPlaylists, outcomes: playlists },
    bucketReads,
    streamCalls,
    perSecond: { requests: each(requests), bucketReads: each(bucketReads), streamCalls: each(streamCalls) },
  };
}

function answered(kinds: readonly Readonly<Record<Outcome, number>>[]): Omit<Answered, "outcomes"> {
  const sumOf = (outcomes: readonly Outcome[]) =>
    kinds.reduce((total, kind) => total + outcomes.reduce((sum, outcome) => sum + kind[outcome], 0), 0);
  const requests = sumOf(OUTCOMES);
  return { requests, ...(requests > 0 && { hitRatio: round(sumOf(HITS) / requests) }) };
}

/** Sums of one stream's players as they are stored. */
export interface QoeSums {
  readonly requests: number;
  readonly startups: number;
  readonly stalls: number;
  readonly figures: Readonly<Record<QoeFigure, { readonly sum: number; readonly count: number }>>;
}

/** Figures of such sums. */
export function qoeFigures({ requests, startups, stalls, figures }: QoeSums) {
  const means: { [K in QoeFigure]?: { mean: number; count: number } } = {};
  for (const figure of QOE_FIGURES) {
    const { sum, count } = figures[figure];
    if (count > 0) means[figure] = { mean: Math.round(sum / count), count };
  }
  return {
    requests,
    startups,
    stalls,
    ...(requests > 0 && { stallsPerThousand: round((1000 * stalls) / requests) }),
    ...means,
  };
}

const round = (value: number): number => Math.round(value * 10_000) / 10_000;
