/** What decisions about sockets are made of: what they look at, what they may wait for, what comes out. */
import type { Result } from "../../../../media/result.ts";
import {
  type Command,
  type DisconnectCode,
  errorReply,
  type ProtocolError,
  type StreamPosition,
} from "../../../../wire/centrifugo.ts";
import type { Action, Say } from "../../../../wire/chat.ts";
import type { ConversationSay, RoomAction } from "../../../../wire/conversations.ts";
import type { InboxAction } from "../../../../wire/inbox.ts";
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
  /** The same in a conversation. */
  | {
      readonly type: "write";
      readonly room: string;
      readonly speaker: Speaker;
      readonly say: ConversationSay;
    }
  /** What is asked of a live room, a conversation, one's own inbox by `rpc`. */
  | { readonly type: "act"; readonly speaker: Speaker; readonly action: Action }
  | { readonly type: "room-act"; readonly speaker: Speaker; readonly action: RoomAction }
  | { readonly type: "inbox-act"; readonly speaker: Speaker; readonly action: InboxAction }
  /** Whether somebody is a member of a conversation. */
  | { readonly type: "member"; readonly room: string; readonly user: string }
  /** Who is in a presence channel. */
  | { readonly type: "present"; readonly name: string };

/** What came of what was asked by `rpc`: its answer, or why not. */
export type Acted = Result<unknown, Refusal | "forbidden" | "unavailable">;

/** What was got of it so far. */
export interface Supplied {
  readonly token?: Result<SocketClaims, "expired" | "invalid">;
  /** Channels whose owner was asked after the command came: what their feeds have not, is not to be had. */
  readonly asked?: readonly string[];
  /** False: the stream did not take it. */
  readonly said?: boolean;
  readonly presence?: Presence;
  readonly posted?: Result<unknown, Refusal | "forbidden" | "unavailable">;
  readonly acted?: Acted;
  readonly isMember?: boolean;
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

/** A position as clients are told it. */
export const positionOf = ({ position: { epoch, offset } }: Feed): StreamPosition => ({ epoch, offset });

/** A command of one method. */
export type CommandOf<M extends Command["method"]> = Extract<Command, { readonly method: M }>;
