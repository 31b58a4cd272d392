/** One vitest project as a step, and what its report says. */
import { readFileSync } from "node:fs";
import { relative } from "node:path";
import * as v from "valibot";
import { parseJson } from "../wire/parse.ts";
import type { Step } from "./steps.ts";

/** Run one project of vitest.config.ts, or some files of it; its JSON report goes to a file beside what the terminal shows. */
export const vitestStep = (
  project: string,
  report: string,
  limitSeconds: number,
  files: readonly string[] = [],
): Step => ({
  name: [`${project} tests`, ...files].join(" "),
  program: "vitest",
  args: [
    ...["run", "--project", project, ...files],
    ...["--reporter=default", "--reporter=json", `--outputFile.json=${report}`],
    "--reporter=./scripts/failures-reporter.ts",
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
    v.object({
      name: v.string(),
      status: v.string(),
      assertionResults: v.array(v.object({ status: v.string() })),
    }),
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
export const countReport = (path: string): TestCount => countTests(readReport(path));

/** Paths of the files in which something failed, from the folder that is given; none when there is no report. */
export function failedFiles(path: string, folder: string): readonly string[] {
  const parsed = parseJson(ReportSchema, readReport(path));
  if (!parsed.ok) return [];
  return parsed.value.testResults
    .filter(({ status }) => status === "failed")
    .map(({ name }) => relative(folder, name));
}

function readReport(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}
