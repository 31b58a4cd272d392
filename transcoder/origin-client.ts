/**
 * Origin's ingest API as functions. Every call may be repeated without harm, so what fails for a passing reason
 * (no answer, 5xx, 429) is tried again; what origin refuses comes back as a refusal at once.
 */
import { randomUUID } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import type * as v from "valibot";
import { contentType, fileName } from "../media/address.ts";
import { fail, ok, type Result } from "../media/result.ts";
import type { Entry, SegmentEntry } from "../media/timeline.ts";
import { type MissingOfSession, MissingOfSessionSchema } from "../wire/broadcasts.ts";
import type { EndScope, OpenSession, Sampled, SessionGrant, Source, Stats, Waiting } from "../wire/ingest.ts";
import {
  AppendAnswerSchema,
  OpenAnswerSchema,
  SampledSchema,
  SessionGrantSchema,
} from "../wire/ingest-answers.ts";
import { parseJson } from "../wire/parse.ts";
import { readProblem, UNREADABLE } from "../wire/problem.ts";
import { ORIGIN_RETRY, type RetryPolicy, retryDelayMs } from "./core/retry.ts";
import { exchange } from "./exchange.ts";
import type { Gate } from "./gate.ts";
import type { NamedObject } from "./packaging.ts";

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
export type Claim = Pick<OpenSession, "key"> & Partial<OpenSession>;

/** What the plan is to keep to. */
export interface Wishes {
  /** A track may be passed through. */
  readonly allowCopy: boolean;
  /** Encoded rungs to leave out, from the top. */
  readonly lighter: number;
}

/** Keep trying for as long as somebody waits for it, in turn with others. */
export interface Patience {
  readonly gate: Gate;
  readonly isWanted: () => boolean;
}

/** Longest wait for one answer: a server that hangs is found out well before the media is late. */
const ANSWER_TIMEOUT_MS = 5_000;
/** On top of that, for bodies on a slow uplink: one megabit a second. */
const BODY_BYTES_PER_MS = 125;

/** One function per request; each answers what origin said, or why there is no good answer. */
export interface OriginClient {
  open(claim: Claim): Promise<Result<SessionGrant | Waiting, Refusal>>;
  describe(holder: Holder, source: Source, wishes: Wishes): Promise<Result<SessionGrant, Refusal>>;
  put(holder: Holder, object: NamedObject, patience: Patience): Promise<Result<true, Refusal>>;
  append(holder: Holder, entries: readonly Entry[], patience: Patience): Promise<Result<true, Refusal>>;
  /** An object of a segment that the live edge has passed; tried once. */
  putLate(holder: Holder, object: NamedObject): Promise<Result<true, Refusal>>;
  /** Complete the history with segments whose objects are stored; tried once. */
  tellLate(holder: Holder, segments: readonly SegmentEntry[]): Promise<Result<true, Refusal>>;
  /** What origin misses of a session; tried once. */
  missing(holder: Holder): Promise<Result<MissingOfSession, Refusal>>;
  sample(holder: Holder, stats: Stats): Promise<Result<Sampled, Refusal>>;
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
  const call = (method: string, path: string, { patience, ...options }: CallOptions & Trying = {}) => {
    const url = `${base}/ingest${path}`;
    const told = (name: string, attempt: number) => onRetry?.({ path: withoutNames(path), name, attempt });
    if (patience) return callPatiently(url, method, options, patience, told);
    return callWithRetry(url, method, options, options.once ? { ...policy, attempts: 1 } : policy, told);
  };
  const putObject = async (
    { session, lease }: Holder,
    object: NamedObject,
    query: string,
    trying: Trying,
  ) => {
    const { rendition, file, bytes } = object;
    const path = `/${session}/objects/${rendition}/${fileName(file)}${query}`;
    return done(await call("PUT", path, { body: bytes, type: contentType(file), lease, ...trying }));
  };
  return {
    open: async (claim) => {
      const answer = await call("POST", "/sessions", json({ claimId: randomUUID(), ...claim }));
      return answer.ok ? read(OpenAnswerSchema, answer.value) : answer;
    },
    describe: async ({ session, lease }, source, wishes) =>
      grant(await call("POST", `/${session}/source`, { ...json({ source, ...wishes }), lease })),
    put: (holder, object, patience) => putObject(holder, object, "", { patience }),
    putLate: (holder, object) => putObject(holder, object, "?late=1", { once: true }),
    append: async ({ session, lease }, entries, patience) => {
      const answer = await call("POST", `/${session}/timeline`, { ...json({ entries }), lease, patience });
      if (!answer.ok) return answer;
      const next = read(AppendAnswerSchema, answer.value);
      return next.ok ? ok(true) : next;
    },
    tellLate: async ({ session, lease }, segments) =>
      done(await call("POST", `/${session}/late`, { ...json({ segments }), lease, once: true })),
    missing: async ({ session, lease }) => {
      const answer = await call("GET", `/${session}/missing`, { lease, once: true });
      return answer.ok ? read(MissingOfSessionSchema, answer.value) : answer;
    },
    // A figure that is late is worth nothing: it is not sent twice.
    sample: async ({ session, lease }, stats) => {
      const answer = await call("POST", `/${session}/stats`, { ...json(stats), lease, once: true });
      return answer.ok ? read(SampledSchema, answer.value) : answer;
    },
    close: async ({ session, lease }, scope) =>
      done(await call("DELETE", `/${session}?end=${scope}`, { lease })),
  };
}

const json = (value: unknown): CallOptions => ({ body: JSON.stringify(value), type: "application/json" });
const grant = (answer: Result<string, Refusal>) =>
  answer.ok ? read(SessionGrantSchema, answer.value) : answer;
const done = (answer: Result<string, Refusal>) => (answer.ok ? ok(true as const) : answer);

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
}

/** How often to try: as the client's policy says, unless one of these is set. */
interface Trying {
  readonly once?: boolean;
  readonly patience?: Patience;
}

async function callWithRetry(
  url: string,
  method: string,
  options: CallOptions,
  policy: RetryPolicy,
  onRetry: (name: string, attempt: number) => void,
): Promise<Result<string, Refusal>> {
  const since = performance.now();
  for (let attempt = 1; ; attempt += 1) {
    const answer = await callOnce(url, method, options);
    if (answer.ok || !isPassing(answer.error)) return answer;
    const wait = retryDelayMs(policy, attempt, Math.random(), performance.now() - since);
    if (wait === undefined) return answer;
    onRetry(answer.error.name, attempt);
    await delay(wait);
  }
}

async function callPatiently(
  url: string,
  method: string,
  options: CallOptions,
  { gate, isWanted }: Patience,
  onRetry: (name: string, attempt: number) => void,
): Promise<Result<string, Refusal>> {
  let last: Refusal = { name: "unreachable", detail: "nobody waits for it any more" };
  for (let attempt = 1; await gate.enter(isWanted); attempt += 1) {
    const answer = await callOnce(url, method, options);
    const passed = answer.ok || !isPassing(answer.error);
    gate.report(passed);
    if (passed) return answer;
    last = answer.error;
    onRetry(last.name, attempt);
  }
  return fail(last);
}

/**
 * Worth another try: nobody answered, or the answer was about the server and not about the request. A refusal that is no
 * problem of ours is somebody else's between here and origin: a proxy, a firewall, a Worker that is not deployed.
 */
export const isPassing = ({ name, status }: Refusal): boolean =>
  status === undefined || status === 429 || status >= 500 || (name === UNREADABLE && status >= 400);

async function callOnce(
  url: string,
  method: string,
  { body, type, lease }: CallOptions,
): Promise<Result<string, Refusal>> {
  try {
    const { status, text } = await exchange(url, {
      method,
      headers: {
        ...(type !== undefined && { "content-type": type }),
        ...(lease !== undefined && { authorization: `Bearer ${lease}` }),
      },
      ...(body !== undefined && { body }),
      timeoutMs: answerTimeoutMs(body?.length ?? 0),
    });
    if (status >= 200 && status < 300) return ok(text);
    const { name, title, detail } = readProblem(text);
    return fail({ name, status, detail: detail ?? title });
  } catch (error) {
    return fail({ name: "unreachable", detail: describeError(error) });
  }
}

const answerTimeoutMs = (bodyBytes: number): number =>
  ANSWER_TIMEOUT_MS + Math.ceil(bodyBytes / BODY_BYTES_PER_MS);

const describeError = (error: unknown): string => (error instanceof Error ? error.message : String(error));

function read<const S extends v.GenericSchema>(schema: S, text: string): Result<v.InferOutput<S>, Refusal> {
  const parsed = parseJson(schema, text);
  return parsed.ok
    ? parsed
    : fail({ name: UNREADABLE, status: 200, detail: `origin's answer: ${parsed.error.detail}` });
}
