/**
 * The reads that are under way in this isolate, by key, and the memory that they hold. A request that the runtime ended tells
 * nobody: its read is taken for lost in time, so that no key waits for it for ever.
 */
import { Filling, type Source } from "./filling.ts";

/** A read under way, and whom it is for. */
export interface Reading {
  readonly filling: Filling;
  /** Nobody waits for it: a stale copy was served meanwhile. */
  readonly behind: boolean;
  /** Milliseconds since 1970. */
  readonly begunAt: number;
}

const readings = new Map<string, Reading>();
/** Bytes by what holds them, oldest first: read, or still being sent to somebody who takes them slowly. */
const holders = new Map<Filling, number>();
let heldBytes = 0;

/** An isolate has 128 MB, and what was read is there twice for a moment, when it is put into the cache. */
const MAX_HELD_BYTES = 48 * 2 ** 20;
/** Whoever takes longer than this over what is there is let go when memory is short. */
const SLOW_MS = 10_000;

/** The read of this key that others can wait for. */
export function readingOf(key: string): Reading | undefined {
  const reading = readings.get(key);
  if (!reading?.filling.isLost()) return reading;
  end(key, reading.filling);
  release(reading.filling);
  return undefined;
}

/** Begin a read, in the place of any other of this key. What it brings is held until nobody needs it. */
export function beginReading(key: string, behind: boolean, read: () => Promise<Source>): Filling {
  const filling = new Filling(
    async () => {
      const source = await read();
      hold(filling, source.head.size);
      return source;
    },
    () => release(filling),
  );
  readings.set(key, { filling, behind, begunAt: Date.now() });
  return filling;
}

/** Nobody need wait for this read any more. */
export function end(key: string, filling: Filling): void {
  if (readings.get(key)?.filling === filling) readings.delete(key);
}

/**
 * May another read be held? When memory is short those are let go who take longest over what has long been read: their
 * clients ask again, and find it in the cache.
 */
export function hasRoom(): boolean {
  if (heldBytes <= MAX_HELD_BYTES) return true;
  for (const filling of holders.keys()) {
    if (filling.overForMs() < SLOW_MS) continue;
    filling.letGo();
    release(filling);
    if (heldBytes <= MAX_HELD_BYTES) return true;
  }
  return false;
}

function hold(filling: Filling, bytes: number): void {
  holders.set(filling, bytes);
  heldBytes += bytes;
}

function release(filling: Filling): void {
  heldBytes -= holders.get(filling) ?? 0;
  holders.delete(filling);
}
