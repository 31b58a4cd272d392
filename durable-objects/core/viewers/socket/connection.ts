/** What is known of one socket, all of which has to survive the sleep of its object: it is kept in the socket's attachment. */
import { type ClientInfo, DISCONNECT, type DisconnectCode } from "../../../../wire/centrifugo.ts";
import type { Role, SocketClaims } from "../../../../wire/socket-token.ts";
import { CONNECT_MS, REFRESH_GRACE_MS, SLOW_MS } from "./limits.ts";

export interface Connection {
  /** Id that other clients see. */
  readonly client: string;
  /** Empty: it is no stream's, and its user's only. */
  readonly stream: string;
  /** `<stream>/<region>/<number>`. */
  readonly shard: string;
  /** The same for the tabs of one person; opaque. */
  readonly viewer: string;
  /** Hash of the address it came from. */
  readonly address: string;
  /** Milliseconds since 1970. */
  readonly openedAt: number;
  /** Until when the token of its path opens the stream, milliseconds since 1970; absent: it came without one. */
  readonly until?: number;
  /** Absent until it has said `connect`. */
  readonly who?: Who;
  readonly channels: readonly Subscription[];
  /** A person watches. */
  readonly playing: boolean;
}

/** Who a connection is, as its token says. */
export interface Who {
  /** Empty for who came without a token. */
  readonly user: string;
  readonly role?: Role;
  /** Absent: none. */
  readonly badges?: readonly string[];
  /** JSON text of `conn_info`. */
  readonly info?: string;
  /** Milliseconds since 1970; absent: for ever. */
  readonly expiresAt?: number;
}

export interface Subscription {
  readonly channel: string;
  /** The token asked for it, and no `subscribe`: clients do not take such a one up again by themselves. */
  readonly byServer?: true;
}

export const ANONYMOUS: Who = { user: "" };

/** Somebody with an account in the operator's app: they may have conversations and an inbox. */
export const isMember = ({ who }: Connection): boolean =>
  who !== undefined && who.user !== "" && who.role !== undefined && who.role !== "guest";

/** Who a token says somebody is. */
export function whoOf({ sub, exp, name, role, badges, info }: SocketClaims): Who {
  return {
    user: sub,
    role,
    ...(badges !== undefined && { badges }),
    info: JSON.stringify({ ...(name !== undefined && { name }), role, ...(info !== undefined && { info }) }),
    ...(exp !== undefined && { expiresAt: exp * 1000 }),
  };
}

/** The channels with one more. */
export const subscribed = (connection: Connection, added: Subscription): Connection => ({
  ...connection,
  channels: [...connection.channels, added],
});

/** The channels without one. */
export const unsubscribed = (connection: Connection, channel: string): Connection => ({
  ...connection,
  channels: connection.channels.filter((one) => one.channel !== channel),
});

export const subscriptionOf = (connection: Connection, channel: string): Subscription | undefined =>
  connection.channels.find((one) => one.channel === channel);

/** A person: their user when they are signed in, else the browser that they came with. */
export const personOf = ({ who, viewer }: Connection): string =>
  who === undefined || who.user === "" ? `viewer:${viewer}` : `user:${who.user}`;

/** As others see it. */
export const clientInfo = ({ client, who }: Connection): ClientInfo => ({
  client,
  user: who?.user ?? "",
  ...(who?.info !== undefined && { conn_info: JSON.parse(who.info) }),
});

/** Next moment at which a connection is over unless something happens before, and what it is closed with. */
export function deadlineOf(
  { openedAt, until, who }: Connection,
  behindSince: number | undefined,
): { readonly at: number; readonly code: DisconnectCode } | undefined {
  const deadlines = [
    ...(who === undefined ? [{ at: openedAt + CONNECT_MS, code: DISCONNECT.stale }] : []),
    ...(until === undefined ? [] : [{ at: until, code: DISCONNECT.permissionDenied }]),
    ...(who?.expiresAt === undefined
      ? []
      : [{ at: who.expiresAt + REFRESH_GRACE_MS, code: DISCONNECT.expired }]),
    ...(behindSince === undefined ? [] : [{ at: behindSince + SLOW_MS, code: DISCONNECT.slow }]),
  ];
  return deadlines.toSorted((one, other) => one.at - other.at)[0];
}
