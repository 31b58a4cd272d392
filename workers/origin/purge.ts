/** The operator's purges: what is asked is read by wire/purge-request.ts, and done by the Purges object (docs/edge.md, "Purge"). */
import { Hono } from "hono";
import { broadcastOf } from "../../durable-objects/core/purging/removal.ts";
import type { Purges } from "../../durable-objects/purging/purges.ts";
import { type Problem, problem } from "../../wire/problem.ts";
import { PurgeRequestSchema } from "../../wire/purge.ts";
import type { Scope } from "../../wire/purge-prefix.ts";
import { type PurgeRefusal, scopesMeant } from "../../wire/purge-request.ts";
import { readJson } from "../body.ts";
import type { OriginEnv } from "../env.ts";
import { respond } from "../problems.ts";
import { adminOnly } from "./admin-only.ts";
import { NO_STORE } from "./no-store.ts";

/** As many prefixes as there may be, as long as they may be. */
const MAX_BYTES = 128 * 1024;

/** `/purge`. */
export const purge = new Hono<{ Bindings: OriginEnv }>();

purge.use(adminOnly);

purge.post("/", async (c) => {
  const wanted = await readJson(c.req.raw, PurgeRequestSchema, MAX_BYTES);
  if (!wanted.ok) return respond(wanted.error);
  const prefixes = scopesMeant(wanted.value);
  if (!prefixes.ok) return respond(refusalProblem(prefixes.error));
  const { soft, delete: remove } = wanted.value;
  const live = remove ? await firstLive(c.env, prefixes.value) : undefined;
  if (live !== undefined) return respond(liveProblem(live));
  return c.json(await purgesOf(c.env).purge({ prefixes: prefixes.value, soft, remove }), 202, NO_STORE);
});

purge.get("/", async (c) => c.json({ purges: await purgesOf(c.env).list() }, 200, NO_STORE));

purge.get("/:id", async (c) => {
  const record = await purgesOf(c.env).find(c.req.param("id"));
  return record
    ? c.json(record, 200, NO_STORE)
    : respond(problem(404, "unknown-purge", "There is no such purge."));
});

const purgesOf = (env: OriginEnv): DurableObjectStub<Purges> => env.PURGES.getByName("purges");

/** A refusal in words. */
function refusalProblem(refusal: PurgeRefusal): Problem {
  switch (refusal.reason) {
    case "bad-prefix": {
      const { detail, prefix } = refusal;
      return problem(400, "bad-prefix", "A prefix was not understood.", { detail, prefix });
    }
    case "purges-everything":
      return problem(
        400,
        "purges-everything",
        "An empty prefix or / purges everything. Say all: true if that is meant.",
      );
    case "no-prefix":
      return problem(400, "no-prefix", "Name at least one prefix to purge.");
    case "delete-everything":
      return problem(
        400,
        "delete-everything",
        "Not everything can be removed at once. Name the streams to remove.",
      );
    case "soft-delete":
      return problem(
        400,
        "soft-delete",
        "What is removed cannot be served while it is fetched again: soft or delete.",
      );
    case "nothing-to-remove":
      return problem(
        400,
        "nothing-to-remove",
        "Playlists are drawn, not stored: there is nothing to remove.",
        { prefix: refusal.prefix },
      );
  }
}

/** The first scope with a broadcast that is under way. */
async function firstLive(env: OriginEnv, scopes: readonly Scope[]): Promise<string | undefined> {
  const now = Date.now();
  const spared = await Promise.all(
    scopes.map(({ scope, stream }) => env.LIVE_STREAM.getByName(stream).spared(broadcastOf(scope), now)),
  );
  return scopes[spared.findIndex((broadcasts) => broadcasts.length > 0)]?.scope;
}

const liveProblem = (prefix: string): Problem =>
  problem(409, "live", "A broadcast that is under way loses nothing. End it, or disable its stream, first.", {
    prefix,
  });
