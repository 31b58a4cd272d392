/** A child process with a group of its own, so that it can be ended with all that it started. Nothing about what it runs. */
import { type ChildProcess, type SpawnOptions, spawn } from "node:child_process";

export interface ProcessGroup {
  readonly child: ChildProcess;
  /** When the child itself is gone; code 127 when it could not be started. */
  readonly exited: Promise<Exit>;
}

export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

const POLL_MS = 25;

/** Start a child as the leader of a new group: Ctrl-C in the terminal does not reach it, only `endGroup` does. */
export function startGroup(program: string, args: readonly string[], options: SpawnOptions): ProcessGroup {
  const child = spawn(program, [...args], { ...options, detached: true });
  const exited = new Promise<Exit>((resolve) => {
    child.on("exit", (code, signal) => resolve({ code, signal }));
    child.on("error", () => resolve({ code: 127, signal: null }));
  });
  return { child, exited };
}

/** Ask the leader to end, wait for the whole group, and kill what is left after a grace time. True when nothing had to be killed. */
export async function endGroup(group: ProcessGroup, graceMs: number): Promise<boolean> {
  const { pid } = group.child;
  if (pid === undefined) return true;
  group.child.kill("SIGTERM");
  const asked = Date.now();
  let toldAll = false;
  while (isAlive(pid)) {
    const waitedMs = Date.now() - asked;
    if (waitedMs > graceMs) {
      killGroup(group);
      return false;
    }
    // The leader went without its children.
    if (!toldAll && (group.child.exitCode !== null || group.child.signalCode !== null)) {
      signalGroup(pid, "SIGTERM");
      toldAll = true;
    }
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
  return true;
}

/** Kill the whole group at once. */
export function killGroup({ child }: ProcessGroup): void {
  if (child.pid !== undefined) signalGroup(child.pid, "SIGKILL");
}

const isAlive = (leader: number): boolean => signalGroup(leader, 0);

function signalGroup(leader: number, signal: NodeJS.Signals | 0): boolean {
  try {
    return process.kill(-leader, signal);
  } catch {
    return false;
  }
}
