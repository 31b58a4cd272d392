/** Reading request bodies: sizes are known and capped before a byte is parsed. */
import type * as v from "valibot";
import { fail, ok, type Result } from "../media/result.ts";
import { parseJson } from "../wire/parse.ts";
import { type Problem, problem } from "../wire/problem.ts";

/** The declared length of a body, when there is one and it is within the limit. */
export function declaredLength(request: Request, limit: number): Result<number, Problem> {
  const header = request.headers.get("content-length");
  if (header === null || !/^[0-9]{1,15}$/.test(header)) {
    return fail(problem(411, "length-required", "The length of the body must be known beforehand."));
  }
  const length = Number(header);
  if (length > limit) return fail(problem(413, "too-large", "The body is too large.", { limit }));
  return ok(length);
}

/** A JSON body that a schema accepts. */
export async function readJson<const S extends v.GenericSchema>(
  request: Request,
  schema: S,
  limit: number,
): Promise<Result<v.InferOutput<S>, Problem>> {
  const length = declaredLength(request, limit);
  if (!length.ok) return length;
  const type = request.headers.get("content-type")?.split(";")[0]?.trim().toLowerCase();
  if (type !== "application/json") {
    return fail(problem(415, "unsupported-media-type", "The body must be application/json."));
  }
  const parsed = parseJson(schema, await request.text());
  return parsed.ok
    ? parsed
    : fail(problem(400, "malformed", "The body was not understood.", { detail: parsed.error.detail }));
}
