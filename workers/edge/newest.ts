/** What this isolate knows of how far streams are. Decides nothing (core/newest.ts). */
import { remember } from "../remember.ts";
import { isCurrent, learn, type Newest } from "./core/newest.ts";
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
