/** Where answers are kept at the edge. The one module that knows; today `caches.default`, which every runtime has. */
import type { Context } from "hono";
import { type MediaAddress, mediaPath } from "../../media/address.ts";
import type { EdgeEnv } from "../env.ts";

/** Key space of our own: no viewer's host, query or token is part of it. */
const KEY_ORIGIN = "https://cache.millrace.invalid";

/** The object from the cache, or from `read`, which then fills the cache behind the answer. */
export async function cachedMedia(
  c: Context<{ Bindings: EdgeEnv }>,
  address: MediaAddress,
  read: () => Promise<Response | undefined>,
): Promise<Response | undefined> {
  const key = `${KEY_ORIGIN}/media/${mediaPath(address)}`;
  const hit = await caches.default.match(key);
  if (hit) return hit;
  const fresh = await read();
  if (fresh) c.executionCtx.waitUntil(caches.default.put(key, fresh.clone()));
  return fresh;
}
