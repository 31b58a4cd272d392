/** Errors on every HTTP surface: `application/problem+json` (RFC 9457). Writing one, and reading one back. */
import * as v from "valibot";

export const PROBLEM_TYPE = "application/problem+json";

/** `type` is a stable name below `urn:millrace:problem:`; `title` is for people; other members are facts. */
export interface Problem {
  readonly type: string;
  readonly status: number;
  readonly title: string;
  readonly detail?: string;
  readonly [fact: string]: unknown;
}

/** Put a problem together. */
export function problem(
  status: number,
  name: string,
  title: string,
  facts: Record<string, unknown> = {},
): Problem {
  return { type: `urn:millrace:problem:${name}`, status, title, ...facts };
}

const ProblemSchema = v.looseObject({ type: v.string(), title: v.string(), detail: v.optional(v.string()) });

/** What `readProblem` calls an answer that is no problem of ours. */
export const UNREADABLE = "unreadable";

/** Name and words of a problem that a server sent; anything else is `UNREADABLE`. */
export function readProblem(text: string): {
  readonly name: string;
  readonly title: string;
  readonly detail?: string;
} {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    value = undefined;
  }
  const parsed = v.safeParse(ProblemSchema, value);
  if (!parsed.success) return { name: UNREADABLE, title: "The answer was not understood." };
  const { type, title, detail } = parsed.output;
  return { name: type.replace("urn:millrace:problem:", ""), title, ...(detail !== undefined && { detail }) };
}
