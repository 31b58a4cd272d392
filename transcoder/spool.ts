/**
 * Segments on disk that origin has not taken in time: bounded in size and age, there again after a restart. What origin has
 * taken meanwhile stays until the broadcast was compared with R2. One folder a session, one folder an item in it. Sending them
 * is the flusher's business (spool-flusher.ts), asking what is missing the checker's (spool-checker.ts).
 */
import { mkdir, readdir, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import * as v from "valibot";
import { fileName, parseFileName } from "../media/address.ts";
import { fail, ok, type Result } from "../media/result.ts";
import { SegmentEntrySchema } from "../wire/ingest.ts";
import { parseJson } from "../wire/parse.ts";
import { type ItemFacts, itemName, next, overflow, uncheckedSessions } from "./core/spool-order.ts";
import type { Log } from "./log.ts";
import type { Holder } from "./origin-client.ts";
import type { NamedObject, SegmentEntry } from "./packaging.ts";

export interface SpoolLimits {
  readonly bytes: number;
  readonly ageMs: number;
}

export interface SpoolOptions {
  readonly folder: string;
  /** Whose segments these are: what waits for another origin is left alone. */
  readonly origin: string;
  readonly limits: SpoolLimits;
  readonly log: Log;
}

/** One session's share. A segment is named by its media sequence number, the tracks' description by `undefined`. */
export interface SessionSpool {
  /** Write to disk, unless it is there already. */
  keep(segment: SegmentEntry | undefined, objects: readonly NamedObject[]): void;
  /** Origin has it. Nothing happens if it was not kept. */
  discard(msn: number | undefined): void;
  /** The live edge has passed it: it may be sent late. Nothing happens if it was not kept. */
  release(msn: number | undefined): void;
}

/** What is to be sent, read from disk. */
export interface SpooledItem {
  readonly facts: ItemFacts;
  readonly holder: Holder;
  /** Absent for the description of the tracks. */
  readonly segment?: SegmentEntry;
  readonly objects: readonly NamedObject[];
}

const LEASE_FILE = "lease.json";
const ENTRY_FILE = "entry.json";
/** Its presence says that origin has the item, since it was made. */
const STORED_FILE = "stored";
/** An item is written under this name first, so that half of one is never taken for a whole. */
const UNFINISHED = ".unfinished";
/** Bytes in memory that wait for the disk; past this a slow disk costs segments rather than memory. */
const MAX_UNWRITTEN_BYTES = 64 * 1024 * 1024;
const LeaseSchema = v.object({ session: v.string(), lease: v.string(), origin: v.string(), at: v.number() });
type Lease = v.InferOutput<typeof LeaseSchema>;

export class Spool {
  readonly #options: SpoolOptions;
  readonly #leases = new Map<string, Lease>();
  readonly #items = new Map<string, ItemFacts>();
  #unwrittenBytes = 0;
  /** What is done on disk, one after the other. */
  #steps: Promise<void> = Promise.resolve();
  #onRelease: () => void = () => {};

  private constructor(options: SpoolOptions) {
    this.#options = options;
  }

  /** Open a folder, with what an earlier process left there. Rejects when it cannot be written. */
  static async open(options: SpoolOptions): Promise<Spool> {
    const spool = new Spool(options);
    await mkdir(options.folder, { recursive: true, mode: 0o700 });
    for (const session of await readdir(options.folder)) await spool.#readSession(session);
    spool.#enforceLimits();
    spool.#tell();
    return spool;
  }

  /** Bytes and items on disk that origin does not have yet. */
  get depth(): { readonly bytes: number; readonly items: number } {
    const all = [...this.#items.values()].filter(({ storedAt }) => storedAt === undefined);
    return { bytes: all.reduce((sum, { bytes }) => sum + bytes, 0), items: all.length };
  }

  /** Sessions of which origin has all that is here, and since when. */
  unchecked(): readonly { readonly holder: Holder; readonly storedAt: number }[] {
    return [...uncheckedSessions(this.#items.values())].flatMap(([session, storedAt]) => {
      const holder = this.#leases.get(session);
      return holder ? [{ holder, storedAt }] : [];
    });
  }

  /** A session was compared with R2: what is missing there is sent again, the rest is forgotten. Answers how many are sent. */
  checked(session: string, isMissing: (msn: number | undefined) => boolean): number {
    const own = [...this.#items.values()].filter(
      (facts) => facts.session === session && facts.storedAt !== undefined,
    );
    const missing = own.filter(({ msn }) => isMissing(msn));
    for (const facts of missing) {
      const { storedAt: _storedAt, ...rest } = facts;
      this.#items.set(facts.name, { ...rest, released: true });
      this.#then(facts, () => rm(join(this.#folderOf(facts), STORED_FILE), { force: true }));
    }
    for (const facts of own) if (!missing.includes(facts)) this.#remove(facts);
    if (missing.length > 0) this.#onRelease();
    return missing.length;
  }

  /** The share of one session. */
  session({ session, lease }: Holder): SessionSpool {
    const nameOf = (msn: number | undefined) => itemName(session, msn);
    return {
      keep: (segment, objects) => {
        const { origin } = this.#options;
        this.#keep({ session, lease, origin, at: Date.now() }, segment, objects);
      },
      discard: (msn) => {
        const facts = this.#items.get(nameOf(msn));
        if (facts) this.#stored(facts);
      },
      release: (msn) => {
        const facts = this.#items.get(nameOf(msn));
        if (!facts) return;
        this.#items.set(nameOf(msn), { ...facts, released: true });
        this.#tell();
        this.#onRelease();
      },
    };
  }

  /** Be told when there is something to send. */
  onRelease(handler: () => void): void {
    this.#onRelease = handler;
  }

  /** The oldest item that may be sent, of those that are due; `undefined` when there is none. */
  async next(isDue?: (facts: ItemFacts) => boolean): Promise<SpooledItem | undefined> {
    this.#enforceLimits();
    await this.#steps;
    for (;;) {
      const facts = next(this.#items.values(), isDue);
      if (!facts) return undefined;
      const read = await this.#read(facts);
      if (read.ok) return read.value;
      // It may have been dropped for room meanwhile.
      if (!this.#items.has(facts.name)) continue;
      this.#options.log({ event: "spool-unreadable", session: facts.session, item: facts.name });
      if (read.error === "broken") this.#remove(facts);
      // A disk that fails, or no file descriptor left: it stays, and the next process may have more luck.
      else this.#items.set(facts.name, { ...facts, written: false });
    }
  }

  /** Origin has it now. */
  done({ facts }: SpooledItem): void {
    this.#stored(facts);
  }

  /** Origin will never take it. */
  drop({ facts }: SpooledItem): void {
    this.#remove(facts);
  }

  /** Wait until the disk has everything it was given. */
  async settled(): Promise<void> {
    await this.#steps;
  }

  #keep(lease: Lease, segment: SegmentEntry | undefined, objects: readonly NamedObject[]): void {
    const name = itemName(lease.session, segment?.msn);
    if (this.#items.has(name)) return;
    const known = this.#leases.get(lease.session) ?? lease;
    const facts: ItemFacts = {
      name,
      session: lease.session,
      sessionAt: known.at,
      ...(segment && { msn: segment.msn }),
      bytes: objects.reduce((sum, { bytes }) => sum + bytes.byteLength, 0),
      at: Date.now(),
      written: false,
      released: false,
    };
    if (this.#unwrittenBytes + facts.bytes > MAX_UNWRITTEN_BYTES) {
      this.#options.log({ event: "spool-failed", session: facts.session, error: "the disk is too slow" });
      return;
    }
    this.#leases.set(lease.session, known);
    this.#items.set(name, facts);
    this.#unwrittenBytes += facts.bytes;
    this.#then(facts, () =>
      this.#write(facts, known, segment, objects).finally(() => {
        this.#unwrittenBytes -= facts.bytes;
      }),
    );
    this.#enforceLimits();
    this.#tell();
  }

  async #write(
    facts: ItemFacts,
    lease: Lease,
    segment: SegmentEntry | undefined,
    objects: readonly NamedObject[],
  ): Promise<void> {
    // It was dropped for room, or origin has taken it, before the disk came to it.
    if (!this.#items.has(facts.name)) return;
    const folder = this.#folderOf(facts);
    const unfinished = folder + UNFINISHED;
    await mkdir(unfinished, { recursive: true, mode: 0o700 });
    // Whole or not at all as well: without its lease, all that a session has here is lost.
    const leaseFile = join(this.#options.folder, lease.session, LEASE_FILE);
    await writeFile(leaseFile + UNFINISHED, JSON.stringify(lease), { mode: 0o600 });
    await rename(leaseFile + UNFINISHED, leaseFile);
    for (const { rendition, file, bytes } of objects)
      await writeFile(join(unfinished, `${rendition}~${fileName(file)}`), bytes);
    if (segment) await writeFile(join(unfinished, ENTRY_FILE), JSON.stringify(segment));
    await rename(unfinished, folder);
    const now = this.#items.get(facts.name);
    if (!now) return;
    this.#items.set(facts.name, { ...now, written: true });
    if (now.released) this.#onRelease();
  }

  /** What was never large enough to matter, or is not on disk yet, need not stay. */
  #stored(facts: ItemFacts): void {
    const now = this.#items.get(facts.name);
    if (now?.written && now.bytes > 0) {
      this.#items.set(facts.name, { ...now, storedAt: Date.now() });
      this.#then(facts, () => writeFile(join(this.#folderOf(facts), STORED_FILE), ""));
      this.#tell();
    } else this.#remove(facts);
  }

  #remove(facts: ItemFacts): void {
    const isLast = this.#forget(facts);
    this.#then(facts, async () => {
      await rm(isLast ? join(this.#options.folder, facts.session) : this.#folderOf(facts), {
        recursive: true,
        force: true,
      });
    });
    this.#tell();
  }

  /** Is nothing left of its session? */
  #forget(facts: ItemFacts): boolean {
    this.#items.delete(facts.name);
    const isLast = ![...this.#items.values()].some(({ session }) => session === facts.session);
    if (isLast) this.#leases.delete(facts.session);
    return isLast;
  }

  /** Too much, or too old: the oldest goes. */
  #enforceLimits(): void {
    for (const facts of overflow(this.#items.values(), this.#options.limits, Date.now())) {
      const { session, msn, bytes, storedAt } = facts;
      if (storedAt === undefined)
        this.#options.log({ event: "spool-dropped", session, ...(msn !== undefined && { msn }), bytes });
      this.#remove(facts);
    }
  }

  /** A disk that fails costs what was to be written, and nothing else. */
  #then(facts: ItemFacts, step: () => Promise<void>): void {
    this.#steps = this.#steps.then(step).catch(async (error: unknown) => {
      this.#options.log({ event: "spool-failed", session: facts.session, error: String(error) });
      this.#forget(facts);
      // A disk that is full is not to be kept full by halves.
      await rm(this.#folderOf(facts) + UNFINISHED, { recursive: true, force: true }).catch(() => {});
    });
  }

  async #read(facts: ItemFacts): Promise<Result<SpooledItem, "broken" | "failed">> {
    const lease = this.#leases.get(facts.session);
    try {
      const folder = this.#folderOf(facts);
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
      if (!lease || (facts.msn !== undefined && !segment)) return fail("broken");
      return ok({ facts, holder: lease, ...(segment && { segment }), objects });
    } catch (error) {
      return fail(error instanceof Error && "code" in error && error.code === "ENOENT" ? "broken" : "failed");
    }
  }

  /** What an earlier process left of a session; half-written items are thrown away. */
  async #readSession(session: string): Promise<void> {
    const folder = join(this.#options.folder, session);
    const text = await readFile(join(folder, LEASE_FILE), "utf8").catch(() => "");
    const lease = parseJson(LeaseSchema, text);
    if (!lease.ok || lease.value.session !== session) {
      this.#options.log({ event: "spool-unreadable", session, item: LEASE_FILE });
      await rm(folder, { recursive: true, force: true });
      return;
    }
    if (lease.value.origin !== this.#options.origin) return;
    this.#leases.set(session, lease.value);
    for (const item of await readdir(folder)) {
      const path = join(folder, item);
      if (item === LEASE_FILE) continue;
      if (item.endsWith(UNFINISHED)) await rm(path, { recursive: true, force: true });
      else await this.#readItem(lease.value, item);
    }
    if ([...this.#items.values()].some((facts) => facts.session === session)) return;
    this.#leases.delete(session);
    await rm(folder, { recursive: true, force: true });
  }

  async #readItem(lease: Lease, item: string): Promise<void> {
    const file = item === "init" ? undefined : parseFileName(`${item}.m4s`);
    if (item !== "init" && file?.kind !== "segment") return;
    const msn = file?.kind === "segment" ? file.msn : undefined;
    const folder = join(this.#options.folder, lease.session, item);
    const stored = await stat(join(folder, STORED_FILE)).catch(() => undefined);
    const facts: ItemFacts = {
      name: itemName(lease.session, msn),
      session: lease.session,
      sessionAt: lease.at,
      ...(msn !== undefined && { msn }),
      ...(await weigh(folder)),
      written: true,
      released: true,
      ...(stored && { storedAt: stored.mtimeMs }),
    };
    this.#items.set(facts.name, facts);
  }

  #folderOf({ session, msn }: ItemFacts): string {
    return join(this.#options.folder, session, msn === undefined ? "init" : `seg-${msn}`);
  }

  #tell(): void {
    const all = [...this.#items.values()];
    const stored = all.filter(({ storedAt }) => storedAt !== undefined).length;
    const waiting = all.filter(({ released, storedAt }) => released && storedAt === undefined).length;
    const { bytes, items } = this.depth;
    this.#options.log({ event: "spool", bytes, segments: items, waiting, ...(stored > 0 && { stored }) });
  }
}

/** Bytes in a folder, and when it was written. */
async function weigh(folder: string): Promise<{ readonly bytes: number; readonly at: number }> {
  const names = await readdir(folder);
  const sizes = await Promise.all(names.map(async (name) => (await stat(join(folder, name))).size));
  return { bytes: sizes.reduce((sum, size) => sum + size, 0), at: (await stat(folder)).mtimeMs };
}
