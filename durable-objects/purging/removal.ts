/**
 * Removes from R2 what a purge was asked to delete, a task at a time, so that it can be broken off anywhere and go on.
 * What the tasks are stands in core/purging/removal.ts; who keeps how far it has come is purges.ts.
 */
import { streamOfBroadcast } from "../../media/address.ts";
import {
  behind,
  broadcastsAmong,
  broadcastsPrefix,
  done,
  emptied,
  isLate,
  type Removal,
  spare,
  type Task,
} from "../core/purging/removal.ts";
import { within } from "../deadline.ts";
import type { LiveStream } from "../live-stream.ts";

/** R2 deletes a thousand keys at once. */
const OBJECTS_PER_CALL = 1000;
/** Folders of one listing: each becomes a task that is stored. */
const FOLDERS_PER_CALL = 100;
const TIMEOUT_MS = 10_000;

/** What a removal reaches. */
export interface RemovalPorts {
  readonly bucket: () => R2Bucket;
  readonly db: () => D1Database;
  readonly stream: (id: string) => Pick<DurableObjectStub<LiveStream>, "spared" | "forget">;
}

/** A task of one kind. */
type Walk<W extends Task["walk"]> = Extract<Task, { readonly walk: W }>;

/** Do the first task of a removal, or a part of it; `askedAt`: when it was asked for. Throws when a store fails. */
export function advance(ports: RemovalPorts, removal: Removal, askedAt: number): Promise<Removal> {
  const [task] = removal.tasks;
  switch (task?.walk) {
    case undefined:
      return Promise.resolve(removal);
    case "broadcasts":
      return walkBroadcasts(ports, removal, task, askedAt);
    case "sessions":
      return walkSessions(ports, removal, task);
    case "objects":
      return removeObjects(ports, removal, task, askedAt);
  }
}

async function walkBroadcasts(
  { bucket, db, stream }: RemovalPorts,
  removal: Removal,
  task: Walk<"broadcasts">,
  askedAt: number,
): Promise<Removal> {
  const { rendition } = task;
  if (rendition === undefined && task.after === undefined) {
    // Also those that have nothing in R2 any more.
    const spared = await within(TIMEOUT_MS, "forgetting", stream(task.stream).forget(undefined, askedAt));
    await within(TIMEOUT_MS, "the list", unlistAll(db(), task.stream, askedAt, spared));
  }
  const { folders, more } = await listFolders(bucket(), broadcastsPrefix(task.stream), task.after);
  const tasks = broadcastsAmong(task.stream, folders).map(
    (broadcast): Task =>
      rendition === undefined
        ? { walk: "objects", broadcast, prefix: `media/${broadcast}/`, whole: true }
        : { walk: "sessions", broadcast, rendition },
  );
  return done(removal, [...tasks, ...(more === undefined ? [] : [{ ...task, after: more }])]);
}

async function walkSessions(
  { bucket }: RemovalPorts,
  removal: Removal,
  task: Walk<"sessions">,
): Promise<Removal> {
  const { broadcast, rendition } = task;
  const { folders, more } = await listFolders(bucket(), `media/${broadcast}/`, task.after);
  const tasks = folders.map(
    (folder): Task => ({ walk: "objects", broadcast, prefix: `${folder}${rendition}/`, whole: false }),
  );
  return done(removal, [...tasks, ...(more === undefined ? [] : [{ ...task, after: more }])]);
}

async function removeObjects(
  { bucket, db, stream }: RemovalPorts,
  removal: Removal,
  task: Walk<"objects">,
  askedAt: number,
): Promise<Removal> {
  const { broadcast, prefix, whole } = task;
  const object = stream(streamOfBroadcast(broadcast) ?? "");
  // Asked each time: an encoder may have come since the last.
  const ask = whole ? object.forget(broadcast, askedAt) : object.spared(broadcast, askedAt);
  const spared = await within(TIMEOUT_MS, "asking the stream", ask);
  if (spared.length > 0) return spare(removal);
  const page = await within(TIMEOUT_MS, "listing", bucket().list({ prefix, limit: OBJECTS_PER_CALL }));
  const keys = page.objects.map(({ key }) => key);
  if (keys.length > 0) await within(TIMEOUT_MS, "removing", bucket().delete(keys));
  // What is left is found by the same listing, whatever becomes of this object meanwhile.
  const lately = task.lately || page.objects.some(({ uploaded }) => isLate(uploaded.getTime(), askedAt));
  if (page.truncated) return done(removal, [{ ...task, lately }], keys.length);
  if (!whole) return done(removal, [], keys.length);
  await within(TIMEOUT_MS, "the list", unlist(db(), broadcast));
  return emptied(removal, { ...task, lately }, keys.length, Date.now());
}

/** Names below a prefix that end in a slash; `more`: where to go on. */
async function listFolders(bucket: R2Bucket, prefix: string, after: string | undefined) {
  const page = await within(
    TIMEOUT_MS,
    "listing",
    bucket.list({
      prefix,
      delimiter: "/",
      limit: FOLDERS_PER_CALL,
      ...(after !== undefined && { startAfter: after }),
    }),
  );
  const last = page.delimitedPrefixes.at(-1);
  return { folders: page.delimitedPrefixes, more: page.truncated && last ? behind(last) : undefined };
}

const unlist = (db: D1Database, broadcast: string): Promise<unknown> =>
  db.prepare("DELETE FROM broadcasts WHERE id = ?").bind(broadcast).run();

const unlistAll = (
  db: D1Database,
  stream: string,
  askedAt: number,
  spared: readonly string[],
): Promise<unknown> =>
  db
    .prepare(
      `DELETE FROM broadcasts WHERE stream = ? AND started_at <= ?
         AND id NOT IN (SELECT value FROM json_each(?))`,
    )
    .bind(stream, new Date(askedAt).toISOString(), JSON.stringify(spared))
    .run();
