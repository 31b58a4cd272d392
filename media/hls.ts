/**
 * Media playlists of low-latency HLS (draft-pantos-hls-rfc8216bis), drawn from the timeline. Pure text: who may see
 * one, and when, is decided elsewhere. Section numbers are the draft's.
 */
import {
  decimal,
  mediaUris,
  playlistHead,
  ROUNDING_SECONDS,
  type Skip,
  segmentHead,
  skippedSegments,
  skipTag,
  tag,
  versionWith,
} from "./hls-tags.ts";
import { type Part, partSeconds, positionOf, type Segment, type Timeline } from "./timeline.ts";

export { iframePlaylist } from "./hls-iframes.ts";
export { foldView, isEmptyView, multivariantPlaylist, type View } from "./hls-multivariant.ts";
export type { Skip } from "./hls-tags.ts";

/** EXT-X-MAP beside whole segments needs 6; no other tag of a full playlist here needs more (section 8). */
const VERSION = 6;

/**
 * The playlist at `/live/<stream>/<rendition>/index.m3u8`; with `skip`, a delta update if there is anything to skip.
 * `partHoldBack`, seconds, is for a player that hears of each part by itself; others get what profile.ts says.
 * A rendition that the timeline does not know is all gaps: callers refuse it before.
 */
export function mediaPlaylist(
  timeline: Timeline,
  rendition: string,
  { skip, partHoldBack }: { readonly skip?: Skip; readonly partHoldBack?: number } = {},
): string {
  const { segments, open, ended, timing } = timeline;
  const uri = mediaUris(timeline, rendition);
  const skipped = skippedSegments(timeline, skip);
  const firstWithParts = timing.partTarget === undefined ? segments.length : firstSegmentWithParts(timeline);
  let text = playlistHead(timeline, versionWith(skip, skipped, VERSION), timing.partTarget, partHoldBack);
  text += skipTag(skip, skipped);
  let mapped: number | undefined;
  const headOf = (segment: Pick<Segment, "session" | "discontinuity" | "at">): string => {
    const map = segment.session === mapped ? undefined : uri(segment.session, { kind: "init" });
    mapped = segment.session;
    return segmentHead(segment, map);
  };
  const partsOf = ({ msn, session, parts }: Pick<Segment, "msn" | "session" | "parts">): string =>
    parts
      .map((part, index) =>
        partTag(part, rendition, uri(session, { kind: "part", msn, part: index }), timing.partTarget),
      )
      .join("");
  // An init section that was named among the skipped segments still holds.
  mapped = segments[skipped - 1]?.session;
  for (const segment of skipped === 0 ? segments : segments.slice(skipped)) {
    text += headOf(segment);
    if (segment.msn >= firstWithParts) text += partsOf(segment);
    const gap = segment.tracks[rendition] === undefined ? "#EXT-X-GAP\n" : "";
    text += `${gap}#EXTINF:${decimal(segment.duration)},\n${uri(segment.session, { kind: "segment", msn: segment.msn })}\n`;
  }
  if (ended) return `${text}#EXT-X-ENDLIST\n`;
  if (open) text += headOf(open) + partsOf(open);
  if (timing.partTarget !== undefined) text += preloadHints(timeline, uri, mapped);
  return text + renditionReports(timeline, rendition);
}

/** `msn` from which parts are listed: those of older segments are over three target durations from the end (6.2.2). */
function firstSegmentWithParts({ segments, open, timing }: Timeline): number {
  let after = open ? partSeconds(open.parts) : 0;
  for (const segment of segments.toReversed()) {
    if (after > 3 * timing.targetDuration + ROUNDING_SECONDS) return segment.msn + 1;
    after += segment.duration;
  }
  return segments[0]?.msn ?? 0;
}

/** One part (4.4.4.9). The timeline forgives durations a rounding error over PART-TARGET; a playlist must not show it. */
function partTag(part: Part, rendition: string, uri: string, partTarget = part.duration): string {
  const object = part.tracks[rendition];
  const duration = decimal(Math.min(part.duration, partTarget));
  const kind = object === undefined ? ",GAP=YES" : object.independent ? ",INDEPENDENT=YES" : "";
  return `#EXT-X-PART:DURATION=${duration},URI="${uri}"${kind}\n`;
}

/** What comes next and may be asked for now (4.4.5.3): the next part, and its init section when a new session begins. */
function preloadHints(
  timeline: Timeline,
  uri: ReturnType<typeof mediaUris>,
  mapped: number | undefined,
): string {
  const { open, session: newest } = timeline;
  const session = open?.session ?? newest;
  if (session === 0) return "";
  const { msn, part } = positionOf(timeline);
  const map =
    session === mapped ? "" : `#EXT-X-PRELOAD-HINT:TYPE=MAP,URI="${uri(session, { kind: "init" })}"\n`;
  return `${map}#EXT-X-PRELOAD-HINT:TYPE=PART,URI="${uri(session, { kind: "part", msn, part })}"\n`;
}

/** How far the other renditions are (4.4.5.4): as far as this one, for the timeline adds to all of them at once. */
function renditionReports({ renditions, segments, open }: Timeline, rendition: string): string {
  const last = open
    ? { msn: open.msn, parts: open.parts.length }
    : segments.slice(-1).map(({ msn, partCount }) => ({ msn, parts: partCount }))[0];
  if (!last) return "";
  return renditions
    .filter(({ name }) => name !== rendition)
    .map(({ name }) =>
      tag("EXT-X-RENDITION-REPORT", {
        URI: `"../${name}/index.m3u8"`,
        "LAST-MSN": last.msn,
        "LAST-PART": last.parts > 0 ? last.parts - 1 : undefined,
      }),
    )
    .join("");
}
