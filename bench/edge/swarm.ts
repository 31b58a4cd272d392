/** Does origin's work grow with viewers? One broadcast, more and more viewers, and what the edge asks of R2 and the stream's object. */
import { fork } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import * as v from "valibot";
import { median, percentile } from "../../test/support/browser.ts";
import { endChild } from "../../test/support/stack.ts";
import type { Figure } from "../report.ts";
import { type Counts, readCounts, sumOf } from "./counts.ts";
import { LiveEncoder, partKey } from "./encoder.ts";
import { EdgeBench } from "./harness.ts";
import type { Orders, Told } from "./viewers.ts";

const SIZES = [1, 10, 100, 400];
const TARGET_RATIO = 1.5;
const STREAM = "bench-swarm";
const EDGE = "edge";

type End = Extract<Told, { readonly type: "end" }>;

/** What the process of the viewers tells. */
const BeginSchema = v.object({ type: v.literal("begin") });
const EndSchema = v.object({
  type: v.literal("end"),
  seconds: v.number(),
  cpuSeconds: v.number(),
  requests: v.number(),
  errors: v.record(v.string(), v.number()),
  arrivals: v.array(v.tuple([v.number(), v.number(), v.number()])),
}) satisfies v.GenericSchema<End>;

interface Swarm {
  readonly viewers: number;
  readonly seen: End;
  /** Parts that the encoder published meanwhile. */
  readonly parts: number;
  readonly reads: number;
  readonly calls: number;
  /** Of workerd. */
  readonly cores: number;
  readonly latenciesMs: readonly number[];
  readonly counts: Counts;
}

/** Measure `seconds` of each size of audience. */
export async function measureSwarm(seconds: number): Promise<readonly Figure[]> {
  const bench = await EdgeBench.start([{ name: EDGE, entry: "edge" }]);
  try {
    const encoder = await LiveEncoder.start(bench.url(EDGE), STREAM);
    const swarms: Swarm[] = [];
    for (const viewers of SIZES) swarms.push(await runSwarm(bench, encoder, viewers, seconds));
    await encoder.stop();
    return figuresOf(swarms, encoder.late);
  } finally {
    await bench.stop();
  }
}

async function runSwarm(
  bench: EdgeBench,
  encoder: LiveEncoder,
  viewers: number,
  seconds: number,
): Promise<Swarm> {
  const base = bench.url(EDGE);
  const orders: Orders = { base, playlist: `/live/${STREAM}/index.m3u8`, viewers, seconds };
  const child = fork(join(import.meta.dirname, "viewers.ts"), [JSON.stringify(orders)]);
  try {
    await heard(child, BeginSchema);
    // Taken before the counts are asked for: a Worker that is busy answers late.
    const [cpuBefore, partsBefore] = [cpuSeconds(bench), encoder.publishedAt.size];
    const before = await readCounts(base);
    const seen = await heard(child, EndSchema);
    const cores = (cpuSeconds(bench) - cpuBefore) / seen.seconds;
    const parts = encoder.publishedAt.size - partsBefore;
    const counts = await readCounts(base, before);
    const latenciesMs = seen.arrivals.flatMap(([msn, part, at]) => {
      const published = encoder.publishedAt.get(partKey(msn, part));
      return published === undefined ? [] : [at - published];
    });
    const [reads, calls] = [sumOf(counts, "MEDIA."), sumOf(counts, "LIVE_STREAM.")];
    return { viewers, seen, parts, reads, calls, cores, latenciesMs, counts };
  } finally {
    await endChild(child);
  }
}

const cpuSeconds = (bench: EdgeBench): number => bench.workerd()?.cpuSeconds ?? Number.NaN;

/** Wait for one message of the viewers; another one, or their end before it, is an error. */
async function heard<const S extends v.GenericSchema>(
  child: ReturnType<typeof fork>,
  schema: S,
): Promise<v.InferOutput<S>> {
  const ended = new AbortController();
  try {
    const [told] = await Promise.race([
      once(child, "message", { signal: ended.signal }),
      once(child, "exit", { signal: ended.signal }).then(([code]) => {
        throw new Error(`the viewers ended: ${code}`);
      }),
    ]);
    return v.parse(schema, told);
  } finally {
    ended.abort();
  }
}

function figuresOf(swarms: readonly Swarm[], latePublished: number): readonly Figure[] {
  const each = swarms.flatMap(
    ({ viewers, seen, parts, reads, calls, cores, latenciesMs, counts }): Figure[] => {
      const audience = `${viewers} viewer${viewers === 1 ? "" : "s"}`;
      const errors = Object.entries(seen.errors).map(([what, times]) => `${what} (${times})`);
      return [
        {
          what: `${audience}: R2 reads`,
          value: reads / seen.seconds,
          unit: "/s",
          note: `${(reads / parts).toFixed(1)} a part`,
        },
        {
          what: `${audience}: LiveStream calls`,
          value: calls / seen.seconds,
          unit: "/s",
          note: `${(calls / parts).toFixed(1)} a part; all calls: ${toldOf(counts, seen.seconds)}`,
        },
        {
          what: `${audience}: requests`,
          value: seen.requests / seen.seconds,
          unit: "/s",
          note: `workerd ${cores.toFixed(2)} cores, the viewers ${(seen.cpuSeconds / seen.seconds).toFixed(2)}`,
        },
        {
          what: `${audience}: errors`,
          value: Object.values(seen.errors).reduce((sum, times) => sum + times, 0),
          unit: "",
          note: errors.join(", "),
        },
        {
          what: `${audience}: part published to part received, median`,
          value: median(latenciesMs),
          unit: "ms",
          note: `p99 ${percentile(latenciesMs, 0.99).toFixed(0)} ms, ${latenciesMs.length} arrivals of ${parts} parts`,
        },
      ];
    },
  );
  const [first, last] = [swarms[0], swarms.at(-1)];
  if (!first || !last) return each;
  // For each part: an encoder that a busy machine holds up publishes fewer of them, and that would flatter us.
  const ratio = (what: string, of: (swarm: Swarm) => number): Figure => ({
    what: `${what} for each part, ${last.viewers} viewers against ${first.viewers}`,
    value: of(last) / last.parts / (of(first) / first.parts),
    unit: "x",
    target: { atMost: TARGET_RATIO },
    note: `by the second ${(of(last) / last.seen.seconds / (of(first) / first.seen.seconds)).toFixed(2)} x`,
  });
  return [
    ...each,
    ratio("R2 reads", ({ reads }) => reads),
    ratio("LiveStream calls", ({ calls }) => calls),
    {
      what: "parts that the encoder published half a second late",
      value: latePublished,
      unit: "",
      note: "of all sizes; R2, objects, edge and origin are one thread here",
    },
  ];
}

const toldOf = (counts: Counts, seconds: number): string =>
  Object.entries(counts)
    .map(([name, times]) => `${name} ${(times / seconds).toFixed(1)}`)
    .join(", ");
