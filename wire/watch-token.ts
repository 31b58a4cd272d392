/**
 * Watch tokens: who may watch a private stream, as a JWT (RFC 7519) in the path (docs/edge.md, "Signed paths"). The claims
 * only; signing and verifying stand in workers/watch-tokens.ts.
 */
import * as v from "valibot";
import { AddressRangesSchema } from "./address-range.ts";
import { ACCESSES, StreamIdSchema } from "./admin.ts";

/** Longest token that is looked at, letters. */
export const MAX_TOKEN_LETTERS = 2048;
/** `aud` of a watch token: a token for the socket opens no stream. */
export const WATCH_AUDIENCE = "watch";

const seconds = v.pipe(v.number(), v.integer(), v.minValue(0));
const limits = {
  /** Addresses and CIDR ranges that the viewer may come from; absent is anywhere. An empty list would be nowhere. */
  ip: v.exactOptional(v.pipe(AddressRangesSchema, v.minLength(1, "at least one address or CIDR range"))),
  /** Country that the viewer may be in, ISO 3166-1 alpha-2; absent is any. */
  country: v.exactOptional(v.pipe(v.string(), v.regex(/^[A-Z]{2}$/, "a country: two capital letters"))),
  /** Lines of the tallest picture that may be seen; absent is any. */
  maxHeight: v.exactOptional(v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(8640))),
};

export const WatchClaimsSchema = v.object({
  aud: v.literal(WATCH_AUDIENCE),
  stream: StreamIdSchema,
  /** Seconds since 1970. */
  exp: seconds,
  nbf: v.exactOptional(seconds),
  ...limits,
});
/** Payload of a watch token. */
export type WatchClaims = Readonly<v.InferOutput<typeof WatchClaimsSchema>>;

/** What stands before a path of the edge when a token is given in it. */
export const signedPrefix = (token: string): string => `/p/${token}`;

/** Longest life of a token, seconds: a year. */
export const MAX_TOKEN_SECONDS = 366 * 86_400;

/** `POST /admin/streams/<id>/sign`. */
export const SignRequestSchema = v.strictObject({
  /** How long it opens the stream. */
  seconds: v.optional(
    v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(MAX_TOKEN_SECONDS)),
    4 * 3600,
  ),
  /** From when on, ISO 8601. `seconds` count from then. */
  notBefore: v.exactOptional(v.pipe(v.string(), v.isoTimestamp("an ISO 8601 time"))),
  ...limits,
});
export type SignRequest = Readonly<v.InferOutput<typeof SignRequestSchema>>;

export const SignedSchema = v.object({
  token: v.string(),
  /** ISO 8601. */
  expiresAt: v.string(),
  /** Of the stream: a public one is open without the token, too. */
  access: v.picklist(ACCESSES),
  /** Paths on the edge. */
  playlist: v.string(),
  watch: v.string(),
});
/** Its answer. */
export type Signed = Readonly<v.InferOutput<typeof SignedSchema>>;
