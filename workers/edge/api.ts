/** JSON for the pages: which streams are live, and how one does. */
import { Hono } from "hono";
import { STREAM_ID } from "../../media/address.ts";
import type { StreamRecord } from "../../wire/admin.ts";
import { problem } from "../../wire/problem.ts";
import type { LiveStreams, StreamStatus } from "../../wire/public.ts";
import type { EdgeEnv } from "../env.ts";
import { notFound, respond } from "../problems.ts";
import { CORS, cacheControl } from "./core/headers.ts";

export const api = new Hono<{ Bindings: EdgeEnv }>();

const STATUS_HEADERS = { ...CORS, "cache-control": cacheControl({ kind: "status" }) };

api.get("/streams", async (c) => {
  // A stream that cannot answer is left out: its trouble is its own.
  const asked = (await c.env.ORIGIN.liveStreams()).map((stream) => statusOf(c.env, stream));
  const streams = (await Promise.allSettled(asked)).flatMap((told) =>
    told.status === "fulfilled" ? [told.value] : [],
  );
  const live: LiveStreams = {
    streams: streams.filter(({ state }) => state === "live" || state === "interrupted"),
  };
  return c.json(live, 200, STATUS_HEADERS);
});

api.get("/streams/:id", async (c) => {
  const id = c.req.param("id");
  const stream = STREAM_ID.test(id) ? await c.env.ORIGIN.stream(id) : undefined;
  if (!stream) return respond(problem(404, "unknown-stream", "There is no such stream."), STATUS_HEADERS);
  return c.json(await statusOf(c.env, stream), 200, STATUS_HEADERS);
});

api.notFound(() => respond(notFound(), STATUS_HEADERS));

/** A stream for viewers: what origin knows of it, and how its broadcast does. */
async function statusOf(env: EdgeEnv, { id, title, profile }: StreamRecord): Promise<StreamStatus> {
  const { state, startedAt } = await env.LIVE_STREAM.getByName(id).status();
  const playable = state === "live" || state === "interrupted" || state === "ended";
  return {
    id,
    title: title || id,
    profile,
    state,
    ...(playable && { playlist: `/live/${id}/index.m3u8` }),
    ...(startedAt !== undefined && { startedAt: new Date(startedAt).toISOString() }),
  };
}
