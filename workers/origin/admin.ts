/** The operator's API: streams and their keys, behind the admin token. */
import { type Context, Hono } from "hono";
import { within } from "../../durable-objects/deadline.ts";
import { advise } from "../../media/health-advice.ts";
import {
  CheckKeySchema,
  CreateStreamSchema,
  type StreamHealth,
  type StreamRecord,
  UpdateStreamSchema,
} from "../../wire/admin.ts";
import { problem } from "../../wire/problem.ts";
import { LIVE_STREAMS_SCOPE, streamScope } from "../../wire/purge-prefix.ts";
import { readJson } from "../body.ts";
import type { OriginEnv } from "../env.ts";
import { respond } from "../problems.ts";
import { adminOnly } from "./admin-only.ts";
import { fleetAdmin } from "./fleet.ts";
import { NO_STORE } from "./no-store.ts";
import { signWatch } from "./signing.ts";
import {
  createStream,
  findStream,
  findStreamByKey,
  listStreams,
  newKey,
  replaceKeys,
  setDisabled,
  updateStream,
} from "./streams.ts";
import { signToken } from "./tokens.ts";
import { webhooksAdmin } from "./webhooks.ts";

type App = { Bindings: OriginEnv };

/** Longest body of an admin request, bytes. */
const MAX_ADMIN_BYTES = 64 * 1024;
/** Longest wait for a stream's object to look at its viewers. */
const RECHECK_MS = 2_000;

/** `/admin`. */
export const admin = new Hono<App>();

admin.use(adminOnly);

admin.route("/transcoders", fleetAdmin);

admin.route("/webhooks", webhooksAdmin);

admin.post("/tokens", signToken);

admin.post("/streams", async (c) => {
  const wanted = await readJson(c.req.raw, CreateStreamSchema, MAX_ADMIN_BYTES);
  if (!wanted.ok) return respond(wanted.error);
  const key = newKey();
  if (!(await createStream(c.env.DB, wanted.value, key, new Date()))) {
    return respond(problem(409, "stream-exists", `There is a stream "${wanted.value.id}" already.`));
  }
  return withKey(c, wanted.value.id, key, 201);
});

admin.get("/streams", async (c) => c.json({ streams: await listStreams(c.env.DB) }, 200, NO_STORE));

admin.get("/streams/:id", async (c) => answer(c, await findStream(c.env.DB, c.req.param("id"))));

admin.patch("/streams/:id", async (c) => {
  const settings = await readJson(c.req.raw, UpdateStreamSchema, MAX_ADMIN_BYTES);
  if (!settings.ok) return respond(settings.error);
  const id = c.req.param("id");
  await updateStream(c.env.DB, id, settings.value);
  const stream = await findStream(c.env.DB, id);
  // Viewers see it now; who comes later asks for it.
  if (stream && settings.value.title !== undefined)
    c.executionCtx.waitUntil(c.env.LIVE_STREAM.getByName(id).announce(stream.title || id));
  return settings.value.access === undefined ? answer(c, stream) : answerTold(c, stream);
});

admin.get("/streams/:id/health", async (c) => {
  const stream = await findStream(c.env.DB, c.req.param("id"));
  if (!stream) return answer(c, undefined);
  const object = await c.env.LIVE_STREAM.getByName(stream.id).health();
  const { state, source, samples, viewers, sockets, shards, qoe } = object;
  const isOn = state === "live" || state === "starting";
  const advice = isOn ? advise({ ...(source && { source }), samples }) : [];
  const health: StreamHealth = {
    id: stream.id,
    state,
    viewers,
    sockets,
    shards,
    qoe: { ...qoe, heights: [...qoe.heights] },
    ...(source && { source }),
    samples: [...samples],
    advice: [...advice],
  };
  return c.json(health, 200, NO_STORE);
});

admin.post("/streams/:id/check-key", async (c) => {
  const wanted = await readJson(c.req.raw, CheckKeySchema, MAX_ADMIN_BYTES);
  if (!wanted.ok) return respond(wanted.error);
  const stream = await findStreamByKey(c.env.DB, wanted.value.key);
  return c.json({ valid: stream?.id === c.req.param("id") }, 200, NO_STORE);
});

admin.post("/streams/:id/rotate-key", async (c) => {
  const id = c.req.param("id");
  const key = newKey();
  await replaceKeys(c.env.DB, id, key, new Date());
  return withKey(c, id, key, 200);
});

admin.post("/streams/:id/sign", signWatch);

admin.post("/streams/:id/disable", async (c) => {
  const id = c.req.param("id");
  await setDisabled(c.env.DB, id, true);
  const stream = await findStream(c.env.DB, id);
  if (stream) await c.env.LIVE_STREAM.getByName(id).revoke();
  return answerTold(c, stream && { ...stream, live: false });
});

admin.post("/streams/:id/enable", async (c) => {
  const id = c.req.param("id");
  await setDisabled(c.env.DB, id, false);
  const stream = await findStream(c.env.DB, id);
  if (stream) await c.env.LIVE_STREAM.getByName(id).allow();
  return answerTold(c, stream);
});

/**
 * Answer when who may watch a stream has changed: a purge of it makes every edge ask again within a second. Asking again is
 * harmless, and tells those who could not be told.
 */
async function answerTold(c: Context<App>, stream: StreamRecord | undefined): Promise<Response> {
  if (!stream) return answer(c, stream);
  const prefixes = [streamScope(stream.id), LIVE_STREAMS_SCOPE].map((scope) => ({
    scope,
    stream: stream.id,
  }));
  try {
    await c.env.PURGES.getByName("purges").purge({ prefixes, soft: false, remove: false });
    await recheckViewers(c.env, stream.id);
    return answer(c, stream);
  } catch (error) {
    console.error("edges could not be told", stream.id, error);
    return respond(
      problem(
        503,
        "edges-not-told",
        "It is done, but edges could not be told: they learn of it within a minute.",
      ),
    );
  }
}

/** Sockets that are open. The stream's object looks by itself every five seconds: this is for those who watch meanwhile. */
async function recheckViewers(env: OriginEnv, stream: string): Promise<void> {
  try {
    await within(RECHECK_MS, "the viewers", env.LIVE_STREAM.getByName(stream).recheckViewers());
  } catch (error) {
    console.warn("viewers were not rechecked", stream, String(error));
  }
}

const answer = (c: Context<App>, stream: StreamRecord | undefined): Response =>
  stream
    ? c.json(stream, 200, NO_STORE)
    : respond(problem(404, "unknown-stream", "There is no such stream."));

async function withKey(c: Context<App>, id: string, key: string, status: 200 | 201): Promise<Response> {
  const stream = await findStream(c.env.DB, id);
  return stream ? c.json({ ...stream, key }, status, NO_STORE) : answer(c, undefined);
}
