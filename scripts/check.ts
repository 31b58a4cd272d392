/** `npm run check`: format, lint, types and unit tests. Quick enough for every commit. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { checkSteps } from "./check-steps.ts";
import { runSteps, tellFailures } from "./steps.ts";

const reports = mkdtempSync(join(tmpdir(), "millrace-check-"));
const results = await runSteps(checkSteps(join(reports, "unit.json")));
rmSync(reports, { recursive: true, force: true });
tellFailures(results);
process.exit(results.every(({ ok }) => ok) ? 0 : 1);
