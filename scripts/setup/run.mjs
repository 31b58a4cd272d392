/** Running the programs of the set-up quietly: their output is shown only when they fail. */
import { spawn } from "node:child_process";

/** The machine cannot be made ready; the message is one line for the person. */
export class SetupError extends Error {}

/** Run a program to its end. Answers its exit code (-1 when it cannot be started) and all it said. */
export function run(program, args, options = {}) {
  return new Promise((resolve) => {
    const child = spawn(program, args, { stdio: ["ignore", "pipe", "pipe"], ...options });
    let output = "";
    const keep = (text) => {
      output += text;
    };
    child.stdout.setEncoding("utf8").on("data", keep);
    child.stderr.setEncoding("utf8").on("data", keep);
    child.on("error", (error) => resolve({ code: -1, output: error.message }));
    child.on("close", (code) => resolve({ code: code ?? -1, output }));
  });
}

/** The last lines of an output, for a failure. */
export const lastLines = (output, count = 15) => output.trimEnd().split("\n").slice(-count).join("\n");

/** The first lines of an output: npm says why first, and how it is used after. */
export const firstLines = (output, count = 8) => output.trimStart().split("\n").slice(0, count).join("\n");
