/** What this isolate knows of how far streams are. Decides nothing (core/newest.ts). */

import type { Reload } from "../../media/live-edge.ts";
import { remember } from "../remember.ts";
import { isAhead, isCurrent, learn, type Newest } from "./core/newest.ts";
import type { Target } from "./targets.ts";

const known = new Map<string, Newest>();
const MAX_KNOWN = 10_000;

/** A playlist that was waited for has come. */
export function noteAnswered(target: Target): void {
  if (target.kind !== "playlist" || target.reload === undefined) return;
  const { stream, reload } = target;
  remember(known, stream, learn(known.get(stream), reload, Date.now()), MAX_KNOWN);
}

/** What a plain request for a media playlist means just now: the newest one; anything else means itself. */
export function newestOf(target: Target): Target {
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
