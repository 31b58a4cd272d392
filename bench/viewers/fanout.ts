/**
 * One part event to 10,000 sockets: from the moment that the encoder posts it until it is at each of them. Next to it, in the same
 * run and with the same sockets: objects that only loop `send`, a Node server with `ws`, and nginx with nchan.
 */
import { execFileSync, fork } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { median, percentile } from "../../test/support/browser.ts";
import { liveChannel } from "../../wire/live-events.ts";
import { Client } from "../edge/client.ts";
import { LiveEncoder, partKey, sharedNow } from "../edge/encoder.ts";
import { EdgeBench } from "../edge/harness.ts";
import type { Figure } from "../report.ts";
import { startNchan } from "./peer-nchan.ts";
import { SocketPool } from "./pool.ts";

const SHARDS = 3;
/** Events of one figure, after some that are not looked at. */
const EVENTS = 20;
const WARM_EVENTS = 4;
const PART_MS = 500;
const TARGET_RATIO = 1.3;
const STREAM = "bench-fanout";
/** So many sockets a shard that 10,000 make three of them. */
const SETTINGS = { SHARD_SOCKETS: "4500", ADDRESS_SOCKETS: "100000" };

/** How an event got to the sockets. */
interface Spread {
  /** Of each event, milliseconds until half of the sockets had it, 99 of 100, and all. */
  readonly half: readonly number[];
  readonly most: readonly number[];
  readonly all: readonly number[];
  /** Sockets times events, and how many of those arrived. */
  readonly expected: number;
  readonly delivered: number;
}

/** Measure with so many sockets, or as many as one workerd may hold here. */
export async function measureFanout(wanted: number): Promise<readonly Figure[]> {
  const sockets = Math.min(wanted, mostSockets());
  const bare = await inWorkerd((base) => measureBare(base, sockets));
  const ours = await inWorkerd((base) => measureOurs(base, sockets));
  const hopMs = await inWorkerd(measureHop);
  // Once more, for what the machine did meanwhile.
  const bareAgain = await inWorkerd((base) => measureBare(base, sockets));
  const peers = [
    { name: "a Node server with ws", spread: await measureWs(sockets) },
    { name: "nginx with nchan", spread: await measureNchan(sockets) },
  ];
  return [
    ...figuresOf(sockets, ours, joined(bare, bareAgain), peers),
    {
      what: "a call from one object to another",
      value: 1000 * hopMs,
      unit: "us",
      note: `of ${HOPS} one after the other, in one process`,
    },
    {
      what: "a shard's time for each socket, at most",
      value: (1000 * median(ours.all)) / sockets,
      unit: "us",
      note: "with what the client takes, on the same two cores",
    },
  ];
}

/** Milliseconds of one call. */
async function measureHop(base: string): Promise<number> {
  const client = new Client(base, 1);
  const time = async (calls: number): Promise<number> => {
    const began = sharedNow();
    await client.text(`/_bench/hops?calls=${calls}`);
    return sharedNow() - began;
  };
  await time(HOPS);
  // Less what a request takes that makes none.
  const ms = (await time(HOPS)) - (await time(0));
  client.close();
  return ms / HOPS;
}
const HOPS = 2_000;

/** Sockets that fit one workerd: each takes two files of it, and some are for other things. */
function mostSockets(): number {
  const limit = Number(execFileSync("sh", ["-c", "ulimit -Hn"], { encoding: "utf8" }));
  return Number.isNaN(limit) ? Number.POSITIVE_INFINITY : Math.floor((limit - OTHER_FILES) / 2);
}
const OTHER_FILES = 200;

/** A workerd of its own for each: one does not give the files of closed sockets back at once. */
async function inWorkerd<T>(measure: (base: string) => Promise<T>): Promise<T> {
  const bench = await EdgeBench.start([{ name: "edge", entry: "sockets" }], SETTINGS);
  try {
    return await measure(bench.url("edge"));
  } finally {
    await bench.stop();
  }
}

/** A path of `count` sockets, spread over the objects. */
const spreadUrls = (base: string, count: number, pathOf: (object: number) => string): readonly string[] =>
  Array.from({ length: count }, (_, index) => base.replace(/^http/, "ws") + pathOf(index % SHARDS));

async function measureOurs(base: string, sockets: number): Promise<Spread> {
  const encoder = await LiveEncoder.start(base, STREAM);
  const hello = [
    JSON.stringify({ id: 1, connect: {} }),
    JSON.stringify({ id: 2, subscribe: { channel: liveChannel(STREAM) } }),
  ];
  const urls = spreadUrls(base, sockets, () => `/connection/websocket?stream=${STREAM}`);
  const pool = await SocketPool.open(urls, hello, '"id":2,"subscribe"');
  try {
    return await watch(sockets, async () => {
      // The part after the next one: its event is not under way yet.
      const { msn, part } = encoder.ahead(2);
      const at = await pool.arrivals(`"msn":${msn},"part":${part},`, () =>
        setTimeout(3 * PART_MS).then(() => undefined),
      );
      return { at, sentAt: encoder.publishedAt.get(partKey(msn, part)) ?? Number.NaN };
    });
  } finally {
    await pool.close();
    await encoder.stop();
  }
}

async function measureBare(base: string, sockets: number): Promise<Spread> {
  const pool = await SocketPool.open(spreadUrls(base, sockets, (object) => `/_bench/bare?object=${object}`));
  try {
    return await measurePosted(pool, sockets, base, `/_bench/bare?objects=${SHARDS}`);
  } finally {
    await pool.close();
  }
}

async function measureWs(sockets: number): Promise<Spread> {
  const child = fork(join(import.meta.dirname, "peer-ws.ts"));
  const [port] = await once(child, "message");
  const base = `http://127.0.0.1:${String(port)}`;
  const pool = await SocketPool.open(spreadUrls(base, sockets, () => "/"));
  try {
    return await measurePosted(pool, sockets, base, "/");
  } finally {
    await pool.close();
    child.kill("SIGKILL");
  }
}

async function measureNchan(sockets: number): Promise<Spread | undefined> {
  const nchan = await startNchan();
  if (!nchan) return undefined;
  const pool = await SocketPool.open(spreadUrls(nchan.base, sockets, () => "/sub"));
  try {
    return await measurePosted(pool, sockets, nchan.base, "/pub");
  } finally {
    await pool.close();
    await nchan.stop();
  }
}

/** Post messages of the length of an event to somebody who sends them on. */
async function measurePosted(pool: SocketPool, sockets: number, base: string, path: string): Promise<Spread> {
  const client = new Client(base, 1);
  let number = 0;
  try {
    return await watch(sockets, async () => {
      number += 1;
      const mark = `"event":${number},`;
      let sentAt = 0;
      const at = await pool.arrivals(mark, async () => {
        sentAt = sharedNow();
        const { status } = await client.ask(path, { method: "POST", body: eventLike(mark) });
        if (status > 299) throw new Error(`posting a message: ${status}`);
      });
      return { at, sentAt };
    });
  } finally {
    client.close();
  }
}

/** As long as the event of a part with a video and an audio rendition. */
const EVENT_LETTERS = 330;
const eventLike = (mark: string): string => `{${mark}"data":"`.padEnd(EVENT_LETTERS - 2, "x").concat('"}');

async function watch(
  sockets: number,
  one: () => Promise<{ readonly at: readonly number[]; readonly sentAt: number }>,
): Promise<Spread> {
  const half: number[] = [];
  const most: number[] = [];
  const all: number[] = [];
  let delivered = 0;
  for (let event = 0; event < WARM_EVENTS + EVENTS; event += 1) {
    const { at, sentAt } = await one();
    if (event < WARM_EVENTS) continue;
    const took = at.map((arrived) => arrived - sentAt);
    delivered += took.length;
    half.push(median(took));
    most.push(percentile(took, 0.99));
    all.push(Math.max(...took));
  }
  return { half, most, all, expected: EVENTS * sockets, delivered };
}

const joined = (a: Spread, b: Spread): Spread => ({
  half: [...a.half, ...b.half],
  most: [...a.most, ...b.most],
  all: [...a.all, ...b.all],
  expected: a.expected + b.expected,
  delivered: a.delivered + b.delivered,
});

function figuresOf(
  sockets: number,
  ours: Spread,
  bare: Spread,
  peers: readonly { readonly name: string; readonly spread: Spread | undefined }[],
): readonly Figure[] {
  const many = sockets.toLocaleString("en");
  const noteOf = ({ half, all }: Spread): string =>
    `half of the sockets after ${median(half).toFixed(0)} ms, all after ${median(all).toFixed(0)} ms; medians of ${half.length} events`;
  const lines = [
    { name: `${SHARDS} objects that only loop send`, spread: bare },
    ...peers.flatMap(({ name, spread }) => (spread ? [{ name, spread }] : [])),
  ];
  return [
    {
      what: `one part event to ${many} sockets on ${SHARDS} shards, p99`,
      value: median(ours.most),
      unit: "ms",
      note: noteOf(ours),
    },
    {
      what: "events that did not arrive",
      value: ours.expected - ours.delivered,
      unit: "",
      target: { atMost: 0 },
      note: `of ${ours.expected.toLocaleString("en")}`,
    },
    ...lines.map(
      ({ name, spread }): Figure => ({
        what: `the same by ${name}, p99`,
        value: median(spread.most),
        unit: "ms",
        note: noteOf(spread),
      }),
    ),
    {
      what: "shards against objects that only loop send, p99",
      value: median(ours.most) / median(bare.most),
      unit: "x",
      target: { atMost: TARGET_RATIO },
      note: `median ${(median(ours.half) / median(bare.half)).toFixed(2)} x; ours counts from the encoder's request on`,
    },
  ];
}
