/** Which channels there are, whose they are, and whom they are for, as far as a connection itself tells it. */
import { ERROR, type ProtocolError } from "../../../../wire/centrifugo.ts";
import { chatChannel, roomOfChannel } from "../../../../wire/chat.ts";
import { isConversation } from "../../../../wire/conversations.ts";
import { userOfChannel } from "../../../../wire/inbox.ts";
import { liveChannel, streamOfChannel } from "../../../../wire/live-events.ts";
import { nameOfPresence, presenceChannel } from "../../../../wire/presence.ts";
import { type Connection, isMember } from "./connection.ts";

/** Who writes a channel: the object of this kind with this name. */
export type Owner =
  | { readonly kind: "live"; readonly stream: string }
  | { readonly kind: "room"; readonly room: string }
  | { readonly kind: "conversation"; readonly room: string }
  | { readonly kind: "inbox"; readonly user: string }
  | { readonly kind: "presence"; readonly name: string };

/** The owner of a channel; `undefined`: there is no such channel. */
export function ownerOf(channel: string): Owner | undefined {
  const stream = streamOfChannel(channel);
  if (stream !== undefined) return { kind: "live", stream };
  const room = roomOfChannel(channel);
  if (room !== undefined) return { kind: isConversation(room) ? "conversation" : "room", room };
  const user = userOfChannel(channel);
  if (user !== undefined) return { kind: "inbox", user };
  const name = nameOfPresence(channel);
  return name === undefined ? undefined : { kind: "presence", name };
}

/** Why a channel is not for this connection; `undefined` when it is, or when its conversation has to be asked (`conversationOf`). */
export function refusalOf(connection: Connection, channel: string): ProtocolError | undefined {
  const { stream, who } = connection;
  const ofStream = [liveChannel(stream), chatChannel(stream), presenceChannel(stream)];
  if (stream !== "" && ofStream.includes(channel)) return undefined;
  const owner = ownerOf(channel);
  if (owner === undefined) return ERROR.unknownChannel;
  const isOwn = owner.kind === "inbox" && owner.user === who?.user;
  const isMaybe = isOwn || conversationOf(channel) !== undefined;
  // Which streams, rooms and users there are is not said: what is others' is refused whether it exists or not.
  return isMaybe && isMember(connection) ? undefined : ERROR.permissionDenied;
}

/** The conversation whose members a channel is for; `undefined`: it is for others. */
export function conversationOf(channel: string): string | undefined {
  const owner = ownerOf(channel);
  if (owner?.kind === "conversation") return owner.room;
  return owner?.kind === "presence" && isConversation(owner.name) ? owner.name : undefined;
}
