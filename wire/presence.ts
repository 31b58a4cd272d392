/**
 * Presence channels: who is here, one entry for each user however many tabs they have (docs/wire.md, "Presence"). What `presence:<name>`
 * carries; `<name>` is a stream, on its own socket, or a conversation, for its members.
 */
import * as v from "valibot";
import { STREAM_ID } from "../media/address.ts";
import { ULID, user } from "./chat.ts";
import { ROLES } from "./socket-token.ts";

/** Up to so many people each coming and going is told soon; */
export const SMALL_CHANNEL = 200;
/** up to so many in batches, with counts; of more only counts. */
export const LARGE_CHANNEL = 1_000;

/** `presence:<name>`. */
export const presenceChannel = (name: string): string => `presence:${name}`;
/** The name of a `presence:` channel; `undefined` for any other channel. */
export const nameOfPresence = (channel: string): string | undefined => {
  const name = channel.startsWith("presence:") ? channel.slice("presence:".length) : "";
  return STREAM_ID.test(name) || ULID.test(name) ? name : undefined;
};

const count = v.pipe(v.number(), v.integer(), v.minValue(0));
export const PresentSchema = v.object({
  user,
  name: v.exactOptional(v.string()),
  role: v.picklist(ROLES),
  /** `info` of their token. */
  info: v.exactOptional(v.unknown()),
});
/** Somebody who is here. */
export type Present = Readonly<v.InferOutput<typeof PresentSchema>>;

export const PresenceEventSchema = v.variant("type", [
  /**
   * Who came and went since the event before; a user is in one of the lists at most. Somebody in `came` who is here already is another
   * than they were: name, role or info. `users`: how many are here now.
   */
  v.object({ type: v.literal("changes"), came: v.array(PresentSchema), went: v.array(user), users: count }),
  /** The channel is too large to say who came and went: a list is of no use any more, and after the next `changes` to be asked for. */
  v.object({ type: v.literal("count"), users: count }),
]);
/** Data of one publication. `changes` have an offset, `count` has none but for the first one after `changes`. */
export type PresenceEvent = Readonly<v.InferOutput<typeof PresenceEventSchema>>;

export const PRESENCE_ACTIONS = {
  /** `PresenceState`. */
  "presence.state": v.object({ channel: v.string() }),
} as const;

export const PresenceStateSchema = v.object({
  users: count,
  /** Absent where only counts are told. */
  present: v.exactOptional(v.array(PresentSchema)),
  /** Where the channel was when this was read: what has come of it since is newer. */
  epoch: v.string(),
  offset: count,
});
export type PresenceState = Readonly<v.InferOutput<typeof PresenceStateSchema>>;
