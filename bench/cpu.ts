/** What the transcoder costs beside its FFmpeg: processor time of both against that of a bare FFmpeg with the same ladder and input. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { Readable } from "node:stream";
import { setTimeout } from "node:timers/promises";
import { readProcess, sumOf } from "../test/support/processes.ts";
import { endChild, type Stack, until } from "../test/support/stack.ts";
import { record, sendArguments } from "./input.ts";
import type { Figure } from "./report.ts";

const TARGET_RATIO = 1.15;
/** Both are measured from here on: what starting costs is another matter. */
const SETTLE_SECONDS = 8;
const STREAM = "bench-cpu";

/** Processor seconds of a window, for one whole broadcast. */
interface Cost {
  readonly cpuSeconds: number;
  readonly seconds: number;
}

/** Measure a window of `seconds` of each, one after the other. */
export async function measureCpu(stack: Stack, seconds: number): Promise<readonly Figure[]> {
  const recording = record({ size: "1280x720", kilobits: 2500, seconds: seconds + SETTLE_SECONDS + 15 });
  try {
    const key = await stack.createStream(STREAM);
    const encoder = stack.ffmpeg(sendArguments(recording, `${stack.dev.rtmp}/${key}`));
    const [ffmpeg] = await until("the session's FFmpeg", () => {
      const { ffmpegs } = stack.transcoder();
      return ffmpegs.length > 0 ? ffmpegs : undefined;
    });
    const node: number[] = [];
    const ours = await costOver(seconds, () => {
      const { node: own, ffmpegs } = stack.transcoder();
      node.push(own?.cpuSeconds ?? Number.NaN);
      return (own?.cpuSeconds ?? Number.NaN) + sumOf(ffmpegs, "cpuSeconds");
    });
    await endChild(encoder);
    const args = ffmpeg?.args ?? [];
    const bare = await costOfBare(args, sendArguments(recording, "pipe:1"), seconds);
    const [first = 0, last = 0] = node;
    return figuresOf(ours, bare, (last - first) / ours.seconds, args);
  } finally {
    recording.remove();
  }
}

async function costOver(seconds: number, cpuSeconds: () => number): Promise<Cost> {
  await setTimeout(SETTLE_SECONDS * 1000);
  const [before, since] = [cpuSeconds(), performance.now()];
  await setTimeout(seconds * 1000);
  return { cpuSeconds: cpuSeconds() - before, seconds: (performance.now() - since) / 1000 };
}

/** The session's own command line, fed by another FFmpeg at the pace of the clock; what it writes is thrown away. */
async function costOfBare(args: readonly string[], feed: readonly string[], seconds: number): Promise<Cost> {
  const bare = startBare(args);
  const feeder = spawn("ffmpeg", ["-hide_banner", "-nostdin", "-loglevel", "error", ...feed], {
    stdio: ["ignore", "pipe", "ignore"],
  });
  bare.stdin?.on("error", () => {});
  if (bare.stdin) feeder.stdout.pipe(bare.stdin);
  const cost = await costOver(seconds, () => readProcess(bare.pid ?? 0)?.cpuSeconds ?? Number.NaN);
  const closed = once(bare, "close");
  feeder.kill("SIGKILL");
  await closed;
  return cost;
}

function startBare(args: readonly string[]): ChildProcess {
  const outputs = args.filter((arg) => /^pipe:([3-9]|\d\d)$/.test(arg));
  const child = spawn("ffmpeg", [...args], {
    stdio: ["pipe", "ignore", "ignore", ...outputs.map(() => "pipe" as const)],
  });
  for (const pipe of child.stdio.slice(3)) if (pipe instanceof Readable) pipe.resume();
  return child;
}

function figuresOf(ours: Cost, bare: Cost, nodeCores: number, args: readonly string[]): readonly Figure[] {
  const [cores, bareCores] = [ours.cpuSeconds / ours.seconds, bare.cpuSeconds / bare.seconds];
  const encoded = args.filter((arg) => arg === "libx264").length;
  return [
    {
      what: "processor time, transcoder against bare FFmpeg",
      value: cores / bareCores,
      unit: "x",
      target: { atMost: TARGET_RATIO },
      note: `720p30 copied, ${encoded} rungs encoded; ${ours.seconds.toFixed(0)} s`,
    },
    {
      what: "transcoder, FFmpeg included",
      value: cores,
      unit: "cores",
      note: `of it Node ${nodeCores.toFixed(3)}`,
    },
    { what: "bare FFmpeg", value: bareCores, unit: "cores" },
  ];
}
