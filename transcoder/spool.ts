/**
 * Segments on disk that origin has not taken in time: bounded in size and age, there again after a restart. What origin has
 * taken meanwhile stays until the broadcast was compared with R2. How it lies on disk is in spool-disk.ts, sending is the
 * flusher's business (spool-flusher.ts), asking what is missing the checker's (spool-checker.ts).
 */
import { mkdir, readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { fail, ok, type Result } from "../media/result.ts";
import type { SegmentEntry } from "../media/timeline.ts";
import { type ItemFacts, itemName, next, overflow, uncheckedSessions } from "./core/spool-order.ts";
import type { Log } from "./log.ts";
import type { Holder } from "./origin-client.ts";
import type { NamedObject } from "./packaging.ts";
import {
  findItems,
  type ItemContents,
  itemFolder,
  type Lease,
  markStored,
  readItem,
  readLease,
  removeUnfinished,
  writeItem,
} from "./spool-disk.ts";

/** What waits on disk at most: so much, for so long. */
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
export interface SpooledItem extends ItemContents {
  readonly facts: ItemFacts;
  readonly holder: Holder;
}

/** Bytes in memory that wait for the disk; past this a slow disk costs segments rather than memory. */
const MAX_UNWRITTEN_BYTES = 64 * 1024 * 1024;

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
      this.#then(facts, () => markStored(this.#folderOf(facts), false));
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
      this.#write(facts, known, { ...(segment && { segment }), objects }).finally(() => {
        this.#unwrittenBytes -= facts.bytes;
      }),
    );
    this.#enforceLimits();
    this.#tell();
  }

  async #write(facts: ItemFacts, lease: Lease, contents: ItemContents): Promise<void> {
    // It was dropped for room, or origin has taken it, before the disk came to it.
    if (!this.#items.has(facts.name)) return;
    await writeItem(this.#options.folder, lease, contents);
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
      this.#then(facts, () => markStored(this.#folderOf(facts), true));
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
      await removeUnfinished(this.#folderOf(facts)).catch(() => {});
    });
  }

  async #read(facts: ItemFacts): Promise<Result<SpooledItem, "broken" | "failed">> {
    const holder = this.#leases.get(facts.session);
    const read = await readItem(this.#folderOf(facts));
    if (!read.ok) return read;
    const isWhole = facts.msn === undefined || read.value.segment !== undefined;
    return holder && isWhole ? ok({ facts, holder, ...read.value }) : fail("broken");
  }

  /** What an earlier process left of a session. */
  async #readSession(session: string): Promise<void> {
    const root = this.#options.folder;
    const lease = await readLease(root, session);
    if (!lease) {
      this.#options.log({ event: "spool-unreadable", session, item: "its lease" });
      await rm(join(root, session), { recursive: true, force: true });
      return;
    }
    if (lease.origin !== this.#options.origin) return;
    const found = await findItems(root, session);
    if (found.length === 0) await rm(join(root, session), { recursive: true, force: true });
    else this.#leases.set(session, lease);
    for (const item of found) {
      const name = itemName(session, item.msn);
      this.#items.set(name, { ...item, name, session, sessionAt: lease.at, written: true, released: true });
    }
  }

  #folderOf({ session, msn }: ItemFacts): string {
    return itemFolder(this.#options.folder, session, msn);
  }

  #tell(): void {
    const all = [...this.#items.values()];
    const stored = all.filter(({ storedAt }) => storedAt !== undefined).length;
    const waiting = all.filter(({ released, storedAt }) => released && storedAt === undefined).length;
    const { bytes, items } = this.depth;
    this.#options.log({ event: "spool", bytes, segments: items, waiting, ...(stored > 0 && { stored }) });
  }
}
