/** Turning `unknown` into something: one function over valibot, so that every refusal names the field it is about. */
import * as v from "valibot";
import { fail, ok, type Result } from "../media/result.ts";

/** Why a message was refused: where, and what was expected there. */
export interface Malformed {
  readonly reason: "malformed";
  readonly detail: string;
}

/** Check a value against a schema. */
export function parse<const S extends v.GenericSchema>(
  schema: S,
  value: unknown,
): Result<v.InferOutput<S>, Malformed> {
  const result = v.safeParse(schema, value, { abortEarly: true });
  if (result.success) return ok(result.output);
  const [issue] = result.issues;
  const path = v.getDotPath(issue);
  const expected = issue.expected ?? issue.message;
  return fail({ reason: "malformed", detail: `${path ?? "body"}: expected ${expected}` });
}

/** Read JSON text and check it; text that is not JSON is a refusal too. */
export function parseJson<const S extends v.GenericSchema>(
  schema: S,
  text: string,
): Result<v.InferOutput<S>, Malformed> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return fail({ reason: "malformed", detail: "body: expected JSON" });
  }
  return parse(schema, value);
}
