/** Conditions and ranges of a request (RFC 9110 13.1, 14.1.2, 14.2). Pure. */

/** Bytes `first` to `last`, both included. */
export interface Range {
  readonly first: number;
  readonly last: number;
}

/** What a `Range` header asks for, before the size is known: from `first` on, or the last `suffix` bytes. */
export type RangeWish = { readonly first: number; readonly last?: number } | { readonly suffix: number };

/** Read a `Range` header. One that is not understood, or asks for several ranges, means the whole (14.2): `undefined`. */
export function readRange(header: string | null): RangeWish | undefined {
  // Longer numbers than any size are read all the same: a range past the end is 416, not the whole.
  const match = /^bytes=[ \t]*([0-9]{0,40})-([0-9]{0,40})[ \t]*$/i.exec(header ?? "");
  const [from, to] = [match?.[1] ?? "", match?.[2] ?? ""];
  if (from === "") return to === "" ? undefined : { suffix: Number(to) };
  if (to === "") return { first: Number(from) };
  return Number(to) < Number(from) ? undefined : { first: Number(from), last: Number(to) };
}

/** The header again, for a cache that cuts ranges itself; `undefined` for numbers that it could not have. */
export function spellRange(wish: RangeWish): string | undefined {
  if ("suffix" in wish) return Number.isSafeInteger(wish.suffix) ? `bytes=-${wish.suffix}` : undefined;
  const { first, last } = wish;
  if (!Number.isSafeInteger(first)) return undefined;
  return `bytes=${first}-${last !== undefined && Number.isSafeInteger(last) ? last : ""}`;
}

/** The bytes that a wish means in an object of a size. */
export function resolveRange(wish: RangeWish, size: number): Range | "unsatisfiable" {
  if ("suffix" in wish) {
    const length = Math.min(wish.suffix, size);
    return length === 0 ? "unsatisfiable" : { first: size - length, last: size - 1 };
  }
  if (wish.first >= size) return "unsatisfiable";
  return { first: wish.first, last: Math.min(wish.last ?? size - 1, size - 1) };
}

/** The tags and dates that conditions are compared with. */
export interface Validators {
  readonly etag: string | null;
  readonly lastModified: string | null;
}

/** The conditions of a request. */
export interface Conditions {
  readonly ifNoneMatch: string | null;
  readonly ifModifiedSince: string | null;
}

/** True when the client has this already. `If-Modified-Since` counts only without `If-None-Match` (13.1.3). */
export function isNotModified(
  { ifNoneMatch, ifModifiedSince }: Conditions,
  { etag, lastModified }: Validators,
): boolean {
  if (ifNoneMatch !== null) return hasTag(ifNoneMatch, etag);
  if (ifModifiedSince === null) return false;
  const [since, modified] = [dateOf(ifModifiedSince), dateOf(lastModified)];
  return since !== undefined && modified !== undefined && modified <= since;
}

/** Tags are compared weakly, as If-None-Match asks (13.1.2). */
function hasTag(list: string, etag: string | null): boolean {
  if (etag === null || etag === "") return false;
  if (list.trim() === "*") return true;
  const opaque = etag.replace(/^W\//, "");
  // Commas may stand inside a tag: the tags are found, not the commas between them.
  return [...list.matchAll(/"[^"]*"/g)].some(([tag]) => tag === opaque);
}

/** True when a range may be served: `If-Range` is absent, or names exactly this (13.1.5). */
export function isSameForRange(ifRange: string | null, { etag, lastModified }: Validators): boolean {
  if (ifRange === null) return true;
  const wanted = ifRange.trim();
  // Weak tags never match here: two weak equals may differ in the bytes between.
  if (wanted.startsWith('"')) return wanted === etag;
  return wanted === lastModified;
}

function dateOf(header: string | null): number | undefined {
  const at = Date.parse(header ?? "");
  return Number.isNaN(at) ? undefined : at;
}
