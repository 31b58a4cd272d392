/** What one isolate has counted since it last reported. An accumulator in memory; when it is sent stands in workers/edge/counting.ts. */
import {
  type EdgeReport,
  MAX_REPORT_STREAMS,
  OUTCOMES,
  type Outcome,
  QOE_FIGURES,
  type QoeCounts,
  type QoeFigure,
  type StreamCounts,
} from "../../../wire/edge-report.ts";
import type { Cmcd, ListedInteger } from "./cmcd.ts";

/** Streams that are counted between two reports; those that come later are not. */
const MAX_STREAMS = 5000;

/** Figures above these are no honest player's, and would spoil an average: kbit/s, and milliseconds. */
const PLAUSIBLE: Readonly<Record<QoeFigure, number>> = {
  bitrate: 200_000,
  buffer: 3_600_000,
  throughput: 10_000_000,
  latency: 86_400_000,
  startDelay: 600_000,
};

type Mutable<T> = { -readonly [K in keyof T]: T[K] };
type Outcomes = Record<Outcome, number>;
interface Counts {
  readonly media: Outcomes;
  readonly playlists: Outcomes;
  bucketReads: number;
  streamCalls: number;
}
type Qoe = Pick<Mutable<QoeCounts>, "requests" | "startups" | "stalls"> &
  Readonly<Record<QoeFigure, { sum: number; count: number }>>;

export class Tally {
  readonly #maxStreams: number;
  #counts = new Map<string, Counts>();
  #qoe = new Map<string, Qoe>();

  constructor(maxStreams = MAX_STREAMS) {
    this.#maxStreams = maxStreams;
  }

  /** A request was answered. */
  answered(what: "media" | "playlists", stream: string, outcome: Outcome): void {
    const counts = this.#countsOf(stream);
    if (counts) counts[what][outcome] += 1;
  }

  bucketRead(stream: string): void {
    const counts = this.#countsOf(stream);
    if (counts) counts.bucketReads += 1;
  }

  streamCall(stream: string): void {
    const counts = this.#countsOf(stream);
    if (counts) counts.streamCalls += 1;
  }

  /** A player said something of itself. */
  heard(stream: string, cmcd: Cmcd): void {
    const qoe = this.#qoeOf(stream);
    if (!qoe) return;
    qoe.requests += 1;
    if (cmcd.su) qoe.startups += 1;
    if (cmcd.bs) qoe.stalls += 1;
    for (const figure of QOE_FIGURES) {
      const value = figureOf(cmcd, figure);
      if (value === undefined) continue;
      qoe[figure].sum += value;
      qoe[figure].count += 1;
    }
  }

  /** All that was counted, in reports of the largest size that origin takes; counting begins anew. */
  take(): readonly EdgeReport[] {
    const counts: StreamCounts[] = [...this.#counts].map(([stream, its]) => ({ ...its, stream }));
    const qoe: QoeCounts[] = [...this.#qoe].map(([stream, its]) => ({ ...its, stream }));
    [this.#counts, this.#qoe] = [new Map(), new Map()];
    const pages = Math.ceil(Math.max(counts.length, qoe.length) / MAX_REPORT_STREAMS);
    return Array.from({ length: pages }, (_, page) => {
      const [first, end] = [page * MAX_REPORT_STREAMS, (page + 1) * MAX_REPORT_STREAMS];
      return { counts: counts.slice(first, end), qoe: qoe.slice(first, end) };
    });
  }

  /** A report that could not be sent is counted again. */
  putBack({ counts, qoe }: EdgeReport): void {
    for (const { stream, media, playlists, bucketReads, streamCalls } of counts) {
      const its = this.#countsOf(stream);
      if (!its) continue;
      for (const outcome of OUTCOMES) {
        its.media[outcome] += media[outcome] ?? 0;
        its.playlists[outcome] += playlists[outcome] ?? 0;
      }
      its.bucketReads += bucketReads;
      its.streamCalls += streamCalls;
    }
    for (const { stream, ...more } of qoe) {
      const its = this.#qoeOf(stream);
      if (!its) continue;
      for (const key of ["requests", "startups", "stalls"] as const) its[key] += more[key];
      for (const figure of QOE_FIGURES) {
        its[figure].sum += more[figure].sum;
        its[figure].count += more[figure].count;
      }
    }
  }

  #countsOf(stream: string): Counts | undefined {
    const known = this.#counts.get(stream);
    if (known || this.#counts.size >= this.#maxStreams) return known;
    const made = { media: noOutcomes(), playlists: noOutcomes(), bucketReads: 0, streamCalls: 0 };
    this.#counts.set(stream, made);
    return made;
  }

  #qoeOf(stream: string): Qoe | undefined {
    const known = this.#qoe.get(stream);
    if (known || this.#qoe.size >= this.#maxStreams) return known;
    const none = () => ({ sum: 0, count: 0 });
    const made = {
      requests: 0,
      startups: 0,
      stalls: 0,
      bitrate: none(),
      buffer: none(),
      throughput: none(),
      latency: none(),
      startDelay: none(),
    };
    this.#qoe.set(stream, made);
    return made;
  }
}

/** What CMCD says of one figure, if that is plausible. */
export function figureOf(cmcd: Cmcd, figure: QoeFigure): number | undefined {
  const value = saidOf(cmcd, figure);
  return value === undefined || value > PLAUSIBLE[figure] ? undefined : value;
}

function saidOf(cmcd: Cmcd, figure: QoeFigure): number | undefined {
  switch (figure) {
    case "bitrate":
      return videoBitrate(cmcd);
    case "buffer":
      // Playback stops when the shortest buffer is empty.
      return cmcd.bl && Math.min(...cmcd.bl.map(({ value }) => value));
    case "throughput":
      return ofObject(cmcd, cmcd.mtp ?? []);
    case "latency":
      return cmcd.ltc;
    case "startDelay":
      return cmcd.msd;
  }
}

/** Sound comes along with every picture: counted together, the average would be nobody's. */
function videoBitrate({ br = [], ot }: Cmcd): number | undefined {
  const video = br.find(({ objectType }) => objectType === "v" || objectType === "av");
  if (video) return video.value;
  const isVideo = ot === undefined || ot === "v" || ot === "av";
  return isVideo ? br.find(({ objectType }) => objectType === undefined)?.value : undefined;
}

/** The value that is about the object that is asked for, or about none in particular. */
const ofObject = ({ ot }: Cmcd, values: readonly ListedInteger[]): number | undefined =>
  (values.find(({ objectType }) => objectType !== undefined && objectType === ot) ?? values[0])?.value;

const noOutcomes = (): Outcomes => ({
  hit: 0,
  stale: 0,
  collapsed: 0,
  cold: 0,
  expired: 0,
  purged: 0,
  range: 0,
  error: 0,
});
