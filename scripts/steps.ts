/** Steps of `npm run check` and `npm test`: each is timed, bounded, and told in a line. What the steps are is said elsewhere. */
import { killGroup, type ProcessGroup, startGroup } from "./process-group.ts";

export interface Step {
  readonly name: string;
  readonly program: string;
  readonly args: readonly string[];
  /** A step that takes longer is killed with all its children, and has failed. */
  readonly limitSeconds: number;
}

export interface StepResult {
  readonly name: string;
  readonly ok: boolean;
  readonly seconds: number;
}

let running: ProcessGroup | undefined;
for (const [signal, code] of [
  ["SIGINT", 130],
  ["SIGTERM", 143],
  ["SIGHUP", 129],
] as const) {
  process.on(signal, () => {
    if (running) killGroup(running);
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
    killGroup(group);
  }, step.limitSeconds * 1000);
  const { code, signal } = await group.exited;
  clearTimeout(limit);
  // What a step leaves behind would disturb the next one.
  killGroup(group);
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
  for (const step of steps) results.push(await runStep(step));
  return results;
}

/** Name what failed, if anything did. */
export function tellFailures(results: readonly StepResult[]): void {
  const failed = results.filter(({ ok }) => !ok).map(({ name }) => name);
  if (failed.length > 0) console.log(`\nFailed: ${failed.join(", ")}`);
}
