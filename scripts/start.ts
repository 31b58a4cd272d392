/**
 * `npm start`: the Workers under `wrangler dev`, the transcoder, a stream and its test picture, until Ctrl-C. A part
 * that dies meanwhile is started again. The order of things is here; each thing is a file in `start/`.
 */
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { originClient } from "../cli/origin.ts";
import { type Child, endChildren, killChildren, startChild } from "./start/children.ts";
import { DEMO_STREAM, seedDemoStream } from "./start/demo-stream.ts";
import { devFilePaths, writeDevFile } from "./start/dev-file.ts";
import { StartFailure } from "./start/failure.ts";
import { type KeepOptions, keepRunning } from "./start/keeping.ts";
import { readOptions } from "./start/options.ts";
import { buildPages } from "./start/pages.ts";
import { listenOnce, preflight } from "./start/preflight.ts";
import { loadSecrets } from "./start/secrets.ts";
import { isLive, waitForLive, waitForOk, within } from "./start/waiting.ts";
import { devArguments, endWhenStuck, migrate, wranglerEnv, writeWorkerSecrets } from "./start/worker.ts";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
const WORKER_LIMIT_MS = 60_000;
const TRANSCODER_LIMIT_MS = 15_000;
const PLAYABLE_LIMIT_MS = 60_000;
/** Two signals within this time are one press of Ctrl-C that arrived by two ways. */
const SAME_PRESS_MS = 500;
const PARENT_POLL_MS = 500;
/** The transcoder ends its broadcasts first, which takes some requests. */
const TRANSCODER_GRACE_MS = 10_000;
const GRACE_MS = 5000;
const PICTURE = "test picture";
/** How often to look whether the stream is free for the test picture again. */
const PICTURE_RETURNS_MS = 3000;

const options = readOptions(process.argv.slice(2));
const { port, rtmpPort, data } = options;
const children: Child[] = [];
let forgetDevFile = () => {};
let stopping: number | undefined;
const tell = (line: string) => console.error(line);
const keeping: KeepOptions = { again, tell, isStopping: () => stopping !== undefined };

for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, stop);
// Whoever started this was killed and could not say so.
const parent = process.ppid;
setInterval(() => process.ppid !== parent && stopping === undefined && stop(), PARENT_POLL_MS).unref();
process.on("exit", () => {
  forgetDevFile();
  killChildren(children);
});

try {
  await run();
} catch (error) {
  // Whatever fails once the person wants out is the stopping itself.
  if (stopping === undefined) await end(error);
}

async function run(): Promise<void> {
  await preflight(options);
  const secrets = loadSecrets(data);
  await buildPages(ROOT, tell);
  await migrate(ROOT, data, tell);

  const edge = `http://127.0.0.1:${port}`;
  const origin = `${edge}/_origin`;
  const args = devArguments(options, await listenOnce(0), writeWorkerSecrets(data, secrets));
  const worker = begin("worker", "wrangler", args, wranglerEnv(data), GRACE_MS);
  const transcoder = begin(
    "transcoder",
    process.execPath,
    ["transcoder/main.ts"],
    {
      MILLRACE_ORIGIN: origin,
      MILLRACE_RTMP_HOST: "127.0.0.1",
      MILLRACE_RTMP_PORT: `${rtmpPort}`,
      MILLRACE_HEALTH_PORT: "0",
      MILLRACE_DATA: join(data, "transcoder"),
      MILLRACE_TRANSCODER_ID: "local",
      MILLRACE_TRANSCODER_TOKEN: secrets.transcoderToken,
    },
    TRANSCODER_GRACE_MS,
  );
  const listening = new Promise<void>((resolve) => {
    transcoder.onLine((line) => line.includes('"event":"listening"') && resolve());
  });
  await Promise.race([
    Promise.all([
      waitForOk(`${origin}/healthz`, WORKER_LIMIT_MS, "The worker did not answer in time."),
      within(listening, TRANSCODER_LIMIT_MS, "The transcoder did not listen in time."),
    ]),
    death(worker),
    death(transcoder),
  ]);

  const admin = originClient(origin, secrets.adminToken);
  const rtmp = `rtmp://127.0.0.1:${rtmpPort}/live`;
  const key = await seedDemoStream(admin, data, secrets);
  forgetDevFile = writeDevFile(devFilePaths(ROOT, data), {
    edge,
    origin,
    rtmp,
    streams: [{ id: DEMO_STREAM, key }],
    adminToken: secrets.adminToken,
    tokenSecret: secrets.tokenSecret,
  });
  if (options.demo)
    await Promise.race([showPicture(pictureUrl(key), edge), death(worker), death(transcoder)]);
  console.log(`Watch    ${edge}/watch/${DEMO_STREAM}`);
  const yours = options.demo ? "   (the test picture makes way)" : "";
  console.log(`Publish  server ${rtmp}   key ${key}${yours}`);
  console.log("Stop     Ctrl-C");
  if (options.demo) void keepPicture(pictureUrl(key), edge);
  const health = `${origin}/healthz`;
  await Promise.race([
    keepRunning(worker, { ...keeping, watch: (child) => endWhenStuck(child, health) }),
    keepRunning(transcoder, keeping),
  ]);

  /** Its session yields to any other encoder's. */
  function pictureUrl(streamKey: string): string {
    return `${rtmp}/${streamKey}?yield=1`;
  }
}

/** Broadcast the test picture, and wait until it can be watched. */
async function showPicture(url: string, edge: string): Promise<void> {
  await Promise.race([
    waitForLive(edge, DEMO_STREAM, PLAYABLE_LIMIT_MS, "The test picture was not to be seen in time."),
    death(beginPicture(url)),
  ]);
}

/** Bring the test picture back whenever it has made way and the stream is free again, until the stop. */
async function keepPicture(url: string, edge: string): Promise<void> {
  for (;;) {
    const showing = children.find(({ plan }) => plan.name === PICTURE);
    if (showing) await showing.group.exited;
    if (stopping !== undefined) return;
    if (showing) children.splice(children.indexOf(showing), 1);
    await setTimeout(PICTURE_RETURNS_MS);
    if (stopping !== undefined) return;
    if (!(await isLive(edge, DEMO_STREAM))) beginPicture(url);
  }
}

function beginPicture(url: string): Child {
  return begin(PICTURE, process.execPath, ["demo/broadcast.ts", "--url", url], {}, GRACE_MS);
}

function begin(
  name: string,
  program: string,
  args: readonly string[],
  env: Readonly<Record<string, string>>,
  graceMs: number,
): Child {
  const log = join(data, "logs", `${name.replace(" ", "-")}.log`);
  const child = startChild(ROOT, { name, program, args, env, log, graceMs });
  children.push(child);
  return child;
}

/** Start a child that ended once more; its log goes on. */
function again(ended: Child): Child {
  const child = startChild(ROOT, ended.plan, true);
  children.splice(children.indexOf(ended), 1, child);
  return child;
}

/** Rejects when a child ends on its own. */
async function death(child: Child): Promise<never> {
  throw child.deathOf(await child.group.exited);
}

async function stop(): Promise<void> {
  const now = Date.now();
  if (stopping !== undefined) {
    if (now - stopping < SAME_PRESS_MS) return;
    killChildren(children);
    process.exit(130);
  }
  stopping = now;
  await endChildren(children);
  process.exit(0);
}

async function end(error: unknown): Promise<void> {
  stopping = Date.now();
  if (!(error instanceof StartFailure)) console.error(error);
  else {
    for (const line of error.lines) console.error(`  ${line}`);
    console.error(error.message);
  }
  await endChildren(children);
  process.exit(1);
}
