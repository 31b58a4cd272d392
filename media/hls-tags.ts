/**
 * What all media playlists share: how numbers, dates and URIs are spelled, their head, and the tags that stand before a
 * segment. Which segments a playlist names, and with what, is the business of hls.ts and hls-iframes.ts.
 */
import { fileName, type MediaFile } from "./address.ts";
import { canSkipUntil, holdBack, partHoldBack } from "./profile.ts";
import type { Segment, Timeline } from "./timeline.ts";

/** `_HLS_skip` (6.2.5.1): which kind of delta update a client can read. */
export type Skip = "YES" | "v2";

/** Seconds as a decimal of at most six places, nothing trailing. */
export const decimal = (seconds: number): string => String(Math.round(seconds * 1e6) / 1e6);

/** Last moment a Date can hold, milliseconds since 1970 (ECMA-262 21.4.1.1). */
const LAST_DATE_MS = 8.64e15;

/** ISO 8601 with milliseconds, for any number. */
export const dateTime = (ms: number): string =>
  new Date(Math.min(Math.max(Math.round(ms), 0), LAST_DATE_MS)).toISOString();

/** `#NAME:KEY=value,…`, leaving out what is undefined; quotes are the caller's. */
export function tag(name: string, attributes: Readonly<Record<string, string | number | undefined>>): string {
  const present = Object.entries(attributes).filter(([, value]) => value !== undefined);
  return `#${name}:${present.map(([key, value]) => `${key}=${value}`).join(",")}\n`;
}

/** Names media objects of one rendition, relative to a playlist at `/live/<stream>/<rendition>/`. */
export function mediaUris(
  timeline: Timeline,
  rendition: string,
): (session: number, file: MediaFile) => string {
  const { broadcast } = timeline;
  return (session, file) => `../../../media/${broadcast}/${session}/${rendition}/${fileName(file)}`;
}

/** Everything before the first segment. `version` is what the tags of this playlist need (section 8). */
export function playlistHead(
  timeline: Timeline,
  version: number,
  partTarget?: number,
  heldBack?: number,
): string {
  const { timing, segments, open, nextMsn, discontinuitySequence } = timeline;
  return (
    `#EXTM3U\n#EXT-X-VERSION:${version}\n#EXT-X-TARGETDURATION:${timing.targetDuration}\n` +
    serverControl(timeline, heldBack) +
    (partTarget === undefined ? "" : tag("EXT-X-PART-INF", { "PART-TARGET": decimal(partTarget) })) +
    `#EXT-X-MEDIA-SEQUENCE:${segments[0]?.msn ?? open?.msn ?? nextMsn}\n` +
    `#EXT-X-DISCONTINUITY-SEQUENCE:${discontinuitySequence}\n`
  );
}

/** The same in every playlist of a broadcast (6.2.4), also where there are no parts. An ended one takes no directives. */
function serverControl({ timing, ended }: Timeline, heldBack?: number): string {
  const { partTarget } = timing;
  return tag("EXT-X-SERVER-CONTROL", {
    "CAN-BLOCK-RELOAD": ended ? undefined : "YES",
    "CAN-SKIP-UNTIL": ended ? undefined : decimal(canSkipUntil(timing)),
    "HOLD-BACK": decimal(holdBack(timing)),
    "PART-HOLD-BACK": partTarget === undefined ? undefined : decimal(heldBack ?? partHoldBack(partTarget)),
  });
}

/** How many segments a delta update leaves out, 0 for none: those that end before the Skip Boundary (6.2.5.1). */
export function skippedSegments(timeline: Timeline, skip: Skip | undefined): number {
  if (skip === undefined || timeline.ended) return 0;
  const { segments, timing } = timeline;
  // Measured from the end of the last parent segment, not of the parts of the open one.
  const boundary = canSkipUntil(timing) + ROUNDING_SECONDS;
  let after = 0;
  for (let index = segments.length - 1; index >= 0; index -= 1) {
    if (after > boundary) return index + 1;
    after += segments[index]?.duration ?? 0;
  }
  return 0;
}

/** Version that EXT-X-SKIP asks for, or the playlist's own when it has none (section 8). */
export const versionWith = (skip: Skip | undefined, skipped: number, own: number): number =>
  skipped === 0 ? own : skip === "v2" ? 10 : 9;

/** Stands in for the segments that were left out (4.4.5.2). No playlist here has date ranges, so none was removed. */
export const skipTag = (skip: Skip | undefined, skipped: number): string =>
  skipped === 0
    ? ""
    : tag("EXT-X-SKIP", {
        "SKIPPED-SEGMENTS": skipped,
        "RECENTLY-REMOVED-DATERANGES": skip === "v2" ? '""' : undefined,
      });

/** What goes before a segment and its first part (4.4.4.9). `map` is set where the init section changes. */
export const segmentHead = (
  { discontinuity, at }: Pick<Segment, "discontinuity" | "at">,
  map?: string,
): string =>
  (discontinuity ? "#EXT-X-DISCONTINUITY\n" : "") +
  (map === undefined ? "" : `#EXT-X-MAP:URI="${map}"\n`) +
  `#EXT-X-PROGRAM-DATE-TIME:${dateTime(at)}\n`;

/** Sums of decimals are this inexact. */
export const ROUNDING_SECONDS = 1e-6;
