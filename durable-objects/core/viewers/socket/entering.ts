/** How a connection becomes somebody's: `connect`, with a token or without, and `refresh` before the token's end. */
import { DISCONNECT, ERROR, type Results, reply, type StreamPosition } from "../../../../wire/centrifugo.ts";
import type { SocketClaims } from "../../../../wire/socket-token.ts";
import { conversationOf, refusalOf } from "./channels.ts";
import { ANONYMOUS, type Connection, type Who, whoOf } from "./connection.ts";
import { type CommandOf, closed, type Decision, refused, type Scene, type Supplied } from "./decision.ts";
import { begin } from "./following.ts";
import { PING_MS } from "./limits.ts";
import { connectReply } from "./words.ts";

/** What clients are told of the server. */
const VERSION = "millrace";

/** Decide a `connect`. */
export function decideConnect(
  connection: Connection,
  command: CommandOf<"connect">,
  scene: Scene,
  supplied: Supplied,
): Decision {
  if (connection.who !== undefined) return closed(DISCONNECT.badRequest);
  const { token, subs } = command.params;
  // Where there is no stream there is nothing for who is nobody.
  if (token === "" && connection.stream === "") return closed(DISCONNECT.invalidToken);
  if (token === "") return welcome(connection, command.id, ANONYMOUS, undefined, subs, scene, supplied);
  if (supplied.token === undefined) return { need: { type: "token", token } };
  if (supplied.token.ok) {
    const claims = supplied.token.value;
    return welcome(connection, command.id, whoOf(claims), claims.channels, subs, scene, supplied);
  }
  return supplied.token.error === "expired"
    ? refused(command, ERROR.tokenExpired)
    : closed(DISCONNECT.invalidToken);
}

function welcome(
  before: Connection,
  id: number,
  who: Who,
  channels: SocketClaims["channels"],
  positions: Readonly<Record<string, { readonly recover: boolean } & StreamPosition>>,
  scene: Scene,
  supplied: Supplied,
): Decision {
  let connection: Connection = { ...before, who };
  let from: number | undefined;
  const subs: [string, string][] = [];
  for (const channel of new Set(channels)) {
    // A token is good for more than one stream: what is not here is not here. Of conversations it cannot know who is a member.
    if (refusalOf(connection, channel) || conversationOf(channel) !== undefined) continue;
    const known = Object.hasOwn(positions, channel) ? positions[channel] : undefined;
    const since = known?.recover ? { epoch: known.epoch, offset: known.offset } : undefined;
    const begun = begin(connection, { channel, byServer: true }, since, scene, supplied);
    if (begun === undefined) return { need: { type: "feed", channel } };
    connection = begun.connection;
    from = begun.from ?? from;
    subs.push([channel, begun.result]);
  }
  const result: Results["connect"] = {
    client: connection.client,
    version: VERSION,
    ping: PING_MS / 1000,
    pong: true,
    ...expiry(who, scene.now),
  };
  return {
    outcome: { reply: connectReply(id, result, subs), connection, ...(from !== undefined && { from }) },
  };
}

/** Decide a `refresh`. */
export function decideRefresh(
  connection: Connection,
  command: CommandOf<"refresh">,
  { now }: Scene,
  supplied: Supplied,
): Decision {
  const { token } = command.params;
  if (token === "") return closed(DISCONNECT.badRequest);
  if (supplied.token === undefined) return { need: { type: "token", token } };
  if (!supplied.token.ok) {
    // An error would end stock clients for good; after this they come back and ask their app for a token.
    return closed(supplied.token.error === "expired" ? DISCONNECT.expired : DISCONNECT.invalidToken);
  }
  const who = whoOf(supplied.token.value);
  if (who.user !== connection.who?.user) return closed(DISCONNECT.invalidToken);
  const next = { ...connection, who };
  // Who is no member any more listens to nothing that is for members: they come back as what they are.
  if (next.channels.some(({ channel }) => refusalOf(next, channel))) return closed(DISCONNECT.forceReconnect);
  const result = { client: connection.client, version: VERSION, ...expiry(who, now) };
  return { outcome: { reply: reply(command.id, "refresh", result), connection: next } };
}

/** Clients refresh their token when its time is up; there is some grace after that. */
const expiry = ({ expiresAt }: Who, now: number): { readonly expires?: boolean; readonly ttl?: number } =>
  expiresAt === undefined ? {} : { expires: true, ttl: Math.max(1, Math.floor((expiresAt - now) / 1000)) };
