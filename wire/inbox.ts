/**
 * A user's inbox: what `user:<id>` carries to all their devices, and what they ask for by `rpc` (docs/wire.md, "Inbox"): their rooms,
 * whom they block, where they are notified, how they are and who may see it.
 */
import * as v from "valibot";
import { ulid, user } from "./chat.ts";
import { ConversationMessageSchema, ROOM_KINDS } from "./conversations.ts";

/** Newest events that an inbox keeps, and for how long. */
export const INBOX_EVENTS = 5_000;
export const INBOX_DAYS = 30;
export const MAX_FRIENDS = 1_000;
export const MAX_BLOCKED = 1_000;
/** Devices of a user that are notified. */
export const MAX_PUSH_SUBSCRIPTIONS = 20;
/** Without activity for so long somebody is away. */
export const AWAY_MINUTES = 10;

/** `user:<id>`. */
export const inboxChannel = (id: string): string => `user:${id}`;
export const userOfChannel = (channel: string): string | undefined =>
  channel.startsWith("user:") && channel.length > "user:".length ? channel.slice("user:".length) : undefined;

const count = v.pipe(v.number(), v.integer(), v.minValue(0));
const at = v.string();

export const RoomSummarySchema = v.object({
  room: ulid,
  kind: v.picklist(ROOM_KINDS),
  /** Of a group. */
  title: v.exactOptional(v.string()),
  /** Of a one-to-one room: the other one. */
  peer: v.exactOptional(v.object({ user, name: v.exactOptional(v.string()) })),
  /** Number of the newest publication, and up to where this user has read. */
  newest: count,
  read: count,
  /** Messages of others after that. */
  unread: count,
  /** The newest message, its text an excerpt of 120 letters. */
  last: v.exactOptional(ConversationMessageSchema),
  /** ISO 8601, of the newest message, or of when they came: rooms are sorted by it. */
  at,
});
/** A room as one of its members sees it in a list. */
export type RoomSummary = Readonly<v.InferOutput<typeof RoomSummarySchema>>;

export const STATUSES = ["online", "away", "dnd", "offline"] as const;
/** As others see somebody: who is invisible is offline. */
export type Status = (typeof STATUSES)[number];
export const CHOSEN_STATUSES = ["online", "away", "dnd", "invisible"] as const;
export type ChosenStatus = (typeof CHOSEN_STATUSES)[number];
export const UserStatusSchema = v.object({
  user,
  status: v.picklist(STATUSES),
  /** ISO 8601: of who is offline. */
  lastActiveAt: v.exactOptional(at),
});
export type UserStatus = Readonly<v.InferOutput<typeof UserStatusSchema>>;

export const FRIEND_STATES = ["asked", "allowed", "none"] as const;
export type FriendState = (typeof FRIEND_STATES)[number];
export const InboxEventSchema = v.variant("type", [
  v.object({ type: v.literal("message"), room: ulid, message: ConversationMessageSchema, unread: count }),
  /** One of their rooms is new, or is another than it was: title, read, unread. */
  v.object({ type: v.literal("room"), summary: RoomSummarySchema }),
  v.object({ type: v.literal("deleted"), room: ulid, ids: v.array(ulid) }),
  /** They are no member any more. */
  v.object({ type: v.literal("left"), room: ulid }),
  v.object({ type: v.literal("muted"), room: ulid, muted: v.boolean() }),
  v.object({ type: v.literal("blocked"), user, blocked: v.boolean() }),
  /** Somebody wants to see how this user is. */
  v.object({ type: v.literal("friend-request"), user, name: v.exactOptional(v.string()) }),
  /** Whether this user may see how somebody is. */
  v.object({ type: v.literal("friend"), user, state: v.picklist(FRIEND_STATES) }),
  /** Without an offset: how others are now, and how this user is, as their other devices set it. */
  v.object({ type: v.literal("statuses"), statuses: v.array(UserStatusSchema) }),
  v.object({ type: v.literal("you"), chosen: v.picklist(CHOSEN_STATUSES) }),
]);
/** Data of one publication of an inbox. */
export type InboxEvent = Readonly<v.InferOutput<typeof InboxEventSchema>>;

/** What a browser's `PushSubscription.toJSON()` has (W3C Push API). */
export const PushSubscriptionSchema = v.object({
  endpoint: v.pipe(v.string(), v.minLength(1), v.maxLength(2_048)),
  keys: v.object({
    p256dh: v.pipe(v.string(), v.regex(/^[A-Za-z0-9_-]{86,88}=?$/)),
    auth: v.pipe(v.string(), v.regex(/^[A-Za-z0-9_-]{22}={0,2}$/)),
  }),
});
export type PushSubscription = Readonly<v.InferOutput<typeof PushSubscriptionSchema>>;

/** What is asked of one's own inbox by `rpc`, by method. */
export const INBOX_ACTIONS = {
  /** `InboxState`. */
  "inbox.state": v.object({}),
  /** What came after an offset, oldest first: `{events: {offset, event}[], more}`; 476 when that is not kept any more. */
  "inbox.events": v.object({
    after: count,
    epoch: v.string(),
    limit: v.optional(v.pipe(count, v.minValue(1), v.maxValue(200)), 100),
  }),
  /** No notifications of a room. */
  "inbox.mute": v.object({ room: ulid, muted: v.boolean() }),
  "inbox.block": v.object({ user, blocked: v.boolean() }),
  /** `{key}`: the application server key; 108 when the operator has none. */
  "push.key": v.object({}),
  "push.subscribe": v.object({ subscription: PushSubscriptionSchema }),
  "push.unsubscribe": v.object({ endpoint: PushSubscriptionSchema.entries.endpoint }),
  "status.set": v.object({ status: v.picklist(CHOSEN_STATUSES) }),
  /** There is a person at this device. At most once a minute is enough. */
  "status.active": v.object({}),
  /** Ask to see how somebody is; they are asked. `{state}`. */
  "friends.follow": v.object({ user }),
  "friends.unfollow": v.object({ user }),
  /** Let somebody see how one is, or no more. */
  "friends.allow": v.object({ user, allowed: v.boolean() }),
  /** `FriendList`. */
  "friends.list": v.object({}),
} as const;
export type InboxActionName = keyof typeof INBOX_ACTIONS;
export type InboxAction = {
  readonly [N in InboxActionName]: {
    readonly name: N;
    readonly data: Readonly<v.InferOutput<(typeof INBOX_ACTIONS)[N]>>;
  };
}[InboxActionName];
export const isInboxAction = (method: string): method is InboxActionName =>
  Object.hasOwn(INBOX_ACTIONS, method);

export const InboxStateSchema = v.object({
  /** Newest first, at most MAX_ROOMS. */
  rooms: v.array(v.object({ ...RoomSummarySchema.entries, muted: v.boolean() })),
  blocked: v.array(user),
  chosen: v.picklist(CHOSEN_STATUSES),
  /** Where the channel was when this was read. */
  epoch: v.string(),
  offset: count,
});
export type InboxState = Readonly<v.InferOutput<typeof InboxStateSchema>>;

export const InboxEventsSchema = v.object({
  events: v.array(v.object({ offset: count, event: InboxEventSchema })),
  more: v.boolean(),
});
export type InboxEvents = Readonly<v.InferOutput<typeof InboxEventsSchema>>;

export const FriendListSchema = v.object({
  /** Whom this user follows or asked to, with how they are. */
  following: v.array(
    v.object({ user, state: v.picklist(FRIEND_STATES), status: v.exactOptional(UserStatusSchema) }),
  ),
  /** Who may see how this user is, and who asked to. */
  followers: v.array(v.object({ user, name: v.exactOptional(v.string()), allowed: v.boolean() })),
});
export type FriendList = Readonly<v.InferOutput<typeof FriendListSchema>>;

/** Text of a notification (RFC 8291 encrypts it): what the service worker shows. */
export const NotificationSchema = v.object({
  room: ulid,
  /** Name of the group, or of who wrote. */
  title: v.string(),
  /** `Bob: see you at eight`. */
  body: v.string(),
  unread: count,
  /** Message that it is about. */
  id: ulid,
});
export type Notification = Readonly<v.InferOutput<typeof NotificationSchema>>;
