/**
 * The whole of Millrace without `wrangler dev`, which puts a second workerd and a proxy in Node in front of the Worker: those are
 * not deployed, and on two cores they take what the player needs. For figures of latency.
 */
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Child, endChildren, startChild } from "../scripts/start/children.ts";
import { writeDevFile } from "../scripts/start/dev-file.ts";
import { buildPages } from "../scripts/start/pages.ts";
import { freePort, Stack, until } from "../test/support/stack.ts";
import { ADMIN_TOKEN, EdgeBench, TOKEN_SECRET } from "./edge/harness.ts";

const ROOT = join(import.meta.dirname, "..");
const LISTEN_LIMIT_MS = 15_000;
/** The transcoder ends its broadcasts first, which takes some requests. */
const GRACE_MS = 10_000;

/** Run `what` with it; it ends with that. */
export async function withDirectStack<T>(what: (stack: Stack) => Promise<T>): Promise<T> {
  await buildPages(ROOT, (line) => process.stderr.write(`${line}\n`));
  const data = mkdtempSync(join(tmpdir(), "millrace-direct-"));
  const bench = await EdgeBench.start([{ name: "edge", entry: "watch" }]);
  const children: Child[] = [];
  try {
    const edge = bench.url("edge");
    const rtmpPort = await freePort();
    const transcoder = startTranscoder(`${edge}/_origin`, rtmpPort, data);
    children.push(transcoder);
    let isListening = false;
    transcoder.onLine((line) => {
      isListening ||= line.includes('"event":"listening"');
    });
    await until("the transcoder to listen", () => isListening || undefined, LISTEN_LIMIT_MS);
    writeDevFile([join(data, "dev.json")], {
      edge,
      origin: `${edge}/_origin`,
      rtmp: `rtmp://127.0.0.1:${rtmpPort}/live`,
      streams: [],
      adminToken: ADMIN_TOKEN,
      tokenSecret: TOKEN_SECRET,
    });
    const stack = Stack.attach(data);
    try {
      return await what(stack);
    } finally {
      await stack.stop();
    }
  } finally {
    await endChildren(children);
    await bench.stop();
    rmSync(data, { recursive: true, force: true });
  }
}

function startTranscoder(origin: string, rtmpPort: number, data: string): Child {
  const own = join(data, "transcoder");
  mkdirSync(own);
  return startChild(ROOT, {
    name: "transcoder",
    program: process.execPath,
    args: ["transcoder/main.ts"],
    env: {
      MILLRACE_ORIGIN: origin,
      MILLRACE_RTMP_HOST: "127.0.0.1",
      MILLRACE_RTMP_PORT: `${rtmpPort}`,
      MILLRACE_HEALTH_PORT: "0",
      MILLRACE_DATA: own,
    },
    log: join(data, "logs", "transcoder.log"),
    graceMs: GRACE_MS,
  });
}
