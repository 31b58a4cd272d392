/**
 * Read-through over `caches.default`, which every runtime has and which knows of no collapsing, no stale answers and no
 * purge by prefix: they are here. What may be done with a copy is decided in core/freshness.ts.
 */
import { within } from "../../durable-objects/deadline.ts";
import { type Generations, type Place, placeOf } from "../../wire/generations.ts";
import type { EdgeEnv } from "../env.ts";
import { remember } from "../remember.ts";
import type { Story, Why } from "./core/cache-status.ts";
import type { RangeWish } from "./core/conditional.ts";
import { type Freshness, freshnessOf, readAllowance } from "./core/freshness.ts";
import { retentionOf } from "./core/lifetimes.ts";
import { Filling, type Head, type Source } from "./filling.ts";
import { type Fill, fill, type Reads } from "./fills.ts";
import { ageOf, COPY, copyHeaders, type Found, type Wish } from "./found.ts";
import { KEY_ORIGIN } from "./key-origin.ts";
import { pathOf, scopesOf, standInOf, streamOf, type Target } from "./targets.ts";

/** What a read needs of the request that it is for. */
export interface Asking {
  readonly env: EdgeEnv;
  readonly ctx: ExecutionContext;
  /** `undefined`: the purges could not be learned. */
  readonly generations: Generations | undefined;
  readonly reads: Reads;
  /** May this client cause a read? Asked before each. */
  readonly mayRead: () => Promise<boolean>;
}

/** `unavailable`: neither the object nor a copy that may be served. `too-many`: this client caused too many reads. */
export type Nothing = "unavailable" | "too-many";

/** A read under way, and whom it is for. */
interface Reading {
  readonly filling: Filling;
  /** Nobody waits for it: a stale copy was served meanwhile. */
  readonly behind: boolean;
}

/** Of this isolate, by key. */
const readings = new Map<string, Reading>();
/** Bytes that they hold. */
let heldBytes = 0;
/** Until when something is taken for failing, milliseconds since 1970: those who have a stale copy do not wait for it again. */
const failing = new Map<string, number>();

/** Reads that hold more than this together are not shared any more: an isolate has 128 MB. */
const MAX_HELD_BYTES = 48 * 2 ** 20;
const FAILING_MS = 1_000;
const MAX_FAILING = 1_000;
/** Those who have a stale copy do not wait longer than this for a fresh one. */
const PATIENCE_MS = 2_000;
/** A client that waits for the next part must not be answered at once with an old playlist: it would ask again at once. */
const STAND_IN_HOLD_MS = 1_000;

/** A target from the cache, or read and kept. */
export async function readThrough(asking: Asking, target: Target, wish: Wish): Promise<Found | Nothing> {
  const { generations } = asking;
  // A copy that may have been purged is none.
  if (!generations) return bypass(asking, target, "purges-unknown");
  const place = placeOf(generations, scopesOf(target));
  const key = keyOf(target, place.number);
  const reading = readings.get(key);
  if (reading && !reading.behind) return join(target, key, reading.filling, place, wish);
  const copy = await newestCopy(target, key, place, wish.range);
  if (copy?.freshness.fresh) return found(copy, { how: "hit", ttl: copy.freshness.ttl });
  if (copy?.freshness.whileRevalidating) {
    if (!readings.has(key) && (await asking.mayRead())) begin(asking, target, key, true);
    return found(copy, {
      how: "stale",
      ttl: copy.freshness.ttl,
      why: copy.purged ? "purged" : "revalidating",
    });
  }
  if (isFailing(target)) {
    const stale = await serveStale(target, key, copy);
    if (stale) return stale;
  }
  return lead(asking, target, key, copy, await whyMissed(target, place, copy, wish));
}

/** Read it, or wait for somebody who began a moment ago. */
async function lead(
  asking: Asking,
  target: Target,
  key: string,
  copy: Copy | undefined,
  why: Why,
): Promise<Found | Nothing> {
  if (!readings.has(key) && !(await asking.mayRead())) return "too-many";
  // Somebody else may have begun while the limit was asked.
  const running = readings.get(key)?.filling;
  if (!running && target.kind === "media" && heldBytes > MAX_HELD_BYTES)
    return bypass(asking, target, "busy");
  const filling = running ?? begin(asking, target, key, false);
  try {
    const head = await (copy?.freshness.ifError
      ? within(PATIENCE_MS, "a fresh copy", filling.head())
      : filling.head());
    await copy?.response.body?.cancel();
    return foundNow(filling, head, why, running !== undefined);
  } catch (error) {
    console.error("edge: a read failed", key, error);
    noteFailure(target);
    return (await serveStale(target, key, copy)) ?? "unavailable";
  }
}

/** Wait for a read that another request began. */
async function join(
  target: Target,
  key: string,
  filling: Filling,
  place: Place,
  wish: Wish,
): Promise<Found | Nothing> {
  try {
    return foundNow(filling, await filling.head(), "cold", true);
  } catch {
    // Whoever began it has told the log.
    const copy = await newestCopy(target, key, place, wish.range);
    return (await serveStale(target, key, copy)) ?? "unavailable";
  }
}

/** Begin a read that lives on without the request that began it, and keep what it brings. */
function begin(asking: Asking, target: Target, key: string, behind: boolean): Filling {
  let filled: Fill | undefined;
  let held = 0;
  const filling = new Filling(async (): Promise<Source> => {
    filled = await fill(asking.env, target, asking.reads);
    held = filled.size;
    heldBytes += held;
    const { status, size, body } = filled;
    return { head: { status, size, headers: copyHeaders(filled, Date.now()) }, body };
  });
  readings.set(key, { filling, behind });
  const kept = filling.finished
    .then(() => filled && keep(target, key, filling, filled))
    .catch((error) => console.error("edge: a copy could not be kept", key, error))
    .finally(() => {
      heldBytes -= held;
      if (readings.get(key)?.filling === filling) readings.delete(key);
    });
  asking.ctx.waitUntil(kept);
  return filling;
}

/** Keep what was read, under its own key and under that of what it may stand in for. */
async function keep(target: Target, key: string, filling: Filling, filled: Fill): Promise<void> {
  const bytes = await filling.whole();
  if (!bytes || retentionOf(filled.lifetime) === 0) return;
  failing.delete(failureKey(target));
  const put = (under: string, what: Fill) =>
    caches.default.put(
      under,
      new Response(bytes, { status: what.status, headers: copyHeaders(what, Date.now()) }),
    );
  const standIn = standInOf(target);
  await Promise.all([
    put(key, filled),
    // The newest playlist, however it was asked for, is what a plain request gets, and what is left when the stream fails.
    ...(standIn && filled.asStandIn
      ? [put(keyOf(standIn, numberOf(key)), { ...filled, lifetime: filled.asStandIn })]
      : []),
  ]);
}

interface Copy {
  readonly response: Response;
  readonly size: number;
  readonly ageSeconds: number;
  readonly freshness: Freshness;
  /** A soft purge made it stale before its time. */
  readonly purged: boolean;
}

/** The copy under a key, or what a soft purge left of it. */
async function newestCopy(
  target: Target,
  key: string,
  { number, before, soft }: Place,
  range: RangeWish | undefined,
): Promise<Copy | undefined> {
  const copy = await copyUnder(key, range);
  if (copy || !soft || before === undefined) return copy;
  // Numbers are moments (durable-objects/core/purges.ts): the windows begin where the purge was.
  return copyUnder(keyOf(target, before), range, (Date.now() - number) / 1000);
}

async function copyUnder(key: string, range?: RangeWish, staleSeconds?: number): Promise<Copy | undefined> {
  const response = await match(key, range);
  if (!response) return undefined;
  const ageSeconds = ageOf(response.headers, Date.now());
  const allowance = readAllowance(response.headers.get(COPY.edge));
  const total = /\/([0-9]+)$/.exec(response.headers.get("content-range") ?? "")?.[1];
  return {
    response,
    size: Number(total ?? response.headers.get("content-length")),
    ageSeconds,
    freshness: freshnessOf(allowance, ageSeconds, staleSeconds),
    purged: staleSeconds !== undefined,
  };
}

/** Look a key up; the platform cuts a range out where there is one. */
async function match(key: string, range: RangeWish | undefined): Promise<Response | undefined> {
  const spelled = range && spell(range);
  if (spelled === undefined) return caches.default.match(key);
  const part = await caches.default.match(new Request(key, { headers: { range: spelled } }));
  if (!part || part.status === Number(part.headers.get(COPY.status) ?? Number.NaN)) return part;
  if (part.status === 206 && part.headers.get(COPY.status) === "200") return part;
  // A range that does not fit, or one of an error's words.
  await part.body?.cancel();
  return caches.default.match(key);
}

function spell(range: RangeWish): string | undefined {
  if ("suffix" in range) return Number.isSafeInteger(range.suffix) ? `bytes=-${range.suffix}` : undefined;
  const { first, last } = range;
  if (!Number.isSafeInteger(first)) return undefined;
  return `bytes=${first}-${last !== undefined && Number.isSafeInteger(last) ? last : ""}`;
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

/** A copy that its directives allow while the origin side fails: its own, or of what may stand in. */
async function serveStale(target: Target, key: string, copy: Copy | undefined): Promise<Found | undefined> {
  if (copy?.freshness.ifError) return foundStale(copy);
  await copy?.response.body?.cancel();
  const standIn = standInOf(target);
  const other = standIn && (await copyUnder(keyOf(standIn, numberOf(key))));
  if (!other) return undefined;
  if (!other.freshness.fresh && !other.freshness.ifError) {
    await other.response.body?.cancel();
    return undefined;
  }
  await scheduler.wait(STAND_IN_HOLD_MS);
  return foundStale(other);
}

const foundStale = (copy: Copy): Found =>
  found(copy, { how: "stale", ttl: copy.freshness.ttl, why: "error" });

const found = ({ response, size, ageSeconds }: Copy, story: Story): Found => ({
  status: response.status,
  headers: response.headers,
  size,
  body: response.body,
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
    ageSeconds: 0,
    story: { how: "miss", why, status: head.status, collapsed, stored: stored && !collapsed, ttl: maxAge },
  };
}

/** Read without a cache. */
async function bypass(asking: Asking, target: Target, detail: string): Promise<Found | Nothing> {
  if (!(await asking.mayRead())) return "too-many";
  try {
    const filled = await fill(asking.env, target, asking.reads);
    const { status, size, body } = filled;
    const headers = new Headers(copyHeaders(filled, Date.now()));
    const stream = new Response(body).body;
    return { status, headers, size, body: stream, ageSeconds: 0, story: { how: "bypass", detail, status } };
  } catch (error) {
    console.error("edge: a read failed", pathOf(target), error);
    return "unavailable";
  }
}

/** Media fail with the bucket, everything else with its stream. */
const failureKey = (target: Target): string =>
  target.kind === "media" ? "bucket" : `stream ${streamOf(target) ?? ""}`;

const isFailing = (target: Target): boolean => (failing.get(failureKey(target)) ?? 0) > Date.now();

const noteFailure = (target: Target): void =>
  remember(failing, failureKey(target), Date.now() + FAILING_MS, MAX_FAILING);

/** A key ends in the generation. */
const keyOf = (target: Target, number: number): string => {
  const path = pathOf(target);
  return `${KEY_ORIGIN}${path}${path.includes("?") ? "&" : "?"}g=${number}`;
};

const numberOf = (key: string): number => Number(key.slice(key.lastIndexOf("g=") + 2));
