/** What a cache found for a target, whichever cache it was; not yet what a visitor is answered. */
import type { Story } from "./core/cache-status.ts";
import type { RangeWish } from "./core/conditional.ts";
import { clientCacheControl, edgeCacheControl, retentionOf } from "./core/lifetimes.ts";
import type { Fill } from "./fills.ts";

/** The answer of a cache. */
export interface Found {
  /** 206 when only the range that was wished for is in `body`. */
  readonly status: number;
  /** As a copy carries them: those of the object, and `COPY` ones. */
  readonly headers: Headers;
  /** Bytes of the whole object. */
  readonly size: number;
  readonly body: ReadableStream<Uint8Array> | null;
  /** The runtime knows how long `body` is; of what is made here it has to be told. */
  readonly knowsLength: boolean;
  readonly ageSeconds: number;
  readonly story: Story;
}

/** What a request wants of a cache. */
export interface Wish {
  /** Bytes that are enough; the whole is right as well. */
  readonly range?: RangeWish;
}

/** Headers that a copy carries for ourselves. Nobody else sees them. */
export const COPY = {
  /** When it was fetched, milliseconds since 1970. */
  at: "x-millrace-at",
  /** Its status: a cache makes 206 of anything that a range is taken from. */
  status: "x-millrace-status",
  /** `Cache-Control` for clients. */
  client: "x-millrace-client",
  /** `CDN-Cache-Control`: what the edge itself may do with it. */
  edge: "x-millrace-edge",
  /** Both of them, for somebody who asked for the newest playlist and got one that others had waited for. */
  plainClient: "x-millrace-plain-client",
  plainEdge: "x-millrace-plain-edge",
} as const;

/** The headers of a copy of what was read. `cache-control` says only how long the copy may be of any use. */
export function copyHeaders(
  { status, headers, etag, lifetime, asStandIn, size }: Fill,
  now: number,
): Record<string, string> {
  const retention = retentionOf(lifetime);
  return {
    ...headers,
    "content-length": String(size),
    ...(etag !== undefined && { etag }),
    "cache-control": retention > 0 ? `public, max-age=${Math.ceil(retention)}` : "no-store",
    [COPY.at]: String(now),
    [COPY.status]: String(status),
    [COPY.client]: clientCacheControl(lifetime),
    [COPY.edge]: edgeCacheControl(lifetime),
    ...(asStandIn && {
      [COPY.plainClient]: clientCacheControl(asStandIn),
      [COPY.plainEdge]: edgeCacheControl(asStandIn),
    }),
  };
}

/** Seconds since a copy was fetched. */
export const ageOf = (headers: Headers, now: number): number =>
  Math.max(0, (now - Number(headers.get(COPY.at) ?? now)) / 1000);

/** Clocks of one location's machines may differ by this much. */
const SKEW_MS = 5_000;

/** True for a copy that was kept before a clock went back: nobody can tell how old it is. */
export const isFromTheFuture = (headers: Headers, now: number): boolean =>
  Number(headers.get(COPY.at) ?? now) - now > SKEW_MS;

/** Bytes of the whole object, also where the copy is a range of it. */
export function sizeOf(headers: Headers): number {
  const total = /\/([0-9]+)$/.exec(headers.get("content-range") ?? "")?.[1];
  return Number(total ?? headers.get("content-length"));
}
