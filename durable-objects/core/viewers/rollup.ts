/**
 * Counting who watches: the newest report of each shard, their sum, and what a broadcast's figures become of it. Pure.
 * A report says the whole of a shard's counts, so that one that comes twice or not at all leaves nothing wrong for long;
 * only what players said (`qoe`) is a difference, and is added up.
 */

import { mergeQoe } from "./histogram.ts";
import type { ShardReport } from "./viewer-messages.ts";

/** What all shards hold. */
export interface Totals {
  readonly shards: number;
  readonly sockets: number;
  /** People who watch, with a socket or without. */
  readonly viewers: number;
}

/** How many watched a broadcast, so far. */
export interface Watched {
  readonly peak: number;
  /** Since when it is counted, milliseconds since 1970. */
  readonly sinceMs: number;
  /** Until when `viewerMs` goes, and how many have watched since. */
  readonly atMs: number;
  readonly viewers: number;
  /** Time watched by all of them. */
  readonly viewerMs: number;
}

/** One report of each shard, as a relay passes them on: of several the newest counts, and what players said is added up. */
export function mergeReports(oldestFirst: readonly ShardReport[]): readonly ShardReport[] {
  const newest = new Map<string, ShardReport>();
  for (const report of oldestFirst) {
    const { qoe: before } = newest.get(report.shard) ?? {};
    const qoe = before && report.qoe ? mergeQoe(before, report.qoe) : (report.qoe ?? before);
    newest.set(report.shard, { ...report, ...(qoe !== undefined && { qoe }) });
  }
  return [...newest.values()];
}

/** Sum the newest report of each shard, and people without a socket. */
export function totalsOf(reports: Iterable<Pick<ShardReport, "sockets" | "playing">>, polled = 0): Totals {
  const totals = { shards: 0, sockets: 0, viewers: polled };
  for (const { sockets, playing } of reports) {
    totals.shards += 1;
    totals.sockets += sockets;
    totals.viewers += playing;
  }
  return totals;
}

/** Go on counting: from `atMs` on, `viewers` watch. Without a `before` the broadcast begins here. */
export function watchedOf(before: Watched | undefined, viewers: number, atMs: number): Watched {
  if (before === undefined) return { peak: viewers, sinceMs: atMs, atMs, viewers, viewerMs: 0 };
  // A clock that went back takes nothing away.
  const until = Math.max(before.atMs, atMs);
  return {
    peak: Math.max(before.peak, viewers),
    sinceMs: before.sinceMs,
    atMs: until,
    viewers,
    viewerMs: before.viewerMs + before.viewers * (until - before.atMs),
  };
}

/** How many watched at a time, on average; of no time at all: how many do. */
export const averageOf = ({ sinceMs, atMs, viewers, viewerMs }: Watched): number =>
  atMs > sinceMs ? viewerMs / (atMs - sinceMs) : viewers;
