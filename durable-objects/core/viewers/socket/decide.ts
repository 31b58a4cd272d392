/**
 * What a command of a socket comes to: an answer, a change of the connection, its end. What a decision needs from elsewhere it
 * says, and is asked again with it; so it is made in one go, with nothing in between. The ViewerSet does what is decided.
 */
import { type Command, DISCONNECT, ERROR, reply } from "../../../../wire/centrifugo.ts";
import { liveChannel, MAX_APP_LETTERS } from "../../../../wire/live-events.ts";
import { parse } from "../../../../wire/parse.ts";
import { PlayingSchema, ProgressSchema, QoeSchema } from "../../../../wire/player-report.ts";
import { decideAsking, decidePresent } from "./asking.ts";
import { ownerOf, refusalOf } from "./channels.ts";
import { type Connection, subscriptionOf, unsubscribed } from "./connection.ts";
import {
  answered,
  type CommandOf,
  closed,
  type Decision,
  refused,
  type Scene,
  type Supplied,
} from "./decision.ts";
import { decideConnect, decideRefresh } from "./entering.ts";
import { decideHistory, decideSubscribe } from "./following.ts";
import { decideWriting } from "./writing.ts";

/** Decide a command. */
export function decide(
  connection: Connection,
  command: Command,
  scene: Scene,
  supplied: Supplied = {},
): Decision {
  if (command.method === "connect") return decideConnect(connection, command, scene, supplied);
  if (connection.who === undefined) return closed(DISCONNECT.badRequest);
  switch (command.method) {
    case "refresh":
      return decideRefresh(connection, command, scene, supplied);
    case "subscribe":
      return decideSubscribe(connection, command, scene, supplied);
    case "history":
      return decideHistory(connection, command, scene, supplied);
    case "unsubscribe":
      return {
        outcome: {
          reply: reply(command.id, "unsubscribe", {}),
          ...(subscriptionOf(connection, command.params.channel) && {
            connection: unsubscribed(connection, command.params.channel),
          }),
        },
      };
    case "publish":
      return decidePublish(connection, command, supplied);
    case "presence":
    case "presence_stats":
      return decidePresence(connection, command, supplied);
    case "sub_refresh":
      // No channel here has a token of its own.
      return refused(command, refusalOf(connection, command.params.channel) ?? ERROR.notAvailable);
    case "rpc":
      return decideAsking(connection, command, supplied) ?? decideRpc(connection, command);
    case "send": {
      const said = parse(ProgressSchema, command.params.data);
      // What else a client may send has nobody who would hear it.
      return { outcome: said.ok ? { progress: said.value.progress } : {} };
    }
    case "ping":
      return answered(reply(command.id, "ping", {}));
  }
}

function decidePublish(connection: Connection, command: CommandOf<"publish">, supplied: Supplied): Decision {
  const { channel, data } = command.params;
  const refusal = refusalOf(connection, channel);
  if (refusal) return refused(command, refusal);
  if (channel !== liveChannel(connection.stream)) return decideWriting(connection, command, supplied);
  const { user = "", role } = connection.who ?? {};
  if (role !== "moderator" && role !== "owner") return refused(command, ERROR.permissionDenied);
  if (JSON.stringify(data).length > MAX_APP_LETTERS) return refused(command, ERROR.limitExceeded);
  const { said } = supplied;
  if (said === undefined) return { need: { type: "say", from: user, data } };
  return said ? answered(reply(command.id, "publish", {})) : refused(command, ERROR.notAvailable);
}

function decidePresence(
  connection: Connection,
  command: CommandOf<"presence"> | CommandOf<"presence_stats">,
  supplied: Supplied,
): Decision {
  const { presence } = supplied;
  const refusal = refusalOf(connection, command.params.channel);
  if (refusal) return refused(command, refusal);
  const kind = ownerOf(command.params.channel)?.kind;
  if (kind === "presence") return decidePresent(connection, command, supplied);
  // Who is where in conversations, presence channels say.
  if (kind !== "live" && kind !== "room") return refused(command, ERROR.notAvailable);
  if (presence === undefined) return { need: { type: "presence", channel: command.params.channel } };
  if (command.method === "presence_stats") {
    const { clients, users } = presence;
    return answered(reply(command.id, "presence_stats", { num_clients: clients, num_users: users }));
  }
  if (presence.list === undefined) return refused(command, ERROR.notAvailable);
  const listed = Object.fromEntries(presence.list.map((info) => [info.client, info]));
  return answered(reply(command.id, "presence", { presence: listed }));
}

function decideRpc(connection: Connection, command: CommandOf<"rpc">): Decision {
  const { method, data } = command.params;
  const done = reply(command.id, "rpc", { data: {} });
  if (method === "playing") {
    const said = parse(PlayingSchema, data);
    if (!said.ok) return refused(command, ERROR.badRequest);
    const { playing } = said.value;
    if (playing === connection.playing) return answered(done);
    return { outcome: { reply: done, connection: { ...connection, playing } } };
  }
  if (method === "qoe") {
    const said = parse(QoeSchema, data);
    return said.ok ? { outcome: { reply: done, qoe: said.value } } : refused(command, ERROR.badRequest);
  }
  return refused(command, ERROR.methodNotFound);
}
