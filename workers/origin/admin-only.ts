/** The admin token: who may use the operator's routes. */
import type { Context, Next } from "hono";
import { type Problem, problem } from "../../wire/problem.ts";
import type { OriginEnv } from "../env.ts";
import { respond } from "../problems.ts";
import { bearerOf, sameToken } from "./bearer.ts";

/** Let only requests with the admin token through. */
export async function adminOnly(
  c: Context<{ Bindings: OriginEnv }>,
  next: Next,
): Promise<Response | undefined> {
  const refusal = await refuse(c.req.raw, c.env.ADMIN_TOKEN);
  if (refusal) return respond(refusal, refusal.status === 401 ? { "www-authenticate": "Bearer" } : {});
  await next();
  return undefined;
}

async function refuse(request: Request, adminToken: string | undefined): Promise<Problem | undefined> {
  if (!adminToken) return problem(503, "no-admin-token", "ADMIN_TOKEN is not set on this origin.");
  const given = bearerOf(request);
  if (given !== undefined && (await sameToken(given, adminToken))) return undefined;
  return problem(401, "unauthorized", "The admin token is missing or wrong.");
}
