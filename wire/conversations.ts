/**
 * Conversations: groups and one-to-one rooms, whose people are their members (docs/wire.md, "Conversations"). What `chat:<ULID>` carries
 * and what members ask for by `rpc`. Live rooms are in chat.ts; what of a conversation comes to everybody's inbox is in inbox.ts.
 */
import * as v from "valibot";
import { MessageSchema, SaySchema, ULID, ulid, user } from "./chat.ts";

export const MAX_MEMBERS = 100;
export const MAX_TITLE_LETTERS = 80;
/** Bytes of a text that publications carry whole; of a longer one they carry an excerpt, and `room.message` the rest. */
export const INLINE_BYTES = 8 * 1024;
/** Letters of that excerpt. */
export const EXCERPT_LETTERS = 1_000;
/** Rooms that a user may be a member of. */
export const MAX_ROOMS = 1_000;
/** Different reactions to one message. */
export const MAX_REACTIONS = 20;
/** Whoever says that they write is taken to have stopped after so long. */
export const TYPING_SECONDS = 6;
export const MAX_PHOTO_BYTES = 10 * 1024 * 1024;
export const MAX_THUMBNAIL_BYTES = 128 * 1024;
export const PHOTO_TYPES = ["image/jpeg", "image/png", "image/webp", "image/gif"] as const;

/** Letters of the ids of groups: `chat:<ULID>`. */
export const isConversation = (room: string): boolean => ULID.test(room);

/** Ids of one-to-one rooms are made of two names, those of groups of the time: no clock shows one that begins so before the year 9775. */
export const isDirectRoom = (room: string): boolean => room.startsWith("7");

const count = v.pipe(v.number(), v.integer(), v.minValue(0));
const title = v.pipe(v.string(), v.trim(), v.minLength(1), v.maxLength(4 * MAX_TITLE_LETTERS));
const emoji = v.pipe(v.string(), v.minLength(1), v.maxLength(32));
const at = v.string();

export const MEMBER_ROLES = ["owner", "moderator", "member"] as const;
export type MemberRole = (typeof MEMBER_ROLES)[number];
export const ROOM_KINDS = ["group", "direct"] as const;
export type RoomKind = (typeof ROOM_KINDS)[number];

export const PhotoSchema = v.object({
  /** Nobody can guess it: who knows it may see the photo. */
  id: v.pipe(v.string(), v.regex(/^[A-Za-z0-9_-]{22}$/)),
  type: v.picklist(PHOTO_TYPES),
  bytes: count,
  /** Pixels. */
  width: v.pipe(count, v.minValue(1), v.maxValue(20_000)),
  height: v.pipe(count, v.minValue(1), v.maxValue(20_000)),
});
/** At `GET /photos/<room>/<id>`, and its thumbnail at `/photos/<room>/<id>/thumbnail`. */
export type Photo = Readonly<v.InferOutput<typeof PhotoSchema>>;

export const ConversationMessageSchema = v.object({
  ...MessageSchema.entries,
  /** The text is longer: this is its beginning. */
  more: v.exactOptional(v.literal(true)),
  photo: v.exactOptional(PhotoSchema),
  /** Who reacted, by emoji; in history, and absent where nobody did. */
  reactions: v.exactOptional(v.record(v.string(), v.array(user))),
});
export type ConversationMessage = Readonly<v.InferOutput<typeof ConversationMessageSchema>>;

export const MemberSchema = v.object({
  user,
  name: v.exactOptional(v.string()),
  role: v.picklist(MEMBER_ROLES),
  /** ISO 8601. */
  joinedAt: at,
  /** They have read up to here. */
  read: count,
});
export type Member = Readonly<v.InferOutput<typeof MemberSchema>>;

export const ConversationEventSchema = v.variant("type", [
  ConversationMessageSchema,
  v.object({ type: v.literal("deleted"), ids: v.array(ulid) }),
  /** Where a message was that is gone, in history only. */
  v.object({ type: v.literal("gone"), seq: count }),
  v.object({ type: v.literal("reaction"), id: ulid, user, emoji, on: v.boolean() }),
  /** `by`: who did it. */
  v.object({ type: v.literal("joined"), member: MemberSchema, by: user }),
  /** `by` is somebody else: they were removed. */
  v.object({ type: v.literal("left"), user, by: user }),
  v.object({ type: v.literal("role"), user, role: v.picklist(MEMBER_ROLES), by: user }),
  v.object({ type: v.literal("title"), title, by: user }),
  /** Without an offset. */
  v.object({ type: v.literal("typing"), user, name: v.exactOptional(v.string()), typing: v.boolean() }),
  v.object({ type: v.literal("read"), user, seq: count }),
]);
/** Data of one publication of a conversation. All but `typing` and `read` have an offset, which is their `seq`. */
export type ConversationEvent = Readonly<v.InferOutput<typeof ConversationEventSchema>>;

/** What a member publishes: text, a photo, or both. */
export const ConversationSaySchema = v.object({
  ...SaySchema.entries,
  /** One that was uploaded for this room (`room.photo`). */
  photo: v.exactOptional(PhotoSchema.entries.id),
});
export type ConversationSay = Readonly<v.InferOutput<typeof ConversationSaySchema>>;

const room = ulid;
const users = v.pipe(v.array(user), v.minLength(1), v.maxLength(MAX_MEMBERS));
/** What is asked of a conversation by `rpc`, by method. Members only, but for the first two. */
export const ROOM_ACTIONS = {
  /** The client chooses the id (a ULID), so that a resend makes no second one. Answers `RoomState`. */
  "room.create": v.object({
    room,
    title,
    users: v.optional(v.pipe(v.array(user), v.maxLength(MAX_MEMBERS - 1)), []),
  }),
  /** The one-to-one room with somebody, made when there is none. Answers `RoomState`. */
  "room.direct": v.object({ user }),
  /** Answers `RoomState`. */
  "room.state": v.object({ room }),
  /** `before` a number the newest first, or `after` it the oldest first: `{events: ConversationEvent[] with seq, more}`. */
  "room.history": v.object({
    room,
    before: v.exactOptional(count),
    after: v.exactOptional(count),
    limit: v.optional(v.pipe(count, v.minValue(1), v.maxValue(100)), 50),
  }),
  /** Words that a message has, newest first: `{messages: ConversationMessage[], more}`. */
  "room.search": v.object({
    room,
    text: v.pipe(v.string(), v.minLength(1), v.maxLength(200)),
    before: v.exactOptional(count),
    limit: v.optional(v.pipe(count, v.minValue(1), v.maxValue(50)), 20),
  }),
  /** One message with its whole text: `{message}`. */
  "room.message": v.object({ room, id: ulid }),
  "room.read": v.object({ room, seq: count }),
  "room.typing": v.object({ room, typing: v.boolean() }),
  "room.react": v.object({ room, id: ulid, emoji, on: v.boolean() }),
  /** One's own, and for owners and moderators anybody's. */
  "room.delete": v.object({ room, id: ulid }),
  /** Where a photo is to be uploaded: `{id, upload, thumbnail, expiresAt}`, addresses for one PUT each. */
  "room.photo": v.object({
    room,
    type: v.picklist(PHOTO_TYPES),
    bytes: v.pipe(count, v.minValue(1)),
    width: PhotoSchema.entries.width,
    height: PhotoSchema.entries.height,
  }),
  "room.invite": v.object({ room, users }),
  "room.leave": v.object({ room }),
  "room.remove": v.object({ room, user }),
  "room.rename": v.object({ room, title }),
  "room.role": v.object({ room, user, role: v.picklist(MEMBER_ROLES) }),
} as const;
export type RoomActionName = keyof typeof ROOM_ACTIONS;
export type RoomAction = {
  readonly [N in RoomActionName]: {
    readonly name: N;
    readonly data: Readonly<v.InferOutput<(typeof ROOM_ACTIONS)[N]>>;
  };
}[RoomActionName];
export const isRoomAction = (method: string): method is RoomActionName => Object.hasOwn(ROOM_ACTIONS, method);

export const RoomStateSchema = v.object({
  room,
  kind: v.picklist(ROOM_KINDS),
  /** Of a group. */
  title: v.exactOptional(v.string()),
  createdAt: at,
  members: v.array(MemberSchema),
  /** Number of the newest publication. */
  newest: count,
  /** Of the one who asks. */
  you: v.object({ role: v.picklist(MEMBER_ROLES), read: count, unread: count, mayWrite: v.boolean() }),
});
export type RoomState = Readonly<v.InferOutput<typeof RoomStateSchema>>;

export const RoomHistorySchema = v.object({
  /** `seq` of those that have none of their own. */
  events: v.array(v.object({ seq: count, event: ConversationEventSchema })),
  /** There are others on that side. */
  more: v.boolean(),
});
export type RoomHistory = Readonly<v.InferOutput<typeof RoomHistorySchema>>;

export const PhotoTicketSchema = v.object({
  id: PhotoSchema.entries.id,
  /** Paths for a `PUT` of the photo and of its thumbnail. */
  upload: v.string(),
  thumbnail: v.string(),
  expiresAt: at,
});
export type PhotoTicket = Readonly<v.InferOutput<typeof PhotoTicketSchema>>;
