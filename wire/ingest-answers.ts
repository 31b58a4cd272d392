/** The answers of the ingest API, read by the transcoder from unknown. Their types stand in ingest.ts. */
import * as v from "valibot";
import type { AppendAnswer, Sampled, SessionGrant, Waiting } from "./ingest.ts";

const name = v.pipe(v.string(), v.regex(/^[a-z0-9]{1,16}$/));
const count = v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(4_294_967_295));
const positive = v.pipe(v.number(), v.finite(), v.gtValue(0));
/** As much as a segment may be said to last in ingest.ts. */
const seconds = v.pipe(v.number(), v.minValue(0.001), v.maxValue(60));

const PlannedSchema = v.variant("kind", [
  v.object({
    kind: v.literal("video"),
    name,
    mode: v.picklist(["copy", "encode"]),
    width: count,
    height: count,
    bitrate: positive,
    publishAs: v.pipe(v.array(name), v.minLength(1)),
  }),
  v.object({
    kind: v.literal("audio"),
    name,
    mode: v.picklist(["copy", "encode"]),
    bitrate: positive,
    channels: count,
    publishAs: v.pipe(v.array(name), v.minLength(1)),
  }),
]);

const PlanSchema = v.object({
  nextMsn: count,
  segmentSeconds: seconds,
  keyframeSeconds: seconds,
  targetDuration: seconds,
  partTarget: v.exactOptional(seconds),
  frameRate: v.exactOptional(positive),
  renditions: v.pipe(v.array(PlannedSchema), v.minLength(1)),
});

/** `SessionGrant`. */
export const SessionGrantSchema: v.GenericSchema<unknown, SessionGrant> = v.object({
  // It names a folder, too.
  session: v.pipe(v.string(), v.regex(/^[a-z0-9-]{1,100}\.[0-9]{1,9}$/)),
  stream: v.string(),
  broadcast: v.string(),
  lease: v.string(),
  plan: v.exactOptional(PlanSchema),
});

/** Answer to `POST /ingest/sessions`. */
export const OpenAnswerSchema: v.GenericSchema<unknown, SessionGrant | Waiting> = v.union([
  SessionGrantSchema,
  v.object({ standby: v.object({ stream: v.string(), plan: v.exactOptional(PlanSchema) }) }),
]);

/** `Sampled`. */
export const SampledSchema: v.GenericSchema<unknown, Sampled> = v.object({ standby: v.boolean() });

/** `AppendAnswer`. */
export const AppendAnswerSchema: v.GenericSchema<unknown, AppendAnswer> = v.object({
  next: v.object({ msn: count, part: count }),
});
