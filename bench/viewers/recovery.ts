/**
 * 2,000 stock clients on many small shards below relays, and something dies: a relay, a shard, the whole workerd. How long until
 * every client has every event, and what was lost.
 */
import { setTimeout } from "node:timers/promises";
import { liveChannel } from "../../wire/live-events.ts";
import { Client } from "../edge/client.ts";
import { LiveEncoder, sharedNow } from "../edge/encoder.ts";
import { EdgeBench } from "../edge/harness.ts";
import type { Figure } from "../report.ts";
import { type Heard, Listeners } from "./listeners.ts";

const STREAM = "bench-recovery";
/** Sockets of a shard: so few that there are more shards than a LiveStream has branches. */
const SETTINGS = { SHARD_SOCKETS: "40", ADDRESS_SOCKETS: "100000" };
const LOOK_MS = 50;
const GIVE_UP_MS = 60_000;
/** The broadcast goes on for this long before something dies. */
const SETTLE_MS = 3_000;

/** What dies. */
interface Death {
  readonly what: string;
  readonly kill: (bench: EdgeBench, base: string) => Promise<void>;
}
const DEATHS: readonly Death[] = [
  { what: "a relay killed", kill: (_bench, base) => ask(base, "/_bench/kill?class=relay") },
  { what: "a shard killed", kill: (_bench, base) => ask(base, "/_bench/kill?class=shard") },
  { what: "the stream's object killed", kill: (_bench, base) => ask(base, "/_bench/kill?class=stream") },
  { what: "workerd killed and started again", kill: (bench) => bench.restart() },
];

/** Measure with so many clients. */
export async function measureRecovery(clients: number): Promise<readonly Figure[]> {
  const bench = await EdgeBench.start([{ name: "edge", entry: "sockets" }], SETTINGS);
  try {
    const base = bench.url("edge");
    const encoder = await LiveEncoder.start(base, STREAM);
    const url = `${base.replace(/^http/, "ws")}/connection/websocket?stream=${STREAM}`;
    const listeners = await Listeners.start(url, liveChannel(STREAM), clients);
    const figures: Figure[] = [];
    for (const death of DEATHS) figures.push(...(await measureDeath(death, bench, listeners, clients)));
    await listeners.close();
    await encoder.stop().catch(() => undefined);
    return figures;
  } finally {
    await bench.stop();
  }
}

async function measureDeath({ what, kill }: Death, bench: EdgeBench, listeners: Listeners, clients: number) {
  await setTimeout(SETTLE_MS);
  const before = await listeners.heard();
  const diedAt = sharedNow();
  await kill(bench, bench.url("edge"));
  const { after, seconds } = await untilWhole(listeners, clients, before.most, diedAt);
  const figures: readonly Figure[] = [
    {
      what: `${what}, ${clients.toLocaleString("en")} clients: until each has every event`,
      value: seconds,
      unit: "s",
      note: `${after.reconnects - before.reconnects} reconnects, ${after.most - before.most} events meanwhile`,
    },
    {
      what: `${what}: events lost`,
      value: after.lost - before.lost + (after.unrecovered - before.unrecovered),
      unit: "",
      target: { atMost: 0 },
      note: `${after.doubled - before.doubled} came twice`,
    },
  ];
  return figures;
}

/** Every client is subscribed, has what the furthest ahead has, and that is from after the death. */
async function untilWhole(listeners: Listeners, clients: number, mostBefore: number, diedAt: number) {
  /** What was newest when it was last looked. */
  let newest = mostBefore + 2;
  for (;;) {
    const after: Heard = await listeners.heard();
    const seconds = (sharedNow() - diedAt) / 1000;
    const isWhole = after.subscribed === clients && after.most >= newest && after.least >= newest;
    if (isWhole || seconds * 1000 > GIVE_UP_MS) return { after, seconds: isWhole ? seconds : Number.NaN };
    newest = Math.max(newest, after.most);
    await setTimeout(LOOK_MS);
  }
}

async function ask(base: string, path: string): Promise<void> {
  const client = new Client(base, 1);
  const { status, head } = await client.text(`${path}&stream=${STREAM}`, { method: "POST" });
  client.close();
  if (status !== 204) throw new Error(`${path}: ${status} ${head}`);
}
