/**
 * Read-through over Workers Cache: the platform keeps, collapses, tiers, serves stale and cuts ranges; the entrypoint here
 * is what it asks on a miss. Purges are part of its key (`props`). Nothing like it exists locally: tests run the entrypoint
 * without a cache in front.
 */
import { WorkerEntrypoint } from "cloudflare:workers";
import type { Place } from "../../wire/generations.ts";
import type { EdgeEnv } from "../env.ts";
import { remember } from "../remember.ts";
import { storyOfPlatform } from "./core/cache-status.ts";
import { spellRange } from "./core/conditional.ts";
import { freshnessOf, readAllowance } from "./core/freshness.ts";
import { fill } from "./fills.ts";
import { ageOf, COPY, copyHeaders, type Found, sizeOf, type Wish } from "./found.ts";
import { type Asking, type Nothing, STAND_IN_HOLD_MS } from "./own-cache.ts";
import { readsOf } from "./reads.ts";
import { pathOf, placeIn, standInOf, type Target } from "./targets.ts";

/** What the platform's key is made of, besides the path. */
export interface CachedProps {
  readonly target: Target;
  /** Of the newest purge that it is under. */
  readonly number: number;
}

/** What the platform asks on a miss. Viewers cannot reach it: it has no route, and its caller has decided who may. */
export class CachedAnswers extends WorkerEntrypoint<EdgeEnv, CachedProps> {
  override async fetch(): Promise<Response> {
    const { target } = this.ctx.props;
    const filled = await fill(this.env, target, readsOf(this.env, this.ctx));
    const headers = new Headers(copyHeaders(filled, Date.now()));
    const edge = headers.get(COPY.edge) ?? "no-store";
    headers.set("cache-control", headers.get(COPY.client) ?? "no-store");
    headers.set("cdn-cache-control", edge);
    return new Response(filled.body, { status: filled.status, headers });
  }
}

/** Keys that were fetched again after a soft purge, in this isolate. */
const renewed = new Map<string, true>();
const MAX_RENEWED = 10_000;

/** A target from Workers Cache, or through it. */
export async function throughPlatform(asking: Asking, target: Target, wish: Wish): Promise<Found | Nothing> {
  const place = placeIn(asking.generations, target, Date.now());
  const old = await softPurged(asking, target, place, wish);
  if (old) return old;
  const found = await askWhole(asking, target, place.number, wish).catch(() => undefined);
  if (found && found.status !== 500) {
    // Whether it had to be read is known only now: who causes too many reads is refused from here on.
    if (found.story.how !== "miss" || (await asking.mayRead())) return found;
    await found.body?.cancel();
    return "too-many";
  }
  const standIn = standInOf(target);
  const other = standIn && (await ask(asking, standIn, place.number, {}).catch(() => undefined));
  const allowance = readAllowance(other?.headers.get(COPY.edge) ?? null);
  const { ifError, ttl } = freshnessOf(allowance, other?.ageSeconds ?? 0);
  if (other?.status !== 200 || !ifError) {
    await other?.body?.cancel();
    return "unavailable";
  }
  await scheduler.wait(STAND_IN_HOLD_MS);
  return { ...other, story: { how: "stale", ttl, why: "error" } };
}

/** What a soft purge left, while it may be served and until it was fetched again. */
async function softPurged(
  asking: Asking,
  target: Target,
  place: Place,
  wish: Wish,
): Promise<Found | undefined> {
  const { number, before, soft } = place;
  const key = `${pathOf(target)} ${number}`;
  if (!soft || before === undefined || renewed.has(key)) return undefined;
  const found = await ask(asking, target, before, wish).catch(() => undefined);
  const allowance = readAllowance(found?.headers.get(COPY.edge) ?? null);
  const { whileRevalidating, ttl } = freshnessOf(
    allowance,
    found?.ageSeconds ?? 0,
    Math.max(0, (Date.now() - number) / 1000),
  );
  if (found?.story.how !== "hit" || !whileRevalidating) {
    await found?.body?.cancel();
    return undefined;
  }
  const renew = async () => {
    const fresh = await ask(asking, target, number, {});
    await fresh.body?.cancel();
    remember(renewed, key, true, MAX_RENEWED);
  };
  asking.ctx.waitUntil(renew().catch((error) => console.error("edge: not renewed", key, error)));
  return { ...found, story: { how: "stale", ttl, why: "purged" } };
}

/** Ask; for a range that does not fit, once more for the whole, of which the gate says how long it is. */
async function askWhole(asking: Asking, target: Target, number: number, wish: Wish): Promise<Found> {
  const found = await ask(asking, target, number, wish);
  if (found.status !== 416) return found;
  await found.body?.cancel();
  return ask(asking, target, number, {});
}

async function ask({ ctx }: Asking, target: Target, number: number, { range }: Wish): Promise<Found> {
  const { CachedAnswers: entrypoint } = ctx.exports as unknown as {
    readonly CachedAnswers: (options: { readonly props: CachedProps }) => Fetcher;
  };
  const spelled = range && spellRange(range);
  const response = await entrypoint({ props: { target, number } }).fetch(
    `https://millrace.invalid${pathOf(target)}`,
    {
      headers: spelled === undefined ? {} : { range: spelled },
    },
  );
  const ageSeconds = ageOf(response.headers, Date.now());
  const { maxAge } = readAllowance(response.headers.get(COPY.edge));
  return {
    status: response.status,
    headers: response.headers,
    size: sizeOf(response.headers),
    body: response.body,
    knowsLength: response.headers.has("content-length"),
    ageSeconds,
    story: storyOfPlatform(
      response.headers.get("cf-cache-status"),
      response.status,
      Math.floor(ageSeconds),
      maxAge,
    ),
  };
}
