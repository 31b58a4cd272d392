/**
 * Notices a source that gives nothing any more although its show goes on: hls.js can wait for ever for a fragment that it
 * never asks for (an aborted init segment beside EXT-X-GAP, hls.js 1.7). Pure; milliseconds of any steady clock, seconds of media.
 */

/** Longer than a held part, and than the pauses between the attempts of hls.js. */
const STARVED_MS = 6_000;
/** The playlist grew by this much meanwhile: somebody is broadcasting. */
const GROWN_SECONDS = 3;

export interface FeedSample {
  readonly atMs: number;
  /** The viewer waits for a picture. */
  readonly waiting: boolean;
  /** When bytes of media last came; a slow line is no fault. */
  readonly mediaAtMs: number;
  /** End of the playlist, or any place that moves with it. */
  readonly edge: number;
}

/** Since when the viewer has waited without a byte, and where the edge was then. */
export interface Hunger {
  readonly sinceMs: number;
  readonly edge: number;
}

/** The hunger after a look; `undefined` while there is none. */
export function hungerAfter(before: Hunger | undefined, sample: FeedSample): Hunger | undefined {
  if (!sample.waiting) return undefined;
  const isFed = before === undefined || sample.mediaAtMs > before.sinceMs;
  return isFed ? { sinceMs: sample.atMs, edge: sample.edge } : before;
}

/** Whether nothing will come until the source is opened anew. */
export const isStarved = (hunger: Hunger | undefined, { atMs, edge }: FeedSample): boolean =>
  hunger !== undefined && atMs - hunger.sinceMs >= STARVED_MS && edge - hunger.edge >= GROWN_SECONDS;
