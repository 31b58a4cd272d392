/**
 * What a player says on its socket besides the protocol's own words: that it plays, how it does, how far it got. The `rpc`
 * methods `playing` and `qoe`, and the `send` of progress (docs/wire.md, "What players say").
 */
import * as v from "valibot";

const count = v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(1e9));
/** Milliseconds, up to ten minutes: what is longer is a clock gone wrong. */
const milliseconds = v.pipe(v.number(), v.minValue(0), v.maxValue(600_000));

/** `rpc` `playing`: whether a person watches. Said on every change and after every connect. */
export const PlayingSchema = v.object({ playing: v.boolean() });

/** `rpc` `qoe`, every 10 s while it plays: of the time since the report before. */
export const QoeSchema = v.object({
  /** From the click, or the show's begin, to the first frame; in the first report only. */
  startupMs: v.exactOptional(milliseconds),
  stalls: count,
  stalledMs: milliseconds,
  playedMs: milliseconds,
  /** Behind the camera. */
  latencyMs: v.exactOptional(milliseconds),
  /** Lines of the picture; 0 for sound alone. */
  height: v.exactOptional(v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(8640))),
  droppedFrames: count,
  shownFrames: count,
});
export type Qoe = Readonly<v.InferOutput<typeof QoeSchema>>;

/** `send`: the newest offset of `live:` that was received. A client that says so is measured by it. */
export const ProgressSchema = v.object({ progress: v.pipe(v.number(), v.integer(), v.minValue(0)) });
