/**
 * Which shards a stream has, shared by the isolates of a location through its cache for a second: there may be hundreds of them,
 * and the stream's object would hear of each.
 */
import * as v from "valibot";
import type { ShardDirectory } from "../../durable-objects/core/viewers/viewer-messages.ts";
import { parse } from "../../wire/parse.ts";
import { KEY_ORIGIN } from "./key-origin.ts";

/** Another isolate's answer serves as well if it is this young. */
const SHARED_MS = 1_000;

const CopySchema = v.object({
  regions: v.record(v.string(), v.array(v.string())),
  /** Milliseconds since 1970. */
  asOf: v.number(),
});

const keyOf = (stream: string, region: string): string => `${KEY_ORIGIN}/shards/${stream}/${region}`;

/** What another isolate learned a moment ago, or what `ask` answers now. */
export async function throughCopies(
  stream: string,
  region: string,
  ask: () => Promise<ShardDirectory>,
): Promise<ShardDirectory> {
  const copy = await caches.default.match(keyOf(stream, region));
  const told = copy && parse(CopySchema, await copy.json());
  // One from the future was kept before a clock went back.
  const ageMs = told?.ok ? Date.now() - told.value.asOf : -1;
  if (told?.ok && ageMs >= 0 && ageMs < SHARED_MS) return { regions: told.value.regions };
  // True when it was asked at the earliest: not when it was answered.
  const asOf = Date.now();
  const { regions } = await ask();
  const headers = { "cache-control": "public, max-age=1" };
  await caches.default.put(keyOf(stream, region), Response.json({ regions, asOf }, { headers }));
  return { regions };
}
