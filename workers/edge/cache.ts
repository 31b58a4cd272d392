/**
 * Where cached answers live: the one module that decides. Workers Cache where the platform has it (tiered, collapsing, in
 * front of the entrypoint in platform-cache.ts); else `caches.default`, which every runtime has (own-cache.ts).
 */
import type { Found, Wish } from "./found.ts";
import { type Asking, type Nothing, readThrough } from "./own-cache.ts";
import { throughPlatform } from "./platform-cache.ts";
import type { Target } from "./targets.ts";

export type { Asking, Nothing } from "./own-cache.ts";

/** A target, from the cache or through it. */
export const obtain = (asking: Asking, target: Target, wish: Wish): Promise<Found | Nothing> =>
  asking.ctx.cache === undefined ? readThrough(asking, target, wish) : throughPlatform(asking, target, wish);
