/**
 * Media objects: out of the cache, else out of R2; a part that a playlist hints is held until it is complete.
 * Immutable, so everything here may be cached for ever once it exists.
 */
import type { Context } from "hono";
import {
  contentType,
  type MediaAddress,
  mediaKey,
  parseMediaPath,
  streamOfBroadcast,
} from "../../media/address.ts";
import { problem } from "../../wire/problem.ts";
import type { EdgeEnv } from "../env.ts";
import { notFound, respond } from "../problems.ts";
import { cachedMedia } from "./cached.ts";
import { isNotModified, parseRange, type Range } from "./core/conditional.ts";
import { CORS, cacheControl } from "./core/headers.ts";

/** Serve `GET` and `HEAD /media/<broadcast>/<session>/<rendition>/<file>`. */
export async function serveMedia(c: Context<{ Bindings: EdgeEnv }>): Promise<Response> {
  const address = parseMediaPath(new URL(c.req.url).pathname.slice("/media/".length));
  if (!address) return refuse();
  const whole = await cachedMedia(c, address, () => readMedia(c.env, address));
  if (!whole) return refuse();
  const { headers } = c.req.raw;
  const etag = whole.headers.get("etag") ?? "";
  if (isNotModified(headers.get("if-none-match"), etag)) {
    await whole.body?.cancel();
    return new Response(null, { status: 304, headers: withoutLength(whole.headers) });
  }
  const size = Number(whole.headers.get("content-length"));
  const ifRange = headers.get("if-range");
  const range = ifRange === null || ifRange === etag ? parseRange(headers.get("range"), size) : "whole";
  if (range === "whole") return whole;
  if (range === "unsatisfiable") {
    await whole.body?.cancel();
    return respond(problem(416, "range", "The object does not have those bytes.", { size }), {
      ...CORS,
      "content-range": `bytes */${size}`,
    });
  }
  return slice(whole, range, size);
}

/** Read an object from R2, waiting for it when a playlist has promised it. */
async function readMedia(env: EdgeEnv, address: MediaAddress): Promise<Response | undefined> {
  const stored = await env.MEDIA.get(mediaKey(address));
  if (stored) return mediaResponse(stored, address);
  const stream = streamOfBroadcast(address.broadcast);
  if (address.file.kind !== "part" || stream === undefined) return undefined;
  const verdict = await env.LIVE_STREAM.getByName(stream).awaitPart(address);
  if (verdict !== "exists") return undefined;
  const arrived = await env.MEDIA.get(mediaKey(address));
  return arrived ? mediaResponse(arrived, address) : undefined;
}

const mediaResponse = (object: R2ObjectBody, { file }: MediaAddress): Response =>
  new Response(object.body, {
    headers: {
      ...CORS,
      "content-type": contentType(file),
      "content-length": String(object.size),
      "cache-control": cacheControl({ kind: "media" }),
      "accept-ranges": "bytes",
      "last-modified": object.uploaded.toUTCString(),
      etag: object.httpEtag,
    },
  });

/** One range of an object. Objects are small: a range of one is cut in memory. */
async function slice(whole: Response, { first, last }: Range, size: number): Promise<Response> {
  const bytes = (await whole.arrayBuffer()).slice(first, last + 1);
  const headers = new Headers(whole.headers);
  headers.set("content-length", String(bytes.byteLength));
  headers.set("content-range", `bytes ${first}-${last}/${size}`);
  return new Response(bytes, { status: 206, headers });
}

function withoutLength(from: Headers): Headers {
  const headers = new Headers(from);
  headers.delete("content-length");
  return headers;
}

const refuse = (): Response =>
  respond(notFound(), { ...CORS, "cache-control": cacheControl({ kind: "live-edge-error" }) });
