/** A segment that is cached: our edge against a Worker that only looks into the same cache, and against nginx with the same file. */
import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { median, percentile } from "../../test/support/browser.ts";
import { endChild, freePort, until } from "../../test/support/stack.ts";
import type { Figure } from "../report.ts";
import { Client } from "./client.ts";
import { readCounts, sumOf } from "./counts.ts";
import { EdgeBench } from "./harness.ts";

const NGINX = "/usr/sbin/nginx";
const TARGET_OVERHEAD = 1.15;
const ROUNDS = 5;
const CONNECTIONS = 16;
/** A broadcast that nobody began: the edge serves what is in the bucket. */
const FOLDER = `media/bench-segment-${"0".repeat(26)}/1/v720`;

/** An object, and how long each server is asked for it in each round: alone, and by many at once. */
const OBJECTS = [
  { name: "1 MB", file: "seg-1.m4s", bytes: 1_000_000, aloneMs: 1000, manyMs: 1500, isJudged: true },
  { name: "64 KB", file: "seg-2.m4s", bytes: 64_000, aloneMs: 500, manyMs: 700, isJudged: false },
] as const;
type Measured = (typeof OBJECTS)[number];

interface Server {
  readonly name: string;
  readonly base: string;
}

/** One server and one object, over all rounds. */
interface Taken {
  readonly server: string;
  /** Each round's median, and its 99th percentile. */
  readonly medianUs: number[];
  readonly p99Us: number[];
  readonly perSecond: number[];
}

/** Measure all servers in turn, round after round, so that they share the machine's noise. */
export async function measureSegment(): Promise<readonly Figure[]> {
  const bench = await EdgeBench.start([
    { name: "edge", entry: "edge" },
    { name: "bare", entry: "bare" },
  ]);
  const nginx = await startNginx();
  try {
    const servers: Server[] = [
      { name: "edge", base: bench.url("edge") },
      { name: "bare Worker", base: bench.url("bare") },
      ...(nginx ? [{ name: "nginx", base: nginx.base }] : []),
    ];
    const figures: Figure[] = [];
    for (const object of OBJECTS) {
      const path = `/${FOLDER}/${object.file}`;
      await fill(bench, path, object.bytes);
      figures.push(...figuresOf(object, await measureRounds(servers, path, object)));
    }
    return figures;
  } finally {
    await nginx?.stop();
    await bench.stop();
  }
}

/** Put the object where each Worker finds it; the edge's first answer fills its cache. */
async function fill(bench: EdgeBench, path: string, bytes: number): Promise<void> {
  const body = Buffer.alloc(bytes, 7);
  await bench.bucket?.put(path.slice(1), body);
  const filled = await fetch(bench.url("bare") + path, { method: "POST", body });
  if (filled.status !== 204) throw new Error(`filling the bare Worker's cache: ${filled.status}`);
  await until("the edge to have it in its cache", async () => {
    const before = await readsOf(bench);
    const answer = await fetch(bench.url("edge") + path);
    if (!answer.ok) throw new Error(`the edge: ${answer.status}`);
    await answer.arrayBuffer();
    return (await readsOf(bench)) === before ? true : undefined;
  });
}

const readsOf = async (bench: EdgeBench): Promise<number> =>
  sumOf(await readCounts(bench.url("edge")), "MEDIA.");

async function measureRounds(
  servers: readonly Server[],
  path: string,
  { bytes, aloneMs, manyMs }: Measured,
): Promise<readonly Taken[]> {
  const taken = servers.map(
    ({ name }): Taken => ({ server: name, medianUs: [], p99Us: [], perSecond: [] }),
  );
  for (let round = -1; round < ROUNDS; round += 1) {
    for (const [index, { base }] of servers.entries()) {
      const alone = await load(base, path, bytes, 1, aloneMs);
      const many = await load(base, path, bytes, CONNECTIONS, manyMs);
      const own = taken[index];
      // The first round warms up: compilers, connections, the page cache.
      if (!own || round < 0) continue;
      own.medianUs.push(median(alone.timesUs));
      own.p99Us.push(percentile(alone.timesUs, 0.99));
      own.perSecond.push(many.timesUs.length / many.seconds);
    }
  }
  return taken;
}

/** Ask again and again over some connections; how long each request took. */
async function load(base: string, path: string, bytes: number, connections: number, forMs: number) {
  const client = new Client(base, connections);
  const timesUs: number[] = [];
  const began = performance.now();
  await Promise.all(
    Array.from({ length: connections }, async () => {
      for (let at = performance.now(); at - began < forMs; ) {
        const got = await client.ask(path);
        if (got.status !== 200 || got.bytes !== bytes) throw new Error(`${base}: ${got.status}, ${got.bytes}`);
        const now = performance.now();
        timesUs.push((now - at) * 1000);
        at = now;
      }
    }),
  );
  const seconds = (performance.now() - began) / 1000;
  client.close();
  return { timesUs, seconds };
}

function figuresOf({ name, isJudged }: Measured, taken: readonly Taken[]): readonly Figure[] {
  const each = taken.flatMap(({ server, medianUs, p99Us, perSecond }): Figure[] => [
    {
      what: `${name} from ${server}: one request at a time, median`,
      value: median(medianUs),
      unit: "us",
      note: `p99 ${median(p99Us).toFixed(0)} us`,
    },
    {
      what: `${name} from ${server}: ${CONNECTIONS} connections`,
      value: median(perSecond),
      unit: "/s",
      note: `rounds: ${perSecond.map((rate) => rate.toFixed(0)).join(", ")}`,
    },
  ]);
  const [ours, bare] = taken;
  if (!ours || !bare) return each;
  const target = isJudged ? { target: { atMost: TARGET_OVERHEAD } } : {};
  // Round by round: what the machine did to one, it did to the other.
  const ratios = (one: readonly number[], other: readonly number[]) =>
    median(one.map((value, round) => value / (other[round] ?? Number.NaN)));
  return [
    ...each,
    {
      what: `${name}: time of a request, edge against bare Worker`,
      value: ratios(ours.medianUs, bare.medianUs),
      unit: "x",
      ...target,
    },
    {
      what: `${name}: throughput, bare Worker against edge`,
      value: ratios(bare.perSecond, ours.perSecond),
      unit: "x",
      ...target,
    },
  ];
}

/** The same files over nginx, from memory as well; `undefined` when it is not installed. */
async function startNginx(): Promise<
  { readonly base: string; readonly stop: () => Promise<void> } | undefined
> {
  if (!existsSync(NGINX)) {
    process.stdout.write("nginx is not installed: apt-get install nginx\n");
    return undefined;
  }
  const folder = mkdtempSync("/dev/shm/millrace-nginx-");
  const port = await freePort();
  mkdirSync(join(folder, FOLDER), { recursive: true });
  for (const { file, bytes } of OBJECTS) writeFileSync(join(folder, FOLDER, file), Buffer.alloc(bytes, 7));
  writeFileSync(join(folder, "nginx.conf"), configuration(folder, port));
  const child: ChildProcess = spawn(
    NGINX,
    ["-p", folder, "-c", join(folder, "nginx.conf"), "-e", join(folder, "error.log")],
    { stdio: "ignore" },
  );
  const stop = async () => {
    await endChild(child);
    rmSync(folder, { recursive: true, force: true });
  };
  try {
    const base = `http://127.0.0.1:${port}`;
    await until("nginx to answer", async () => {
      const answer = await fetch(`${base}/${FOLDER}/${OBJECTS[0].file}`).catch(() => undefined);
      await answer?.arrayBuffer();
      return answer?.ok ? true : undefined;
    });
    return { base, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

const configuration = (folder: string, port: number): string =>
  `daemon off; pid ${folder}/nginx.pid; worker_processes 1; user root;
events {}
http {
  access_log off; sendfile on; tcp_nopush on; keepalive_requests 1000000; types { video/iso.segment m4s; }
  client_body_temp_path ${folder}/temp; proxy_temp_path ${folder}/temp; fastcgi_temp_path ${folder}/temp;
  uwsgi_temp_path ${folder}/temp; scgi_temp_path ${folder}/temp;
  server { listen 127.0.0.1:${port}; root ${folder}; } }
`;
