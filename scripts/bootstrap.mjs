/**
 * What `npm start`, `npm test`, `npm run check` and `npm run bench` run first: plain JavaScript for Node 20 with nothing
 * installed. It brings the machine to where the real script can run, under the project's own Node, and hands over.
 */
import { spawn } from "node:child_process";
import { constants } from "node:os";
import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";
import { ensureModules } from "./setup/modules.mjs";
import { ensureProgram } from "./setup/programs.mjs";
import { SetupError } from "./setup/run.mjs";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
const OLDEST_NODE = 20;
const PARENT_POLL_MS = 500;

const COMMANDS = {
  start: { script: "scripts/start.ts", needs: ["ffmpeg"] },
  test: { script: "scripts/test.ts", needs: ["ffmpeg", "chromium"] },
  check: { script: "scripts/check.ts", needs: ["ffmpeg"] },
  bench: { script: "bench/main.ts", needs: ["ffmpeg", "chromium"] },
};

const [name = "", ...rest] = process.argv.slice(2);
const command = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
try {
  if (command === undefined) throw new SetupError(`Say what to run: ${Object.keys(COMMANDS).join(", ")}.`);
  if (Number(process.versions.node.split(".")[0]) < OLDEST_NODE)
    throw new SetupError(
      `Node ${process.versions.node} is too old: Millrace needs Node ${OLDEST_NODE} or newer.`,
    );
  const node = await ensureModules(ROOT);
  for (const program of command.needs) await ensureProgram(program);
  handOver(node, [join(ROOT, command.script), ...rest]);
} catch (error) {
  if (!(error instanceof SetupError)) throw error;
  console.error(error.message);
  process.exitCode = 1;
}

function handOver(node, args) {
  const bin = join(ROOT, "node_modules", ".bin");
  const env = { ...process.env, PATH: `${bin}${delimiter}${process.env.PATH ?? ""}` };
  const child = spawn(node, args, { cwd: ROOT, env, stdio: "inherit" });
  // A terminal sends Ctrl-C to both; the child takes two of one key press as one.
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(signal, () => child.kill(signal));
  // A SIGTERM for `npm start` ends npm and its shell, and is not passed on.
  if (process.env.npm_lifecycle_event !== undefined) {
    const shell = process.ppid;
    const watch = () => process.ppid !== shell && child.kill("SIGTERM");
    setInterval(watch, PARENT_POLL_MS).unref();
  }
  child.on("error", (error) => {
    console.error(`${node} did not start: ${error.message}`);
    process.exitCode = 1;
  });
  child.on("exit", (code, signal) => process.exit(code ?? 128 + (constants.signals[signal] ?? 0)));
}
