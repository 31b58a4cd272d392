/**
 * How a spool lies on disk: one folder a session with its lease, one folder an item in it. Reads and writes; what is kept and
 * what goes is decided in spool.ts.
 */
import { mkdir, readdir, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import * as v from "valibot";
import { fileName, parseFileName } from "../media/address.ts";
import { fail, ok, type Result } from "../media/result.ts";
import type { SegmentEntry } from "../media/timeline.ts";
import { SegmentEntrySchema } from "../wire/ingest.ts";
import { parseJson } from "../wire/parse.ts";
import type { NamedObject } from "./packaging.ts";

const LEASE_FILE = "lease.json";
const ENTRY_FILE = "entry.json";
/** Its presence says that origin has the item, since it was made. */
const STORED_FILE = "stored";
/** An item is written under this name first, so that half of one is never taken for a whole. */
const UNFINISHED = ".unfinished";

const LeaseSchema = v.object({ session: v.string(), lease: v.string(), origin: v.string(), at: v.number() });
/** A session, its secret, whose it is, and when it began to need the spool. */
export type Lease = v.InferOutput<typeof LeaseSchema>;

/** What an item holds. */
export interface ItemContents {
  /** Absent for the description of the tracks. */
  readonly segment?: SegmentEntry;
  readonly objects: readonly NamedObject[];
}

/** An item that was found. */
export interface FoundItem {
  readonly msn?: number;
  readonly bytes: number;
  /** When it was written, milliseconds since 1970. */
  readonly at: number;
  readonly storedAt?: number;
}

/** Where an item is: a segment by its number, or the description of the tracks. */
export const itemFolder = (root: string, session: string, msn: number | undefined): string =>
  join(root, session, msn === undefined ? "init" : `seg-${msn}`);

/** Write an item, whole or not at all, and its session's lease. */
export async function writeItem(
  root: string,
  lease: Lease,
  { segment, objects }: ItemContents,
): Promise<void> {
  const folder = itemFolder(root, lease.session, segment?.msn);
  const unfinished = folder + UNFINISHED;
  await mkdir(unfinished, { recursive: true, mode: 0o700 });
  // Whole or not at all as well: without its lease, all that a session has here is lost.
  const leaseFile = join(root, lease.session, LEASE_FILE);
  await writeFile(leaseFile + UNFINISHED, JSON.stringify(lease), { mode: 0o600 });
  await rename(leaseFile + UNFINISHED, leaseFile);
  for (const { rendition, file, bytes } of objects)
    await writeFile(join(unfinished, `${rendition}~${fileName(file)}`), bytes);
  if (segment) await writeFile(join(unfinished, ENTRY_FILE), JSON.stringify(segment));
  await rename(unfinished, folder);
}

/** Remove what a write that failed left behind. */
export const removeUnfinished = (folder: string): Promise<void> =>
  rm(folder + UNFINISHED, { recursive: true, force: true });

/** Note that origin has an item, or has it not after all. */
export const markStored = (folder: string, isStored: boolean): Promise<void> =>
  isStored ? writeFile(join(folder, STORED_FILE), "") : rm(join(folder, STORED_FILE), { force: true });

/** Read an item. `broken`: it is not one; `failed`: the disk is in trouble. */
export async function readItem(folder: string): Promise<Result<ItemContents, "broken" | "failed">> {
  try {
    const objects: NamedObject[] = [];
    let segment: SegmentEntry | undefined;
    for (const name of await readdir(folder)) {
      if (name === STORED_FILE) continue;
      const bytes = await readFile(join(folder, name));
      const [rendition = "", rest = ""] = name.split("~", 2);
      const file = parseFileName(rest);
      if (name === ENTRY_FILE) {
        const entry = parseJson(SegmentEntrySchema, bytes.toString("utf8"));
        if (!entry.ok) return fail("broken");
        segment = entry.value;
      } else if (file) objects.push({ rendition, file, bytes });
    }
    return ok({ ...(segment && { segment }), objects });
  } catch (error) {
    return fail(error instanceof Error && "code" in error && error.code === "ENOENT" ? "broken" : "failed");
  }
}

/** The lease of a session's folder; `undefined` when it has none. */
export async function readLease(root: string, session: string): Promise<Lease | undefined> {
  const text = await readFile(join(root, session, LEASE_FILE), "utf8").catch(() => "");
  const lease = parseJson(LeaseSchema, text);
  return lease.ok && lease.value.session === session ? lease.value : undefined;
}

/** What an earlier process left in a session's folder; half-written items are thrown away. */
export async function findItems(root: string, session: string): Promise<readonly FoundItem[]> {
  const found: FoundItem[] = [];
  for (const name of await readdir(join(root, session))) {
    const path = join(root, session, name);
    const file = parseFileName(`${name}.m4s`);
    if (name.endsWith(UNFINISHED)) await rm(path, { recursive: true, force: true });
    else if (name === "init") found.push(await weigh(path));
    else if (file?.kind === "segment") found.push({ msn: file.msn, ...(await weigh(path)) });
  }
  return found;
}

async function weigh(folder: string): Promise<FoundItem> {
  const names = await readdir(folder);
  const stats = await Promise.all(
    names.map(async (name) => ({ name, facts: await stat(join(folder, name)) })),
  );
  const stored = stats.find(({ name }) => name === STORED_FILE)?.facts.mtimeMs;
  return {
    bytes: stats.reduce((sum, { facts }) => sum + facts.size, 0),
    at: (await stat(folder)).mtimeMs,
    ...(stored !== undefined && { storedAt: stored }),
  };
}
