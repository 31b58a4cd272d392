/**
 * The Centrifugo client protocol as JSON (docs/wire.md, "The socket"): commands parsed from frames, replies and pushes written.
 * Names and numbers are the protocol's. What a command may do is decided in durable-objects/core/.
 */
import * as v from "valibot";
import { fail, ok, type Result } from "../media/result.ts";

/** Longest frame from a client, bytes; */
export const MAX_FRAME_BYTES = 64 * 1024;
/** and from one that is signed in, who may write in conversations: 100 KB of text, however it is escaped. */
export const MAX_MEMBER_FRAME_BYTES = 256 * 1024;
/** Commands of one frame; more is a client gone wrong. */
export const MAX_COMMANDS = 100;
/** Letters of a channel's name. */
export const MAX_CHANNEL_LETTERS = 255;

/** A place in a channel's history: publications are numbered from 1 within an epoch. */
export interface StreamPosition {
  readonly epoch: string;
  readonly offset: number;
}

const channel = v.pipe(v.string(), v.minLength(1), v.maxLength(MAX_CHANNEL_LETTERS));
const count = v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(Number.MAX_SAFE_INTEGER));
const token = v.optional(v.string(), "");
const positionFields = { epoch: v.optional(v.string(), ""), offset: v.optional(count, 0) };

/** Protocol's members that are not known here (`flag`, `delta`, `tf`, …) are passed over. */
const SCHEMAS = {
  connect: v.object({
    token,
    data: v.optional(v.unknown()),
    name: v.optional(v.string(), ""),
    /** Where the client was in its server-side subscriptions, by channel. */
    subs: v.optional(
      v.record(channel, v.object({ recover: v.optional(v.boolean(), false), ...positionFields })),
      {},
    ),
  }),
  subscribe: v.object({
    channel,
    token,
    recover: v.optional(v.boolean(), false),
    ...positionFields,
    data: v.optional(v.unknown()),
  }),
  unsubscribe: v.object({ channel }),
  publish: v.object({ channel, data: v.unknown() }),
  history: v.object({
    channel,
    /** Absent or 0: the position only; -1: all. */
    limit: v.optional(v.pipe(v.number(), v.integer()), 0),
    since: v.optional(v.nullable(v.object(positionFields))),
    reverse: v.optional(v.boolean(), false),
  }),
  presence: v.object({ channel }),
  presence_stats: v.object({ channel }),
  refresh: v.object({ token }),
  sub_refresh: v.object({ channel, token }),
  rpc: v.object({ method: v.optional(v.string(), ""), data: v.optional(v.unknown()) }),
  send: v.object({ data: v.unknown() }),
  ping: v.object({}),
} as const;

type Schemas = typeof SCHEMAS;
/** The protocol's methods. */
export type Method = keyof Schemas;
/** What a client asks. `id` is the client's, from 1; a `send` has none. */
export type Command = {
  readonly [M in Method]: {
    readonly id: number;
    readonly method: M;
    readonly params: Readonly<v.InferOutput<Schemas[M]>>;
  };
}[Method];

/** One line of a frame: a command, the answer to a ping, or an error that has a command to be answered to. */
export type Line =
  | { readonly type: "command"; readonly command: Command }
  | { readonly type: "pong" }
  | { readonly type: "refused"; readonly id: number; readonly error: ProtocolError };

const METHODS = Object.keys(SCHEMAS) as readonly Method[];
const isMethod = (name: string): name is Method => METHODS.some((method) => method === name);

/** Read a frame; an error is a frame that no reply can be addressed to, and ends the connection. */
export function parseFrame(text: string): Result<readonly Line[], DisconnectCode> {
  const texts = text.split("\n").filter((line) => line.trim() !== "");
  if (texts.length === 0) return fail(DISCONNECT.badRequest);
  if (texts.length > MAX_COMMANDS) return fail(DISCONNECT.tooManyRequests);
  const lines: Line[] = [];
  for (const one of texts) {
    const line = parseLine(one);
    if (!line) return fail(DISCONNECT.badRequest);
    lines.push(line);
  }
  return ok(lines);
}

function parseLine(text: string): Line | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) return undefined;
  const members: Readonly<Record<string, unknown>> = { ...value };
  const names = Object.keys(members).filter((name) => name !== "id");
  const id = members["id"] ?? 0;
  if (names.length === 0 && id === 0) return { type: "pong" };
  if (typeof id !== "number" || !Number.isSafeInteger(id) || id < 0 || id > 4_294_967_295) return undefined;
  const [method, ...others] = names;
  // Only a `send` expects no reply.
  if (id === 0 && method !== "send") return undefined;
  if (method === undefined || others.length > 0) return refused(id, ERROR.badRequest);
  if (!isMethod(method)) return refused(id, ERROR.methodNotFound);
  const params = v.safeParse(SCHEMAS[method], members[method], { abortEarly: true });
  if (!params.success) return id === 0 ? undefined : refused(id, ERROR.badRequest);
  // The schema was chosen by the method.
  return { type: "command", command: { id, method, params: params.output } as Command };
}

const refused = (id: number, error: ProtocolError): Line => ({ type: "refused", id, error });

/** An error that answers one command. Clients try again what is `temporary`. */
export interface ProtocolError {
  readonly code: number;
  readonly message: string;
  readonly temporary?: true;
}

/** The protocol's errors. */
export const ERROR = {
  internal: { code: 100, message: "internal server error", temporary: true },
  unauthorized: { code: 101, message: "unauthorized" },
  unknownChannel: { code: 102, message: "unknown channel" },
  permissionDenied: { code: 103, message: "permission denied" },
  methodNotFound: { code: 104, message: "method not found" },
  alreadySubscribed: { code: 105, message: "already subscribed" },
  limitExceeded: { code: 106, message: "limit exceeded" },
  badRequest: { code: 107, message: "bad request" },
  notAvailable: { code: 108, message: "not available" },
  tokenExpired: { code: 109, message: "token expired" },
  expired: { code: 110, message: "expired" },
  tooManyRequests: { code: 111, message: "too many requests", temporary: true },
  unrecoverablePosition: { code: 112, message: "unrecoverable position" },
} as const satisfies Readonly<Record<string, ProtocolError>>;

/** Why a connection is closed: the WebSocket's close code and reason. From 3500 on clients stay away; below they come back. */
export interface DisconnectCode {
  readonly code: number;
  readonly reason: string;
}

/** The protocol's close codes. */
export const DISCONNECT = {
  connectionClosed: { code: 3000, reason: "connection closed" },
  shutdown: { code: 3001, reason: "shutdown" },
  serverError: { code: 3004, reason: "internal server error" },
  expired: { code: 3005, reason: "connection expired" },
  slow: { code: 3008, reason: "slow" },
  insufficientState: { code: 3010, reason: "insufficient state" },
  forceReconnect: { code: 3011, reason: "force reconnect" },
  noPong: { code: 3012, reason: "no pong" },
  tooManyRequests: { code: 3013, reason: "too many requests" },
  invalidToken: { code: 3500, reason: "invalid token" },
  badRequest: { code: 3501, reason: "bad request" },
  stale: { code: 3502, reason: "stale" },
  forceNoReconnect: { code: 3503, reason: "force disconnect" },
  connectionLimit: { code: 3504, reason: "connection limit" },
  channelLimit: { code: 3505, reason: "channel limit" },
  permissionDenied: { code: 3507, reason: "permission denied" },
  /** RFC 6455 7.4.1: a message too big to process; clients of this protocol know it too. */
  messageTooBig: { code: 1009, reason: "message size limit" },
} as const satisfies Readonly<Record<string, DisconnectCode>>;

/** The server takes a subscription back for a moment: the client subscribes again and recovers. */
export const UNSUBSCRIBED_INSUFFICIENT_STATE = { code: 2500, reason: "insufficient state" };
/** Below 2500: the client does not subscribe again. */
export const UNSUBSCRIBED_BY_SERVER = { code: 2000, reason: "server unsubscribe" };

/** Who is behind a client. */
export interface ClientInfo {
  /** Of the connection. */
  readonly client: string;
  /** Empty for who came without a token. */
  readonly user: string;
  readonly conn_info?: unknown;
}

/** A publication as clients see it; those without an offset are in no history. */
export interface Publication {
  readonly data: unknown;
  readonly offset?: number;
  readonly info?: ClientInfo;
}

/** Results by method, for replies. */
export interface Results {
  readonly connect: {
    readonly client: string;
    readonly version: string;
    /** Seconds between pings; the client gives up a while after one fails to come. */
    readonly ping: number;
    readonly pong: boolean;
    readonly expires?: boolean;
    /** Seconds until the token expires. */
    readonly ttl?: number;
    /** Server-side subscriptions, by channel. */
    readonly subs?: Readonly<Record<string, SubscribeResult>>;
  };
  readonly subscribe: SubscribeResult;
  readonly unsubscribe: Record<string, never>;
  readonly publish: Record<string, never>;
  readonly history: {
    readonly epoch: string;
    readonly offset: number;
    readonly publications: readonly Publication[];
  };
  readonly presence: { readonly presence: Readonly<Record<string, ClientInfo>> };
  readonly presence_stats: { readonly num_clients: number; readonly num_users: number };
  readonly refresh: {
    readonly client: string;
    readonly version: string;
    readonly expires?: boolean;
    readonly ttl?: number;
  };
  readonly sub_refresh: { readonly expires?: boolean; readonly ttl?: number };
  readonly rpc: { readonly data: unknown };
  readonly send: never;
  readonly ping: Record<string, never>;
}

/** Of a channel that recovers, `recoverable` and `positioned` are true and the position is there. */
export interface SubscribeResult {
  readonly recoverable?: boolean;
  readonly positioned?: boolean;
  readonly epoch?: string;
  readonly offset?: number;
  readonly was_recovering?: boolean;
  /** All of what was missed is in `publications`, or none of it. */
  readonly recovered?: boolean;
  readonly publications?: readonly Publication[];
  readonly data?: unknown;
}

/** The answer to a command. */
export const reply = <M extends Method>(id: number, method: M, result: Results[M]): string =>
  JSON.stringify({ id, [method]: result });

/** The refusal of a command. */
export const errorReply = (id: number, error: ProtocolError): string => JSON.stringify({ id, error });

/** A push of a publication whose data is JSON text already: written once for all who get it. */
export const publicationPush = (channel: string, data: string, offset?: number): string =>
  `{"push":{"channel":${JSON.stringify(channel)},"pub":{"data":${data}${offset === undefined ? "" : `,"offset":${offset}`}}}}`;

/** The server ends a subscription. */
export const unsubscribePush = (
  channel: string,
  { code, reason }: { readonly code: number; readonly reason: string },
): string => JSON.stringify({ push: { channel, unsubscribe: { code, reason } } });

/** The server's ping; a client answers with the same. */
export const PING = "{}";
