/**
 * Closing a segment that its session left open: its object is put together from its parts in R2.
 * What to close is decided in media/seal.ts.
 */
import { mediaKey } from "../media/address.ts";
import { sealingEntry } from "../media/seal.ts";
import type { OpenSegment, SegmentEntry, TrackObject } from "../media/timeline.ts";

/**
 * Put a segment together; the entry that closes it has a gap where a part is not there. `undefined` when it has no parts.
 * Throws when R2 fails.
 */
export async function assembleSegment(
  bucket: R2Bucket,
  broadcast: string,
  open: OpenSegment,
): Promise<SegmentEntry | undefined> {
  const entry = sealingEntry({ open });
  if (!entry) return undefined;
  const whole = await Promise.all(
    Object.entries(entry.tracks).map(async ([rendition, object]): Promise<[string, TrackObject][]> => {
      const stored = await assemble(bucket, broadcast, open, rendition);
      return stored ? [[rendition, { ...object, ...stored }]] : [];
    }),
  );
  return { ...entry, tracks: Object.fromEntries(whole.flat()) };
}

/** Write one rendition's segment; `undefined` when a part of it is missing, or when the encoder has stored another one. */
async function assemble(
  bucket: R2Bucket,
  broadcast: string,
  { msn, parts, session }: OpenSegment,
  rendition: string,
): Promise<Pick<TrackObject, "bytes" | "md5"> | undefined> {
  const keyOf = (file: Parameters<typeof mediaKey>[0]["file"]) =>
    mediaKey({ broadcast, session, rendition, file });
  const objects = await Promise.all(
    parts.map(async (_, part) => (await bucket.get(keyOf({ kind: "part", msn, part })))?.arrayBuffer()),
  );
  const found = objects.filter((bytes) => bytes !== undefined);
  if (found.length < objects.length) return undefined;
  const whole = await new Blob(found).arrayBuffer();
  const md5 = new Uint8Array(await crypto.subtle.digest("MD5", whole)).toHex();
  const key = keyOf({ kind: "segment", msn });
  // What the encoder itself handed in is acknowledged, and longer.
  const stored = await bucket.put(key, whole, {
    httpMetadata: { contentType: "video/iso.segment" },
    onlyIf: { etagDoesNotMatch: "*" },
    md5,
  });
  const isOurs = stored !== null || (await bucket.head(key))?.etag === md5;
  return isOurs ? { bytes: whole.byteLength, md5 } : undefined;
}
