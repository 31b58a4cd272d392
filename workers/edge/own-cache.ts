/**
 * Read-through over `caches.default`, which every runtime has and which knows of no collapsing, no stale answers and no
 * purge by prefix: they are here. What may be done with a copy is decided in core/freshness.ts.
 */
import { within } from "../../durable-objects/deadline.ts";
import type { Generations, Place } from "../../wire/generations.ts";
import type { EdgeEnv } from "../env.ts";
import { type Copy, copyUnder, keyOf, newestCopy } from "./copies.ts";
import type { Story, Why } from "./core/cache-status.ts";
import { readAllowance } from "./core/freshness.ts";
import { retentionOf } from "./core/lifetimes.ts";
import { isFailing, noteFailure, noteSuccess } from "./failing.ts";
import type { Filling, Head } from "./filling.ts";
import { type Fill, fill, type Reads } from "./fills.ts";
import { COPY, copyHeaders, type Found, type Wish } from "./found.ts";
import { knownGenerations } from "./generations.ts";
import { beginReading, end, hasRoom, type Reading, readingOf } from "./readings.ts";
import { pathOf, placeIn, standInOf, type Target } from "./targets.ts";

/** What a read needs of the request that it is for. */
export interface Asking {
  readonly env: EdgeEnv;
  readonly ctx: ExecutionContext;
  /** `undefined`: the purges could not be learned. */
  readonly generations: Generations | undefined;
  readonly reads: Reads;
  /** May this client cause a read? Asked once for each that it begins and waits for. */
  readonly mayRead: () => Promise<boolean>;
}

/** `unavailable`: neither the object nor a copy that may be served. `too-many`: this client caused too many reads. */
export type Nothing = "unavailable" | "too-many";

/** Those who have a stale copy do not wait longer than this for a fresh one. */
const PATIENCE_MS = 2_000;
/** A client that waits for the next part must not be answered at once with an old playlist: it would ask again at once. */
export const STAND_IN_HOLD_MS = 1_000;

/** A target from the cache, or read and kept. */
export async function readThrough(asking: Asking, target: Target, wish: Wish): Promise<Found | Nothing> {
  const place = placeIn(asking.generations, target, Date.now());
  const key = keyOf(target, place.number);
  const reading = readingOf(key);
  if (reading && !reading.behind) return join(asking, target, reading, place, wish);
  const copy = await newestCopy(target, key, place, wish.range);
  if (copy?.freshness.fresh) return found(copy, { how: "hit", ttl: copy.freshness.ttl });
  if (copy?.freshness.whileRevalidating) {
    if (!readingOf(key)) begin(asking, target, key, place, true);
    return found(copy, {
      how: "stale",
      ttl: copy.freshness.ttl,
      why: copy.purged ? "purged" : "revalidating",
    });
  }
  if (isFailing(target)) {
    const stale = await serveStale(asking, target, place, wish, copy);
    if (stale) return stale;
  }
  return lead(asking, target, place, copy, wish);
}

/** Read it, or wait for somebody who began a moment ago. */
async function lead(
  asking: Asking,
  target: Target,
  place: Place,
  copy: Copy | undefined,
  wish: Wish,
): Promise<Found | Nothing> {
  const key = keyOf(target, place.number);
  const running = readingOf(key)?.filling;
  if (!running && target.kind === "media" && !hasRoom()) {
    await copy?.response.body?.cancel();
    return bypass(asking, target);
  }
  // Begun before anything is waited for: who comes meanwhile finds it.
  const filling = running ?? begin(asking, target, key, place, false);
  const why = await whyMissed(target, place, copy, wish);
  try {
    const head = await (copy?.freshness.ifError
      ? within(PATIENCE_MS, "a fresh copy", filling.head())
      : filling.head());
    await copy?.response.body?.cancel();
    return foundNow(filling, head, why, running !== undefined);
  } catch (error) {
    if (error instanceof TooManyReads) {
      await copy?.response.body?.cancel();
      return running ? readThrough(asking, target, wish) : "too-many";
    }
    console.error("edge: a read failed", key, error);
    noteFailure(target);
    return (await serveStale(asking, target, place, wish, copy)) ?? "unavailable";
  }
}

/** Wait for a read that another request began. */
async function join(
  asking: Asking,
  target: Target,
  { filling, begunAt }: Reading,
  place: Place,
  wish: Wish,
): Promise<Found | Nothing> {
  const isHeld = target.kind === "playlist" && target.reload !== undefined;
  const patienceMs = Math.min(PATIENCE_MS, Math.max(0, begunAt + PATIENCE_MS - Date.now()));
  try {
    await (isHeld ? filling.head() : within(patienceMs, "a read", filling.head()));
  } catch (error) {
    // Refused to another client: this one has a limit of its own.
    if (error instanceof TooManyReads) return readThrough(asking, target, wish);
    // Late, or failed: whoever began it has told the log.
    const stale = await serveStale(asking, target, place, wish);
    if (stale) return stale;
  }
  try {
    return foundNow(filling, await filling.head(), "cold", true);
  } catch (error) {
    if (error instanceof TooManyReads) return readThrough(asking, target, wish);
    return (await serveStale(asking, target, place, wish)) ?? "unavailable";
  }
}

/** The client that began a read has caused too many. */
class TooManyReads extends Error {}

/** Begin a read that lives on without the request that began it, and keep what it brings. */
function begin(asking: Asking, target: Target, key: string, place: Place, behind: boolean): Filling {
  let filled: Fill | undefined;
  const filling = beginReading(key, behind, async () => {
    // Whoever causes a read is asked for, once; not who joins it, and not for what is served stale meanwhile.
    if (!behind && !(await asking.mayRead())) throw new TooManyReads();
    filled = await fill(asking.env, target, asking.reads);
    const { status, size, body } = filled;
    return { head: { status, size, headers: copyHeaders(filled, Date.now()) }, body };
  });
  const kept = filling.finished
    .then(() => filled && keep(target, place, filling, filled))
    .catch((error) => console.error("edge: a copy could not be kept", key, error))
    .finally(() => end(key, filling));
  asking.ctx.waitUntil(kept);
  return filling;
}

/** Keep what was read, under its own key and under that of what it may stand in for. */
async function keep(target: Target, place: Place, filling: Filling, filled: Fill): Promise<void> {
  const bytes = await filling.whole();
  if (!bytes) return;
  // What a soft purge left must not come back once this is forgotten: it is known to be gone.
  if (filled.status === 404 && place.soft && place.before !== undefined)
    await caches.default.delete(keyOf(target, place.before));
  if (retentionOf(filled.lifetime) === 0) return;
  noteSuccess(target);
  const put = (under: Target, what: Fill) =>
    caches.default.put(
      keyOf(under, place.number),
      new Response(bytes, { status: what.status, headers: copyHeaders(what, Date.now()) }),
    );
  const standIn = standInOf(target);
  await Promise.all([
    put(target, filled),
    // The newest playlist, however it was asked for, is what a plain request gets, and what is left when the stream fails.
    ...(standIn && filled.asStandIn ? [put(standIn, { ...filled, lifetime: filled.asStandIn })] : []),
  ]);
}

/** Why it has to be read. */
async function whyMissed(target: Target, place: Place, copy: Copy | undefined, wish: Wish): Promise<Why> {
  if (copy) return copy.purged ? "purged" : "expired";
  if (place.before !== undefined) {
    const purged = await copyUnder(keyOf(target, place.before));
    await purged?.response.body?.cancel();
    if (purged) return "purged";
  }
  return wish.range ? "range" : "cold";
}

/**
 * A copy that its directives allow while the origin side fails: its own, or of what may stand in. Whoever comes here has
 * waited: what was purged meanwhile is not served any more. `copy`: what was found before.
 */
async function serveStale(
  asking: Asking,
  target: Target,
  before: Place,
  wish: Wish,
  copy?: Copy,
): Promise<Found | undefined> {
  const place = await placeNow(asking, target);
  const own =
    copy && place.number === before.number
      ? copy
      : await newestCopy(target, keyOf(target, place.number), place, wish.range);
  if (copy !== own) await copy?.response.body?.cancel();
  if (own?.freshness.ifError || own?.freshness.fresh) return foundStale(own);
  await own?.response.body?.cancel();
  const standIn = standInOf(target);
  if (!standIn || !(await staleStandIn(asking, standIn, true))) return undefined;
  await scheduler.wait(STAND_IN_HOLD_MS);
  return staleStandIn(asking, standIn);
}

/** What may stand in for another playlist; `isLook`: only whether there is something. */
async function staleStandIn(asking: Asking, standIn: Target, isLook = false): Promise<Found | undefined> {
  const place = await placeNow(asking, standIn);
  const copy = await newestCopy(standIn, keyOf(standIn, place.number), place, undefined);
  const isAllowed = copy?.freshness.fresh || copy?.freshness.ifError;
  if (isLook || !isAllowed) await copy?.response.body?.cancel();
  return isAllowed ? foundStale(copy) : undefined;
}

/** The place of a target as purges are known now. */
const placeNow = async ({ env, ctx }: Asking, target: Target): Promise<Place> =>
  placeIn(await knownGenerations(env, ctx), target, Date.now());

const foundStale = (copy: Copy): Found =>
  found(copy, { how: "stale", ttl: copy.freshness.ttl, why: "error" });

const found = ({ response, size, ageSeconds }: Copy, story: Story): Found => ({
  status: response.status,
  headers: response.headers,
  size,
  body: response.body,
  knowsLength: true,
  ageSeconds,
  story,
});

function foundNow(filling: Filling, head: Head, why: Why, collapsed: boolean): Found {
  const headers = new Headers(head.headers);
  const { maxAge, staleWhileRevalidate } = readAllowance(headers.get(COPY.edge));
  const stored = maxAge + staleWhileRevalidate > 0;
  return {
    status: head.status,
    headers,
    size: head.size,
    body: filling.body(),
    knowsLength: false,
    ageSeconds: 0,
    story: { how: "miss", why, status: head.status, collapsed, stored: stored && !collapsed, ttl: maxAge },
  };
}

/** Read past the cache, for this request alone: memory is short. */
async function bypass(asking: Asking, target: Target): Promise<Found | Nothing> {
  if (!(await asking.mayRead())) return "too-many";
  try {
    const filled = await fill(asking.env, target, asking.reads);
    const { status, size, body } = filled;
    const headers = new Headers(copyHeaders(filled, Date.now()));
    return {
      status,
      headers,
      size,
      body: new Response(body).body,
      knowsLength: true,
      ageSeconds: 0,
      story: { how: "bypass", detail: "busy", status },
    };
  } catch (error) {
    console.error("edge: a read failed", pathOf(target), error);
    return "unavailable";
  }
}
