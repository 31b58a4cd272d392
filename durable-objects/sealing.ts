/**
 * Closing a segment that its session left open: its object is put together from its parts in R2.
 * What to close is decided in media/seal.ts.
 */
import { mediaKey } from "../media/address.ts";
import type { Entry, OpenSegment, Tracks } from "../media/timeline.ts";

/** Write the segment's objects; the entry that comes back has a gap where a part could not be read. */
export async function assembleSegment(
  bucket: R2Bucket,
  broadcast: string,
  open: OpenSegment,
  entry: Entry & { type: "segment" },
): Promise<Entry & { type: "segment" }> {
  const names = Object.keys(entry.tracks);
  const written = await Promise.all(
    names.map(async (rendition) => {
      const place = { broadcast, session: open.session, rendition };
      const parts = await Promise.all(
        open.parts.map(async (_, part) => {
          const object = await bucket.get(
            mediaKey({ ...place, file: { kind: "part", msn: open.msn, part } }),
          );
          return object?.arrayBuffer();
        }),
      );
      const whole = parts.filter((bytes) => bytes !== undefined);
      if (whole.length < parts.length) return undefined;
      const key = mediaKey({ ...place, file: { kind: "segment", msn: open.msn } });
      await bucket.put(key, await new Blob(whole).arrayBuffer(), {
        httpMetadata: { contentType: "video/iso.segment" },
      });
      return rendition;
    }),
  );
  const tracks: Record<string, Tracks[string]> = {};
  for (const rendition of written) {
    const object = rendition === undefined ? undefined : entry.tracks[rendition];
    if (rendition !== undefined && object) tracks[rendition] = object;
  }
  return { ...entry, tracks };
}
