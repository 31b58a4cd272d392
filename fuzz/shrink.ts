/** Makes a failing input smaller while it goes on failing for the same reason: pieces are left out, large ones first. */
import { concat } from "../transcoder/rtmp/bytes.ts";
import { tryInput } from "./run.ts";
import type { Input, Target } from "./target.ts";

/** After this long what was reached is good enough. */
const MOST_MS = 8000;

/** The reason without its facts. */
const reasonOf = (error: string): string => error.split(":")[0] ?? error;

/** A smaller input that fails as `error` says. */
export function shrink(target: Target, input: Input, error: string): Input {
  const reason = reasonOf(error);
  let best = input;
  const until = performance.now() + MOST_MS;
  for (let piece = best.length >> 1; piece >= 1; piece >>= 1) {
    for (let at = 0; at < best.length && performance.now() < until; ) {
      const smaller = without(best, at, piece);
      const failed = tryInput(target, smaller);
      if (failed !== undefined && reasonOf(failed) === reason) best = smaller;
      else at += piece;
    }
  }
  return best;
}

const without = (input: Input, at: number, length: number): Input =>
  typeof input === "string"
    ? input.slice(0, at) + input.slice(at + length)
    : concat([input.subarray(0, at), input.subarray(at + length)]);
