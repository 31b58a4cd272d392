/** The operator's API: streams and their keys (docs/wire.md, "Admin"). */
import * as v from "valibot";
import { STREAM_ID } from "../media/address.ts";
import { PROFILE_NAMES, type ProfileName } from "../media/profile.ts";

/** A stream's permanent id. */
export const StreamIdSchema = v.pipe(
  v.string(),
  v.regex(STREAM_ID, "a stream id: a-z, 0-9 and inner hyphens, at most 63"),
);
const title = v.pipe(v.string(), v.trim(), v.maxLength(200));
/** Seconds that a broadcast waits for its encoder to come back. */
const reconnectSeconds = v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(3600));

/** `POST /admin/streams`. */
export const CreateStreamSchema = v.object({
  id: StreamIdSchema,
  title: v.optional(title, ""),
  profile: v.optional(v.picklist(PROFILE_NAMES), "low"),
  reconnectSeconds: v.optional(reconnectSeconds, 60),
});
export type CreateStream = v.InferOutput<typeof CreateStreamSchema>;

/** A stream as operators see it. */
export interface StreamRecord {
  readonly id: string;
  readonly title: string;
  readonly profile: ProfileName;
  readonly reconnectSeconds: number;
  readonly disabled: boolean;
  /** ISO 8601. */
  readonly createdAt: string;
  readonly live: boolean;
}

/** Answer of create and rotate-key: the only time the key is shown. */
export interface StreamWithKey extends StreamRecord {
  readonly key: string;
}
