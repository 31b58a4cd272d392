/** Runs a tool of node_modules to its end; what it says is shown only when it fails. */
import { execFile } from "node:child_process";
import { StartFailure } from "./failure.ts";

const LIMIT_MS = 180_000;
const SHOWN_LINES = 15;

/** Throws a `StartFailure` with the given words when the tool fails. */
export function runTool(
  root: string,
  tool: string,
  args: readonly string[],
  env: Readonly<Record<string, string>>,
  failure: string,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const options = { cwd: root, env: { ...process.env, ...env }, timeout: LIMIT_MS };
    execFile(tool, [...args], options, (error, stdout, stderr) => {
      if (error === null) return resolve();
      const lines = `${stdout}\n${stderr}`.split("\n").filter((line) => line.trim() !== "");
      reject(new StartFailure(failure, lines.slice(-SHOWN_LINES)));
    });
  });
}
