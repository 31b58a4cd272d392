/**
 * What viewers cost on Cloudflare: counted requests times list prices (docs/operations.md, "What it costs"). Pure arithmetic; the
 * prices are of the workers-paid plan in late 2026, without its included amounts and its $5 a month.
 */
import type { Figure } from "../report.ts";

/** Dollars. */
const PRICES = {
  /** Of a Worker, and of a million milliseconds of its CPU. */
  workerRequest: 0.3 / 1e6,
  workerCpuMs: 0.02 / 1e6,
  /** Of a Durable Object; twenty incoming WebSocket messages count as one. */
  objectRequest: 0.15 / 1e6,
  objectMessage: 0.15 / 20 / 1e6,
  /** Of an object that is awake, second. */
  objectSecond: 0.128 * (12.5 / 1e6),
  rowWritten: 1 / 1e6,
  r2Read: 0.36 / 1e6,
} as const;

/** What a viewer's player asks for each second. */
export interface ViewerRequests {
  readonly media: number;
  readonly playlists: number;
}

/** What the sums rest on, besides the counted requests. */
export const ASSUMED = {
  /** CPU of a request that a cache answers, as `npm run bench -- --only segment` measured it and rounded up, ms. */
  cpuMs: 0.5,
  /** Locations with a cache of their own that a show is watched at. */
  locations: 50,
  socketsAShard: 4_000,
  fanOut: 32,
  /** Parts a second of `low`, each an event of its own. */
  partsASecond: 2,
  /** A player says how far it is after 48 events (10 s of `ultra`), and reports every 10 s; pings are answered without waking anybody. */
  messagesASecond: 1 / 10 + 1 / 10,
  /** Upgrade, page, timeline, status: of a viewer's whole visit of half an hour. */
  startRequests: 25,
  visitSeconds: 1_800,
  /** Objects of R2 a second of a show: two renditions of parts, and their segments. */
  objectsASecond: 5,
} as const;

const VIEWERS = [100, 10_000, 1_000_000] as const;
const HOUR = 3_600;

/** One way of watching, for an hour, by so many viewers: dollars for 1,000 viewer-hours. */
export function costOf(viewers: number, requests: ViewerRequests, isPushed: boolean): number {
  const asked =
    viewers * HOUR * (requests.media + requests.playlists + ASSUMED.startRequests / ASSUMED.visitSeconds);
  const worker = asked * (PRICES.workerRequest + ASSUMED.cpuMs * PRICES.workerCpuMs);
  // What caches do not have: each location asks once for each object, however many watch there.
  const locations = Math.min(viewers, ASSUMED.locations);
  const origin =
    locations *
    HOUR *
    (ASSUMED.objectsASecond * PRICES.r2Read + 2 * requests.playlists * PRICES.objectRequest);
  const stream = HOUR * PRICES.objectSecond;
  const total = worker + origin + stream + (isPushed ? socketCost(viewers) : 0);
  return total / (viewers / 1000);
}

/** Of the sockets of so many viewers, for an hour. */
function socketCost(viewers: number): number {
  const shards = Math.ceil(viewers / ASSUMED.socketsAShard);
  const relays = shards > ASSUMED.fanOut ? Math.ceil(shards / ASSUMED.fanOut) : 0;
  const awake = (shards + relays) * HOUR * PRICES.objectSecond;
  // Deliveries down, and a report up for each shard and second.
  const calls = (shards + relays) * HOUR * (ASSUMED.partsASecond + 1) * PRICES.objectRequest;
  const messages = viewers * HOUR * ASSUMED.messagesASecond * PRICES.objectMessage;
  const rows = HOUR * ASSUMED.partsASecond * 2 * PRICES.rowWritten;
  return awake + calls + messages + rows;
}

/** A table's figures: each way of watching by each number of viewers. */
export function costFigures(counted: Readonly<Record<string, ViewerRequests>>): readonly Figure[] {
  return Object.entries(counted).flatMap(([name, requests]) =>
    VIEWERS.map(
      (viewers): Figure => ({
        what: `1,000 viewer-hours with ${viewers.toLocaleString("en")} viewers, ${name}`,
        value: costOf(viewers, requests, name.includes("pushed")),
        unit: "$",
        note: `${(requests.media + requests.playlists).toFixed(2)} requests a second each`,
      }),
    ),
  );
}
