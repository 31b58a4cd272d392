/**
 * Cache lifetimes and headers of everything the edge serves, by kind (docs/wire.md, "Caching"). Pure.
 * `Cache-Control` is on every answer: without it a shared cache would choose for itself.
 */
import type { Timing } from "../../../media/profile.ts";

/** What is being served. */
export type Kind =
  | { readonly kind: "media" }
  | { readonly kind: "playlist"; readonly timing: Timing; readonly blocking: boolean }
  | { readonly kind: "status" }
  | { readonly kind: "page" }
  | { readonly kind: "live-edge-error" };

/** A year: media objects never change. */
const MEDIA_SECONDS = 31_536_000;

/** `Cache-Control` for a kind of answer. What a blocking request is answered never changes while its broadcast goes on. */
export function cacheControl(what: Kind): string {
  switch (what.kind) {
    case "media":
      return `public, max-age=${MEDIA_SECONDS}, immutable`;
    case "playlist":
      return `public, max-age=${what.blocking ? 6 * what.timing.targetDuration : halfTarget(what.timing)}`;
    case "status":
    case "live-edge-error":
      return "public, max-age=1";
    case "page":
      return "public, max-age=0, must-revalidate";
  }
}

/** A plain playlist is old when half a target duration has passed (rfc8216bis appendix B.1). */
const halfTarget = (timing: Timing): number => Math.floor(timing.targetDuration / 2);

/** Anyone's player may read what is public, and needs these headers to know how old a playlist is. */
export const CORS = {
  "access-control-allow-origin": "*",
  "access-control-expose-headers": "Age, Date, Content-Length, Content-Range, ETag",
  "timing-allow-origin": "*",
} as const;

/** Answer to a preflight. */
export const PREFLIGHT = {
  ...CORS,
  "access-control-allow-methods": "GET, HEAD, OPTIONS",
  "access-control-allow-headers": "Range, If-None-Match, If-Range, If-Modified-Since",
  "access-control-max-age": "86400",
  "cache-control": "public, max-age=86400",
} as const;

/** Headers of pages: our own scripts only, and nobody may put them into a frame. */
export const PAGE_SECURITY = {
  "content-security-policy":
    "default-src 'self'; media-src 'self' blob:; worker-src 'self' blob:; img-src 'self' data:; connect-src 'self' ws: wss:; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
  "referrer-policy": "strict-origin-when-cross-origin",
  "x-content-type-options": "nosniff",
} as const;
