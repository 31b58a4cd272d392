/**
 * Chat rooms: what `chat:<room>` carries, what is sent to it, and what its people may ask for by `rpc` (docs/wire.md, "chat:").
 * A room is the live room of a stream, named as the stream is, or a conversation, named by a ULID.
 */
import * as v from "valibot";
import { STREAM_ID } from "../media/address.ts";
import type { ProtocolError } from "./centrifugo.ts";
import { ROLES } from "./socket-token.ts";

/** Letters (code points) of a message in a live room, unless its settings say less or more. */
export const LIVE_LETTERS = 500;
/** Most that its settings may say. */
export const MAX_LIVE_LETTERS = 2_000;
/** Bytes of a message in a conversation. */
export const CONVERSATION_BYTES = 100 * 1024;
/** Letters of a message that a reply to it repeats. */
export const QUOTED_LETTERS = 120;
export const MAX_BLOCKED_WORDS = 500;
/** Longest slow mode and longest time-out, seconds: six hours and two weeks. */
export const MAX_SLOW_SECONDS = 21_600;
export const MAX_TIMEOUT_SECONDS = 1_209_600;

/** The newest publications of a live room that a recovery replays at most, and that `history` answers. */
export const CHAT_HISTORY = 300;
/** What a live room can be told without words. */
export const LIVE_REACTIONS = ["❤️", "🔥", "😂", "👏", "😮", "🎉"] as const;
export type LiveReaction = (typeof LIVE_REACTIONS)[number];
/** Signs of one person in a second. */
export const REACTIONS_PER_SECOND = 5;

/** `chat:<room>`. */
export const chatChannel = (room: string): string => `chat:${room}`;
/** Ids of messages and of conversations. */
export const ULID = /^[0-7][0-9A-HJKMNP-TV-Z]{25}$/;
/** The room of a `chat:` channel; `undefined` for any other channel. */
export const roomOfChannel = (channel: string): string | undefined => {
  const room = channel.startsWith("chat:") ? channel.slice("chat:".length) : "";
  return STREAM_ID.test(room) || ULID.test(room) ? room : undefined;
};

const count = v.pipe(v.number(), v.integer(), v.minValue(0));
export const ulid = v.pipe(v.string(), v.regex(ULID));
/** `sub` of a token. */
export const user = v.pipe(v.string(), v.minLength(1), v.maxLength(128));

/** Who said something, as their token named them. */
const authorFields = {
  user,
  /** Absent: the token has none. */
  name: v.exactOptional(v.string()),
  role: v.picklist(ROLES),
};

export const MessageSchema = v.object({
  type: v.literal("message"),
  /** Everywhere and for ever the same message. */
  id: ulid,
  /** Place in its room: the offset of its publication. */
  seq: count,
  ...authorFields,
  text: v.string(),
  /** The sender's own, by which their devices know it again. */
  nonce: v.string(),
  /** ISO 8601. */
  at: v.string(),
  /** What it answers, as that was then. */
  replyTo: v.exactOptional(v.object({ id: ulid, user, name: v.exactOptional(v.string()), text: v.string() })),
  /** Said to everybody by who runs the show. */
  announcement: v.exactOptional(v.literal(true)),
});
/** Data of a publication that is a message. */
export type ChatMessage = Readonly<v.InferOutput<typeof MessageSchema>>;

export const ACCESSES = ["everyone", "followers", "subscribers"] as const;
const settingFields = {
  /** Off: nobody writes. */
  enabled: v.boolean(),
  /** Between two messages of one person; 0: as fast as they like, within reason. */
  slowSeconds: v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(MAX_SLOW_SECONDS)),
  /** Who may write, by the `badges` of their tokens. Subscribers are followers too. */
  access: v.picklist(ACCESSES),
  /** People who came with a name and no account (`POST /api/guest`) may write. */
  guestsWrite: v.boolean(),
  emotesOnly: v.boolean(),
  links: v.boolean(),
  blockedWords: v.pipe(
    v.array(v.pipe(v.string(), v.trim(), v.minLength(1), v.maxLength(50))),
    v.maxLength(MAX_BLOCKED_WORDS),
  ),
  maxLetters: v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(MAX_LIVE_LETTERS)),
  /** How long messages are kept. */
  retentionMinutes: v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(7 * 24 * 60)),
};
export const SettingsSchema = v.object(settingFields);
/** How a live room is run. Moderators and owners are not bound by it. */
export type ChatSettings = Readonly<v.InferOutput<typeof SettingsSchema>>;

export const DEFAULT_SETTINGS: ChatSettings = {
  enabled: true,
  slowSeconds: 0,
  access: "everyone",
  guestsWrite: false,
  emotesOnly: false,
  links: true,
  blockedWords: [],
  maxLetters: LIVE_LETTERS,
  retentionMinutes: 24 * 60,
};

/** What people are told of the settings: which words are blocked would be a list of them. */
const { blockedWords: _, ...toldFields } = settingFields;
const ToldSettingsSchema = v.object(toldFields);
export type ToldSettings = Readonly<v.InferOutput<typeof ToldSettingsSchema>>;

/** Settings as people are told them. */
export const told = ({ blockedWords: _words, ...others }: ChatSettings): ToldSettings => others;

export const ChatEventSchema = v.variant("type", [
  MessageSchema,
  /** Messages that are gone, from screens as from history. */
  v.object({ type: v.literal("deleted"), ids: v.array(ulid) }),
  /** So is everything that somebody said up to here. */
  v.object({ type: v.literal("user-deleted"), user }),
  /** And everything. */
  v.object({ type: v.literal("cleared") }),
  /** Where a message was that is gone, in history only. */
  v.object({ type: v.literal("gone"), seq: count }),
  /** Somebody may not write until then (ISO 8601); without it for ever; `lifted`: they may again. */
  v.object({
    type: v.literal("sanction"),
    user,
    until: v.exactOptional(v.string()),
    lifted: v.exactOptional(v.literal(true)),
  }),
  v.object({ type: v.literal("settings"), settings: ToldSettingsSchema }),
  /** `null`: nothing is pinned any more. */
  v.object({ type: v.literal("pinned"), message: v.nullable(MessageSchema) }),
]);
/** Data of one publication of a room. */
export type ChatEvent = Readonly<v.InferOutput<typeof ChatEventSchema>>;

/** Data of a publication without an offset: the signs that were given since the one before, once a second at most. */
export const ReactionsSchema = v.object({
  type: v.literal("reactions"),
  counts: v.record(v.string(), v.pipe(v.number(), v.integer(), v.minValue(1))),
});
export type Reactions = Readonly<v.InferOutput<typeof ReactionsSchema>>;

/** A publication that takes others back: who kept those must not hand them on any more. `data` is as the room wrote it. */
export const isErasing = (data: string): boolean => /^\{"type":"(?:deleted|user-deleted|cleared)"/.test(data);

/** What a client publishes. */
export const SaySchema = v.object({
  text: v.string(),
  /** Chosen by the client: the same message sent again is the same message. */
  nonce: v.pipe(v.string(), v.minLength(1), v.maxLength(64)),
  replyTo: v.exactOptional(ulid),
});
export type Say = Readonly<v.InferOutput<typeof SaySchema>>;

const room = v.pipe(
  v.string(),
  v.check((name) => STREAM_ID.test(name) || ULID.test(name), "a room"),
);
/** What is asked for by `rpc`, by method. All but the first two are for moderators and owners. */
export const ACTIONS = {
  /** How the room is, and what the one who asks may do: `ChatState`. */
  "chat.state": v.object({ room }),
  /** A sign to everybody, counted and not kept. Anybody with a name may give some, also who may only read. */
  "chat.react": v.object({ room, emoji: v.picklist(LIVE_REACTIONS) }),
  "chat.delete": v.object({ room, id: ulid }),
  "chat.deleteUser": v.object({ room, user }),
  "chat.clear": v.object({ room }),
  "chat.timeout": v.object({
    room,
    user,
    seconds: v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(MAX_TIMEOUT_SECONDS)),
    reason: v.exactOptional(v.pipe(v.string(), v.maxLength(200))),
  }),
  "chat.ban": v.object({ room, user, reason: v.exactOptional(v.pipe(v.string(), v.maxLength(200))) }),
  /** Ends a ban or a time-out. */
  "chat.unban": v.object({ room, user }),
  "chat.settings": v.object({ room, settings: v.partial(SettingsSchema) }),
  /** `null` unpins. */
  "chat.pin": v.object({ room, id: v.nullable(ulid) }),
  "chat.announce": v.object({ room, text: v.string(), nonce: SaySchema.entries.nonce }),
  /** Who may not write now, newest first: `{sanctions: Sanction[]}`. */
  "chat.sanctions": v.object({
    room,
    /** So many of them are passed over. */
    skip: v.optional(count, 0),
    limit: v.optional(v.pipe(count, v.maxValue(200)), 50),
  }),
  /** What moderators did, newest first: `{entries: LogEntry[]}`. */
  "chat.log": v.object({
    room,
    before: v.exactOptional(count),
    limit: v.optional(v.pipe(count, v.maxValue(200)), 50),
  }),
} as const;
/** Methods of `rpc`. */
export type ActionName = keyof typeof ACTIONS;
/** One that is asked for. */
export type Action = {
  readonly [N in ActionName]: {
    readonly name: N;
    readonly data: Readonly<v.InferOutput<(typeof ACTIONS)[N]>>;
  };
}[ActionName];
export const isActionName = (method: string): method is ActionName => Object.hasOwn(ACTIONS, method);

export const ChatStateSchema = v.object({
  settings: ToldSettingsSchema,
  pinned: v.nullable(MessageSchema),
  /** Of the one who asks. */
  you: v.object({
    mayWrite: v.boolean(),
    mayModerate: v.boolean(),
    /** `message` of the `CHAT_ERROR` that keeps them from it. */
    why: v.exactOptional(v.string()),
    /** ISO 8601: until when a sanction keeps them from it. */
    until: v.exactOptional(v.string()),
  }),
  /** For moderators and owners only. */
  blockedWords: v.exactOptional(v.array(v.string())),
});
/** Answer to `chat.state`. */
export type ChatState = Readonly<v.InferOutput<typeof ChatStateSchema>>;

export const LogEntrySchema = v.object({
  number: count,
  /** ISO 8601. */
  at: v.string(),
  /** Who did it. */
  by: user,
  action: v.string(),
  /** A user or a message. */
  target: v.exactOptional(v.string()),
  /** Of a user who is the target: how they were called when they last wrote. */
  name: v.exactOptional(v.string()),
  detail: v.exactOptional(v.string()),
});
export type LogEntry = Readonly<v.InferOutput<typeof LogEntrySchema>>;
/** Answer to `chat.log`. */
export const LogSchema = v.object({ entries: v.array(LogEntrySchema) });

export const SanctionSchema = v.object({
  user,
  /** As they were called when they last wrote. */
  name: v.exactOptional(v.string()),
  /** ISO 8601; absent: for ever. */
  until: v.exactOptional(v.string()),
  /** ISO 8601: since when. */
  at: v.string(),
  /** Who did it. */
  by: user,
  reason: v.exactOptional(v.string()),
});
/** Somebody who may not write. */
export type Sanction = Readonly<v.InferOutput<typeof SanctionSchema>>;
/** Answer to `chat.sanctions`. */
export const SanctionsSchema = v.object({ sanctions: v.array(SanctionSchema) });

/** Why a room does not take something, beside the protocol's own errors. `message` is for programs; `seconds` says when to try again. */
export const CHAT_ERROR = {
  empty: { code: 450, message: "empty" },
  tooLong: { code: 451, message: "too long" },
  malformedText: { code: 452, message: "malformed text" },
  nonceReused: { code: 453, message: "nonce reused" },
  chatOff: { code: 454, message: "chat is off" },
  readOnly: { code: 455, message: "read only" },
  followersOnly: { code: 456, message: "followers only" },
  subscribersOnly: { code: 457, message: "subscribers only" },
  banned: { code: 458, message: "banned" },
  timedOut: { code: 459, message: "timed out" },
  slowMode: { code: 460, message: "slow mode" },
  tooFast: { code: 461, message: "too fast" },
  repeated: { code: 462, message: "said already" },
  emotesOnly: { code: 463, message: "emotes only" },
  noLinks: { code: 464, message: "no links" },
  blockedWord: { code: 465, message: "blocked word" },
  unknownMessage: { code: 466, message: "unknown message" },
  notAMember: { code: 467, message: "not a member" },
  blocked: { code: 468, message: "blocked" },
  tooManyMembers: { code: 469, message: "too many members" },
  tooManyRooms: { code: 470, message: "too many rooms" },
  lastOwner: { code: 471, message: "last owner" },
  badPhoto: { code: 472, message: "bad photo" },
  badEndpoint: { code: 473, message: "bad endpoint" },
  tooManyFriends: { code: 474, message: "too many friends" },
  tooManyReactions: { code: 475, message: "too many reactions" },
  notKept: { code: 476, message: "not kept any more" },
  tooManyBlocked: { code: 477, message: "too many blocked" },
} as const satisfies Record<string, ProtocolError>;
export type ChatErrorName = keyof typeof CHAT_ERROR;
