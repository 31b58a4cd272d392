/** Runs one target in a thread of its own, and writes down which input it is at: a hang can be seen from outside. */
import { parentPort, workerData } from "node:worker_threads";
import { runTarget } from "./run.ts";
import { shrink } from "./shrink.ts";
import { targets } from "./targets.ts";

/** What main.ts asks for. */
interface Order {
  readonly name: string;
  readonly inputs: number;
  readonly seed: number;
  readonly seconds?: number;
  readonly slowMs: number;
  /** Seed of the input at hand. */
  readonly progress: Int32Array;
}
const order: Order = workerData;
const { name, inputs, seed, seconds, slowMs, progress } = order;
const target = targets.find((candidate) => candidate.name === name);
if (target) {
  const report = runTarget(target, {
    inputs,
    seed,
    slowMs,
    ...(seconds !== undefined && { seconds }),
    onInput: (at) => Atomics.store(progress, 0, at),
  });
  const { failure } = report;
  const input = failure && shrink(target, failure.input, failure.error);
  parentPort?.postMessage({ ...report, ...(failure && { failure: { ...failure, input } }) });
}
