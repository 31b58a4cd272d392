/** `npm test`: pages, checks, tests in workerd, tests from end to end; then one line that counts them all. */
import { tmpdir } from "node:os";
import { join } from "node:path";
import { checkSteps } from "./check-steps.ts";
import { useScratch } from "./scratch.ts";
import { runSteps, tellFailures } from "./steps.ts";
import { countReport, vitestStep } from "./vitest-step.ts";

const started = performance.now();
useScratch("millrace-test");
const reports = ["unit", "integration", "e2e"].map((project) => join(tmpdir(), `${project}.json`));
const [unit = "", integration = "", e2e = ""] = reports;
// Limits end what hangs. They are three times what it takes here on a bad day, for no machine may fail by being slow.
const results = await runSteps([
  { name: "pages", program: "vite", args: ["build", "web", "--logLevel", "warn"], limitSeconds: 120 },
  ...checkSteps(unit),
  vitestStep("integration", integration, 900),
  vitestStep("e2e", e2e, 2400),
]);
const counts = reports.map(countReport);
const sum = (of: "passed" | "failed") => counts.reduce((total, count) => total + count[of], 0);
tellFailures(results);
console.log(`\n${((performance.now() - started) / 1000).toFixed(0)} s in all`);
console.log(`${sum("passed")} passed, ${sum("failed")} failed`);
process.exit(sum("failed") === 0 && results.every(({ ok }) => ok) ? 0 : 1);
