/** Origin's admin API as a client sees it: one function per route, errors as values. Used by the CLI and by `npm start`. */
import type * as v from "valibot";
import { fail, ok, type Result } from "../media/result.ts";
import {
  type CreateStreamSchema,
  KeyCheckedSchema,
  type StreamHealth,
  StreamHealthSchema,
  StreamListSchema,
  type StreamRecord,
  StreamRecordSchema,
  type StreamWithKey,
  StreamWithKeySchema,
  type UpdateStreamSchema,
} from "../wire/admin.ts";
import { parseJson } from "../wire/parse.ts";
import { readProblem, UNREADABLE } from "../wire/problem.ts";
import { type Signed, SignedSchema, type SignRequestSchema } from "../wire/watch-token.ts";

const TIMEOUT_MS = 15_000;

/** Why there is no answer: origin said no, or nobody understandable is there. */
export interface OriginError {
  readonly reason: "refused" | "unreachable";
  /** Name of the problem, as `stream-exists`; `unreachable` when there was no answer. */
  readonly name: string;
  /** One line for people. */
  readonly message: string;
}
/** What origin answered, later. */
export type Answer<T> = Promise<Result<T, OriginError>>;

/** Ask origin with the admin token; `path` begins with `/admin/`. */
export type AdminRequest = <const S extends v.GenericSchema>(
  schema: S,
  method: string,
  path: string,
  body?: unknown,
) => Answer<v.InferOutput<S>>;

/** The routes about streams, one function each. */
export interface OriginClient {
  /** Where it is, without a slash at its end. */
  readonly base: string;
  /** For the routes that are not about streams. */
  readonly request: AdminRequest;
  readonly createStream: (stream: v.InferInput<typeof CreateStreamSchema>) => Answer<StreamWithKey>;
  /** Change what is given, leave the rest. */
  readonly updateStream: (
    id: string,
    settings: v.InferInput<typeof UpdateStreamSchema>,
  ) => Answer<StreamRecord>;
  readonly showStream: (id: string) => Answer<StreamRecord>;
  readonly listStreams: () => Answer<readonly StreamRecord[]>;
  readonly rotateKey: (id: string) => Answer<StreamWithKey>;
  readonly setDisabled: (id: string, disabled: boolean) => Answer<StreamRecord>;
  /** Does this key still open the stream? */
  readonly checkKey: (id: string, key: string) => Answer<boolean>;
  readonly health: (id: string) => Answer<StreamHealth>;
  /** A signed path to watch the stream by. */
  readonly sign: (id: string, wish: v.InferInput<typeof SignRequestSchema>) => Answer<Signed>;
}

/** A client for one origin, as `http://127.0.0.1:8787/_origin`. */
export function originClient(origin: string, token: string): OriginClient {
  const base = origin.replace(/\/+$/, "");
  async function request<const S extends v.GenericSchema>(
    schema: S,
    method: string,
    path: string,
    body?: unknown,
  ): Answer<v.InferOutput<S>> {
    let response: Response;
    let text: string;
    try {
      response = await fetch(`${base}${path}`, {
        method,
        headers: {
          authorization: `Bearer ${token}`,
          ...(body !== undefined && { "content-type": "application/json" }),
        },
        ...(body !== undefined && { body: JSON.stringify(body) }),
        signal: AbortSignal.timeout(TIMEOUT_MS),
      });
      text = await response.text();
    } catch (error) {
      return fail(unreachable(`Origin ${base} does not answer (${causeOf(error)}).`));
    }
    if (!response.ok) return fail(refusal(response.status, text));
    const parsed = parseJson(schema, text);
    return parsed.ok
      ? ok(parsed.value)
      : fail(unreachable(`${base} answers, but not as origin does (${parsed.error.detail}).`));
  }
  const pathOf = (id: string) => `/admin/streams/${encodeURIComponent(id)}`;
  const streamPath = (id: string, verb: string) => `${pathOf(id)}/${verb}`;
  return {
    base,
    request,
    createStream: (stream) => request(StreamWithKeySchema, "POST", "/admin/streams", stream),
    updateStream: (id, settings) => request(StreamRecordSchema, "PATCH", pathOf(id), settings),
    showStream: (id) => request(StreamRecordSchema, "GET", pathOf(id)),
    async listStreams() {
      const list = await request(StreamListSchema, "GET", "/admin/streams");
      return list.ok ? ok(list.value.streams) : list;
    },
    async checkKey(id, key) {
      const checked = await request(KeyCheckedSchema, "POST", streamPath(id, "check-key"), { key });
      return checked.ok ? ok(checked.value.valid) : checked;
    },
    sign: (id, wish) => request(SignedSchema, "POST", streamPath(id, "sign"), wish),
    health: (id) => request(StreamHealthSchema, "GET", streamPath(id, "health")),
    rotateKey: (id) => request(StreamWithKeySchema, "POST", streamPath(id, "rotate-key")),
    setDisabled: (id, disabled) =>
      request(StreamRecordSchema, "POST", streamPath(id, disabled ? "disable" : "enable")),
  };
}

const unreachable = (message: string): OriginError => ({
  reason: "unreachable",
  name: "unreachable",
  message,
});

function refusal(status: number, text: string): OriginError {
  const { name, title, detail } = readProblem(text);
  if (name === UNREADABLE) return unreachable(`Something that is not origin answered with status ${status}.`);
  const words = detail === undefined ? title : `${title} ${detail}`;
  return { reason: "refused", name, message: words.replace(/\s+/g, " ") };
}

function causeOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if (error.name === "TimeoutError") return `no answer within ${TIMEOUT_MS / 1000} s`;
  const { cause } = error;
  if (cause instanceof Error && "code" in cause) return String(cause.code);
  return error.message;
}
