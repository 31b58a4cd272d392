/** Problems as responses: the one place where an error becomes HTTP. Used by edge and origin. */
import { PROBLEM_TYPE, type Problem, problem } from "../wire/problem.ts";

/** Answer with a problem; `cacheControl` is never left out (workers cache would keep a 404 for three minutes). */
export function respond(value: Problem, headers: Record<string, string> = {}): Response {
  return new Response(`${JSON.stringify(value)}\n`, {
    status: value.status,
    headers: { "content-type": PROBLEM_TYPE, "cache-control": "no-store", ...headers },
  });
}

export const notFound = (): Problem => problem(404, "not-found", "There is nothing here.");

/** Something failed that is no client's fault; what it was stands in the log only. */
export const internal = (): Problem => problem(500, "internal", "Something went wrong on our side.");

export const methodNotAllowed = (): Problem =>
  problem(405, "method-not-allowed", "This address does not take that method.");
