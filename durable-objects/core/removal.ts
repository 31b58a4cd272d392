/**
 * What a purge removes from R2, as a list of tasks that are done one after the other. Pure: who lists and deletes is
 * durable-objects/removal.ts.
 */
import { STREAM_ID, streamOfBroadcast } from "../../media/address.ts";
import type { PurgeRecord } from "../../wire/purge.ts";

/** One thing to do. `after`: the name that the walk has come to. */
export type Task =
  /** All broadcasts of a stream, or one rendition in all of them. */
  | {
      readonly walk: "broadcasts";
      readonly stream: string;
      readonly rendition?: string;
      readonly after?: string;
    }
  /** One rendition in all sessions of a broadcast. */
  | {
      readonly walk: "sessions";
      readonly broadcast: string;
      readonly rendition: string;
      readonly after?: string;
    }
  /** All objects whose keys begin so; `whole`: it is all that the broadcast has. */
  | {
      readonly walk: "objects";
      readonly broadcast: string;
      readonly prefix: string;
      readonly whole: boolean;
    };

/** How far a removal has come. */
export interface Removal {
  readonly tasks: readonly Task[];
  readonly removed: number;
  /** In a row. */
  readonly failures: number;
  /** A broadcast came, or came back, after the purge: it keeps what it has. */
  readonly spared: boolean;
}

/** What is to be done for a scope; `undefined` when nothing of it is in R2. */
export function taskOf(scope: string): Task | undefined {
  const [, root, first = "", second, ...rest] = scope.replace(/\/$/, "").split("/");
  if (root === "live") {
    if (second === undefined) return { walk: "broadcasts", stream: first };
    const isRendition = rest.length === 0 && scope.endsWith("/");
    return isRendition ? { walk: "broadcasts", stream: first, rendition: second } : undefined;
  }
  return {
    walk: "objects",
    broadcast: first,
    prefix: scope.slice(1),
    whole: second === undefined,
  };
}

/** The broadcast that a scope is about; `undefined`: all of its stream. */
export const broadcastOf = (scope: string): string | undefined => {
  const task = taskOf(scope);
  return task?.walk === "objects" ? task.broadcast : undefined;
};

/** The removal of all these scopes. */
export const removalOf = (scopes: readonly string[]): Removal => ({
  tasks: scopes.flatMap((scope) => taskOf(scope) ?? []),
  removed: 0,
  failures: 0,
  spared: false,
});

/** What is listed to find the broadcasts of a stream: another stream's id may begin with the same letters. */
export const broadcastsPrefix = (stream: string): string => `media/${stream}-`;

/** The broadcasts of a stream among folders that R2 listed. */
export const broadcastsAmong = (stream: string, folders: readonly string[]): readonly string[] =>
  folders
    .map((folder) => folder.slice("media/".length, -1))
    .filter((broadcast) => STREAM_ID.test(stream) && streamOfBroadcast(broadcast) === stream);

/** Where a walk over folders goes on behind one: "0" is the letter after "/". */
export const behind = (folder: string): string => `${folder.slice(0, -1)}0`;

/** The task is done, and others take its place. */
export const done = (removal: Removal, instead: readonly Task[] = [], removed = 0): Removal => ({
  ...removal,
  tasks: [...instead, ...removal.tasks.slice(1)],
  removed: removal.removed + removed,
  failures: 0,
});

/** Leave the broadcast of the task alone. */
export const spare = (removal: Removal): Removal => ({ ...done(removal), spared: true });

/** The task failed, and is tried again. */
export const failed = (removal: Removal): Removal => ({ ...removal, failures: removal.failures + 1 });

const FIRST_WAIT_MS = 5_000;
const LONGEST_WAIT_MS = 300_000;
/** How long to wait after as many failures in a row. */
export const waitMs = (failures: number): number =>
  Math.min(FIRST_WAIT_MS * 2 ** Math.max(0, failures - 1), LONGEST_WAIT_MS);

/** What the operator is told. */
export function progressOf({
  tasks,
  removed,
  failures,
  spared,
}: Removal): Exclude<PurgeRecord["removal"], undefined> {
  const error =
    failures > 0
      ? "The objects could not be removed yet; it is tried again."
      : "A broadcast that is under way, or began after the purge, was left alone.";
  return {
    state: tasks.length > 0 ? "running" : "done",
    removed,
    ...((failures > 0 || spared) && { error }),
  };
}
