/**
 * `npm test`: pages, checks, tests in workerd, tests from end to end; then what failed, and one line that counts them all. There are real
 * processes, encoders and a browser in it, in real time: where next to nothing failed, that is run once more by itself, and what
 * passes then is told as unsteady.
 */
import { existsSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { checkSteps } from "./check-steps.ts";
import { failuresFile } from "./failures-reporter.ts";
import { useScratch } from "./scratch.ts";
import { runStep, runSteps, type Step, tellFailures } from "./steps.ts";
import { countReport, failedFiles, type TestCount, vitestStep } from "./vitest-step.ts";

/** More than these are no accident. */
const MAX_UNSTEADY_FILES = 2;
// Limits end what hangs. They are three times what it takes here on a bad day, for no machine may fail by being slow.
const LIMITS = { unit: 600, integration: 900, e2e: 2400 } as const;
type Project = keyof typeof LIMITS;
const PROJECTS: readonly Project[] = ["unit", "integration", "e2e"];

const started = performance.now();
useScratch("millrace-test");
const reportOf = (project: Project, run = "first") => join(tmpdir(), `${project}-${run}.json`);

const steps: readonly Step[] = [
  { name: "pages", program: "vite", args: ["build", "web", "--logLevel", "warn"], limitSeconds: 120 },
  ...checkSteps(reportOf("unit")),
  vitestStep("integration", reportOf("integration"), LIMITS.integration),
  vitestStep("e2e", reportOf("e2e"), LIMITS.e2e),
];
const results = await runSteps(steps);
const counts: TestCount[] = [];
for (const project of PROJECTS) {
  const first = countReport(reportOf(project));
  const index = steps.findIndex(({ name }) => name === `${project} tests`);
  const files = failedFiles(reportOf(project), process.cwd());
  const isOver = results[index]?.ok || files.length > MAX_UNSTEADY_FILES || first.passed === 0;
  const again = isOver ? undefined : await runAgain(project, files);
  if (again?.ok) results[index] = again;
  counts.push(again?.ok ? { passed: first.passed + first.failed, failed: 0 } : first);
}

const sum = (of: "passed" | "failed") => counts.reduce((total, count) => total + count[of], 0);
if (existsSync(failuresFile())) console.log(`\nWhat failed:\n${readFileSync(failuresFile(), "utf8")}`);
tellFailures(results);
console.log(`\n${((performance.now() - started) / 1000).toFixed(0)} s in all`);
console.log(`${sum("passed")} passed, ${sum("failed")} failed`);
process.exit(sum("failed") === 0 && results.every(({ ok }) => ok) ? 0 : 1);

/** Run files once more; none: all of the project, in which no test failed and something else did. */
async function runAgain(project: Project, files: readonly string[]) {
  const result = await runStep(vitestStep(project, reportOf(project, "again"), LIMITS[project], files));
  if (result.ok) console.log(`\nUnsteady, passed when run once more: ${files.join(", ") || project}`);
  return result;
}
