/** A short run of every fuzz target, and all inputs that once failed. The long run is `npm run fuzz`. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { seeded } from "../../../fuzz/random.ts";
import { runTarget, tryInput } from "../../../fuzz/run.ts";
import { shrink } from "../../../fuzz/shrink.ts";
import { must, type Target } from "../../../fuzz/target.ts";
import { targets } from "../../../fuzz/targets.ts";

const FIXTURES = join(import.meta.dirname, "../../fixtures/fuzz");
/** Of the whole run, one input in this many: about as many as reach everything. */
const SHARE = 40;
const MOST_SECONDS = 2;

const fixtures = targets.flatMap((target) => {
  const folder = join(FIXTURES, target.name);
  return existsSync(folder) ? readdirSync(folder).map((file) => ({ target, file })) : [];
});

it.each(fixtures)("$target.name no longer fails for $file", ({ target, file }) => {
  const bytes = readFileSync(join(FIXTURES, target.name, file));
  expect(
    tryInput(target, file.endsWith(".txt") ? bytes.toString("utf8") : new Uint8Array(bytes)),
  ).toBeUndefined();
});

it("has fixtures for known targets only", () => {
  expect(readdirSync(FIXTURES).filter((name) => !targets.some((target) => target.name === name))).toEqual([]);
  expect(fixtures.length).toBeGreaterThan(5);
});

describe.each(targets)("$name", (target) => {
  it("holds its properties and reaches the code", () => {
    const inputs = (1000 * target.thousands) / SHARE;
    const { failure, outcomes } = runTarget(target, { inputs, seed: 1, seconds: MOST_SECONDS });
    expect(failure && { ...failure, input: undefined }).toBeUndefined();
    for (const outcome of target.reaches) expect([...outcomes.keys()]).toContain(outcome);
  });

  it("makes the same input of the same seed", () => {
    for (const seed of [1, 77]) expect(target.make(seeded(seed))).toEqual(target.make(seeded(seed)));
  });
});

describe("the fuzzer itself", () => {
  /** Fails for every text with two letters in the right order. */
  const broken: Target = {
    name: "broken",
    thousands: 1,
    reaches: [],
    make: (random) => Array.from({ length: 40 }, () => random.pick(["a", "b", "c", "x"])).join(""),
    run(input) {
      const text = String(input);
      must(!/a.*b.*x/.test(text), "no a before b before x", text);
      return { outcome: "fine", said: text.length };
    },
  };

  it("finds an input that fails, and makes it small", () => {
    const { failure } = runTarget(broken, { inputs: 100, seed: 5 });
    expect(failure?.error).toMatch(/^no a before b before x/);
    expect(failure && shrink(broken, failure.input, failure.error)).toBe("abx");
  });

  it("notices answers that change", () => {
    let calls = 0;
    const forgetful: Target = { ...broken, run: () => ({ outcome: "fine", said: ++calls }) };
    expect(runTarget(forgetful, { inputs: 1, seed: 1 }).failure?.error).toMatch(/same answer/);
  });
});
