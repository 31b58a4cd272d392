/**
 * Closing a segment whose session went away in the middle of it: what its parts add up to.
 * The object itself is put together from the parts by whoever holds the bucket.
 */
import {
  type Part,
  partSeconds,
  type SegmentEntry,
  type Timeline,
  type TrackObject,
  type Tracks,
} from "./timeline.ts";

/** The entry that closes a segment with the parts it has; `undefined` when nothing is open. */
export function sealingEntry({ open }: Pick<Timeline, "open">): SegmentEntry | undefined {
  if (!open || open.parts.length === 0) return undefined;
  const duration = partSeconds(open.parts);
  return { type: "segment", msn: open.msn, at: open.at, duration, tracks: sumTracks(open.parts) };
}

/** A rendition with a gap in any part has one in the segment. */
function sumTracks(parts: readonly Part[]): Tracks {
  const names = new Set(parts.flatMap((part) => Object.keys(part.tracks)));
  const sums: Record<string, TrackObject> = {};
  for (const name of names) {
    const objects = parts.map((part) => part.tracks[name]).filter((object) => object !== undefined);
    if (objects.length < parts.length) continue;
    // The segment begins with the bytes of its first part, so with the same keyframe.
    const iframeBytes = objects[0]?.iframeBytes;
    sums[name] = {
      bytes: objects.reduce((sum, object) => sum + object.bytes, 0),
      independent: objects.some((object) => object.independent),
      ...(iframeBytes !== undefined && { iframeBytes }),
    };
  }
  return sums;
}
