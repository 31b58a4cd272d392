/**
 * Where tests and benchmarks keep what nobody needs afterwards: in memory where there is room. The simulators of R2, D1 and objects
 * sync every write, and how fast this machine's disk does that is neither tested nor measured.
 */
import { mkdtempSync, rmSync, statfsSync } from "node:fs";
import { freemem, tmpdir } from "node:os";
import { join } from "node:path";

const MEMORY = "/dev/shm";
/** What a whole run writes, several times over. */
const ROOM_BYTES = 6 * 2 ** 30;

function hasRoom(folder: string): boolean {
  try {
    const { bavail, bsize } = statfsSync(folder);
    return Math.min(bavail * bsize, freemem()) >= ROOM_BYTES;
  } catch {
    return false;
  }
}

/** Make a folder that this process and its children take for the system's own temporary one; it goes when this process does. */
export function useScratch(name: string): void {
  const folder = mkdtempSync(join(hasRoom(MEMORY) ? MEMORY : tmpdir(), `${name}-`));
  process.env["TMPDIR"] = folder;
  process.on("exit", () => rmSync(folder, { recursive: true, force: true }));
}
