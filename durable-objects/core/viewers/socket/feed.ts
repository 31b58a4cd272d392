/**
 * The newest publications of a channel in a shard. Sockets that are subscribed have got everything up to `position`; what comes
 * is either the next, or known already, or shows that something is missing. Never a part of what a client missed: all or nothing.
 */
import type { StreamPosition } from "../../../../wire/centrifugo.ts";
import { LIVE_HISTORY } from "../../../../wire/live-events.ts";

/** A publication that has a place in the history; `data` is JSON text. */
export interface Kept {
  readonly offset: number;
  readonly data: string;
  /** Whom it is sent to when it comes (`LivePublication`); who recovers gets it all the same. */
  readonly only?: { readonly user: string };
}

export interface Feed {
  readonly position: StreamPosition;
  /** Without a gap, up to the position, oldest first. */
  readonly kept: readonly Kept[];
  /** The stream itself has nothing older. */
  readonly whole: boolean;
}

/** Take publications that were delivered. `behind`: some before the delivery's position are missing. */
export function take(
  feed: Feed,
  { position, publications }: { readonly position: StreamPosition; readonly publications: readonly Kept[] },
): { readonly feed: Feed; readonly fresh: readonly Kept[]; readonly behind: boolean } {
  if (position.epoch !== feed.position.epoch) return { feed, fresh: [], behind: true };
  const fresh = nextOf(feed.position.offset, publications);
  const next = fresh.length === 0 ? feed : grown(feed, fresh);
  return { feed: next, fresh, behind: next.position.offset < position.offset };
}

/**
 * Take what the stream answers to a shard that asked for all that it keeps, or for what followed the feed's position. `lost`:
 * who is subscribed has missed something that is not to be had any more.
 */
export function follow(
  feed: Feed | undefined,
  asked: "all" | "rest",
  answer: {
    readonly position: StreamPosition;
    readonly publications: readonly Kept[];
  },
): { readonly feed: Feed; readonly fresh: readonly Kept[]; readonly lost: boolean } {
  const { position } = answer;
  const kept = endingAt(position.offset, answer.publications);
  const anew: Feed = { position, kept: kept.slice(-LIVE_HISTORY), whole: asked === "all" };
  if (feed === undefined) return { feed: anew, fresh: [], lost: false };
  if (position.epoch !== feed.position.epoch) return { feed: anew, fresh: [], lost: true };
  // Deliveries came while the answer was on its way: it is good for what is older.
  if (position.offset <= feed.position.offset) {
    return { feed: asked === "all" ? completed(feed, position.offset, kept) : feed, fresh: [], lost: false };
  }
  const fresh = kept.filter(({ offset }) => offset > feed.position.offset);
  if (fresh.length < position.offset - feed.position.offset) return { feed: anew, fresh: [], lost: true };
  return { feed: asked === "all" ? anew : grown(feed, fresh), fresh, lost: false };
}

/** What followed a client's position; `unknown`: the stream has to be asked. An empty epoch is any (centrifuge-js). */
export function recover(feed: Feed, want: StreamPosition): readonly Kept[] | "lost" | "unknown" {
  const { position, kept, whole } = feed;
  if (want.epoch !== "" && want.epoch !== position.epoch) return "lost";
  // A client may know more than a shard: what it read over HTTP has not been delivered here yet.
  if (want.offset > position.offset) return "unknown";
  if (want.offset >= position.offset - kept.length) {
    return kept.slice(kept.length - (position.offset - want.offset));
  }
  return whole ? "lost" : "unknown";
}

/** A page of the history (`history` of the protocol). `limit` -1 is all; 0 is none. */
export function page(
  { kept }: Feed,
  {
    limit,
    since,
    reverse,
  }: { readonly limit: number; readonly since: number | undefined; readonly reverse: boolean },
): readonly Kept[] {
  if (limit === 0) return [];
  const ordered = reverse ? kept.toReversed() : kept;
  const after = ordered.filter(
    ({ offset }) => since === undefined || (reverse ? offset < since : offset > since),
  );
  return limit < 0 ? after : after.slice(0, limit);
}

/** Those that follow an offset one by one. */
function nextOf(offset: number, publications: readonly Kept[]): readonly Kept[] {
  const fresh: Kept[] = [];
  for (const publication of publications) {
    if (publication.offset === offset + fresh.length + 1) fresh.push(publication);
  }
  return fresh;
}

/** The longest run without a gap that ends at an offset. */
function endingAt(offset: number, publications: readonly Kept[]): readonly Kept[] {
  let first = publications.length;
  if (publications.at(-1)?.offset !== offset) return [];
  while (first > 0 && publications[first - 1]?.offset === offset - (publications.length - first)) first -= 1;
  return publications.slice(first);
}

function grown({ position, kept, whole }: Feed, fresh: readonly Kept[]): Feed {
  return {
    position: { epoch: position.epoch, offset: position.offset + fresh.length },
    kept: [...kept, ...fresh].slice(-LIVE_HISTORY),
    whole,
  };
}

/** The feed with what is older than it, when that reaches it. */
function completed(feed: Feed, end: number, older: readonly Kept[]): Feed {
  const first = feed.position.offset - feed.kept.length + 1;
  if (end < first - 1) return feed;
  const before = older.filter(({ offset }) => offset < first);
  return { ...feed, kept: [...before, ...feed.kept].slice(-LIVE_HISTORY), whole: true };
}
