/** What decisions about sockets are made of: what they look at, what they may wait for, what comes out. */
import type { Result } from "../../../../media/result.ts";
import {
  type Command,
  type DisconnectCode,
  ERROR,
  errorReply,
  type ProtocolError,
  type StreamPosition,
} from "../../../../wire/centrifugo.ts";
import { type Action, chatChannel, roomOfChannel, type Say } from "../../../../wire/chat.ts";
import { liveChannel, streamOfChannel } from "../../../../wire/live-events.ts";
import type { Qoe } from "../../../../wire/player-report.ts";
import type { SocketClaims } from "../../../../wire/socket-token.ts";
import type { Refusal, Speaker } from "../../chat/judge.ts";
import type { Connection } from "./connection.ts";
import type { Feed } from "./feed.ts";
import type { Presence } from "./presence.ts";

/** What the object knows at the moment of a decision. */
export interface Scene {
  /** Milliseconds since 1970. */
  readonly now: number;
  /** What is known of a channel; nothing in an object that has just woken up. */
  readonly feedOf: (channel: string) => Feed | undefined;
  /** People who watch the stream. */
  readonly viewers: number;
}

/** What a decision waits for. */
export type Need =
  | { readonly type: "token"; readonly token: string }
  /** A channel's feed as its owner has it now. */
  | { readonly type: "feed"; readonly channel: string }
  /** An app event said to everyone. */
  | { readonly type: "say"; readonly from: string; readonly data: unknown }
  | { readonly type: "presence"; readonly channel: string }
  /** A message said in a room. */
  | { readonly type: "post"; readonly room: string; readonly speaker: Speaker; readonly say: Say }
  /** What is asked of a room by `rpc`. */
  | { readonly type: "act"; readonly speaker: Speaker; readonly action: Action };

/** What was got of it so far. */
export interface Supplied {
  readonly token?: Result<SocketClaims, "expired" | "invalid">;
  /** Channels whose owner was asked after the command came: what their feeds have not, is not to be had. */
  readonly asked?: readonly string[];
  /** False: the stream did not take it. */
  readonly said?: boolean;
  readonly presence?: Presence;
  readonly posted?: Result<unknown, Refusal>;
  readonly acted?: Result<unknown, Refusal | "forbidden">;
}

/** What becomes of a command. */
export interface Outcome {
  readonly reply?: string;
  readonly close?: DisconnectCode;
  /** As it is from now on. */
  readonly connection?: Connection;
  /** A subscription to the stream's own channel has begun: what comes after this offset goes to the socket. */
  readonly from?: number;
  readonly qoe?: Qoe;
  /** The client has received everything up to here. */
  readonly progress?: number;
}

export type Decision = { readonly need: Need } | { readonly outcome: Outcome };

/** An outcome that is only a reply. */
export const answered = (text: string): Decision => ({ outcome: { reply: text } });
/** The refusal of a command. */
export const refused = (command: Command, error: ProtocolError): Decision =>
  answered(errorReply(command.id, error));
/** The end of the connection. */
export const closed = (close: DisconnectCode): Decision => ({ outcome: { close } });

/** Why a channel is not for this connection; `undefined` when it is. */
export function refusalOf({ stream }: Connection, channel: string): ProtocolError | undefined {
  if (channel === liveChannel(stream) || channel === chatChannel(stream)) return undefined;
  // Which streams and rooms there are is not said: another one is refused whether it exists or not.
  const isOther = streamOfChannel(channel) !== undefined || roomOfChannel(channel) !== undefined;
  return isOther ? ERROR.permissionDenied : ERROR.unknownChannel;
}

/** A position as clients are told it. */
export const positionOf = ({ position: { epoch, offset } }: Feed): StreamPosition => ({ epoch, offset });

/** A command of one method. */
export type CommandOf<M extends Command["method"]> = Extract<Command, { readonly method: M }>;
