/** The ingest API: what transcoders send. Bodies are checked here; what they may do is the LiveStream's to say. */
import { type Context, Hono } from "hono";
import * as v from "valibot";
import type { Writer } from "../../durable-objects/core/live.ts";
import { contentType, mediaKey, parseFileName, parseSessionId, RENDITION_NAME } from "../../media/address.ts";
import { fail, ok, type Result } from "../../media/result.ts";
import {
  AppendSchema,
  DescribeSourceSchema,
  EndScopeSchema,
  LateSchema,
  MAX_INGEST_JSON_BYTES,
  MAX_OBJECT_BYTES,
  OpenSessionSchema,
  StatsSchema,
} from "../../wire/ingest.ts";
import { parse } from "../../wire/parse.ts";
import { type Problem, problem } from "../../wire/problem.ts";
import { declaredLength, readJson } from "../body.ts";
import type { OriginEnv } from "../env.ts";
import { notFound, respond } from "../problems.ts";
import { bearerOf } from "./bearer.ts";
import { admit, STREAM_DISABLED } from "./core/admit.ts";
import { writeProblem } from "./ingest-problems.ts";
import { NO_STORE } from "./no-store.ts";
import { putOnce } from "./objects.ts";
import { findStreamByKey } from "./streams.ts";

type App = { Bindings: OriginEnv };

/** `/ingest`; every route but the first asks for the session's lease. */
export const ingest = new Hono<App>();

ingest.post("/sessions", async (c) => {
  const body = await readJson(c.req.raw, OpenSessionSchema, MAX_INGEST_JSON_BYTES);
  if (!body.ok) return respond(body.error);
  const admitted = admit(await findStreamByKey(c.env.DB, body.value.key), body.value);
  if (!admitted.ok) return respond(admitted.error);
  const { id, profile, reconnectSeconds, standby } = admitted.value;
  const { yields, backup, claimId, source, transcoder } = body.value;
  const opened = await live(c.env, id).open(
    { id, profile, reconnectSeconds, standby },
    {
      yields,
      backup,
      ...(claimId !== undefined && { claimId }),
      ...(source && { source }),
      ...(transcoder && { transcoder }),
    },
  );
  if (opened.ok) return c.json(opened.value, "standby" in opened.value ? 202 : 201, NO_STORE);
  if (opened.error.reason === "disabled") return respond(STREAM_DISABLED);
  const freeAt = new Date(opened.error.freeAt).toISOString();
  return respond(problem(409, "already-live", "Another encoder is live on this stream.", { freeAt }));
});

ingest.post("/:session/source", async (c) => {
  const writer = writerOf(c);
  if (!writer.ok) return respond(writer.error);
  const body = await readJson(c.req.raw, DescribeSourceSchema, MAX_INGEST_JSON_BYTES);
  if (!body.ok) return respond(body.error);
  const { source, allowCopy, lighter } = body.value;
  const planned = await live(c.env, writer.value.stream).describe(writer.value, {
    source,
    allowCopy,
    lighter,
  });
  return planned.ok ? c.json(planned.value, 200, NO_STORE) : respond(writeProblem(planned.error));
});

ingest.put("/:session/objects/:rendition/:file", async (c) => {
  const writer = writerOf(c);
  if (!writer.ok) return respond(writer.error);
  const rendition = c.req.param("rendition");
  const file = parseFileName(c.req.param("file"));
  const late = parse(LateFlagSchema, c.req.query("late"));
  if (!late.ok) return respond(problem(400, "malformed", 'late must be "1", or not there.'));
  // A part is of use at the live edge or not at all.
  if (!file || !RENDITION_NAME.test(rendition) || (late.value && file.kind === "part")) {
    return respond(problem(400, "bad-name", "That is not the name of a media object."));
  }
  const length = declaredLength(c.req.raw, MAX_OBJECT_BYTES);
  if (!length.ok) return respond(length.error);
  const type = contentType(file);
  if (c.req.header("content-type") !== type) {
    return respond(problem(415, "unsupported-media-type", `This object must be ${type}.`));
  }
  const stream = live(c.env, writer.value.stream);
  const allowed = await (late.value ? stream.authorizeLate(writer.value) : stream.authorize(writer.value));
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

ingest.post("/:session/late", async (c) => {
  const writer = writerOf(c);
  if (!writer.ok) return respond(writer.error);
  const body = await readJson(c.req.raw, LateSchema, MAX_INGEST_JSON_BYTES);
  if (!body.ok) return respond(body.error);
  const added = await live(c.env, writer.value.stream).late(writer.value, body.value.segments);
  return added.ok
    ? new Response(null, { status: 204, headers: NO_STORE })
    : respond(writeProblem(added.error));
});

ingest.get("/:session/missing", async (c) => {
  const writer = writerOf(c);
  if (!writer.ok) return respond(writer.error);
  const missing = await live(c.env, writer.value.stream).missing(writer.value);
  return missing.ok ? c.json(missing.value, 200, NO_STORE) : respond(writeProblem(missing.error));
});

ingest.post("/:session/stats", async (c) => {
  const writer = writerOf(c);
  if (!writer.ok) return respond(writer.error);
  const body = await readJson(c.req.raw, StatsSchema, MAX_INGEST_JSON_BYTES);
  if (!body.ok) return respond(body.error);
  const taken = await live(c.env, writer.value.stream).sample(writer.value, body.value);
  return taken.ok ? c.json(taken.value, 200, NO_STORE) : respond(writeProblem(taken.error));
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

/** `?late=1`: the live edge has passed this object, and perhaps its session is over. */
const LateFlagSchema = v.optional(v.literal("1"));

const live = (env: OriginEnv, stream: string) => env.LIVE_STREAM.getByName(stream);

/** Who writes, from the path and the bearer token; whether it is true is not decided here. */
function writerOf(c: Context<App>): Result<Writer & { readonly stream: string }, Problem> {
  const session = parseSessionId(c.req.param("session") ?? "");
  if (!session) return fail(notFound());
  const lease = bearerOf(c.req.raw);
  if (lease === undefined) return fail(writeProblem({ reason: "unknown-lease" }));
  return ok({ ...session, lease });
}
