/** Runs one target over many inputs: counts, times, and stops at the first input for which a property does not hold. */
import { isDeepStrictEqual } from "node:util";
import { seeded } from "./random.ts";
import { type Input, must, type Target } from "./target.ts";

export interface RunOptions {
  readonly inputs: number;
  /** Of the first input; each input after it has the next one. */
  readonly seed: number;
  /** Stop after this long, however many inputs there were. */
  readonly seconds?: number;
  /** An input that takes longer is a failure; without it, none is. */
  readonly slowMs?: number;
  /** Told before each input. */
  readonly onInput?: (seed: number) => void;
}

export interface Failure {
  readonly seed: number;
  readonly input: Input;
  readonly error: string;
}

export interface RunReport {
  readonly inputs: number;
  readonly seconds: number;
  readonly slowestMs: number;
  readonly slowestSeed: number;
  readonly outcomes: ReadonlyMap<string, number>;
  readonly failure?: Failure;
}

/** One input in this many is run twice. */
const REPEAT_EVERY = 32;

/** Run inputs until one fails or there were enough. */
export function runTarget(target: Target, options: RunOptions): RunReport {
  const { inputs, seed: firstSeed, seconds = Number.POSITIVE_INFINITY, slowMs, onInput } = options;
  const outcomes = new Map<string, number>();
  const started = performance.now();
  let [done, slowestMs, slowestSeed] = [0, 0, firstSeed];
  let failure: Failure | undefined;
  while (done < inputs && failure === undefined && performance.now() - started < 1000 * seconds) {
    const seed = firstSeed + done;
    onInput?.(seed);
    const input = target.make(seeded(seed));
    const before = performance.now();
    const error = tryInput(target, input, done % REPEAT_EVERY === 0, outcomes);
    const ms = performance.now() - before;
    if (ms > slowestMs) [slowestMs, slowestSeed] = [ms, seed];
    if (error !== undefined) failure = { seed, input, error };
    else if (slowMs !== undefined && ms > slowMs)
      failure = { seed, input, error: `took ${Math.round(ms)} ms` };
    done += 1;
  }
  const took = (performance.now() - started) / 1000;
  return { inputs: done, seconds: took, slowestMs, slowestSeed, outcomes, ...(failure && { failure }) };
}

/** Why an input fails, or `undefined`. */
export function tryInput(
  target: Target,
  input: Input,
  twice = true,
  outcomes?: Map<string, number>,
): string | undefined {
  try {
    const { outcome, said } = target.run(input);
    outcomes?.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
    if (twice) must(isDeepStrictEqual(target.run(input).said, said), "the same input gives the same answer");
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}
