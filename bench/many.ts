/** Many broadcasts at once that are passed through: whether any part comes late, and what one more broadcast takes. */
import { setTimeout } from "node:timers/promises";
import { median, percentile } from "../test/support/browser.ts";
import { sumOf } from "../test/support/processes.ts";
import { endChild, type LogLine, Stack } from "../test/support/stack.ts";
import { record, sendArguments } from "./input.ts";
import type { Figure } from "./report.ts";

const BROADCASTS = 8;
/** All are live before the measurement begins. */
const SETTLE_MS = 8_000;
/** PART-TARGET of the profile `low`: a part that waits longer from its cut to the timeline is late. */
const PART_TARGET_MS = 510;
const MEGABYTE = 1e6;

/** Measure `seconds` of them, on a stack of their own. */
export async function measureMany(seconds: number): Promise<readonly Figure[]> {
  const recording = record({ size: "640x360", kilobits: 800, seconds: seconds + 60 });
  const stack = await Stack.start(["--no-demo"], { MILLRACE_SLOTS: String(2 * BROADCASTS) });
  try {
    const idle = stack.transcoder().node?.residentBytes ?? Number.NaN;
    const names = Array.from({ length: BROADCASTS }, (_, i) => `bench-many-${i}`);
    const keys = await Promise.all(names.map((name) => stack.createStream(name)));
    const encoders = keys.map((key) => stack.ffmpeg(sendArguments(recording, `${stack.dev.rtmp}/${key}`)));
    await Promise.all(names.map((name) => stack.state(name, "live")));
    await setTimeout(SETTLE_MS);
    const before = processorSeconds(stack);
    const since = Date.now();
    await setTimeout(seconds * 1000);
    const until = Date.now();
    const cores = (processorSeconds(stack) - before) / ((until - since) / 1000);
    const { node, ffmpegs } = stack.transcoder();
    const workerds = sumOf(stack.workerds(), "residentBytes");
    const lines = stack.transcoderLog().filter((line) => isOf(line, since, until));
    await Promise.all(encoders.map(endChild));
    const waits = lines.map((line) => Number(line.waitedMs));
    const ofNode = ((node?.residentBytes ?? Number.NaN) - idle) / BROADCASTS;
    const ofFfmpeg = sumOf(ffmpegs, "residentBytes") / ffmpegs.length;
    return [
      {
        what: `${BROADCASTS} broadcasts of 360p: parts that came late`,
        value: waits.filter((ms) => ms > PART_TARGET_MS).length,
        unit: "",
        target: { atMost: 0 },
        note: `of ${waits.length} in ${seconds} s; waits: median ${median(waits).toFixed(0)}, p99 ${percentile(waits, 0.99).toFixed(0)}, longest ${Math.max(...waits).toFixed(0)} ms`,
      },
      {
        what: "memory of one broadcast",
        value: (ofNode + ofFfmpeg) / MEGABYTE,
        unit: "MB",
        note: `FFmpeg ${(ofFfmpeg / MEGABYTE).toFixed(0)}, Node ${(ofNode / MEGABYTE).toFixed(1)} over ${(idle / MEGABYTE).toFixed(0)} when idle; ${ffmpegs.length} FFmpegs ran; workerd ${(workerds / MEGABYTE).toFixed(0)} for all`,
      },
      {
        what: `processor time of ${BROADCASTS} broadcasts`,
        value: cores,
        unit: "cores",
        note: "transcoder and its FFmpegs",
      },
    ];
  } finally {
    await stack.stop();
    recording.remove();
  }
}

function processorSeconds(stack: Stack): number {
  const { node, ffmpegs } = stack.transcoder();
  return (node?.cpuSeconds ?? Number.NaN) + sumOf(ffmpegs, "cpuSeconds");
}

function isOf({ event, at }: LogLine, since: number, until: number): boolean {
  const time = Date.parse(at);
  return event === "published" && time >= since && time < until;
}
