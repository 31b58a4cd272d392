/**
 * What origin last said of a stream, kept at this location for isolates that never asked: while origin is away, a stream that
 * was public here goes on. A purge of the stream, which a change of its access is, makes a copy useless.
 */
import * as v from "valibot";
import { within } from "../../durable-objects/deadline.ts";
import { ACCESSES } from "../../wire/admin.ts";
import { type Generations, placeOf } from "../../wire/generations.ts";
import { parse } from "../../wire/parse.ts";
import { EVERYTHING, streamScope } from "../../wire/purge-prefix.ts";
import type { EdgeEnv } from "../env.ts";
import { KEY_ORIGIN } from "./key-origin.ts";
import type { AskStream, Background } from "./policies.ts";

const CopySchema = v.object({ access: v.nullable(v.picklist(ACCESSES)) });
/** A day, as long as the last playlist of a broadcast that is over. */
const KEPT_SECONDS = 86_400;
/** Less than a request waits for a policy. */
const PATIENCE_MS = 2_000;

/** Ask origin for a stream, or a copy of what it said. */
export const askThroughCopies =
  (env: Pick<EdgeEnv, "ORIGIN">, ctx: Background, generations: Generations | undefined): AskStream =>
  async (stream) => {
    const key = generations && keyOf(generations, stream);
    try {
      const record = await within(PATIENCE_MS, "origin", env.ORIGIN.stream(stream));
      if (key !== undefined) ctx.waitUntil(keep(key, record?.access));
      return record;
    } catch (error) {
      const copy = key === undefined ? undefined : await caches.default.match(key);
      const told = copy && parse(CopySchema, await copy.json());
      if (!told?.ok) throw error;
      return told.value.access === null ? undefined : { access: told.value.access };
    }
  };

const keyOf = (generations: Generations, stream: string): string =>
  `${KEY_ORIGIN}/policies/${stream}?g=${placeOf(generations, [EVERYTHING, streamScope(stream)]).number}`;

async function keep(key: string, access: string | undefined): Promise<void> {
  const headers = { "cache-control": `public, max-age=${KEPT_SECONDS}` };
  await caches.default.put(key, Response.json({ access: access ?? null }, { headers }));
}
