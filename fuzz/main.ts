/**
 * `npm run fuzz -- [--target name] [--inputs n] [--seed n] [--seconds n]`: every target, or one, over inputs made from seeds.
 * A failing input is made smaller and written to test/fixtures/fuzz/<target>/, where the unit tests try it again.
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { Worker } from "node:worker_threads";
import { seeded } from "./random.ts";
import type { Failure, RunReport } from "./run.ts";
import type { Input, Target } from "./target.ts";
import { targets } from "./targets.ts";

/** Far more than any input needs, also on a machine that is busy. */
const SLOW_MS = 2000;
const HANG_MS = 15_000;
const LOOK_MS = 1000;
const FIXTURES = join(import.meta.dirname, "../test/fixtures/fuzz");

const { values } = parseArgs({
  options: {
    target: { type: "string" },
    inputs: { type: "string" },
    seed: { type: "string" },
    seconds: { type: "string" },
  },
});
const chosen = targets.filter(({ name }) => values.target === undefined || name === values.target);
if (chosen.length === 0) {
  console.error(`No such target. There are: ${targets.map(({ name }) => name).join(", ")}`);
  process.exitCode = 2;
}
let total = 0;
for (const target of chosen) {
  const report = await run(target);
  total += report.inputs;
  print(target, report);
  if (report.failure) {
    console.error(`  ${report.failure.error}\n  kept as ${keep(target, report.failure)}`);
    console.error(
      `  again: npm run fuzz -- --target ${target.name} --seed ${report.failure.seed} --inputs 1`,
    );
    process.exitCode = 1;
  }
}
console.log(`${total} inputs`);

function run(target: Target): Promise<RunReport> {
  const seed = Number(values.seed ?? 1);
  const inputs = Number(values.inputs ?? 1000 * target.thousands);
  const progress = new Int32Array(new SharedArrayBuffer(4));
  const worker = new Worker(new URL("worker.ts", import.meta.url), {
    // As much as the main thread has: what overflows there must overflow here.
    resourceLimits: { stackSizeMb: 1 },
    workerData: {
      ...{ name: target.name, inputs, seed, slowMs: SLOW_MS, progress },
      ...(values.seconds !== undefined && { seconds: Number(values.seconds) }),
    },
  });
  return new Promise((resolve, reject) => {
    let [at, since] = [0, performance.now()];
    const look = setInterval(() => {
      const now = Atomics.load(progress, 0);
      if (now !== at) [at, since] = [now, performance.now()];
      else if (performance.now() - since > HANG_MS) void stop();
    }, LOOK_MS);
    worker.once("message", (report: RunReport) => {
      clearInterval(look);
      resolve(report);
    });
    worker.once("error", (error) => {
      clearInterval(look);
      reject(new Error(`${target.name} at seed ${Atomics.load(progress, 0)}`, { cause: error }));
    });
    async function stop(): Promise<void> {
      clearInterval(look);
      await worker.terminate();
      const failure: Failure = { seed: at, input: target.make(seeded(at)), error: "hangs" };
      const counts = { inputs: at - seed + 1, seconds: 0, slowestMs: HANG_MS, slowestSeed: at };
      resolve({ ...counts, outcomes: new Map(), failure });
    }
  });
}

function print(target: Target, { inputs, seconds, slowestMs, slowestSeed, outcomes }: RunReport): void {
  const rate = Math.round(inputs / Math.max(seconds, 0.001));
  const slowest = `slowest ${slowestMs.toFixed(1)} ms (seed ${slowestSeed})`;
  console.log(`${target.name}: ${inputs} inputs, ${rate} a second, ${slowest}`);
  const seen = [...outcomes].toSorted(([, a], [, b]) => b - a).slice(0, 12);
  console.log(`  ${seen.map(([outcome, count]) => `${outcome} ${count}`).join(", ")}`);
}

function keep(target: Target, { seed, input }: Failure): string {
  const folder = join(FIXTURES, target.name);
  mkdirSync(folder, { recursive: true });
  const file = join(folder, `seed-${seed}.${typeof input === "string" ? "txt" : "bin"}`);
  writeFileSync(file, input satisfies Input);
  return file;
}
