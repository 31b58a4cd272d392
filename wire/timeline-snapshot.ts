/**
 * `GET /live/<stream>/timeline.json`: the timeline of the present broadcast, and the place in `live:<stream>` after which
 * its events go on (docs/wire.md, "live:"). A player draws playlists from it, so what does not hold together is refused.
 */
import * as v from "valibot";
import { MAX_RENDITIONS, type Timeline } from "../media/timeline.ts";
import { MAX_WINDOW_SEGMENTS } from "../media/trim.ts";
import type { StreamPosition } from "./centrifugo.ts";
import { EntrySchema, SegmentEntrySchema } from "./ingest.ts";

const [InitEntrySchema, PartEntrySchema] = EntrySchema.options;
const RenditionFactsSchema = InitEntrySchema.entries.renditions.item;
const { msn, at, duration, tracks } = SegmentEntrySchema.entries;

const count = v.pipe(v.number(), v.integer(), v.minValue(0));
const positive = v.pipe(v.number(), v.finite(), v.minValue(0));
const name = v.pipe(v.string(), v.minLength(1), v.maxLength(64));
/** Parts of one segment. */
const parts = v.pipe(
  v.array(v.object({ duration: PartEntrySchema.entries.duration, tracks })),
  v.maxLength(1000),
);

const SegmentSchema = v.object({
  msn,
  session: count,
  discontinuity: v.boolean(),
  at,
  duration,
  partCount: count,
  parts,
  tracks,
});
const OpenSegmentSchema = v.object({ msn, session: count, discontinuity: v.boolean(), at, parts });
const RenditionSchema = v.object({
  ...RenditionFactsSchema.entries,
  measured: v.object({ bytes: count, seconds: positive, peak: positive }),
});

/** A `Timeline` of media/timeline.ts. */
export const TimelineSchema = v.pipe(
  v.object({
    broadcast: name,
    stream: name,
    timing: v.object({
      targetDuration: v.pipe(count, v.minValue(1), v.maxValue(60)),
      partTarget: v.exactOptional(v.pipe(positive, v.minValue(0.01), v.maxValue(60))),
      windowSeconds: positive,
    }),
    renditions: v.pipe(v.array(RenditionSchema), v.maxLength(MAX_RENDITIONS)),
    session: count,
    discontinuitySequence: count,
    segments: v.pipe(v.array(SegmentSchema), v.maxLength(MAX_WINDOW_SEGMENTS + 1)),
    open: v.exactOptional(OpenSegmentSchema),
    nextMsn: msn,
    ended: v.boolean(),
  }),
  v.check((timeline) => isDense(timeline), "segments whose numbers follow each other"),
  v.check(({ open, ended }) => open === undefined || !ended, "nothing open after the end"),
);

/** The answer. */
export const TimelineSnapshotSchema = v.object({
  epoch: v.pipe(v.string(), v.minLength(1), v.maxLength(128)),
  offset: v.pipe(count, v.maxValue(Number.MAX_SAFE_INTEGER)),
  timeline: TimelineSchema,
});

/** A timeline, and the position in the channel that it was taken at. */
export interface TimelineSnapshot extends StreamPosition {
  readonly timeline: Timeline;
}

function isDense({ segments, open, nextMsn }: Pick<Timeline, "segments" | "open" | "nextMsn">): boolean {
  const first = nextMsn - segments.length;
  return (
    segments.every((segment, index) => segment.msn === first + index) &&
    (open === undefined || open.msn === nextMsn)
  );
}
