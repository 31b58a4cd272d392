/** `POST /api/guest`: a name for a while, for who has no account anywhere. Anybody may have one, and nothing of it is kept. */

import { type Problem, problem } from "../../wire/problem.ts";
import { type Guest, GuestRequestSchema, SOCKET_AUDIENCE } from "../../wire/socket-token.ts";
import { readJson } from "../body.ts";
import { respond } from "../problems.ts";
import { signSocketToken } from "../socket-tokens.ts";
import { localHeaders } from "./answers.ts";
import { isGuestName } from "./core/guest-name.ts";
import { MAX_GUEST_BYTES } from "./core/request-size.ts";
import type { EdgeContext } from "./gate.ts";
import { isTooMuch, tooManyRequests } from "./limits.ts";

/** How long a guest is one. */
const GUEST_SECONDS = 24 * 3600;
/** Nobody can guess another guest's id, nor have it. */
const ID_BYTES = 16;

/** Answer with a guest's token. */
export async function serveGuest(c: EdgeContext): Promise<Response> {
  if (await isTooMuch(c.env.API_LIMIT, c.req.raw)) return tooManyRequests();
  const wish = await readJson(c.req.raw, GuestRequestSchema, MAX_GUEST_BYTES);
  if (!wish.ok) return refused(wish.error);
  const { name } = wish.value;
  if (!isGuestName(name))
    return refused(
      problem(400, "malformed", "The body was not understood.", {
        detail: "name: expected letters that can be seen",
      }),
    );
  const secret = c.env.TOKEN_SECRET;
  if (!secret)
    return refused(problem(503, "no-token-secret", "There are no guests here: TOKEN_SECRET is not set."));
  const exp = Math.ceil(Date.now() / 1000) + GUEST_SECONDS;
  const user = `guest:${crypto.getRandomValues(new Uint8Array(ID_BYTES)).toBase64({ alphabet: "base64url", omitPadding: true })}`;
  const token = await signSocketToken({ aud: SOCKET_AUDIENCE, sub: user, exp, name, role: "guest" }, secret);
  const guest: Guest = { token, user, name, expiresAt: new Date(exp * 1000).toISOString() };
  return c.json(guest, 200, { ...localHeaders("guest"), "cache-control": "no-store" });
}

const refused = (value: Problem): Response => respond(value, localHeaders("refused"));
