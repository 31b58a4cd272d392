/** Builds the pages when they are missing or older than what they are made of. */
import { existsSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { runTool } from "./tool.ts";

/** Folders and files that Vite makes the pages of. */
const SOURCES = ["web", "media", "wire", "package-lock.json"];
const BUILT = join("dist", "web", "index.html");

/** Build if needed. */
export async function buildPages(root: string, tell: (line: string) => void): Promise<void> {
  if (!isStale(root)) return;
  tell("Building the pages ...");
  await runTool(root, "vite", ["build", "web", "--logLevel", "warn"], {}, "The pages could not be built.");
}

/** Whether the built pages are missing or older than a source. */
export function isStale(root: string): boolean {
  const built = join(root, BUILT);
  if (!existsSync(built)) return true;
  const builtAt = statSync(built).mtimeMs;
  return SOURCES.some((source) => newestChange(join(root, source)) > builtAt);
}

/** Latest change below a path, Unix ms; folders count too, as a file that was removed changes only them. */
function newestChange(path: string): number {
  const stats = statSync(path, { throwIfNoEntry: false });
  if (stats === undefined) return 0;
  if (!stats.isDirectory()) return stats.mtimeMs;
  return readdirSync(path).reduce(
    (newest, name) => Math.max(newest, newestChange(join(path, name))),
    stats.mtimeMs,
  );
}
