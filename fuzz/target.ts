/** What a fuzz target is, and how it says that something is wrong. */
import type { Random } from "./random.ts";

/** An input, as it is kept in a file: bytes, or text. */
export type Input = Uint8Array | string;

/** What came of an input. */
export interface Ran {
  /** One word for statistics: shows how far into the code the inputs reach. */
  readonly outcome: string;
  /** Everything the code answered. The same input must give the same again. */
  readonly said: unknown;
}

/** One piece of code and the inputs for it. */
export interface Target {
  readonly name: string;
  /** Inputs of a whole run (`npm run fuzz`), in thousands. */
  readonly thousands: number;
  /** Outcomes that a short run has to see: without them the inputs no longer reach the code. */
  readonly reaches: readonly string[];
  make(random: Random): Input;
  /** Put an input through; throws where a property does not hold. */
  run(input: Input): Ran;
}

/** A property that has to hold for every input. */
export function must(holds: boolean, property: string, facts?: unknown): asserts holds {
  if (holds) return;
  throw new Error(facts === undefined ? property : `${property}: ${describe(facts)}`);
}

function describe(facts: unknown): string {
  return (JSON.stringify(facts) ?? String(facts)).slice(0, 600);
}

const utf8 = new TextEncoder();
/** The input as bytes. */
export const asBytes = (input: Input): Uint8Array => (typeof input === "string" ? utf8.encode(input) : input);
/** The input as text. */
export const asText = (input: Input): string =>
  typeof input === "string" ? input : new TextDecoder().decode(input);

/** JSON text as a value; `undefined` when it is none. */
export function readJson(input: Input): unknown {
  try {
    return JSON.parse(asText(input));
  } catch {
    return undefined;
  }
}
