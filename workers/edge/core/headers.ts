/** Headers that do not depend on what is cached: for other sites, for preflights, for pages (docs/edge.md, "Lifetimes"). Pure. */

/** Anyone's player may read what is public, and needs these headers to know how old a playlist is. */
export const CORS = {
  "access-control-allow-origin": "*",
  "access-control-expose-headers": "Age, Cache-Status, Content-Length, Content-Range, Date, ETag",
  "timing-allow-origin": "*",
} as const;

/** Answer to a preflight. */
export const PREFLIGHT = {
  ...CORS,
  "access-control-allow-methods": "GET, HEAD, OPTIONS",
  "access-control-allow-headers":
    "Range, If-None-Match, If-Range, If-Modified-Since, CMCD-Object, CMCD-Request, CMCD-Session, CMCD-Status",
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
