/** Makes node_modules what package-lock.json says, and finds the project's own Node in it. */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { firstLines, run, SetupError } from "./run.mjs";

/**
 * Whether what npm says it installed (its hidden lock file) is what the lock file wants. Optional packages, which are
 * those for one platform, may be absent or extra; nothing else may.
 */
export function isInstalled(wanted, installed) {
  for (const [path, { version, optional, devOptional }] of Object.entries(wanted)) {
    if (path === "") continue;
    const there = installed[path];
    if (there === undefined ? !optional && !devOptional : there.version !== version) return false;
  }
  return Object.entries(installed).every(([path, { optional }]) => optional || Object.hasOwn(wanted, path));
}

/** Install npm packages if they are not those of the lock file. Answers the path of the project's Node. */
export async function ensureModules(root) {
  const node = join(root, "node_modules", "node", "bin", process.platform === "win32" ? "node.exe" : "node");
  const wanted = readPackages(join(root, "package-lock.json"));
  if (wanted === undefined)
    throw new SetupError("package-lock.json is missing or broken: get it from the repository.");
  const installed = readPackages(join(root, "node_modules", ".package-lock.json"));
  if (installed === undefined || !isInstalled(wanted, installed) || !existsSync(node)) {
    console.error("Installing npm packages (a minute, once) ...");
    const flags = ["--no-audit", "--no-fund", "--loglevel=error"];
    let done = await npm(root, ["ci", ...flags]);
    // A lock file made where packages for other platforms cannot be had lacks them, and `ci` wants every one.
    if (done.code !== 0 && done.output.includes("EUSAGE"))
      done = await npm(root, ["install", "--no-save", ...flags]);
    if (done.code !== 0)
      throw new SetupError(`${firstLines(done.output)}\nnpm could not install: see above.`);
  }
  const version = await run(node, ["--version"]);
  if (version.code !== 0)
    throw new SetupError("The npm package `node` has no program: allow its install script and run `npm ci`.");
  return node;
}

/** Run npm. Inside `npm run` it says where it is; its name may not be in PATH. */
function npm(root, args) {
  const script = process.env.npm_execpath;
  return script?.endsWith(".js")
    ? run(process.execPath, [script, ...args], { cwd: root })
    : run("npm", args, { cwd: root, shell: process.platform === "win32" });
}

function readPackages(path) {
  try {
    return JSON.parse(readFileSync(path, "utf8")).packages;
  } catch {
    return undefined;
  }
}
