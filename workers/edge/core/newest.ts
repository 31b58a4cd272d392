/**
 * How far streams are, as an edge learns it from the requests that it answers. A plain request for a playlist then means the
 * newest one that anybody was given, instead of a copy that may be half a target duration old. Pure.
 */
import type { Reload } from "../../../media/live-edge.ts";

/** A position that a playlist was given for, and when, milliseconds since 1970. */
export interface Newest {
  readonly position: Reload;
  readonly atMs: number;
}

/** Nobody waits for the next part for longer than this while a stream goes on and is watched. */
const CURRENT_MS = 1_000;

/** What is known after a request for `position` was answered. Sequence numbers only grow (docs/decisions/009). */
export function learn(known: Newest | undefined, position: Reload, atMs: number): Newest {
  if (known && isCurrent(known, atMs) && compare(known.position, position) >= 0) return known;
  return { position, atMs };
}

/** True while a plain request may be answered with it. */
export const isCurrent = ({ atMs }: Newest, nowMs: number): boolean =>
  nowMs >= atMs && nowMs - atMs < CURRENT_MS;

/** Is a part still to come, as far as is known? */
export const isAhead = ({ position }: Newest, part: Required<Reload>): boolean => compare(part, position) > 0;

/** A playlist that somebody was given. */
export interface Given {
  readonly isWhole: boolean;
  readonly isStale: boolean;
  readonly ageSeconds: number;
  /** How long it is fresh for who asked for the newest. */
  readonly plainSeconds: number;
}

/** The answer to somebody who waited may be kept longer than a plain one: a request for what is long past is given an old one. */
export const isRightForPlain = ({ isWhole, isStale, ageSeconds, plainSeconds }: Given): boolean =>
  isWhole && !isStale && ageSeconds < Math.max(plainSeconds, LEAST_SECONDS);
/** Half the shortest target duration: directives have whole seconds only. */
const LEAST_SECONDS = 0.5;

/** Was it drawn just now? Not what stands in for another, and not what others were given long ago. */
export const isNews = ({ isWhole, isStale, ageSeconds }: Given): boolean =>
  isWhole && !isStale && ageSeconds < NEWS_SECONDS;
const NEWS_SECONDS = 1;

/** A segment as a whole is past all its parts. */
const compare = (a: Reload, b: Reload): number =>
  a.msn - b.msn || (a.part ?? Number.POSITIVE_INFINITY) - (b.part ?? Number.POSITIVE_INFINITY) || 0;
