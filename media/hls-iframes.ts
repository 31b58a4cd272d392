/**
 * I-frame playlists, for scrubbing: the leading keyframe of every closed segment, as a range of the segment's object.
 * Nothing of the open segment: these playlists have no parts.
 */
import {
  decimal,
  mediaUris,
  playlistHead,
  type Skip,
  segmentHead,
  skippedSegments,
  skipTag,
  versionWith,
} from "./hls-tags.ts";
import type { Timeline } from "./timeline.ts";

/** EXT-X-MAP needs 5 where EXT-X-I-FRAMES-ONLY is present (section 8). */
const VERSION = 5;

/**
 * The playlist at `/live/<stream>/<rendition>/iframes.m3u8` (4.4.3.6). A segment lasts until the next keyframe that is
 * listed, which is its own duration; one whose keyframe was not measured is a gap.
 */
export function iframePlaylist(
  timeline: Timeline,
  rendition: string,
  { skip }: { readonly skip?: Skip } = {},
): string {
  const { segments, ended } = timeline;
  const uri = mediaUris(timeline, rendition);
  const skipped = skippedSegments(timeline, skip);
  let text = playlistHead(timeline, versionWith(skip, skipped, VERSION));
  text += `#EXT-X-I-FRAMES-ONLY\n${skipTag(skip, skipped)}`;
  let mapped = segments[skipped - 1]?.session;
  for (const segment of segments.slice(skipped)) {
    const { session, msn, duration, tracks } = segment;
    const bytes = tracks[rendition]?.iframeBytes;
    text += segmentHead(segment, session === mapped ? undefined : uri(session, { kind: "init" }));
    text += `#EXTINF:${decimal(duration)},\n`;
    text += bytes === undefined ? "#EXT-X-GAP\n" : `#EXT-X-BYTERANGE:${bytes}@0\n`;
    text += `${uri(session, { kind: "segment", msn })}\n`;
    mapped = session;
  }
  return ended ? `${text}#EXT-X-ENDLIST\n` : text;
}
