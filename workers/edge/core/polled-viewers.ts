/**
 * Who was seen asking for media playlists, for as long as that makes them a viewer. An accumulator in memory, of hashes alone;
 * when it is told stands in workers/edge/polled-viewers.ts.
 */
import { MAX_POLLED_HASHES, type PolledViewers, reportOf } from "../../../wire/polled-viewers.ts";
import { ViewerSketch } from "../../../wire/viewer-sketch.ts";

/** Somebody watches for so long after the last request: every player asks at least once in two target durations. */
const WATCHES_MS = 30_000;
/** More people than are held one by one are held as a sketch of each window, so that they can leave again. */
const WINDOW_MS = 10_000;
/** Streams that are held at once; those that come later are not counted. */
const MAX_STREAMS = 500;

/** Of a stream: when each viewer was seen last, or a sketch of each window by its number. */
type Seen =
  | { readonly kind: "few"; readonly lastMs: Map<string, number> }
  | { readonly kind: "many"; readonly windows: Map<number, ViewerSketch> };

/** What a stream's object is to be told. */
export interface PolledReport {
  readonly stream: string;
  readonly viewers: PolledViewers;
}

export class PolledTally {
  readonly #seen = new Map<string, Seen>();

  /** A viewer of a stream, by a hash as in wire/polled-viewers.ts, asked for a playlist. */
  saw(stream: string, hash: string, nowMs: number): void {
    const seen = this.#seen.get(stream) ?? this.#begin(stream);
    if (!seen) return;
    if (seen.kind === "many") {
      windowOf(seen.windows, nowMs).add(hash);
      return;
    }
    seen.lastMs.set(hash, nowMs);
    if (seen.lastMs.size <= MAX_POLLED_HASHES) return;
    leave(seen, nowMs);
    if (seen.lastMs.size > MAX_POLLED_HASHES) this.#seen.set(stream, sketched(seen.lastMs));
  }

  /** All who watch now. A stream that nobody watches any more is told of once more, and forgotten. */
  take(nowMs: number): readonly PolledReport[] {
    return [...this.#seen].map(([stream, seen]) => {
      leave(seen, nowMs);
      const isEmpty = (seen.kind === "few" ? seen.lastMs : seen.windows).size === 0;
      if (isEmpty) this.#seen.delete(stream);
      return { stream, viewers: viewersOf(seen) };
    });
  }

  #begin(stream: string): Seen | undefined {
    if (this.#seen.size >= MAX_STREAMS) return undefined;
    const seen: Seen = { kind: "few", lastMs: new Map() };
    this.#seen.set(stream, seen);
    return seen;
  }
}

/** Forget those who have not asked for too long. A clock that went back makes nobody stay: who was seen in the future goes. */
function leave(seen: Seen, nowMs: number): void {
  const isGone = (atMs: number) => nowMs - atMs >= WATCHES_MS || atMs - nowMs >= WATCHES_MS;
  if (seen.kind === "few") {
    for (const [hash, atMs] of seen.lastMs) if (isGone(atMs)) seen.lastMs.delete(hash);
    return;
  }
  for (const number of seen.windows.keys()) if (isGone(number * WINDOW_MS)) seen.windows.delete(number);
}

function windowOf(windows: Map<number, ViewerSketch>, atMs: number): ViewerSketch {
  const number = Math.floor(atMs / WINDOW_MS);
  const known = windows.get(number);
  if (known) return known;
  const made = new ViewerSketch(0);
  windows.set(number, made);
  return made;
}

function sketched(lastMs: ReadonlyMap<string, number>): Seen {
  const windows = new Map<number, ViewerSketch>();
  for (const [hash, atMs] of lastMs) windowOf(windows, atMs).add(hash);
  return { kind: "many", windows };
}

function viewersOf(seen: Seen): PolledViewers {
  if (seen.kind === "few") return { hashes: [...seen.lastMs.keys()] };
  const all = new ViewerSketch(0);
  for (const { held } of seen.windows.values()) if ("registers" in held) all.addRegisters(held.registers);
  return seen.windows.size === 0 ? { hashes: [] } : reportOf(all);
}
