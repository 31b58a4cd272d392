/**
 * What players say of themselves, summed up: counts, and sparse log histograms whose quantiles are at most 5 % off
 * (the buckets of DDSketch, VLDB 2019). Pure; sums are the same in whatever order they are made.
 */
import type { Qoe } from "../../../wire/player-report.ts";
import type { QoeCounts } from "./viewer-messages.ts";

const RELATIVE_ERROR = 0.05;
/** Each bucket ends this many times later than the one before. */
const GROWTH = (1 + RELATIVE_ERROR) / (1 - RELATIVE_ERROR);
/** Pictures that are told apart; players could name thousands. */
const MAX_HEIGHTS = 24;

/** Counts by bucket. */
export type Histogram = Readonly<Record<number, number>>;

/** What players said, for people to read. What nobody said is absent. */
export interface QoeSummary {
  readonly reports: number;
  readonly startupMs?: Percentiles;
  /** Behind the camera. */
  readonly latencyMs?: Percentiles;
  readonly stalls: number;
  /** Share of the time that stood still, of all time that was played or stood still. */
  readonly stallRatio?: number;
  /** Share of the frames that were due. */
  readonly droppedRatio?: number;
  /** Shares of the reports by lines of the picture, lowest first; 0 is sound alone. */
  readonly heights: readonly { readonly height: number; readonly share: number }[];
}

export interface Percentiles {
  /** Values they are of. */
  readonly count: number;
  readonly p50: number;
  readonly p95: number;
}

export const NO_QOE: QoeCounts = {
  reports: 0,
  stalls: 0,
  stalledMs: 0,
  playedMs: 0,
  droppedFrames: 0,
  shownFrames: 0,
  startup: {},
  latency: {},
  heights: {},
};

/** Bucket of a time; all up to 1 ms is in bucket 0. */
export const bucketOf = (ms: number): number => (ms <= 1 ? 0 : Math.ceil(Math.log(ms) / Math.log(GROWTH)));

/** The time that is at most 5 % from all of a bucket, milliseconds. */
export const valueOfBucket = (bucket: number): number => (2 * GROWTH ** bucket) / (GROWTH + 1);

/** The value below which a share `q` (0 to 1) of all lies, milliseconds; `undefined` when there is none. */
export function quantile(counts: Histogram, q: number): number | undefined {
  const buckets = entriesOf(counts).toSorted(([a], [b]) => a - b);
  // Nearest rank, and at least the first.
  const rank = Math.max(1, Math.ceil(q * countOf(counts)));
  let seen = 0;
  for (const [bucket, count] of buckets) {
    seen += count;
    if (seen >= rank) return valueOfBucket(bucket);
  }
  return undefined;
}

/** Add what one player said. */
export const addQoe = (counts: QoeCounts, qoe: Qoe): QoeCounts =>
  mergeQoe(counts, {
    reports: 1,
    stalls: qoe.stalls,
    stalledMs: qoe.stalledMs,
    playedMs: qoe.playedMs,
    droppedFrames: qoe.droppedFrames,
    shownFrames: qoe.shownFrames,
    startup: qoe.startupMs === undefined ? {} : { [bucketOf(qoe.startupMs)]: 1 },
    latency: qoe.latencyMs === undefined ? {} : { [bucketOf(qoe.latencyMs)]: 1 },
    heights: qoe.height === undefined ? {} : { [qoe.height]: 1 },
  });

/** Sum two stretches of time. */
export const mergeQoe = (a: QoeCounts, b: QoeCounts): QoeCounts => ({
  reports: a.reports + b.reports,
  stalls: a.stalls + b.stalls,
  stalledMs: a.stalledMs + b.stalledMs,
  playedMs: a.playedMs + b.playedMs,
  droppedFrames: a.droppedFrames + b.droppedFrames,
  shownFrames: a.shownFrames + b.shownFrames,
  startup: sum(a.startup, b.startup),
  latency: sum(a.latency, b.latency),
  heights: sumHeights(a.heights, b.heights),
});

/** Say it for people. */
export function summaryOf(counts: QoeCounts): QoeSummary {
  const startupMs = percentilesOf(counts.startup);
  const latencyMs = percentilesOf(counts.latency);
  const stallRatio = shareOf(counts.stalledMs, counts.playedMs);
  const droppedRatio = shareOf(counts.droppedFrames, counts.shownFrames);
  const pictures = countOf(counts.heights);
  return {
    reports: counts.reports,
    ...(startupMs !== undefined && { startupMs }),
    ...(latencyMs !== undefined && { latencyMs }),
    stalls: counts.stalls,
    ...(stallRatio !== undefined && { stallRatio }),
    ...(droppedRatio !== undefined && { droppedRatio }),
    heights: entriesOf(counts.heights)
      .toSorted(([a], [b]) => a - b)
      .map(([height, count]) => ({ height, share: count / pictures })),
  };
}

function percentilesOf(counts: Histogram): Percentiles | undefined {
  const [p50, p95] = [quantile(counts, 0.5), quantile(counts, 0.95)];
  return p50 === undefined || p95 === undefined ? undefined : { count: countOf(counts), p50, p95 };
}

const shareOf = (bad: number, good: number): number | undefined =>
  bad + good > 0 ? bad / (bad + good) : undefined;

const entriesOf = (counts: Histogram): readonly (readonly [number, number])[] =>
  Object.entries(counts).map(([key, count]) => [Number(key), count]);

const countOf = (counts: Histogram): number => Object.values(counts).reduce((all, count) => all + count, 0);

function sum(a: Histogram, b: Histogram): Histogram {
  const all: Record<number, number> = { ...a };
  for (const [key, count] of entriesOf(b)) all[key] = (all[key] ?? 0) + count;
  return all;
}

/** Past the most that are told apart, a height counts as the nearest one that is known. */
function sumHeights(a: Histogram, b: Histogram): Histogram {
  const all: Record<number, number> = { ...a };
  for (const [height, count] of entriesOf(b)) {
    const known = Object.keys(all).map(Number);
    const isRoomLeft = height in all || known.length < MAX_HEIGHTS;
    const key = isRoomLeft ? height : nearestOf(known, height);
    all[key] = (all[key] ?? 0) + count;
  }
  return all;
}

const nearestOf = (all: readonly number[], height: number): number =>
  all.reduce((best, one) => (Math.abs(one - height) < Math.abs(best - height) ? one : best));
