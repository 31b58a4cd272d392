/** The processes of `npm start`: each with a log file, all ended in order. Which ones there are is said by `start.ts`. */
import { createWriteStream, mkdirSync } from "node:fs";
import { dirname } from "node:path";
import { createInterface } from "node:readline";
import { type Exit, endGroup, killGroup, type ProcessGroup, startGroup } from "../process-group.ts";
import { StartFailure } from "./failure.ts";

const SHOWN_LINES = 12;

/** What a child is started with. */
export interface ChildPlan {
  /** As the person is told of it. */
  readonly name: string;
  readonly program: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly log: string;
  /** How long it may take to end by itself. */
  readonly graceMs: number;
}

/** A child that was started. */
export interface Child {
  readonly plan: ChildPlan;
  readonly group: ProcessGroup;
  /** Resolves when it is gone and everything that it printed was heard; what it had started may keep that waiting. */
  readonly heard: Promise<void>;
  /** Hear each line it prints; answers a function that ends that. */
  readonly onLine: (hear: (line: string) => void) => () => void;
  /** What to tell when it ended on its own. */
  readonly deathOf: (exit: Exit) => StartFailure;
}

/** Start a child in the project's folder. Its log begins anew, or goes on with `again`. */
export function startChild(root: string, plan: ChildPlan, again = false): Child {
  mkdirSync(dirname(plan.log), { recursive: true });
  const log = createWriteStream(plan.log, { flags: again ? "a" : "w" });
  const group = startGroup(plan.program, plan.args, {
    cwd: root,
    env: { ...process.env, ...plan.env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const last: string[] = [];
  const hearers = new Set<(line: string) => void>();
  group.child.on("error", (error) => last.push(error.message));
  const heard = new Promise<void>((resolve) => {
    group.child.once("close", () => {
      log.end();
      resolve();
    });
  });
  for (const stream of [group.child.stdout, group.child.stderr]) {
    if (stream === null) continue;
    createInterface({ input: stream }).on("line", (line) => {
      log.write(`${line}\n`);
      last.push(line);
      if (last.length > SHOWN_LINES) last.shift();
      for (const hear of hearers) hear(line);
    });
  }
  return {
    plan,
    group,
    heard,
    onLine(hear) {
      hearers.add(hear);
      return () => hearers.delete(hear);
    },
    deathOf: (exit) =>
      new StartFailure(`The ${plan.name} ended (${wordsOf(exit)}). Its log: ${plan.log}`, last),
  };
}

/** How a process ended, in a word or two. */
export const wordsOf = ({ code, signal }: Exit): string => signal ?? `code ${code}`;

/** End children one after the other, the last started first. */
export async function endChildren(children: readonly Child[]): Promise<void> {
  for (const child of children.toReversed()) await endGroup(child.group, child.plan.graceMs);
}

/** Kill all children with all they started. */
export function killChildren(children: readonly Child[]): void {
  for (const child of children) killGroup(child.group);
}
