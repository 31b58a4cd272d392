/** What /proc says of the processes on this machine: families, processor time and memory. Linux only; nothing is sent a signal here. */
import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import { basename } from "node:path";

/** One process, as it was a moment ago. */
export interface ProcessFacts {
  readonly pid: number;
  readonly parent: number;
  /** File name of the program. */
  readonly program: string;
  readonly args: readonly string[];
  /** Time on a processor since it began, all its threads. */
  readonly cpuSeconds: number;
  readonly residentBytes: number;
}

/** Ticks a second that Linux counts in, whatever the kernel does inside. */
const TICKS_A_SECOND = 100;
const PAGE_BYTES = 4096;

/** Facts of a process; `undefined` when it is gone, or ended and not collected yet. */
export function readProcess(pid: number): ProcessFacts | undefined {
  try {
    const [program = "", ...args] = readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0");
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    // The name in brackets may hold anything, brackets too.
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    if (fields[0] === "Z") return undefined;
    const field = (number: number) => Number(fields[number - 3]);
    return {
      pid,
      parent: field(4),
      program: basename(program),
      args: args.slice(0, -1),
      cpuSeconds: (field(14) + field(15)) / TICKS_A_SECOND,
      residentBytes: field(24) * PAGE_BYTES,
    };
  } catch {
    return undefined;
  }
}

/** A process and all that descend from it; none when it is gone. */
export function familyOf(pid: number): readonly ProcessFacts[] {
  const children = Map.groupBy(allProcesses(), ({ parent }) => parent);
  const family: ProcessFacts[] = [];
  const own = readProcess(pid);
  const open = own ? [own] : [];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    family.push(next);
    open.push(...(children.get(next.pid) ?? []));
  }
  return family;
}

const allProcesses = (): readonly ProcessFacts[] =>
  readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => readProcess(Number(name)) ?? []);

/** TCP ports that a process listens on, IPv4. */
export function listeningPorts(pid: number): readonly number[] {
  const sockets = new Set(openFiles(pid).flatMap((file) => /^socket:\[(\d+)\]$/.exec(file)?.[1] ?? []));
  const [, ...rows] = readFileSync("/proc/net/tcp", "utf8").trim().split("\n");
  return rows.flatMap((row) => {
    const [, local = "", , state, , , , , , inode = ""] = row.trim().split(/\s+/);
    const isOurs = state === LISTENING && sockets.has(inode);
    return isOurs ? [Number.parseInt(local.split(":")[1] ?? "", 16)] : [];
  });
}

/** In /proc/net/tcp. */
const LISTENING = "0A";

function openFiles(pid: number): readonly string[] {
  try {
    const folder = `/proc/${pid}/fd`;
    return readdirSync(folder).flatMap((fd) => {
      try {
        return [readlinkSync(`${folder}/${fd}`)];
      } catch {
        return [];
      }
    });
  } catch {
    return [];
  }
}

/** Sum of one fact over processes. */
export const sumOf = (processes: readonly ProcessFacts[], fact: "cpuSeconds" | "residentBytes"): number =>
  processes.reduce((sum, process) => sum + process[fact], 0);
