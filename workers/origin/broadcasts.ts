/** The operator's view of broadcasts: which a stream has had, and what is there and missing of one. Reads, and asks for checks. */
import { type Context, Hono } from "hono";
import type { BroadcastFacts } from "../../durable-objects/answers.ts";
import { STREAM_ID, streamOfBroadcast } from "../../media/address.ts";
import type { BroadcastList, BroadcastRecord } from "../../wire/broadcasts.ts";
import { problem } from "../../wire/problem.ts";
import type { StreamState } from "../../wire/public.ts";
import type { OriginEnv } from "../env.ts";
import { respond } from "../problems.ts";
import { NO_STORE } from "./no-store.ts";

type App = { Bindings: OriginEnv };

/** Mounted at `/admin`, behind the admin token. */
export const broadcastsAdmin = new Hono<App>();

broadcastsAdmin.get("/broadcasts/:id", async (c) => answer(c, 200, await find(c.env, c.req.param("id"))));

broadcastsAdmin.post("/broadcasts/:id/check", async (c) => {
  const id = c.req.param("id");
  const found = await find(c.env, id);
  if (!found) return answer(c, 404, undefined);
  if (found.endedAt === undefined)
    return respond(problem(409, "not-ended", "A broadcast is checked when it is over."));
  await c.env.LIVE_STREAM.getByName(found.stream).check(id);
  return answer(c, 202, await find(c.env, id));
});

broadcastsAdmin.get("/streams/:id/broadcasts", async (c) => {
  const id = c.req.param("id");
  const known =
    STREAM_ID.test(id) && (await c.env.DB.prepare("SELECT 1 FROM streams WHERE id = ?").bind(id).first());
  if (!known) return respond(problem(404, "unknown-stream", "There is no such stream."));
  return c.json(await list(c.env.DB, id), 200, NO_STORE);
});

/** Broadcasts of one answer: the newest. */
const LISTED = 50;

interface Row {
  readonly id: string;
  readonly state: StreamState;
  readonly started_at: string;
  readonly ended_at: string | null;
}

async function list(db: D1Database, stream: string): Promise<BroadcastList> {
  const { results } = await db
    .prepare(
      `SELECT id, state, started_at, ended_at FROM broadcasts WHERE stream = ?
       ORDER BY started_at DESC, id LIMIT ?`,
    )
    .bind(stream, LISTED)
    .all<Row>();
  return {
    broadcasts: results.map(({ id, state, started_at, ended_at }) => ({
      id,
      state,
      startedAt: started_at,
      ...(ended_at !== null && { endedAt: ended_at }),
    })),
  };
}

async function find(env: OriginEnv, id: string): Promise<BroadcastRecord | undefined> {
  const stream = streamOfBroadcast(id);
  const facts = stream === undefined ? undefined : await env.LIVE_STREAM.getByName(stream).broadcast(id);
  return stream !== undefined && facts ? recordOf(id, stream, facts) : undefined;
}

function recordOf(id: string, stream: string, facts: BroadcastFacts): BroadcastRecord {
  const { state, startedAt, endedAt, sessions, segments, seconds, gaps, viewers, report, checkAt } = facts;
  return {
    id,
    stream,
    state,
    startedAt: iso(startedAt),
    ...(endedAt !== undefined && { endedAt: iso(endedAt) }),
    sessions: sessions.map(({ ordinal, openedAt, closedAt, transcoder }) => ({
      ordinal,
      openedAt: iso(openedAt),
      ...(closedAt !== undefined && { closedAt: iso(closedAt) }),
      ...(transcoder !== undefined && { transcoder }),
    })),
    segments,
    seconds,
    gaps,
    ...(viewers && { viewers }),
    ...(report && { report: { ...report, missing: [...report.missing], checkedAt: iso(report.checkedAt) } }),
    ...(checkAt !== undefined && { checkAt: iso(checkAt) }),
  };
}

const iso = (ms: number): string => new Date(ms).toISOString();

const answer = (c: Context<App>, status: 200 | 202 | 404, record: BroadcastRecord | undefined): Response =>
  record
    ? c.json(record, status, NO_STORE)
    : respond(problem(404, "unknown-broadcast", "There is no such broadcast."));
