/**
 * Origin's ingest API as functions. Every call may be repeated without harm, so what fails for a passing reason
 * (no answer, 5xx, 429) is tried again; what origin refuses comes back as a refusal at once.
 */
import { randomUUID } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import type * as v from "valibot";
import { contentType, fileName, type MediaFile } from "../media/address.ts";
import { fail, ok, type Result } from "../media/result.ts";
import type { Entry } from "../media/timeline.ts";
import type { EndScope, SessionGrant, Source, Stats } from "../wire/ingest.ts";
import { AppendAnswerSchema, SessionGrantSchema } from "../wire/ingest-answers.ts";
import { parseJson } from "../wire/parse.ts";
import { readProblem } from "../wire/problem.ts";
import { ORIGIN_RETRY, type RetryPolicy, retryDelayMs } from "./core/retry.ts";

/** Origin said no, or could not be reached (`name` is then `unreachable`). */
export interface Refusal {
  /** Name of the problem (docs/wire.md, "Problems"). */
  readonly name: string;
  /** HTTP status; absent when there was no answer. */
  readonly status?: number;
  readonly detail: string;
}

/** A session's address and secret. */
export type Holder = Pick<SessionGrant, "session" | "lease">;

/** What an encoder says when it knocks. */
export interface Claim {
  readonly key: string;
  /** It gives way to any encoder that does not. */
  readonly yields: boolean;
}

/** Longest wait for one answer. */
const ANSWER_TIMEOUT_MS = 10_000;

export interface OriginClient {
  open(claim: Claim): Promise<Result<SessionGrant, Refusal>>;
  describe(holder: Holder, source: Source, allowCopy: boolean): Promise<Result<SessionGrant, Refusal>>;
  put(holder: Holder, rendition: string, file: MediaFile, bytes: Uint8Array): Promise<Result<true, Refusal>>;
  append(holder: Holder, entries: readonly Entry[]): Promise<Result<true, Refusal>>;
  sample(holder: Holder, stats: Stats): Promise<Result<true, Refusal>>;
  close(holder: Holder, scope: EndScope): Promise<Result<true, Refusal>>;
}

/** A request that is about to be tried again. */
export interface Retry {
  /** Below `/ingest`, without ids and names. */
  readonly path: string;
  /** Name of the problem. */
  readonly name: string;
  readonly attempt: number;
}

export interface OriginClientOptions {
  readonly policy?: RetryPolicy;
  readonly onRetry?: (retry: Retry) => void;
}

/** A client of the origin at `base`. */
export function createOriginClient(
  base: string,
  { policy = ORIGIN_RETRY, onRetry }: OriginClientOptions = {},
): OriginClient {
  const call = (method: string, path: string, options: CallOptions = {}) =>
    callWithRetry(`${base}/ingest${path}`, method, options, {
      policy: options.once ? { ...policy, attempts: 1 } : policy,
      onRetry: (name, attempt) => onRetry?.({ path: withoutNames(path), name, attempt }),
    });
  const json = (value: unknown): CallOptions => ({ body: JSON.stringify(value), type: "application/json" });
  const grant = (answer: Result<string, Refusal>) =>
    answer.ok ? read(SessionGrantSchema, answer.value) : answer;
  const done = (answer: Result<string, Refusal>) => (answer.ok ? ok(true as const) : answer);
  return {
    open: async (claim) => grant(await call("POST", "/sessions", json({ ...claim, claimId: randomUUID() }))),
    describe: async ({ session, lease }, source, allowCopy) =>
      grant(await call("POST", `/${session}/source`, { ...json({ source, allowCopy }), lease })),
    put: async ({ session, lease }, rendition, file, bytes) =>
      done(
        await call("PUT", `/${session}/objects/${rendition}/${fileName(file)}`, {
          body: bytes,
          type: contentType(file),
          lease,
        }),
      ),
    append: async ({ session, lease }, entries) => {
      const answer = await call("POST", `/${session}/timeline`, { ...json({ entries }), lease });
      if (!answer.ok) return answer;
      const next = read(AppendAnswerSchema, answer.value);
      return next.ok ? ok(true) : next;
    },
    // A figure that is late is worth nothing: it is not sent twice.
    sample: async ({ session, lease }, stats) =>
      done(await call("POST", `/${session}/stats`, { ...json(stats), lease, once: true })),
    close: async ({ session, lease }, scope) =>
      done(await call("DELETE", `/${session}?end=${scope}`, { lease })),
  };
}

/** A path as a label: which request it is, not of whom. */
const withoutNames = (path: string): string =>
  path
    .replace(/^\/[^/?]+\.\d+/, "/session")
    .replace(/\/objects\/.*/, "/objects")
    .replace(/\?.*/, "");

interface CallOptions {
  readonly body?: string | Uint8Array;
  readonly type?: string;
  readonly lease?: string;
  readonly once?: boolean;
}

async function callWithRetry(
  url: string,
  method: string,
  options: CallOptions,
  { policy, onRetry }: { policy: RetryPolicy; onRetry: (name: string, attempt: number) => void },
): Promise<Result<string, Refusal>> {
  for (let attempt = 1; ; attempt += 1) {
    const answer = await callOnce(url, method, options);
    if (answer.ok || !isPassing(answer.error)) return answer;
    const wait = retryDelayMs(policy, attempt, Math.random());
    if (wait === undefined) return answer;
    onRetry(answer.error.name, attempt);
    await delay(wait);
  }
}

/** Worth another try: nobody answered, or the answer was about the server and not about the request. */
const isPassing = ({ status }: Refusal): boolean => status === undefined || status === 429 || status >= 500;

async function callOnce(
  url: string,
  method: string,
  { body, type, lease }: CallOptions,
): Promise<Result<string, Refusal>> {
  try {
    const response = await fetch(url, {
      method,
      headers: {
        ...(type !== undefined && { "content-type": type }),
        ...(lease !== undefined && { authorization: `Bearer ${lease}` }),
      },
      ...(body !== undefined && { body: typeof body === "string" ? body : new Uint8Array(body) }),
      signal: AbortSignal.timeout(ANSWER_TIMEOUT_MS),
    });
    const text = await response.text();
    if (response.ok) return ok(text);
    const { name, title, detail } = readProblem(text);
    return fail({ name, status: response.status, detail: detail ?? title });
  } catch (error) {
    return fail({ name: "unreachable", detail: describeError(error) });
  }
}

function describeError(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error ? `${error.message}: ${error.cause.message}` : error.message;
}

function read<const S extends v.GenericSchema>(schema: S, text: string): Result<v.InferOutput<S>, Refusal> {
  const parsed = parseJson(schema, text);
  return parsed.ok
    ? parsed
    : fail({ name: "unreadable", status: 200, detail: `origin's answer: ${parsed.error.detail}` });
}
