/** Conditions and ranges of a request (RFC 9110 13.1.2, 14.1.2). Pure. */

/** Bytes `first` to `last`, both included. */
export interface Range {
  readonly first: number;
  readonly last: number;
}

/** True when the client has this entity already; tags are compared weakly, as If-None-Match asks (13.1.2). */
export function isNotModified(ifNoneMatch: string | null, etag: string): boolean {
  if (ifNoneMatch === null || etag === "") return false;
  const bare = (tag: string) => tag.trim().replace(/^W\//, "");
  return ifNoneMatch.trim() === "*" || ifNoneMatch.split(",").some((tag) => bare(tag) === bare(etag));
}

/** One byte range of an object. A header that is not understood, or asks for several ranges, means the whole (14.2). */
export function parseRange(header: string | null, size: number): Range | "whole" | "unsatisfiable" {
  const match = /^bytes=\s*([0-9]{0,15})-([0-9]{0,15})\s*$/i.exec(header ?? "");
  const [from, to] = [match?.[1] ?? "", match?.[2] ?? ""];
  if (from === "" && to === "") return "whole";
  if (from === "") {
    const length = Math.min(Number(to), size);
    return length === 0 ? "unsatisfiable" : { first: size - length, last: size - 1 };
  }
  const first = Number(from);
  if (to !== "" && Number(to) < first) return "whole";
  if (first >= size) return "unsatisfiable";
  return { first, last: to === "" ? size - 1 : Math.min(Number(to), size - 1) };
}
