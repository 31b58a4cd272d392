/**
 * What a purge removes from R2, as a list of tasks that are done one after the other. Pure: who lists and deletes is
 * durable-objects/purging/removal.ts.
 */
import { STREAM_ID, streamOfBroadcast } from "../../../media/address.ts";
import type { PurgeRecord } from "../../../wire/purge.ts";
import { isDrawn } from "../../../wire/purge-prefix.ts";
import { backoffMs } from "../backoff.ts";

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
      /** Something that was removed had been written lately. */
      readonly lately?: boolean;
      /** Milliseconds since 1970. */
      readonly notBefore?: number;
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
  if (isDrawn(scope)) return undefined;
  const [, root, first = "", second] = scope.replace(/\/$/, "").split("/");
  if (root === "live")
    return { walk: "broadcasts", stream: first, ...(second !== undefined && { rendition: second }) };
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

/**
 * Longest that the upload of an object may take, which is asked about before it begins: 16 MiB at 1 Mbit/s, and some seconds.
 * One that was allowed before its broadcast was forgotten may come after the broadcast was removed.
 */
const UPLOAD_MS = 150_000;

/** Was this written so shortly before the removal was asked for, or since, that more of it may be on its way? */
export const isLate = (writtenAt: number, askedAt: number): boolean => writtenAt > askedAt - UPLOAD_MS;

/** A whole broadcast is removed; where it was written lately, it is looked at once more when nothing can be on its way any more. */
export function emptied(
  removal: Removal,
  { lately, notBefore: _, ...task }: Extract<Task, { readonly walk: "objects" }>,
  removed: number,
  now: number,
): Removal {
  const next = done(removal, [], removed);
  return lately ? { ...next, tasks: [...next.tasks, { ...task, notBefore: now + UPLOAD_MS }] } : next;
}

type Look = Extract<Task, { readonly walk: "objects" }> & { readonly notBefore: number };
const isLook = (task: Task): task is Look => task.walk === "objects" && task.notBefore !== undefined;

/** Is everything removed that was there? Where it was written lately there may be another look to come. */
export const isDone = ({ tasks }: Removal): boolean => tasks.every(isLook);

/**
 * Did the step that led from one to the other remove the last of it, or something that came late? Then it is purged once
 * more: what was fetched again meanwhile must not stay in any cache.
 */
export const isNews = (before: Removal, after: Removal): boolean =>
  isDone(after) && (!isDone(before) || after.removed > before.removed);

const LONGEST_WAIT_MS = 300_000;

/** When the first task may be done, or tried again; `undefined`: there is none. */
export function dueAt({ tasks: [task], failures }: Removal, now: number): number | undefined {
  if (!task) return undefined;
  if (failures > 0) return now + backoffMs(failures, LONGEST_WAIT_MS);
  return isLook(task) ? Math.max(task.notBefore, now) : now;
}

/** Leave the broadcast of the task alone. */
export const spare = (removal: Removal): Removal => ({ ...done(removal), spared: true });

/** The task failed, and is tried again. */
export const failed = (removal: Removal): Removal => ({ ...removal, failures: removal.failures + 1 });

/** What the operator is told. */
export function progressOf(removal: Removal): Exclude<PurgeRecord["removal"], undefined> {
  const { removed, failures, spared } = removal;
  const isFailing = failures > 0 && !isDone(removal);
  const error = isFailing
    ? "The objects could not be removed yet; it is tried again."
    : "A broadcast that is under way, or began after the purge, was left alone.";
  return {
    state: isDone(removal) ? "done" : "running",
    removed,
    ...((isFailing || spared) && { error }),
  };
}
