/** Who is in a channel, as one shard knows it. A long list is not made: it would cost n messages for each of n clients. */
import type { ClientInfo } from "../../../../wire/centrifugo.ts";
import { type Connection, clientInfo, personOf, subscriptionOf } from "./connection.ts";
import { MAX_PRESENCE_CLIENTS } from "./limits.ts";

/** Clients of a channel. */
export interface Presence {
  readonly clients: number;
  /** People: somebody with three tabs is one. */
  readonly users: number;
  /** Absent when they are more than are listed. */
  readonly list?: readonly ClientInfo[];
}

/** Those of the connections that are in a channel. */
export function presenceOf(connections: readonly Connection[], channel: string): Presence {
  const present = connections.filter((connection) => subscriptionOf(connection, channel));
  return {
    clients: present.length,
    users: new Set(present.map(personOf)).size,
    ...(present.length <= MAX_PRESENCE_CLIENTS && { list: present.map(clientInfo) }),
  };
}

/** Several shards' as one. A person whose tabs are in two regions is two. */
export function mergePresence(all: readonly Presence[]): Presence {
  const clients = all.reduce((sum, one) => sum + one.clients, 0);
  const lists = all.map(({ list }) => list).filter((list) => list !== undefined);
  return {
    clients,
    users: all.reduce((sum, one) => sum + one.users, 0),
    ...(lists.length === all.length && clients <= MAX_PRESENCE_CLIENTS && { list: lists.flat() }),
  };
}
