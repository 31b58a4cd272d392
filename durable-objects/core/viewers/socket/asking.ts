/** What is asked by `rpc` of a live room, a conversation, one's inbox, a presence channel: read and passed on to whom it is for, who decides. */
import type * as v from "valibot";
import { ERROR, type ProtocolError, reply } from "../../../../wire/centrifugo.ts";
import { ACTIONS, type Action, CHAT_ERROR, isActionName } from "../../../../wire/chat.ts";
import { isRoomAction, ROOM_ACTIONS, type RoomAction } from "../../../../wire/conversations.ts";
import { INBOX_ACTIONS, type InboxAction, isInboxAction } from "../../../../wire/inbox.ts";
import { parse } from "../../../../wire/parse.ts";
import { nameOfPresence, PRESENCE_ACTIONS, PresenceStateSchema } from "../../../../wire/presence.ts";
import type { Refusal, Speaker } from "../../chat/judge.ts";
import { conversationOf, refusalOf } from "./channels.ts";
import { type Connection, isMember, subscriptionOf } from "./connection.ts";
import { answered, type CommandOf, type Decision, type Need, refused, type Supplied } from "./decision.ts";
import { MAX_PRESENCE_CLIENTS } from "./limits.ts";

/** Decide an `rpc` that is for somebody else than the shard; `undefined`: it is not. */
export function decideAsking(
  connection: Connection,
  command: CommandOf<"rpc">,
  { acted }: Supplied,
): Decision | undefined {
  const asked = askedOf(connection, command.params.method, command.params.data);
  if (asked === undefined) return undefined;
  if ("code" in asked) return refused(command, asked);
  if (acted === undefined) return { need: asked };
  if (acted.ok) return answered(reply(command.id, "rpc", { data: acted.value }));
  return refused(command, errorOf(acted.error));
}

/** Whom a method is for, with what it says; or why it is not taken. */
function askedOf(connection: Connection, method: string, data: unknown): Need | ProtocolError | undefined {
  const speaker = speakerOf(connection);
  if (isActionName(method)) {
    const read = dataOf(ACTIONS[method], data);
    if (read === undefined) return ERROR.badRequest;
    if (read.room !== connection.stream) return ERROR.permissionDenied;
    // The schema was chosen by the name, here and below.
    return { type: "act", speaker, action: { name: method, data: read } as Action };
  }
  if (isRoomAction(method)) {
    const read = dataOf(ROOM_ACTIONS[method], data);
    if (read === undefined) return ERROR.badRequest;
    if (!isMember(connection)) return ERROR.permissionDenied;
    return { type: "room-act", speaker, action: { name: method, data: read } as RoomAction };
  }
  if (isInboxAction(method)) {
    const read = dataOf(INBOX_ACTIONS[method], data);
    if (read === undefined) return ERROR.badRequest;
    if (!isMember(connection)) return ERROR.permissionDenied;
    return { type: "inbox-act", speaker, action: { name: method, data: read } as InboxAction };
  }
  if (method !== "presence.state") return undefined;
  const read = dataOf(PRESENCE_ACTIONS[method], data);
  return read === undefined ? ERROR.badRequest : presentIn(connection, read.channel);
}

/** Who is in a presence channel: of a stream everybody may know it, of a conversation who is subscribed and so a member. */
function presentIn(connection: Connection, channel: string): Need | ProtocolError {
  const name = nameOfPresence(channel);
  if (name === undefined) return ERROR.badRequest;
  const refusal = refusalOf(connection, channel);
  if (refusal) return refusal;
  const isIn = conversationOf(channel) === undefined || subscriptionOf(connection, channel);
  return isIn ? { type: "present", name } : ERROR.permissionDenied;
}

/** Decide the protocol's own `presence` and `presence_stats` of a presence channel: its entries are users, and so are its clients. */
export function decidePresent(
  connection: Connection,
  command: CommandOf<"presence"> | CommandOf<"presence_stats">,
  { acted }: Supplied,
): Decision {
  const asked = presentIn(connection, command.params.channel);
  if ("code" in asked) return refused(command, asked);
  if (acted === undefined) return { need: asked };
  const read = acted.ok ? parse(PresenceStateSchema, acted.value) : acted;
  if (!read.ok) return refused(command, ERROR.notAvailable);
  const { users, present } = read.value;
  if (command.method === "presence_stats") {
    return answered(reply(command.id, "presence_stats", { num_clients: users, num_users: users }));
  }
  if (present === undefined || users > MAX_PRESENCE_CLIENTS) return refused(command, ERROR.notAvailable);
  const listed = present.map(({ user, ...info }) => [user, { client: user, user, conn_info: info }] as const);
  return answered(reply(command.id, "presence", { presence: Object.fromEntries(listed) }));
}

/** Absent data is an empty object: stock clients leave it out. */
function dataOf<S extends v.GenericSchema>(schema: S, data: unknown): v.InferOutput<S> | undefined {
  const read = parse(schema, data ?? {});
  return read.ok ? read.value : undefined;
}

/** Who speaks: as the token says, and from where. */
export function speakerOf({ who, address }: Connection): Speaker {
  const { name } = who?.info === undefined ? {} : (JSON.parse(who.info) as { readonly name?: string });
  return {
    user: who?.user ?? "",
    role: who?.role ?? "guest",
    badges: who?.badges ?? [],
    address,
    ...(name !== undefined && { name }),
  };
}

/** A refusal in the protocol's words. How long it takes stands behind the message, for programs: `slow mode, 12 s`. */
export function errorOf(refusal: Refusal | "forbidden" | "unavailable"): ProtocolError {
  if (refusal === "forbidden") return ERROR.permissionDenied;
  if (refusal === "unavailable") return ERROR.notAvailable;
  const { name, seconds } = refusal;
  const { code, message } = CHAT_ERROR[name];
  return { code, message: seconds === undefined ? message : `${message}, ${seconds} s` };
}
