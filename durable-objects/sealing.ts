/**
 * Closing a segment that its session left open: its object is put together from its parts in R2.
 * What to close is decided in media/seal.ts.
 */
import { mediaKey } from "../media/address.ts";
import { sealingEntry } from "../media/seal.ts";
import type { Entry, OpenSegment, Timeline, TrackObject } from "../media/timeline.ts";

type SegmentEntry = Entry & { type: "segment" };

/** Put the open segment together; the entry that closes it has a gap where a part is not there. Throws when R2 fails. */
export async function sealTimeline(bucket: R2Bucket, timeline: Timeline): Promise<SegmentEntry | undefined> {
  const { broadcast, open } = timeline;
  const entry = sealingEntry(timeline);
  if (!open || !entry) return undefined;
  const whole = await Promise.all(
    Object.entries(entry.tracks).map(
      async ([rendition, object]): Promise<[string, TrackObject][]> =>
        (await assemble(bucket, broadcast, open, rendition)) ? [[rendition, object]] : [],
    ),
  );
  return { ...entry, tracks: Object.fromEntries(whole.flat()) };
}

/** Write one rendition's segment; false when a part of it is missing. */
async function assemble(
  bucket: R2Bucket,
  broadcast: string,
  { msn, parts, session }: OpenSegment,
  rendition: string,
): Promise<boolean> {
  const keyOf = (file: Parameters<typeof mediaKey>[0]["file"]) =>
    mediaKey({ broadcast, session, rendition, file });
  const objects = await Promise.all(
    parts.map(async (_, part) => (await bucket.get(keyOf({ kind: "part", msn, part })))?.arrayBuffer()),
  );
  const whole = objects.filter((bytes) => bytes !== undefined);
  if (whole.length < objects.length) return false;
  const httpMetadata = { contentType: "video/iso.segment" };
  await bucket.put(keyOf({ kind: "segment", msn }), await new Blob(whole).arrayBuffer(), { httpMetadata });
  return true;
}
