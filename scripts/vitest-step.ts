/** One vitest project as a step, and the count of its report. */
import { readFileSync } from "node:fs";
import * as v from "valibot";
import { parseJson } from "../wire/parse.ts";
import type { Step } from "./steps.ts";

/** Run one project of vitest.config.ts; its JSON report goes to a file beside what the terminal shows. */
export const vitestStep = (project: string, report: string, limitSeconds: number): Step => ({
  name: `${project} tests`,
  program: "vitest",
  args: [
    ...["run", "--project", project],
    ...["--reporter=default", "--reporter=json", `--outputFile.json=${report}`],
  ],
  limitSeconds,
});

export interface TestCount {
  readonly passed: number;
  readonly failed: number;
}

const ReportSchema = v.object({
  numPassedTests: v.number(),
  numFailedTests: v.number(),
  testResults: v.array(
    v.object({ status: v.string(), assertionResults: v.array(v.object({ status: v.string() })) }),
  ),
});

/** Count a report. A file that failed without a failed test (it did not load, a hook threw) counts as one failure; so does a run without a report. */
export function countTests(report: string): TestCount {
  const parsed = parseJson(ReportSchema, report);
  if (!parsed.ok) return { passed: 0, failed: 1 };
  const { numPassedTests, numFailedTests, testResults } = parsed.value;
  const broken = testResults.filter(
    ({ status, assertionResults }) =>
      status === "failed" && !assertionResults.some((test) => test.status === "failed"),
  );
  return { passed: numPassedTests, failed: numFailedTests + broken.length };
}

/** Count the report in a file. */
export function countReport(path: string): TestCount {
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch {
    text = "";
  }
  return countTests(text);
}
