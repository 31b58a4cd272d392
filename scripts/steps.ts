/** Steps of `npm run check` and `npm test`: each is timed, bounded, and told in a line. What the steps are is said elsewhere. */
import { endGroup, killGroup, type ProcessGroup, startGroup } from "./process-group.ts";

export interface Step {
  readonly name: string;
  readonly program: string;
  readonly args: readonly string[];
  /** A step that takes longer is ended with all its children, and has failed. */
  readonly limitSeconds: number;
}

export interface StepResult {
  readonly name: string;
  readonly ok: boolean;
  readonly seconds: number;
}

/** What a step started in groups of their own it has to end itself: it is asked first. */
const GRACE_MS = 15_000;
/** Two signals within this time are one press of Ctrl-C that arrived by two ways. */
const SAME_PRESS_MS = 500;

let running: ProcessGroup | undefined;
/** When it was asked to end. */
let askedAt: number | undefined;
for (const [signal, code] of [
  ["SIGINT", 130],
  ["SIGTERM", 143],
  ["SIGHUP", 129],
] as const) {
  process.on(signal, async () => {
    const isFirst = askedAt === undefined;
    if (!isFirst && performance.now() - (askedAt ?? 0) < SAME_PRESS_MS) return;
    askedAt ??= performance.now();
    // Who asks twice does not want to wait.
    if (running && isFirst) await endGroup(running, GRACE_MS);
    else if (running) killGroup(running);
    process.exit(code);
  });
}

/** Run one step; its output goes to the terminal as it comes. */
export async function runStep(step: Step): Promise<StepResult> {
  console.log(`\n── ${step.name}`);
  const started = performance.now();
  const group = startGroup(step.program, step.args, { stdio: ["ignore", "inherit", "inherit"] });
  running = group;
  let late = false;
  const limit = setTimeout(() => {
    late = true;
    void endGroup(group, GRACE_MS);
  }, step.limitSeconds * 1000);
  const { code, signal } = await group.exited;
  clearTimeout(limit);
  // What a step leaves behind would disturb the next one.
  await endGroup(group, GRACE_MS);
  running = undefined;
  const seconds = (performance.now() - started) / 1000;
  const ok = code === 0;
  const how = late
    ? `took over ${step.limitSeconds} s and was ended`
    : `failed (${signal ?? `code ${code}`})`;
  console.log(`── ${step.name} ${ok ? "passed" : how}, ${seconds.toFixed(1)} s`);
  return { name: step.name, ok, seconds };
}

/** Run steps one after the other, all of them, whatever fails. */
export async function runSteps(steps: readonly Step[]): Promise<StepResult[]> {
  const results: StepResult[] = [];
  for (const step of steps) {
    results.push(await runStep(step));
    // What ends the steps ends this process too.
    if (askedAt !== undefined) await new Promise(() => {});
  }
  return results;
}

/** Name what failed, if anything did. */
export function tellFailures(results: readonly StepResult[]): void {
  const failed = results.filter(({ ok }) => !ok).map(({ name }) => name);
  if (failed.length > 0) console.log(`\nFailed: ${failed.join(", ")}`);
}
