/**
 * What a change of a timeline is to those who follow it: events of `live:<stream>` that `extend` of media/timeline.ts goes on
 * with, and the copy of the timeline that they go on from. Pure; who is told, and when, is decided elsewhere.
 */
import type { Entry, Timeline, Tracks } from "../../../media/timeline.ts";
import type { LiveEvent } from "../../../wire/live-events.ts";

/** A `LiveEvent` as it is written. */
export type Told =
  | Exclude<LiveEvent, { readonly type: "media" }>
  | {
      readonly type: "media";
      readonly broadcast: string;
      readonly session: number;
      readonly entries: readonly Entry[];
    };

/** Longest `media` event, letters of JSON. What is longer was collected while an encoder could not be heard. */
export const MAX_MEDIA_LETTERS = 32_768;

/** The events that lead from one timeline to the next, in order. `added`: the entries that `extend` says were added. */
export function eventsOf(
  before: Timeline | undefined,
  timeline: Timeline,
  added: readonly Entry[],
): readonly Told[] {
  const { broadcast } = timeline;
  // An append that was made before adds nothing.
  if (before === timeline) return [];
  if (before?.broadcast !== broadcast) return [{ type: "timeline", broadcast }];
  if (added.length > 0) return mediaEvents(before, timeline, added);
  if (!timeline.ended) return [{ type: "timeline", broadcast }];
  if (!before.ended && before.segments === timeline.segments) return [{ type: "end", broadcast }];
  return [{ type: "timeline", broadcast }];
}

function mediaEvents(before: Timeline, { broadcast, session }: Timeline, added: readonly Entry[]) {
  const entries = added.map(copyOfEntry);
  // What stands before a new session's description closes the segment of the one before it.
  const begins = session === before.session ? 0 : entries.findIndex(({ type }) => type === "init");
  const events: readonly Told[] = [
    { type: "media", broadcast, session: before.session, entries: entries.slice(0, begins) },
    { type: "media", broadcast, session, entries: entries.slice(begins) },
  ];
  const isLong = JSON.stringify(entries).length > MAX_MEDIA_LETTERS;
  return isLong
    ? [{ type: "timeline", broadcast } as const]
    : events.filter((event) => event.type !== "media" || event.entries.length > 0);
}

/** A timeline without what no media playlist says: checksums, and where keyframes end. */
export const copyOf = (timeline: Timeline): Timeline => ({
  ...timeline,
  segments: timeline.segments.map((segment) => ({
    ...segment,
    parts: segment.parts.map(copyOfPart),
    tracks: copyOfTracks(segment.tracks),
  })),
  ...(timeline.open && { open: { ...timeline.open, parts: timeline.open.parts.map(copyOfPart) } }),
});

const copyOfPart = <P extends { readonly tracks: Tracks }>(part: P): P => ({
  ...part,
  tracks: copyOfTracks(part.tracks),
});

const copyOfEntry = (entry: Entry): Entry => (entry.type === "init" ? entry : copyOfPart(entry));

const copyOfTracks = (tracks: Tracks): Tracks =>
  Object.fromEntries(
    Object.entries(tracks).map(([rendition, { bytes, independent }]) => [rendition, { bytes, independent }]),
  );
