/** Steps and process groups: nothing outlives them, and tests are counted as they are. */
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";
import { endGroup, killGroup, startGroup } from "../../../scripts/process-group.ts";
import { runStep } from "../../../scripts/steps.ts";
import { countReport, countTests, failedFiles } from "../../../scripts/vitest-step.ts";

/** Whether a process runs; one that ended and was not yet collected by its new parent does not. */
const isAlive = (pid: number): boolean =>
  /^[^Z\s]/.test(spawnSync("ps", ["-o", "stat=", "-p", `${pid}`], { encoding: "utf8" }).stdout);

/** A shell that starts a child of its own and prints its pid. */
async function family(script: string) {
  const group = startGroup("sh", ["-c", script], { stdio: ["ignore", "pipe", "ignore"] });
  const pid = await new Promise<number>((resolve) =>
    group.child.stdout?.once("data", (text) => resolve(Number(String(text)))),
  );
  return { group, grandchild: pid };
}

async function gone(pid: number): Promise<boolean> {
  for (let n = 0; n < 100 && isAlive(pid); n++) await new Promise((resolve) => setTimeout(resolve, 10));
  return !isAlive(pid);
}

it("ends a grandchild that its parent left behind", async () => {
  const { group, grandchild } = await family("sleep 60 & echo $!; wait");
  expect(isAlive(grandchild)).toBe(true);
  expect(await endGroup(group, 5000)).toBe(true);
  expect(await gone(grandchild)).toBe(true);
});

it("kills what does not want to end", async () => {
  const { group, grandchild } = await family("trap '' TERM; sleep 60 & echo $!; while :; do sleep 0.1; done");
  expect(await endGroup(group, 200)).toBe(false);
  expect(await gone(grandchild)).toBe(true);
  expect((await group.exited).signal).toBe("SIGKILL");
  killGroup(group);
});

it("lets a child say goodbye in its own time", async () => {
  const { group } = await family("trap 'sleep 0.3; exit 7' TERM; echo 1; while :; do sleep 0.05; done");
  expect(await endGroup(group, 5000)).toBe(true);
  expect(await group.exited).toEqual({ code: 7, signal: null });
});

it("tells of a program that is not there", async () => {
  const group = startGroup("millrace-no-such-program", [], { stdio: "ignore" });
  expect(await group.exited).toEqual({ code: 127, signal: null });
  expect(await endGroup(group, 100)).toBe(true);
});

it.each([
  ["a step that works", "exit 0", 10, true],
  ["a step that fails", "exit 3", 10, false],
  ["a step that hangs", "sleep 60", 0.2, false],
] as const)("runs %s", async (name, script, limitSeconds, ok) => {
  const result = await runStep({ name, program: "sh", args: ["-c", script], limitSeconds });
  expect(result).toMatchObject({ name, ok });
  expect(result.seconds).toBeLessThan(5);
});

it("lets what hangs in a step end what it has started in a group of its own", async () => {
  const script =
    "setsid sleep 60 & child=$!; echo $child >&3; trap 'kill $child; exit 1' TERM; while :; do sleep 0.05; done";
  const folder = mkdtempSync(join(tmpdir(), "millrace-steps-"));
  const path = join(folder, "pid");
  await runStep({
    name: "a step that hangs",
    program: "sh",
    args: ["-c", script.replace("&3", path)],
    limitSeconds: 0.5,
  });
  expect(await gone(Number(readFileSync(path, "utf8")))).toBe(true);
  rmSync(folder, { recursive: true });
});

const file = (status: string, ...tests: string[]) => ({
  name: `/tree/test/${tests.length}.test.ts`,
  status,
  assertionResults: tests.map((of) => ({ status: of })),
});

it.each([
  ["all passed", { numPassedTests: 3, numFailedTests: 0, testResults: [file("passed", "passed")] }, 3, 0],
  ["one failed", { numPassedTests: 2, numFailedTests: 1, testResults: [file("failed", "failed")] }, 2, 1],
  ["a file did not load", { numPassedTests: 2, numFailedTests: 0, testResults: [file("failed")] }, 2, 1],
  ["no report of vitest's", { tests: 9 }, 0, 1],
] as const)("counts tests: %s", (_name, report, passed, failed) => {
  expect(countTests(JSON.stringify(report))).toEqual({ passed, failed });
});

it("counts a run that left no report as a failure", () => {
  expect(countReport("/nowhere/report.json")).toEqual({ passed: 0, failed: 1 });
});

it("names the files that failed", () => {
  const folder = mkdtempSync(join(tmpdir(), "millrace-report-"));
  const report = join(folder, "report.json");
  const testResults = [file("passed", "passed"), file("failed", "passed", "failed"), file("failed")];
  writeFileSync(report, JSON.stringify({ numPassedTests: 2, numFailedTests: 1, testResults }));
  expect(failedFiles(report, "/tree")).toEqual(["test/2.test.ts", "test/0.test.ts"]);
  expect(failedFiles("/nowhere/report.json", "/tree")).toEqual([]);
  rmSync(folder, { recursive: true });
});
