/** The process of a swarm's viewers (swarm.ts forks it): they have a processor of their own to be slow on. */
import { setTimeout } from "node:timers/promises";
import { Client } from "./client.ts";
import { type Seen, watch } from "./viewer.ts";

/** What swarm.ts hands over. */
export interface Orders {
  readonly base: string;
  readonly playlist: string;
  readonly viewers: number;
  readonly seconds: number;
}

/** What it hears: `begin` when measuring begins, `end` with what was seen. */
export type Told =
  | { readonly type: "begin" }
  | {
      readonly type: "end";
      readonly seconds: number;
      readonly cpuSeconds: number;
      readonly requests: number;
      readonly errors: Readonly<Record<string, number>>;
      readonly arrivals: Seen["arrivals"];
    };

/** Viewers come within this time: all at once would be another measurement. */
const ARRIVE_MS = 2000;
const SETTLE_MS = 3000;
/** Playlist and part of video and audio, each held. */
const CONNECTIONS_A_VIEWER = 4;

const tell = (told: Told) =>
  new Promise<void>((done, fail) => {
    process.send?.(told, (error: Error | null) => (error ? fail(error) : done()));
  });

const orders: Orders = JSON.parse(process.argv[2] ?? "");
const { base, playlist, viewers, seconds } = orders;
const stop = new AbortController();
const seen: Seen = { requests: 0, errors: new Map(), arrivals: [] };
const clients = Array.from({ length: viewers }, () => new Client(base, CONNECTIONS_A_VIEWER));
const watching = clients.map(async (client, index) => {
  await setTimeout((index * ARRIVE_MS) / viewers);
  await watch(client, playlist, seen, stop.signal);
});
await setTimeout(ARRIVE_MS + SETTLE_MS);
await tell({ type: "begin" });
const [since, cpuBefore] = [performance.now(), process.cpuUsage()];
seen.requests = 0;
seen.arrivals.length = 0;
await setTimeout(seconds * 1000);
const { user, system } = process.cpuUsage(cpuBefore);
await tell({
  type: "end",
  seconds: (performance.now() - since) / 1000,
  cpuSeconds: (user + system) / 1e6,
  requests: seen.requests,
  errors: Object.fromEntries(seen.errors),
  arrivals: seen.arrivals,
});
stop.abort();
for (const client of clients) client.close();
await Promise.all(watching);
process.disconnect();
