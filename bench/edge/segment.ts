/** A segment that is cached: our edge against a Worker that only looks into the same cache, and against nginx with the same file. */
import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { median, percentile } from "../../test/support/browser.ts";
import { endChild, freePort, until } from "../../test/support/stack.ts";
import type { Figure } from "../report.ts";
import { Client } from "./client.ts";
import { EdgeBench } from "./harness.ts";
import { createStream } from "./operator.ts";

const NGINX = "/usr/sbin/nginx";
const TARGET_OVERHEAD = 1.15;
const NGINX_NAME = "nginx";
const ROUNDS = 9;
const CONNECTIONS = 16;
/** A broadcast that nobody began: the edge serves what is in the bucket. */
const STREAM = "bench-segment";
const FOLDER = `media/${STREAM}-${"0".repeat(26)}/1/v720`;

/** An object, and how long the servers are asked for it: one request at a time, all together, and by many at once, each in each round. */
const OBJECTS = [
  { name: "1 MB", file: "seg-1.m4s", bytes: 1_000_000, aloneMs: 8000, manyMs: 700, isJudged: true },
  { name: "64 KB", file: "seg-2.m4s", bytes: 64_000, aloneMs: 4000, manyMs: 350, isJudged: false },
] as const;
type Measured = (typeof OBJECTS)[number];

interface Server {
  readonly name: string;
  readonly base: string;
}

/** One server and one object. */
interface Taken {
  readonly server: string;
  /** Each request's, one at a time. */
  readonly timesUs: number[];
  /** Each round's, many at once. */
  readonly perSecond: number[];
  /** Of workerd; of no use for a server that is none. */
  readonly cpuUs: number[];
}

/** Measure all servers by turns, so that they share the machine's noise. */
export async function measureSegment(): Promise<readonly Figure[]> {
  const bench = await EdgeBench.start([
    { name: "edge", entry: "product" },
    { name: "bare", entry: "bare" },
  ]);
  let nginx: Awaited<ReturnType<typeof startNginx>>;
  try {
    nginx = await startNginx();
    const servers: Server[] = [
      { name: "edge", base: bench.url("edge") },
      { name: "bare Worker", base: bench.url("bare") },
      ...(nginx ? [{ name: NGINX_NAME, base: nginx.base }] : []),
    ];
    await createStream(bench.url("edge"), STREAM);
    const figures: Figure[] = [];
    for (const object of OBJECTS) {
      const path = `/${FOLDER}/${object.file}`;
      await fill(bench, path, object.bytes);
      figures.push(...figuresOf(object, await measureObject(bench, servers, path, object)));
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
    const answer = await fetch(bench.url("edge") + path);
    if (!answer.ok) throw new Error(`the edge: ${answer.status}`);
    await answer.arrayBuffer();
    return /; hit;/.test(answer.headers.get("cache-status") ?? "") ? true : undefined;
  });
}

async function measureObject(
  bench: EdgeBench,
  servers: readonly Server[],
  path: string,
  object: Measured,
): Promise<readonly Taken[]> {
  const taken = servers.map(({ name }): Taken => ({ server: name, timesUs: [], perSecond: [], cpuUs: [] }));
  // The first time warms up: compilers, connections, the page cache.
  await alone(servers, path, object, object.aloneMs / 8);
  const times = await alone(servers, path, object, object.aloneMs);
  for (const [index, own] of taken.entries()) own.timesUs.push(...(times[index] ?? []));
  for (let round = -1; round < ROUNDS; round += 1) {
    for (const [index, { base }] of servers.entries()) {
      const cpuBefore = bench.workerd()?.cpuSeconds ?? Number.NaN;
      const { requests, seconds } = await many(base, path, object);
      const cpuSeconds = (bench.workerd()?.cpuSeconds ?? Number.NaN) - cpuBefore;
      if (round < 0) continue;
      taken[index]?.perSecond.push(requests / seconds);
      taken[index]?.cpuUs.push((cpuSeconds / requests) * 1e6);
    }
  }
  return taken;
}

/** One request to each server in turn, over a connection of its own: what the machine does to one, it does to all. */
async function alone(
  servers: readonly Server[],
  path: string,
  { bytes }: Measured,
  forMs: number,
): Promise<readonly (readonly number[])[]> {
  const lanes = servers.map(({ base }) => ({ client: new Client(base, 1), timesUs: [] as number[] }));
  for (const began = performance.now(); performance.now() - began < forMs; ) {
    for (const { client, timesUs } of lanes) {
      const since = performance.now();
      await must(client, path, bytes);
      timesUs.push((performance.now() - since) * 1000);
    }
  }
  for (const { client } of lanes) client.close();
  return lanes.map(({ timesUs }) => timesUs);
}

/** Ask one server again and again over many connections. */
async function many(base: string, path: string, { bytes, manyMs }: Measured) {
  const client = new Client(base, CONNECTIONS);
  const began = performance.now();
  let requests = 0;
  const lane = async (): Promise<void> => {
    while (performance.now() - began < manyMs) {
      await must(client, path, bytes);
      requests += 1;
    }
  };
  await Promise.all(Array.from({ length: CONNECTIONS }, lane));
  const seconds = (performance.now() - began) / 1000;
  client.close();
  return { requests, seconds };
}

async function must(client: Client, path: string, bytes: number): Promise<void> {
  const got = await client.ask(path);
  if (got.status !== 200 || got.bytes !== bytes) throw new Error(`${got.status} with ${got.bytes} bytes`);
}

function figuresOf({ name, isJudged }: Measured, taken: readonly Taken[]): readonly Figure[] {
  const each = taken.flatMap(({ server, timesUs, perSecond, cpuUs }): Figure[] => [
    {
      what: `${name} from ${server}: one request at a time, median`,
      value: median(timesUs),
      unit: "us",
      note: `p99 ${percentile(timesUs, 0.99).toFixed(0)} us, ${timesUs.length} requests`,
    },
    {
      what: `${name} from ${server}: ${CONNECTIONS} connections`,
      value: median(perSecond),
      unit: "/s",
      note: server === NGINX_NAME ? "" : `workerd ${median(cpuUs).toFixed(0)} us of processor a request`,
    },
  ]);
  const [ours, bare] = taken;
  if (!ours || !bare) return each;
  const target = isJudged ? { target: { atMost: TARGET_OVERHEAD } } : {};
  // Round by round, for the same reason.
  const ratios = (one: readonly number[], other: readonly number[]) =>
    median(one.map((value, round) => value / (other[round] ?? Number.NaN)));
  return [
    ...each,
    {
      what: `${name}: time of a request, edge against bare Worker`,
      value: median(ours.timesUs) / median(bare.timesUs),
      unit: "x",
      ...target,
    },
    {
      what: `${name}: throughput, bare Worker against edge`,
      value: ratios(bare.perSecond, ours.perSecond),
      unit: "x",
      ...target,
      note: `processor time, edge against bare Worker: ${ratios(ours.cpuUs, bare.cpuUs).toFixed(2)} x`,
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
  const folder = mkdtempSync(join(tmpdir(), "millrace-nginx-"));
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
