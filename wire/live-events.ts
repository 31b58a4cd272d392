/**
 * What `live:<stream>` carries, and the timeline that its events go on from (docs/wire.md, "live:"). Publications of one
 * broadcaster's stream, written by its LiveStream object and read by players.
 */
import * as v from "valibot";
import { STREAM_ID } from "../media/address.ts";
import { EntrySchema } from "./ingest.ts";
import { STREAM_STATES } from "./public.ts";

/** Newest publications that a channel keeps, and the most that a recovery replays: 60 s of `ultra`. */
export const LIVE_HISTORY = 300;

const count = v.pipe(v.number(), v.integer(), v.minValue(0));

/** `live:<stream>`. */
export const liveChannel = (stream: string): string => `live:${stream}`;
/** The stream of a `live:` channel; `undefined` for any other channel. */
export const streamOfChannel = (channel: string): string | undefined => {
  const stream = channel.startsWith("live:") ? channel.slice("live:".length) : "";
  return STREAM_ID.test(stream) ? stream : undefined;
};

/** Parts and segments of all renditions: `extend` of media/timeline.ts takes them. */
const MediaEventSchema = v.object({
  type: v.literal("media"),
  broadcast: v.string(),
  /** Ordinal of the session that sent them. */
  session: count,
  entries: v.array(EntrySchema),
});
/** The timeline is another one, in a way that no entries say: it has to be asked for anew. */
const TimelineEventSchema = v.object({ type: v.literal("timeline"), broadcast: v.string() });
/** Nothing follows in this broadcast. */
const EndEventSchema = v.object({ type: v.literal("end"), broadcast: v.string() });
/** As `GET /api/streams/<id>` says it. */
const StatusEventSchema = v.object({
  type: v.literal("status"),
  state: v.picklist(STREAM_STATES),
  /** ISO 8601. */
  startedAt: v.exactOptional(v.string()),
});
const TitleEventSchema = v.object({ type: v.literal("title"), title: v.string() });
/** People who watch; has no offset, for the next one replaces it. */
const ViewersEventSchema = v.object({ type: v.literal("viewers"), viewers: count });
/** Whatever the broadcaster's own app says to its players; by whom, as the token named them. */
const AppEventSchema = v.object({ type: v.literal("app"), from: v.string(), data: v.unknown() });

export const LiveEventSchema = v.variant("type", [
  MediaEventSchema,
  TimelineEventSchema,
  EndEventSchema,
  StatusEventSchema,
  TitleEventSchema,
  ViewersEventSchema,
  AppEventSchema,
]);
/** Data of one publication. */
export type LiveEvent = Readonly<v.InferOutput<typeof LiveEventSchema>>;

/** Data of the answer to a subscription: what the events without an offset said last. */
export const LiveGreetingSchema = v.object({ viewers: count });
export type LiveGreeting = Readonly<v.InferOutput<typeof LiveGreetingSchema>>;

/** Longest `data` of an app event, letters of JSON. */
export const MAX_APP_LETTERS = 4096;
