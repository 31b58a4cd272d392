/** How much one client may ask: rate limits (a binding counts, at each location) and sizes, and how a refusal is answered. */
import { problem } from "../../wire/problem.ts";
import { respond } from "../problems.ts";
import { clientKey } from "./core/client-key.ts";
import { CORS } from "./core/headers.ts";
import { sizeProblem } from "./core/request-size.ts";

/** Seconds that a refused client should wait: the period of the limits (wrangler.toml). */
const RETRY_SECONDS = 10;

/** Count a request of this client; true when there have been too many. Without a binding, and when it fails, nobody is refused. */
export async function isTooMuch(binding: RateLimit | undefined, request: Request): Promise<boolean> {
  if (!binding) return false;
  try {
    const { success } = await binding.limit({ key: clientKey(request.headers.get("cf-connecting-ip")) });
    return !success;
  } catch (error) {
    console.error("rate limit", error);
    return false;
  }
}

/** The answer to one request too many. */
export function tooManyRequests(): Response {
  return respond(
    problem(429, "too-many-requests", "That is more than one client may ask. Come back in a while."),
    {
      ...CORS,
      "retry-after": String(RETRY_SECONDS),
    },
  );
}

/** The answer to a request that is too large to be looked at: 414 or 431; `undefined` for all others. */
export function tooLarge(request: Request): Response | undefined {
  const wrong = sizeProblem(request.url.length, request.headers);
  return wrong && respond(wrong, CORS);
}
