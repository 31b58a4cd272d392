/**
 * The inbox as the page shows it: rooms, who is blocked, friends and how they are. `step(inbox, event)` is all that ever changes it.
 * No DOM, no socket, no clock.
 */
import type { ConversationMessage } from "../../wire/conversations.ts";
import type {
  ChosenStatus,
  FriendList,
  InboxEvent,
  InboxState,
  RoomSummary,
  UserStatus,
} from "../../wire/inbox.ts";

/** A room in the list. */
export type ListedRoom = RoomSummary & { readonly muted: boolean };

/** Whether this user may see how somebody is. */
export type FriendState = "asked" | "allowed" | "none";

/** Somebody who sees how this user is, or asked to. */
export interface Follower {
  readonly name?: string;
  readonly allowed: boolean;
}

export interface Inbox {
  /** `failed`: it could not be asked for, and there is none to show. */
  readonly phase: "loading" | "here" | "failed";
  /** Offset up to which everything is in here. */
  readonly offset: number;
  /** What came while the state is being asked for. */
  readonly early: readonly Heard[];
  readonly isAsking: boolean;
  readonly rooms: ReadonlyMap<string, ListedRoom>;
  readonly blocked: ReadonlySet<string>;
  readonly chosen: ChosenStatus;
  readonly statuses: ReadonlyMap<string, UserStatus>;
  readonly following: ReadonlyMap<string, FriendState>;
  readonly followers: ReadonlyMap<string, Follower>;
}

/** A publication of the inbox; without an offset it is in no history. */
export interface Heard {
  readonly event: InboxEvent;
  readonly offset?: number | undefined;
}

export type InboxChange =
  /** Subscribed. `isWhole`: what was missed follows; else the state is asked for. */
  | { readonly type: "joined"; readonly isWhole: boolean }
  | { readonly type: "state"; readonly state: InboxState }
  | { readonly type: "state-failed" }
  | ({ readonly type: "heard" } & Heard)
  | { readonly type: "friends"; readonly list: FriendList }
  /** This device read that far: shown before the inbox says so. */
  | { readonly type: "read"; readonly room: string; readonly seq: number };

export const EMPTY_INBOX: Inbox = {
  phase: "loading",
  offset: 0,
  early: [],
  isAsking: true,
  rooms: new Map(),
  blocked: new Set(),
  chosen: "online",
  statuses: new Map(),
  following: new Map(),
  followers: new Map(),
};

/** The inbox after a change. */
export function step(inbox: Inbox, change: InboxChange): Inbox {
  switch (change.type) {
    case "joined":
      return change.isWhole ? inbox : { ...inbox, isAsking: true, early: [] };
    case "state":
      return told(inbox, change.state);
    case "state-failed":
      return inbox.phase === "here" ? inbox : { ...inbox, phase: "failed" };
    case "heard":
      return hear(inbox, change);
    case "friends":
      return withFriends(inbox, change.list);
    case "read":
      return read(inbox, change);
  }
}

function told(inbox: Inbox, { rooms, blocked, chosen, offset }: InboxState): Inbox {
  const next: Inbox = {
    ...inbox,
    phase: "here",
    isAsking: false,
    offset,
    early: [],
    rooms: new Map(rooms.map((room) => [room.room, room])),
    blocked: new Set(blocked),
    chosen,
  };
  return inbox.early.reduce(hear, next);
}

function hear(inbox: Inbox, heard: Heard): Inbox {
  const { event, offset } = heard;
  if (offset === undefined) return apply(inbox, event);
  if (inbox.isAsking) return { ...inbox, early: [...inbox.early, heard] };
  return offset <= inbox.offset ? inbox : { ...apply(inbox, event), offset };
}

function apply(inbox: Inbox, event: InboxEvent): Inbox {
  switch (event.type) {
    case "message":
      return changeRoom(inbox, event.room, (room) => withMessage(room, event.message, event.unread));
    case "room": {
      const muted = inbox.rooms.get(event.summary.room)?.muted ?? false;
      return putRoom(inbox, { ...event.summary, muted });
    }
    case "deleted":
      return changeRoom(inbox, event.room, (room) =>
        room.last && event.ids.includes(room.last.id) ? { ...room, last: emptied(room.last) } : room,
      );
    case "left":
      return { ...inbox, rooms: new Map([...inbox.rooms].filter(([room]) => room !== event.room)) };
    case "muted":
      return changeRoom(inbox, event.room, (room) => ({ ...room, muted: event.muted }));
    case "blocked":
      return { ...inbox, blocked: withMember(inbox.blocked, event.user, event.blocked) };
    case "friend-request": {
      const { user, name } = event;
      const follower = { ...(name !== undefined && { name }), allowed: false };
      return { ...inbox, followers: new Map([...inbox.followers, [user, follower]]) };
    }
    case "friend":
      return { ...inbox, following: new Map([...inbox.following, [event.user, event.state]]) };
    case "statuses":
      return {
        ...inbox,
        statuses: new Map([...inbox.statuses, ...event.statuses.map((one) => [one.user, one] as const)]),
      };
    case "you":
      return { ...inbox, chosen: event.chosen };
  }
}

const withMember = (all: ReadonlySet<string>, one: string, isIn: boolean): ReadonlySet<string> =>
  new Set([...all].filter((other) => other !== one).concat(isIn ? [one] : []));

const putRoom = (inbox: Inbox, room: ListedRoom): Inbox => ({
  ...inbox,
  rooms: new Map([...inbox.rooms, [room.room, room]]),
});

function changeRoom(inbox: Inbox, id: string, change: (room: ListedRoom) => ListedRoom): Inbox {
  const room = inbox.rooms.get(id);
  if (room === undefined) return inbox;
  const next = change(room);
  return next === room ? inbox : putRoom(inbox, next);
}

const withMessage = (room: ListedRoom, message: ConversationMessage, unread: number): ListedRoom =>
  message.seq < (room.last?.seq ?? 0)
    ? room
    : { ...room, newest: Math.max(room.newest, message.seq), last: message, at: message.at, unread };

/** A message that is gone: there is nothing in it. */
function emptied({ photo: _photo, replyTo: _replyTo, ...message }: ConversationMessage): ConversationMessage {
  return { ...message, text: "" };
}

function read(inbox: Inbox, { room, seq }: { readonly room: string; readonly seq: number }): Inbox {
  return changeRoom(inbox, room, (known) => {
    if (seq <= known.read && known.unread === 0) return known;
    return {
      ...known,
      read: Math.max(known.read, seq),
      unread: seq >= (known.last?.seq ?? 0) ? 0 : known.unread,
    };
  });
}

function withFriends(inbox: Inbox, { following, followers }: FriendList): Inbox {
  return {
    ...inbox,
    following: new Map(following.map(({ user, state }) => [user, state])),
    followers: new Map(
      followers.map(({ user, name, allowed }) => [user, { ...(name !== undefined && { name }), allowed }]),
    ),
    statuses: new Map([
      ...inbox.statuses,
      ...following.flatMap(({ user, status }) => (status ? [[user, status] as const] : [])),
    ]),
  };
}

/** Rooms as they are listed, newest first. */
export const listed = ({ rooms }: Inbox): readonly ListedRoom[] =>
  [...rooms.values()].sort((one, other) =>
    one.at === other.at ? (one.room < other.room ? 1 : -1) : one.at < other.at ? 1 : -1,
  );

/** Unread messages in rooms that are not muted: what the title of the page counts. */
export const unreadIn = ({ rooms }: Inbox): number =>
  [...rooms.values()].reduce((sum, { unread, muted }) => sum + (muted ? 0 : unread), 0);

/** Followers who wait for an answer. */
export const requestsIn = ({ followers }: Inbox): readonly string[] =>
  [...followers].filter(([, { allowed }]) => !allowed).map(([user]) => user);

/** What a room is called. */
export const titleOf = ({
  title,
  peer,
}: {
  readonly title?: string | undefined;
  readonly peer?: { readonly user: string; readonly name?: string | undefined } | undefined;
}): string => title ?? peer?.name ?? peer?.user ?? "Conversation";
