/** Cuts that are told to origin together, and their objects on the way. When to tell is the publisher's business. */
import type { Entry, MediaEntry, SegmentEntry } from "../media/timeline.ts";
import type { Refusal } from "./origin-client.ts";
import { type Published, withGaps } from "./packaging.ts";
import type { Upload } from "./upload.ts";

/** What a group is made of. */
export interface GroupFacts {
  readonly entries: readonly Entry[];
  readonly uploads: readonly Upload[];
  /** Bytes of its objects. */
  readonly bytes: number;
  /** Absent for what describes the tracks. */
  readonly published?: Published;
}

export class Group {
  /** Resolves when every object is stored, refused or given up. */
  readonly settled: Promise<void>;
  readonly facts: GroupFacts;
  /** On the process's steady clock, milliseconds. */
  readonly cutAt = performance.now();
  #isSettled = false;
  /** These hold the objects' bytes, so they go when the group is settled. */
  #timers: NodeJS.Timeout[] = [];
  #rescue: (() => void) | undefined;
  #tellingTimer: NodeJS.Timeout | undefined;
  #isOver = false;

  constructor(facts: GroupFacts) {
    this.facts = facts;
    this.settled = Promise.all(facts.uploads.map(({ over }) => over)).then(() => {
      this.#isSettled = true;
      // What was refused at the live edge, of a session that lost its stream, say, may still come late.
      if (this.refusal) this.#rescue?.();
      for (const timer of this.#timers) clearTimeout(timer);
      this.#timers = [];
      this.#rescue = undefined;
    });
  }

  get isSettled(): boolean {
    return this.#isSettled;
  }

  /** The segment that this group closes. */
  get segment(): SegmentEntry | undefined {
    return this.facts.entries.find((entry) => entry.type === "segment");
  }

  get refusal(): Refusal | undefined {
    return this.facts.uploads.find(({ refusal }) => refusal !== undefined)?.refusal;
  }

  /** Do something unless all is stored by then. */
  after(ms: number, act: () => void): void {
    if (!this.#isSettled) this.#timers.push(setTimeout(act, ms));
  }

  /** What to do with its objects if they are not all stored within `ms`, or given up before. */
  rescueAfter(ms: number, rescue: () => void): void {
    this.#rescue = rescue;
    this.after(ms, rescue);
  }

  /** Do something if all is stored and it is still not told of after `ms`. */
  untoldAfter(ms: number, act: () => void): void {
    if (!this.#isOver) this.#tellingTimer = setTimeout(act, ms);
  }

  /** It was told of, or left to the spool. */
  close(): void {
    this.#isOver = true;
    clearTimeout(this.#tellingTimer);
  }

  /** Wait for its objects no longer. */
  giveUp(): void {
    if (this.facts.uploads.some(({ isPending }) => isPending)) this.#rescue?.();
    for (const upload of this.facts.uploads) upload.giveUp();
  }

  /** Objects that are not stored. */
  get lateObjects(): number {
    return this.facts.uploads.filter(({ isStored }) => !isStored).length;
  }

  /** Its entries as they can be told now: what is not stored is a gap. */
  entriesToTell(): readonly Entry[] {
    const { entries, uploads } = this.facts;
    if (this.lateObjects === 0) return entries;
    const stored = new Set(uploads.filter(({ isStored }) => isStored).map(({ name }) => name));
    return entries.map((entry) => (isMedia(entry) ? withGaps(entry, stored) : entry));
  }

  /** Is its segment stored in every rendition? */
  hasWholeSegment(): boolean {
    const told = this.entriesToTell().find((entry) => entry.type === "segment");
    const { segment } = this;
    if (!told || !segment) return true;
    return Object.keys(told.tracks).length === Object.keys(segment.tracks).length;
  }
}

const isMedia = (entry: Entry): entry is MediaEntry => entry.type !== "init";
