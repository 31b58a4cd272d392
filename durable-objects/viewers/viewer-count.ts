/**
 * Who watches a stream: those whom its shards count, and those without a socket, whom edges tell of. And how many watched a
 * broadcast, which is stored with it. Sums stand in core/viewers/rollup.ts.
 */
import { countPolled, type PolledViewers } from "../../wire/polled-viewers.ts";
import { remember } from "../../workers/remember.ts";
import type { Archive } from "../archive.ts";
import type { Live } from "../core/live.ts";
import { type Watched, watchedOf } from "../core/viewers/rollup.ts";

/** What an edge said counts for so long; it says it again every ten seconds. */
const POLLED_MS = 30_000;
/** How many watched is stored this often, and at the end. */
const SAVE_MS = 10_000;
/** Isolates of the edge that are listened to; more of them say what others said. */
const MAX_EDGES = 5_000;
/** Longer than that nobody counted: who watched meanwhile is not known. */
const UNCOUNTED_MS = 60_000;

export class ViewerCount {
  readonly #archive: Archive;
  readonly #polled = new Map<string, { readonly viewers: PolledViewers; readonly at: number }>();
  #union: { readonly count: number; readonly at: number } | undefined;
  #broadcast: string | undefined;
  #watched: Watched | undefined;
  #savedAt = 0;
  /** It has been stored with the end of the broadcast. */
  #isFinal = false;

  constructor(archive: Archive) {
    this.#archive = archive;
  }

  /** An edge tells whom it has seen. */
  hear(edge: string, viewers: PolledViewers, now: number): void {
    remember(this.#polled, edge, { viewers, at: now }, MAX_EDGES);
  }

  /** People without a socket: somebody whom two edges saw is one. */
  polled(now: number): number {
    if (this.#union && Math.abs(now - this.#union.at) < UNION_MS) return this.#union.count;
    for (const [edge, { at }] of [...this.#polled]) if (now - at >= POLLED_MS) this.#polled.delete(edge);
    const count = countPolled([...this.#polled.values()].map(({ viewers }) => viewers));
    this.#union = { count, at: now };
    return count;
  }

  /** From now on so many watch. */
  note(live: Live | undefined, viewers: number, now: number): void {
    if (!live?.visible) return;
    if (live.broadcast !== this.#broadcast) this.#begin(live, now);
    const before = this.#watched;
    const isOver = live.endedAt !== undefined;
    if (isOver && (this.#isFinal || !before)) return;
    const watched = watchedOf(before, isOver ? 0 : viewers, live.endedAt ?? now);
    this.#watched = watched;
    const isNews = !before || watched.viewerMs > before.viewerMs || watched.peak > before.peak;
    if (!isOver && !(isNews && now - this.#savedAt >= SAVE_MS)) return;
    this.#archive.saveWatched(live.broadcast, watched);
    this.#savedAt = now;
    this.#isFinal = isOver;
  }

  #begin({ broadcast, endedAt = Number.POSITIVE_INFINITY }: Live, now: number): void {
    this.#broadcast = broadcast;
    this.#savedAt = 0;
    const stored = this.#archive.watched(broadcast);
    this.#isFinal = stored !== undefined && stored.atMs >= endedAt;
    this.#watched = stored && now - stored.atMs > UNCOUNTED_MS ? { ...stored, viewers: 0 } : stored;
  }
}

/** The union is counted anew at most this often. */
const UNION_MS = 1_000;
