/**
 * Following `live:<stream>`: the timeline grows by the channel's publications, in order and without a gap, or it is lost and
 * has to be asked for anew. Pure: no socket, no clock.
 */
import { end, extend, type Timeline } from "../../../media/timeline.ts";
import type { StreamPosition } from "../../../wire/centrifugo.ts";
import { type LiveEvent, LiveEventSchema } from "../../../wire/live-events.ts";
import { parse } from "../../../wire/parse.ts";

/** Where a page is in the channel, and the timeline there; none while the stream has nothing to play. */
export interface Following extends StreamPosition {
  readonly timeline?: Timeline;
  /** This viewer may not have the timeline, only what else is told: a token can leave out renditions. */
  readonly withoutMedia?: boolean;
}

export type LostReason =
  /** A publication is missing. */
  | "gap"
  /** The timeline is another one, and the event does not say which. */
  | "replaced"
  /** The event does not fit to the timeline. */
  | "unfit"
  /** An event of media that cannot be read. */
  | "unreadable";

export type Step =
  /** `event` is for the page; absent when it was known already, or is of a kind that is not known here. */
  | { readonly type: "followed"; readonly following: Following; readonly event?: LiveEvent }
  | { readonly type: "lost"; readonly reason: LostReason };

/** Kinds of event without which there are no playlists. */
const MEDIA_TYPES = ["media", "timeline", "end"];

/** Take one publication. */
export function follow(
  following: Following,
  { data, offset }: { readonly data: unknown; readonly offset?: number },
): Step {
  if (offset !== undefined && offset <= following.offset) return { type: "followed", following };
  if (offset !== undefined && offset > following.offset + 1) return { type: "lost", reason: "gap" };
  const moved = offset === undefined ? following : { ...following, offset };
  const parsed = parse(LiveEventSchema, data);
  // A kind of event that a later version sends is nothing to lose the thread over.
  if (!parsed.ok)
    return isMedia(data) ? { type: "lost", reason: "unreadable" } : { type: "followed", following: moved };
  return apply(moved, parsed.value);
}

function apply(following: Following, event: LiveEvent): Step {
  const { timeline, withoutMedia } = following;
  if (withoutMedia) return { type: "followed", following, event };
  switch (event.type) {
    case "media": {
      // A show that begins: before its first segment is whole there is no timeline to ask for.
      if (!timeline && !event.entries.some(({ type }) => type === "segment"))
        return { type: "followed", following, event };
      if (timeline?.broadcast !== event.broadcast) return { type: "lost", reason: "replaced" };
      const grown = extend(timeline, event.session, event.entries);
      if (!grown.ok) return { type: "lost", reason: "unfit" };
      return { type: "followed", following: { ...following, timeline: grown.value.timeline }, event };
    }
    case "timeline":
      return { type: "lost", reason: "replaced" };
    case "end":
      // The end of a broadcast that nobody here follows changes nothing.
      return timeline?.broadcast === event.broadcast
        ? { type: "followed", following: { ...following, timeline: end(timeline) }, event }
        : { type: "followed", following, event };
    case "status":
    case "title":
    case "viewers":
    case "app":
      return { type: "followed", following, event };
  }
}

const isMedia = (data: unknown): boolean =>
  typeof data === "object" &&
  data !== null &&
  "type" in data &&
  MEDIA_TYPES.some((type) => type === data.type);

/** Losses spread over this long at first: one event may lose every viewer at once. */
const FIRST_SPREAD_MS = 1_000;
const LONGEST_WAIT_MS = 30_000;

/** Until the timeline is asked for anew after `losses` in a row, counted from 1. `random` is 0 to 1. */
export const rejoinDelayMs = (losses: number, random: number): number =>
  Math.round(
    Math.min(LONGEST_WAIT_MS, FIRST_SPREAD_MS * 2 ** (losses - 1)) *
      (losses === 1 ? random : 0.5 + random / 2),
  );
