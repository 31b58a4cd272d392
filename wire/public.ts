/** The JSON that pages read from the edge's `/api/` (docs/wire.md, "Public API"). */
import * as v from "valibot";
import { PROFILE_NAMES } from "../media/profile.ts";

/** `offline`: never live. `interrupted`: the encoder is gone and may return. `ended`: over, the last minutes can be watched. */
export const STREAM_STATES = ["offline", "starting", "live", "interrupted", "ended"] as const;
export type StreamState = (typeof STREAM_STATES)[number];

export const StreamStatusSchema = v.object({
  id: v.string(),
  title: v.string(),
  profile: v.picklist(PROFILE_NAMES),
  state: v.picklist(STREAM_STATES),
  /** Path of the multivariant playlist; absent when there is nothing to play. */
  playlist: v.optional(v.string()),
  /** When the broadcast began, ISO 8601. */
  startedAt: v.optional(v.string()),
  /** People who watch, with a socket and without; absent when nothing is live. */
  viewers: v.optional(v.pipe(v.number(), v.integer(), v.minValue(0))),
});
/** `GET /api/streams/<id>`. */
export type StreamStatus = v.InferOutput<typeof StreamStatusSchema>;

/** `GET /api/streams`: those that are live. */
export const LiveStreamsSchema = v.object({ streams: v.array(StreamStatusSchema) });
export type LiveStreams = v.InferOutput<typeof LiveStreamsSchema>;
