/**
 * A reporter for vitest that appends what went wrong to a file, so that `npm test` can say it once more at its very end: also errors
 * that belong to no test, which fail a run and stand in no other report.
 */
import { appendFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Reporter, SerializedError, TestModule } from "vitest/node";

/** Where it is written; a run has a temporary folder of its own (scratch.ts). */
export const failuresFile = (): string => join(tmpdir(), "failures.txt");

/** A line of a message is enough to find it in the log. */
const firstLine = (text: string): string => text.split("\n", 1)[0] ?? "";

export default class FailuresReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], unhandled: readonly SerializedError[]): void {
    const lines = modules.flatMap((module) => [
      ...module.errors().map(({ message }) => `${module.relativeModuleId}: ${firstLine(message)}`),
      ...[...module.children.allTests("failed")].map(
        (test) =>
          `${module.relativeModuleId} > ${test.fullName}: ${firstLine(test.result().errors?.[0]?.message ?? "")}`,
      ),
    ]);
    const strays = unhandled.map(({ message, stack }) => `outside of tests: ${stack ?? message}`);
    const all = [...lines, ...strays];
    if (all.length > 0) appendFileSync(failuresFile(), `${all.join("\n")}\n`);
  }
}
