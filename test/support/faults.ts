/**
 * Faults for the kill tests and their benchmark: parts of a running stack that are killed, and an R2 that fails. Each
 * resolves with the moment the part was back. What a viewer sees of it is in outage.ts.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { type LogLine, Stack, until } from "./stack.ts";

const ROOT = join(import.meta.dirname, "../..");
/** Longest time for a killed part to be there again. */
const RETURN_LIMIT_MS = 60_000;

/** Does harm to a stack while one stream is on it. Answers when the part was back, milliseconds since 1970. */
export type Fault = (stack: Stack, stream: string) => Promise<number>;

/** Start a stack whose R2 can be made to fail. */
export const startFaultyStack = (env: Readonly<Record<string, string>> = {}): Promise<Stack> =>
  Stack.start((data) => ["--no-demo", "--config", writeFaultyConfig(data)], env);

/** Write a wrangler.toml like the project's, whose entry is the faulty one; its paths are seen from another folder. */
function writeFaultyConfig(folder: string): string {
  const [bare = ""] = readFileSync(join(ROOT, "wrangler.toml"), "utf8").split(/^\[env\./m);
  const text = bare
    .replace(/^main = .*$/m, `main = "${join(ROOT, "test/integration/faulty-worker.ts")}"`)
    .replace(/^(directory|migrations_dir) = "(.*)"$/gm, (_, key, path) => `${key} = "${join(ROOT, path)}"`);
  const path = join(folder, "faulty.toml");
  writeFileSync(path, text);
  return path;
}

/** `kill -9` of the FFmpeg of every session. It is back when another session of the stream has begun. */
export const killFfmpeg: Fault = async (stack, stream) => {
  const begun = sessionsOf(stack, stream).length;
  const { ffmpegs } = stack.transcoder();
  if (ffmpegs.length === 0) throw new Error("no FFmpeg runs");
  for (const { pid } of ffmpegs) process.kill(pid, "SIGKILL");
  const line = await until("another session", () => sessionsOf(stack, stream)[begun], RETURN_LIMIT_MS);
  return Date.parse(line.at);
};

/** `kill -9` of the transcoder's Node. It is back when the next one listens. */
export const killTranscoder: Fault = async (stack) => {
  const listened = linesOf(stack, "listening").length;
  const { node } = stack.transcoder();
  if (!node) throw new Error("no transcoder runs");
  process.kill(node.pid, "SIGKILL");
  const line = await until(
    "the transcoder to listen again",
    () => linesOf(stack, "listening")[listened],
    RETURN_LIMIT_MS,
  );
  return Date.parse(line.at);
};

/** `kill -9` of every workerd: the Worker, its objects, and what `wrangler dev` has in front of them. Back when origin answers. */
export const killWorkerd: Fault = async (stack) => {
  const killed = stack.workerds();
  if (killed.length === 0) throw new Error("no workerd runs");
  for (const { pid } of killed) process.kill(pid, "SIGKILL");
  await until(
    "origin to answer again",
    async () => {
      const answer = await fetch(`${stack.dev.origin}/healthz`, {
        signal: AbortSignal.timeout(1000),
      }).catch(() => undefined);
      return answer?.ok ? true : undefined;
    },
    RETURN_LIMIT_MS,
  );
  return Date.now();
};

/** An R2 that throws, or answers nothing, for some seconds. */
export const breakR2 =
  (how: "fail" | "hang", seconds: number): Fault =>
  async (stack) => {
    await turnSwitch(stack, how);
    await setTimeout(seconds * 1000);
    const met = await turnSwitch(stack, "off");
    // Without this the test would pass when nothing had failed.
    if (met === 0) throw new Error("nothing asked R2 while it failed");
    return Date.now();
  };

/** Turn the faulty Worker's switch. Answers how many calls met the fault that was on. */
async function turnSwitch(stack: Stack, to: "off" | "fail" | "hang"): Promise<number> {
  const answer = await stack.get(`/_test/r2/${to}`, { method: "PUT" });
  if (!answer.ok) throw new Error(`the switch of R2 answered ${answer.status}`);
  const { met }: { met: number } = JSON.parse(await answer.text());
  return met;
}

const linesOf = (stack: Stack, event: string): readonly LogLine[] =>
  stack.transcoderLog().filter((line) => line.event === event);

const sessionsOf = (stack: Stack, stream: string): readonly LogLine[] =>
  linesOf(stack, "session-started").filter((line) => line.stream === stream);
