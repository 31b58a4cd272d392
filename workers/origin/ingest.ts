/** The ingest API: what transcoders send. Bodies are checked here; what they may do is the LiveStream's to say. */
import { type Context, Hono } from "hono";
import type { LeaseError, Writer } from "../../durable-objects/core/live.ts";
import { contentType, mediaKey, parseFileName, parseSessionId, RENDITION_NAME } from "../../media/address.ts";
import { fail, ok, type Result } from "../../media/result.ts";
import type { ExtendError } from "../../media/timeline.ts";
import {
  AppendSchema,
  DescribeSourceSchema,
  EndScopeSchema,
  MAX_INGEST_JSON_BYTES,
  MAX_OBJECT_BYTES,
  OpenSessionSchema,
  StatsSchema,
} from "../../wire/ingest.ts";
import { parse } from "../../wire/parse.ts";
import { type Problem, problem } from "../../wire/problem.ts";
import type { OriginEnv } from "../env.ts";
import { notFound, respond } from "../problems.ts";
import { bearerOf } from "./bearer.ts";
import { declaredLength, readJson } from "./body.ts";
import { putOnce } from "./objects.ts";
import { findStreamByKey } from "./streams.ts";

type App = { Bindings: OriginEnv };

export const ingest = new Hono<App>();

ingest.post("/sessions", async (c) => {
  const body = await readJson(c.req.raw, OpenSessionSchema, MAX_INGEST_JSON_BYTES);
  if (!body.ok) return respond(body.error);
  const stream = await findStreamByKey(c.env.DB, body.value.key);
  if (!stream) return respond(problem(401, "unknown-key", "No stream has this key."));
  if (stream.disabled) return respond(STREAM_DISABLED);
  const { id, profile, reconnectSeconds } = stream;
  const { yields, claimId, source } = body.value;
  const opened = await live(c.env, id).open(
    { id, profile, reconnectSeconds },
    { yields, ...(claimId !== undefined && { claimId }), ...(source && { source }) },
  );
  if (opened.ok) return c.json(opened.value, 201, NO_STORE);
  if (opened.error.reason === "disabled") return respond(STREAM_DISABLED);
  const freeAt = new Date(opened.error.freeAt).toISOString();
  return respond(problem(409, "already-live", "Another encoder is live on this stream.", { freeAt }));
});

ingest.post("/:session/source", async (c) => {
  const writer = writerOf(c);
  if (!writer.ok) return respond(writer.error);
  const body = await readJson(c.req.raw, DescribeSourceSchema, MAX_INGEST_JSON_BYTES);
  if (!body.ok) return respond(body.error);
  const { source, allowCopy } = body.value;
  const planned = await live(c.env, writer.value.stream).describe(writer.value, source, allowCopy);
  return planned.ok ? c.json(planned.value, 200, NO_STORE) : respond(writeProblem(planned.error));
});

ingest.put("/:session/objects/:rendition/:file", async (c) => {
  const writer = writerOf(c);
  if (!writer.ok) return respond(writer.error);
  const rendition = c.req.param("rendition");
  const file = parseFileName(c.req.param("file"));
  if (!file || !RENDITION_NAME.test(rendition)) {
    return respond(problem(400, "bad-name", "That is not the name of a media object."));
  }
  const length = declaredLength(c.req.raw, MAX_OBJECT_BYTES);
  if (!length.ok) return respond(length.error);
  const type = contentType(file);
  if (c.req.header("content-type") !== type) {
    return respond(problem(415, "unsupported-media-type", `This object must be ${type}.`));
  }
  const allowed = await live(c.env, writer.value.stream).authorize(writer.value);
  if (!allowed.ok) return respond(writeProblem(allowed.error));
  const { broadcast, ordinal } = writer.value;
  const key = mediaKey({ broadcast, session: ordinal, rendition, file });
  const put = await putOnce(c.env.MEDIA, key, c.req.raw, length.value, type);
  return put.ok
    ? new Response(null, { status: put.value === "created" ? 201 : 200, headers: NO_STORE })
    : respond(put.error);
});

ingest.post("/:session/timeline", async (c) => {
  const writer = writerOf(c);
  if (!writer.ok) return respond(writer.error);
  const body = await readJson(c.req.raw, AppendSchema, MAX_INGEST_JSON_BYTES);
  if (!body.ok) return respond(body.error);
  const next = await live(c.env, writer.value.stream).append(writer.value, body.value.entries);
  return next.ok ? c.json({ next: next.value }, 200, NO_STORE) : respond(writeProblem(next.error));
});

ingest.post("/:session/stats", async (c) => {
  const writer = writerOf(c);
  if (!writer.ok) return respond(writer.error);
  const body = await readJson(c.req.raw, StatsSchema, MAX_INGEST_JSON_BYTES);
  if (!body.ok) return respond(body.error);
  const taken = await live(c.env, writer.value.stream).sample(writer.value, body.value);
  return taken.ok
    ? new Response(null, { status: 204, headers: NO_STORE })
    : respond(writeProblem(taken.error));
});

ingest.delete("/:session", async (c) => {
  const writer = writerOf(c);
  if (!writer.ok) return respond(writer.error);
  const scope = parse(EndScopeSchema, c.req.query("end") ?? "session");
  if (!scope.ok) return respond(problem(400, "malformed", 'end must be "session" or "broadcast".'));
  const closed = await live(c.env, writer.value.stream).close(writer.value, scope.value);
  return closed.ok
    ? new Response(null, { status: 204, headers: NO_STORE })
    : respond(writeProblem(closed.error));
});

const NO_STORE = { "cache-control": "no-store" };

const STREAM_DISABLED = problem(403, "stream-disabled", "This stream is disabled.");

const live = (env: OriginEnv, stream: string) => env.LIVE_STREAM.getByName(stream);

/** Who writes, from the path and the bearer token; whether it is true is not decided here. */
function writerOf(c: Context<App>): Result<Writer & { readonly stream: string }, Problem> {
  const session = parseSessionId(c.req.param("session") ?? "");
  if (!session) return fail(notFound());
  const lease = bearerOf(c.req.raw);
  if (lease === undefined) return fail(writeProblem({ reason: "unknown-lease" }));
  return ok({ ...session, lease });
}

/** What a writer is told when it may not write, or wrote nonsense. */
function writeProblem(error: LeaseError | ExtendError): Problem {
  switch (error.reason) {
    case "unknown-lease":
      return problem(401, "unknown-lease", "The lease is missing or wrong.");
    case "fenced":
      return problem(409, "fenced", "Another session has taken over this stream.");
    case "closed":
    case "ended":
      return problem(409, "closed", "This session is over.");
    case "no-init":
      return problem(409, "no-init", "A session describes its tracks before it adds media.");
    case "gap":
      return problem(409, "gap", "Something that comes before this is missing.", {
        expected: error.expected,
      });
    case "too-long":
      return problem(422, "too-long", "The duration is more than the broadcast allows.", {
        seconds: error.seconds,
        limit: error.limit,
      });
  }
}
