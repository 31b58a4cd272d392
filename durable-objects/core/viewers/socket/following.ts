/** Subscriptions and the history: what a client gets of the feed when it comes, or comes back. Decides nothing else. */
import { ERROR, type Results, type StreamPosition } from "../../../../wire/centrifugo.ts";
import { type LiveGreeting, liveChannel } from "../../../../wire/live-events.ts";
import { conversationOf, refusalOf } from "./channels.ts";
import { type Connection, type Subscription, subscribed, subscriptionOf } from "./connection.ts";
import {
  answered,
  type CommandOf,
  type Decision,
  positionOf,
  refused,
  type Scene,
  type Supplied,
} from "./decision.ts";
import { type Feed, page, recover } from "./feed.ts";
import { MAX_CHANNELS } from "./limits.ts";
import { historyReply, subscribeReply, subscribeText } from "./words.ts";

/** A subscription that has begun. */
export interface Begun {
  readonly connection: Connection;
  /** JSON text of the protocol's result. */
  readonly result: string;
  /** Of the stream's own channel: what comes after this offset goes to the socket. */
  readonly from?: number;
}

/** Decide a `subscribe`. */
export function decideSubscribe(
  connection: Connection,
  command: CommandOf<"subscribe">,
  scene: Scene,
  supplied: Supplied,
): Decision {
  const { channel, recover: isRecovering, epoch, offset } = command.params;
  const refusal = refusalOf(connection, channel);
  if (refusal) return refused(command, refusal);
  if (subscriptionOf(connection, channel)) return refused(command, ERROR.alreadySubscribed);
  if (connection.channels.length >= MAX_CHANNELS) return refused(command, ERROR.limitExceeded);
  const room = conversationOf(channel);
  if (room !== undefined && supplied.isMember === undefined) {
    return { need: { type: "member", room, user: connection.who?.user ?? "" } };
  }
  if (supplied.isMember === false) return refused(command, ERROR.permissionDenied);
  const begun = begin(connection, { channel }, isRecovering ? { epoch, offset } : undefined, scene, supplied);
  if (begun === undefined) return { need: { type: "feed", channel } };
  const { result, ...rest } = begun;
  return { outcome: { ...rest, reply: subscribeReply(command.id, result) } };
}

/** Begin a subscription; `undefined` when the channel's owner has to be asked first. */
export function begin(
  connection: Connection,
  subscription: Subscription,
  since: StreamPosition | undefined,
  { feedOf, viewers }: Scene,
  supplied: Supplied,
): Begun | undefined {
  const { channel } = subscription;
  const feed = feedOf(channel);
  if (feed === undefined) return undefined;
  const isLive = channel === liveChannel(connection.stream);
  const recovered = since && recoverWith(feed, since, isAsked(channel, supplied));
  if (recovered === "unknown") return undefined;
  const isRecovered = recovered !== undefined && recovered !== "lost";
  const result: Results["subscribe"] = {
    recoverable: true,
    positioned: true,
    // Of a recovery, the position that it began at: each publication moves it on (centrifuge-js, `_setSubscribed`).
    ...(isRecovered && since ? { epoch: feed.position.epoch, offset: since.offset } : positionOf(feed)),
    ...(since && { was_recovering: true, recovered: isRecovered }),
    ...(isLive && { data: { viewers } satisfies LiveGreeting }),
  };
  return {
    connection: subscribed(connection, subscription),
    result: subscribeText(result, isRecovered ? recovered : []),
    ...(isLive && { from: feed.position.offset }),
  };
}

/** When the owner was asked already, what is not known is not to be had. */
function recoverWith(feed: Feed, since: StreamPosition, isOwnerAsked: boolean): ReturnType<typeof recover> {
  const recovered = recover(feed, since);
  return recovered === "unknown" && isOwnerAsked ? "lost" : recovered;
}

const isAsked = (channel: string, { asked }: Supplied): boolean => asked?.includes(channel) ?? false;

/** Decide a `history`. */
export function decideHistory(
  connection: Connection,
  command: CommandOf<"history">,
  { feedOf }: Scene,
  supplied: Supplied,
): Decision {
  const { channel, limit, since, reverse } = command.params;
  const feed = feedOf(channel);
  const refusal = refusalOf(connection, channel);
  if (refusal) return refused(command, refusal);
  // Who is subscribed is a member.
  if (conversationOf(channel) !== undefined && !subscriptionOf(connection, channel)) {
    return refused(command, ERROR.permissionDenied);
  }
  if (limit < -1) return refused(command, ERROR.badRequest);
  const isEnough = feed !== undefined && (limit === 0 || feed.whole || isAsked(channel, supplied));
  if (!isEnough) return { need: { type: "feed", channel } };
  if (since && since.epoch !== "" && since.epoch !== feed.position.epoch) {
    return refused(command, ERROR.unrecoverablePosition);
  }
  const publications = page(feed, { limit, since: since?.offset, reverse });
  return answered(historyReply(command.id, positionOf(feed), publications));
}
