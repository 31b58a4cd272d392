/**
 * Tokens of the socket: who somebody is, as a JWT (RFC 7519) that the operator's own app signs, or `POST /api/guest`. Claims
 * only; signing and verifying stand in workers/socket-tokens.ts. They open no private stream: watch tokens do (watch-token.ts).
 */
import * as v from "valibot";

/** `aud` of a token for the socket; it may be absent, another one is refused. */
export const SOCKET_AUDIENCE = "socket";
/** Longest `info`, letters of JSON. */
export const MAX_INFO_LETTERS = 2048;

export const ROLES = ["guest", "member", "moderator", "owner"] as const;
export type Role = (typeof ROLES)[number];

const seconds = v.pipe(v.number(), v.finite(), v.minValue(0));
const name = v.pipe(v.string(), v.trim(), v.minLength(1), v.maxLength(64));

export const SocketClaimsSchema = v.object({
  aud: v.exactOptional(v.literal(SOCKET_AUDIENCE)),
  /** Who it is, in the app's own words. */
  sub: v.pipe(v.string(), v.minLength(1), v.maxLength(128)),
  /** Seconds since 1970; without it the token does not expire. */
  exp: v.exactOptional(seconds),
  nbf: v.exactOptional(seconds),
  name: v.exactOptional(name),
  role: v.optional(v.picklist(ROLES), "member"),
  /** What the app says that they are to the stream; `follower` and `subscriber` open rooms that are for those. */
  badges: v.exactOptional(v.pipe(v.array(v.pipe(v.string(), v.maxLength(32))), v.maxLength(8))),
  /** What others see of the connection, beside `name` and `role`. */
  info: v.exactOptional(
    v.pipe(
      v.unknown(),
      v.check((info) => JSON.stringify(info ?? null).length <= MAX_INFO_LETTERS, "a short info"),
    ),
  ),
  /** Channels that the server subscribes the connection to by itself. */
  channels: v.exactOptional(v.pipe(v.array(v.pipe(v.string(), v.maxLength(255))), v.maxLength(16))),
});
/** Payload of a socket token. */
export type SocketClaims = Readonly<v.InferOutput<typeof SocketClaimsSchema>>;

/** `POST /api/guest`. */
export const GuestRequestSchema = v.strictObject({ name });
export const GuestSchema = v.object({
  token: v.string(),
  /** `guest:` and an id that nobody else has. */
  user: v.string(),
  name: v.string(),
  /** ISO 8601. */
  expiresAt: v.string(),
});
/** Its answer. */
export type Guest = Readonly<v.InferOutput<typeof GuestSchema>>;

/** Longest life of a token that origin signs, seconds: a year. */
export const MAX_SOCKET_TOKEN_SECONDS = 366 * 86_400;

/** `POST /admin/tokens`. */
export const TokenRequestSchema = v.strictObject({
  sub: SocketClaimsSchema.entries.sub,
  name: v.exactOptional(name),
  role: v.optional(v.picklist(ROLES), "member"),
  badges: SocketClaimsSchema.entries.badges,
  channels: SocketClaimsSchema.entries.channels,
  seconds: v.optional(
    v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(MAX_SOCKET_TOKEN_SECONDS)),
    24 * 3600,
  ),
});

export const SignedTokenSchema = v.object({ token: v.string(), expiresAt: v.string() });
/** Its answer. */
export type SignedToken = Readonly<v.InferOutput<typeof SignedTokenSchema>>;
