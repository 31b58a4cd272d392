/** Makes signed paths: watch tokens for those who may see a private stream (docs/edge.md, "Signed paths"). */
import type { Context } from "hono";
import { problem } from "../../wire/problem.ts";
import {
  MAX_TOKEN_LETTERS,
  type Signed,
  type SignRequest,
  SignRequestSchema,
  signedPrefix,
  WATCH_AUDIENCE,
  type WatchClaims,
} from "../../wire/watch-token.ts";
import { readJson } from "../body.ts";
import type { OriginEnv } from "../env.ts";
import { respond } from "../problems.ts";
import { signWatchToken } from "../watch-tokens.ts";
import { NO_STORE } from "./no-store.ts";
import { findStream } from "./streams.ts";

/** Longest body of a request, bytes. */
const MAX_SIGN_BYTES = 16 * 1024;

/** Answer `POST /admin/streams/<id>/sign`; whoever mounts it checks the admin token. */
export async function signWatch(c: Context<{ Bindings: OriginEnv }>): Promise<Response> {
  const wish = await readJson(c.req.raw, SignRequestSchema, MAX_SIGN_BYTES);
  if (!wish.ok) return respond(wish.error);
  const secret = c.env.TOKEN_SECRET;
  if (!secret) return respond(problem(503, "no-token-secret", "TOKEN_SECRET is not set on this origin."));
  const stream = await findStream(c.env.DB, c.req.param("id") ?? "");
  if (!stream) return respond(problem(404, "unknown-stream", "There is no such stream."));
  const claims = claimsOf(stream.id, wish.value, Date.now());
  if (!claims) return malformed("notBefore: expected a day that is in the calendar");
  const token = await signWatchToken(claims, secret);
  if (token.length > MAX_TOKEN_LETTERS) return malformed("ip: expected fewer ranges, the token is too long");
  const prefix = signedPrefix(token);
  const signed: Signed = {
    token,
    expiresAt: new Date(claims.exp * 1000).toISOString(),
    access: stream.access,
    playlist: `${prefix}/live/${stream.id}/index.m3u8`,
    watch: `${prefix}/watch/${stream.id}`,
  };
  return c.json(signed, 200, NO_STORE);
}

/** `undefined` for a time that there is not. */
function claimsOf(stream: string, wish: SignRequest, nowMs: number): WatchClaims | undefined {
  const { seconds, notBefore, ...limits } = wish;
  const startMs = notBefore === undefined ? nowMs : Date.parse(notBefore);
  if (Number.isNaN(startMs)) return undefined;
  return {
    aud: WATCH_AUDIENCE,
    stream,
    exp: Math.ceil(startMs / 1000) + seconds,
    ...(notBefore !== undefined && { nbf: Math.floor(startMs / 1000) }),
    ...limits,
  };
}

const malformed = (detail: string): Response =>
  respond(problem(400, "malformed", "The body was not understood.", { detail }));
