/** What this isolate knows of how far streams are, and the newest playlists by it. What is news is decided in core/newest.ts. */
import type { Reload } from "../../media/live-edge.ts";
import { remember } from "../remember.ts";
import { type Asking, type Nothing, obtain } from "./cache.ts";
import { readAllowance } from "./core/freshness.ts";
import {
  type Given,
  isAhead,
  isCurrent,
  isNews,
  isRightForPlain,
  learn,
  type Newest,
} from "./core/newest.ts";
import { COPY, type Found, type Wish } from "./found.ts";
import type { Target } from "./targets.ts";

/** What was obtained; `isPlain`: it was asked for as whatever is newest, and another playlist was given. */
export interface Obtained {
  readonly found: Found | Nothing;
  readonly isPlain: boolean;
}

/** Obtain a target; a plain request for a media playlist gets the newest that anybody was given a moment ago. */
export async function obtainNewest(asking: Asking, target: Target, wish: Wish): Promise<Obtained> {
  const newest = newestOf(target);
  const found = await obtain(asking, newest, wish);
  const isPlain = newest !== target;
  const given = typeof found === "string" ? undefined : givenOf(found);
  if (!isPlain || (given && isRightForPlain(given))) {
    if (given && isNews(given)) noteAnswered(newest);
    return { found, isPlain };
  }
  if (typeof found !== "string") await found.body?.cancel();
  return { found: await obtain(asking, target, {}), isPlain };
}

const givenOf = ({ status, story, ageSeconds, headers }: Found): Given => ({
  isWhole: status === 200,
  isStale: story.how === "stale",
  ageSeconds,
  plainSeconds: readAllowance(headers.get(COPY.plainEdge)).maxAge,
});

const known = new Map<string, Newest>();
const MAX_KNOWN = 10_000;

/** A playlist that was waited for has come. */
function noteAnswered(target: Target): void {
  if (target.kind !== "playlist" || target.reload === undefined) return;
  const { stream, reload } = target;
  remember(known, stream, learn(known.get(stream), reload, Date.now()), MAX_KNOWN);
}

/** What a plain request for a media playlist means just now: the newest one; anything else means itself. */
function newestOf(target: Target): Target {
  if (target.kind !== "playlist" || target.reload !== undefined) return target;
  if (target.request.kind !== "media" || target.request.skip !== undefined) return target;
  const newest = known.get(target.stream);
  return newest && isCurrent(newest, Date.now()) ? { ...target, reload: newest.position } : target;
}

/** Is this part of a stream still to come, as far as is known? Then R2 need not be looked into for it. */
export function isToCome(stream: string, part: Required<Reload>): boolean {
  const newest = known.get(stream);
  return newest !== undefined && isCurrent(newest, Date.now()) && isAhead(newest, part);
}
