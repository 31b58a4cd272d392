/** Makes tokens for the socket: who somebody is, signed for operators that have no app of their own to do it (docs/wire.md). */
import type { Context } from "hono";
import { problem } from "../../wire/problem.ts";
import { type SignedToken, SOCKET_AUDIENCE, TokenRequestSchema } from "../../wire/socket-token.ts";
import { readJson } from "../body.ts";
import type { OriginEnv } from "../env.ts";
import { respond } from "../problems.ts";
import { MAX_SOCKET_TOKEN_LETTERS, signSocketToken } from "../socket-tokens.ts";
import { NO_STORE } from "./no-store.ts";

/** Longest body of a request, bytes. */
const MAX_TOKEN_REQUEST_BYTES = 16 * 1024;

/** Answer `POST /admin/tokens`; whoever mounts it checks the admin token. */
export async function signToken(c: Context<{ Bindings: OriginEnv }>): Promise<Response> {
  const wish = await readJson(c.req.raw, TokenRequestSchema, MAX_TOKEN_REQUEST_BYTES);
  if (!wish.ok) return respond(wish.error);
  const secret = c.env.TOKEN_SECRET;
  if (!secret) return respond(problem(503, "no-token-secret", "TOKEN_SECRET is not set on this origin."));
  const { seconds, ...claims } = wish.value;
  const exp = Math.ceil(Date.now() / 1000) + seconds;
  const token = await signSocketToken({ aud: SOCKET_AUDIENCE, exp, ...claims }, secret);
  if (token.length > MAX_SOCKET_TOKEN_LETTERS) return respond(tooLong());
  const signed: SignedToken = { token, expiresAt: new Date(exp * 1000).toISOString() };
  return c.json(signed, 200, NO_STORE);
}

const tooLong = () =>
  problem(400, "malformed", "The body was not understood.", {
    detail: "channels: expected fewer, the token is too long",
  });
