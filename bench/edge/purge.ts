/**
 * From the answer of a purge to the last old byte that two edges serve, by the number of objects under its prefix. The edges are
 * two Workers of one bundle: an isolate each, with one cache between them, as two isolates of one data centre have.
 */
import { setTimeout } from "node:timers/promises";
import { median, percentile } from "../../test/support/browser.ts";
import type { Figure } from "../report.ts";
import { Client } from "./client.ts";
import { EdgeBench } from "./harness.ts";
import { createStream, operate } from "./operator.ts";

const PURGES = 100;
const TARGET_SECONDS = 1.2;
/** The slowest size less the fastest: what the random wait for a renewal makes of medians of 100 purges, and some. */
const TARGET_SPREAD_SECONDS = 0.15;
const EDGES = ["edge-1", "edge-2"] as const;
/** How often each edge is asked for each watched object. */
const POLL_MS = 5;
/** No old byte came for this long: it was the last one. Then a pause of its own length, or purges would keep step with renewals. */
const QUIET_MS = 250;
const MAX_PAUSE_MS = 500;
const GIVE_UP_MS = 10_000;
/** Objects that are put and read by one request. */
const FILL_BATCH = 50;
/** Objects other than the watched one that are looked at in the end. */
const SAMPLES = 50;

/** A broadcast with so many objects. */
interface Show {
  readonly objects: number;
  readonly broadcast: string;
}

/** Of one size. */
interface Taken {
  readonly objects: number;
  /** Each purge's, seconds. */
  readonly lags: readonly number[];
  /** How long each `POST /purge` took, seconds. */
  readonly asks: readonly number[];
  /** Samples that were old when they should not have been. */
  readonly stale: number;
  readonly samples: number;
}

/** Measure prefixes of 1, 1,000 and `most` objects, all at the same time. */
export async function measurePurge(most: number): Promise<readonly Figure[]> {
  const bench = await EdgeBench.start(EDGES.map((name) => ({ name, entry: "edge" })));
  try {
    const shows: Show[] = [];
    for (const objects of [1, 1000, most]) shows.push(await layOut(bench, objects));
    const taken = await Promise.all(shows.map((show) => measureShow(bench, show)));
    return figuresOf(taken);
  } finally {
    await bench.stop();
  }
}

/** A stream, and a broadcast of it with objects that are all in the cache. */
async function layOut(bench: EdgeBench, objects: number): Promise<Show> {
  const stream = `bench-purge-${objects}`;
  await createStream(bench.url(EDGES[0]), stream);
  const show: Show = { objects, broadcast: `${stream}-${"0".repeat(26)}` };
  const client = new Client(bench.url(EDGES[0]), 2);
  const batches = Array.from({ length: Math.ceil(objects / FILL_BATCH) }, (_, index) => index * FILL_BATCH);
  const fillNext = async (): Promise<void> => {
    for (let from = batches.pop(); from !== undefined; from = batches.pop()) {
      const count = Math.min(FILL_BATCH, objects - from);
      const path = `/_bench/fill?folder=${folderOf(show)}&from=${from}&count=${count}`;
      const { head } = await client.text(path, { method: "POST" });
      const { filled }: { filled?: number } = JSON.parse(head);
      if (filled !== count) throw new Error(`${filled} of ${count} objects could be read`);
    }
  };
  await Promise.all([fillNext(), fillNext()]);
  client.close();
  return show;
}

async function measureShow(bench: EdgeBench, show: Show): Promise<Taken> {
  const clients = EDGES.map((name) => new Client(bench.url(name), 1));
  const key = keyOf(show, 0);
  const lags: number[] = [];
  const asks: number[] = [];
  // What was filled in has another body than any that is put here: the first purge makes both edges know this one.
  await bench.bucket?.put(key, "body 0");
  await purgeOnce(bench, show, clients, "body 0");
  for (let index = 1; index <= PURGES; index += 1) {
    const [before, after] = [`body ${index - 1}`, `body ${index}`];
    await bench.bucket?.put(key, after);
    for (const client of clients) {
      const { head } = await client.text(`/${key}`);
      if (head !== before) throw new Error(`the cache did not hold what was to be purged: ${head}`);
    }
    const { lag, asked } = await purgeOnce(bench, show, clients, after);
    lags.push(lag);
    asks.push(asked);
    await setTimeout(Math.random() * MAX_PAUSE_MS);
  }
  const { stale, samples } = await lookAtOthers(bench, show, clients);
  for (const client of clients) client.close();
  return { objects: show.objects, lags, asks, stale, samples };
}

/** Purge, and watch both edges until neither has served anything but `fresh` for a while. */
async function purgeOnce(
  bench: EdgeBench,
  show: Show,
  clients: readonly Client[],
  fresh: string,
): Promise<{ readonly lag: number; readonly asked: number }> {
  let lastOld = 0;
  let isOver = false;
  const polling = clients.map(async (client) => {
    while (!isOver) {
      const { status, head } = await client.text(`/${keyOf(show, 0)}`);
      if (status !== 200 || head !== fresh) lastOld = performance.now();
      await setTimeout(POLL_MS);
    }
  });
  const watched = Promise.all(polling);
  const began = performance.now();
  await purge(bench, show);
  const answered = performance.now();
  while (performance.now() - Math.max(lastOld, answered) < QUIET_MS) {
    if (performance.now() - answered > GIVE_UP_MS) break;
    await Promise.race([setTimeout(POLL_MS), watched]);
  }
  isOver = true;
  await watched;
  return { lag: Math.max(0, lastOld - answered) / 1000, asked: (answered - began) / 1000 };
}

/** Does a purge reach what nobody looks at? Other objects are changed, purged, and read when that must have been enough. */
async function lookAtOthers(
  bench: EdgeBench,
  show: Show,
  clients: readonly Client[],
): Promise<{ readonly stale: number; readonly samples: number }> {
  const step = Math.max(1, Math.floor(show.objects / SAMPLES));
  const keys = Array.from({ length: Math.min(SAMPLES, show.objects - 1) }, (_, index) =>
    keyOf(show, show.objects - 1 - index * step),
  );
  for (const key of keys) await bench.bucket?.put(key, "another body");
  await purge(bench, show);
  await setTimeout(TARGET_SECONDS * 1000);
  let stale = 0;
  for (const client of clients) {
    for (const key of keys) if ((await client.text(`/${key}`)).head !== "another body") stale += 1;
  }
  return { stale, samples: keys.length };
}

const purge = (bench: EdgeBench, { broadcast }: Show) =>
  operate(bench.url(EDGES[0]), "/purge", { prefixes: [`/media/${broadcast}/`] });

const folderOf = ({ broadcast }: Show): string => `media/${broadcast}/1/v720`;
const keyOf = (show: Show, index: number): string => `${folderOf(show)}/seg-${index}.m4s`;

function figuresOf(taken: readonly Taken[]): readonly Figure[] {
  const p99Of = ({ lags }: Taken): number => percentile(lags, 0.99);
  const each = taken.flatMap((own): Figure[] => {
    const { objects, lags, asks, stale, samples } = own;
    const size = `${objects.toLocaleString("en")} object${objects === 1 ? "" : "s"}`;
    return [
      {
        what: `purge of ${size} to the last old byte, p99`,
        value: p99Of(own),
        unit: "s",
        target: { atMost: TARGET_SECONDS },
        note: `median ${median(lags).toFixed(2)} s, max ${Math.max(...lags).toFixed(2)} s, ${lags.length} purges; POST /purge took ${(1000 * median(asks)).toFixed(0)} ms`,
      },
      ...(samples === 0
        ? []
        : [
            {
              what: `purge of ${size}: objects nobody watched, old after ${TARGET_SECONDS} s`,
              value: stale,
              unit: "",
              target: { atMost: 0 },
              note: `${samples} looked at, in ${EDGES.length} edges`,
            },
          ]),
    ];
  });
  const largest = (taken.at(-1)?.objects ?? 0).toLocaleString("en");
  const spread = (statistic: string, of: (own: Taken) => number): Figure => {
    const seconds = taken.map(of);
    return {
      what: `purge of 1 to ${largest} objects: ${statistic} of the slowest size less the fastest`,
      value: Math.max(...seconds) - Math.min(...seconds),
      unit: "s",
      target: { atMost: TARGET_SPREAD_SECONDS },
      note: seconds.map((one) => `${one.toFixed(2)} s`).join(", "),
    };
  };
  return [...each, spread("median", ({ lags }) => median(lags)), spread("p99", p99Of)];
}
