/**
 * What a LiveStream, its relays and its viewer sets say to each other over RPC (docs/wire.md, "Between the Workers"). Types only.
 */
import type { StreamPosition } from "../../../wire/centrifugo.ts";

/** A publication of a channel. */
export interface LivePublication {
  /** Absent: it is in no history, the next one about the same replaces it. */
  readonly offset?: number;
  /** What one without an offset is about, where a channel has several such. */
  readonly about?: string;
  /** JSON text of a `LiveEvent` or a `ChatEvent`, passed on as it is. */
  readonly data: string;
  /** Of a huge room: it goes to moderators, owners and this user only. Absent: to everybody. It is in the history for all. */
  readonly only?: { readonly user: string };
}

/** Publications on their way to the sockets, oldest first. */
export interface Delivery {
  readonly channel: string;
  /** Where the channel is after them: a shard that is not there by then lacks some, and asks for them. */
  readonly position: StreamPosition;
  readonly publications: readonly LivePublication[];
  /** Whose sockets are to be closed after that: of those without a token in their path, or everybody's. */
  readonly leave?: "unsigned" | "all";
  /** Users who may not listen to the channel any more. */
  readonly out?: readonly string[];
}

/** Part of the tree below a LiveStream: a shard, or a relay that passes on to others. */
export type Branch =
  | { readonly shard: string }
  | { readonly relay: string; readonly branches: readonly Branch[] };

/** What a shard holds, as it says itself: the whole of it and no difference, so that a repeat does no harm. */
export interface ShardReport {
  /** `<stream>/<region>/<number>`. */
  readonly shard: string;
  readonly sockets: number;
  /** People who play: a person with three tabs is one. */
  readonly playing: number;
  /** Where it is in the channel; absent when it does not know. */
  readonly position?: StreamPosition;
  /** What players said since the report before; this one is a difference. */
  readonly qoe?: QoeCounts;
}

/** What players said of a stretch of time. */
export interface QoeCounts {
  readonly reports: number;
  readonly stalls: number;
  readonly stalledMs: number;
  readonly playedMs: number;
  readonly droppedFrames: number;
  readonly shownFrames: number;
  /** Counts by bucket of a log histogram (histogram.ts), sparse. */
  readonly startup: Readonly<Record<number, number>>;
  readonly latency: Readonly<Record<number, number>>;
  /** Reports by lines of the picture. */
  readonly heights: Readonly<Record<number, number>>;
}

/** What a LiveStream answers to reports. */
export interface ReportAnswer {
  readonly position: StreamPosition;
  /** People who watch the stream. */
  readonly viewers: number;
  /** Shards among those that reported which are to send their sockets away, a few at a time. */
  readonly draining: readonly string[];
  /** Whom they report to from now on: a relay's name, or the stream's object itself. */
  readonly parents: Readonly<Record<string, string | null>>;
}

/** What followed a position: all of it, or `complete: false` and the position of now. */
export interface Followed {
  readonly position: StreamPosition;
  readonly complete: boolean;
  readonly publications: readonly (LivePublication & { readonly offset: number })[];
}

/** The shards of a stream that take sockets, by region of the edge location. */
export interface ShardDirectory {
  readonly regions: Readonly<Record<string, readonly string[]>>;
  /** Shards that have sockets and take no more just now. */
  readonly others?: readonly string[];
}

/** Name of a shard. */
export const shardName = (stream: string, region: string, number: number): string =>
  `${stream}/${region}/${number}`;
