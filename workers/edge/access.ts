/** Who may watch, for the gate: reads the token of a path, and asks what a stream is. Decides nothing (core/visitor.ts). */
import { fail, type Result } from "../../media/result.ts";
import { problem } from "../../wire/problem.ts";
import { respond } from "../problems.ts";
import { type TokenSecrets, verifyWatchToken } from "../watch-tokens.ts";
import { CORS } from "./core/headers.ts";
import { decideWatch, fits, UNSIGNED, type Verdict, type Visitor } from "./core/visitor.ts";
import { type AskStream, type Background, Policies } from "./policies.ts";

/** What this isolate knows of streams. Whoever hears of a purge of a stream lets it forget that stream. */
export const policies = new Policies();

/** Who comes: by the token of the path, `undefined` for a path without one. Whatever is wrong with it is not said. */
export async function readVisitor(
  env: TokenSecrets,
  request: Request,
  token: string | undefined,
  nowMs: number,
): Promise<Result<Visitor, "forbidden">> {
  if (token === undefined) return { ok: true, value: UNSIGNED };
  const claims = await verifyWatchToken(token, env);
  if (!claims) return fail("forbidden");
  const address = request.headers.get("cf-connecting-ip");
  const country = request.cf?.country;
  const fit = fits(claims, {
    nowMs,
    ...(address !== null && { address }),
    ...(typeof country === "string" && { country }),
  });
  return fit.ok ? fit : fail("forbidden");
}

/** May this visitor watch this stream? A token for another stream is refused before anything is asked. */
export async function mayWatch(
  ask: AskStream,
  ctx: Background,
  visitor: Visitor,
  stream: string,
  known: Policies = policies,
): Promise<Verdict> {
  if (visitor.signed && visitor.stream !== stream) return "forbidden";
  const policy = await known.of(ask, ctx, stream, visitor.signed);
  return decideWatch(visitor, stream, policy);
}

/** The one answer to every path that a token does not open, whatever the reason and whatever is behind it. */
export const forbidden = (): Response =>
  respond(problem(403, "forbidden", "This address may not be watched."), CORS);

/** The answer while it cannot be learned who may watch. */
export const undecided = (): Response =>
  respond(problem(503, "undecided", "Who may watch this cannot be told just now."), {
    ...CORS,
    "retry-after": "1",
  });
