/** The operator's purges: what is asked is checked here; the Purges object does it (docs/edge.md, "Purge"). */
import { Hono } from "hono";
import { broadcastOf, taskOf } from "../../durable-objects/core/removal.ts";
import type { Purges } from "../../durable-objects/purges.ts";
import { fail, ok, type Result } from "../../media/result.ts";
import { type Problem, problem } from "../../wire/problem.ts";
import { type PurgeRequest, PurgeRequestSchema } from "../../wire/purge.ts";
import { parsePrefix, type Scope } from "../../wire/purge-prefix.ts";
import type { OriginEnv } from "../env.ts";
import { respond } from "../problems.ts";
import { adminOnly } from "./admin-only.ts";
import { readJson } from "./body.ts";
import { NO_STORE } from "./no-store.ts";

/** As many prefixes as there may be, as long as they may be. */
const MAX_BYTES = 128 * 1024;

/** `/purge`. */
export const purge = new Hono<{ Bindings: OriginEnv }>();

purge.use(adminOnly);

purge.post("/", async (c) => {
  const wanted = await readJson(c.req.raw, PurgeRequestSchema, MAX_BYTES);
  if (!wanted.ok) return respond(wanted.error);
  const prefixes = understand(wanted.value);
  if (!prefixes.ok) return respond(prefixes.error);
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

/** What is meant, each scope once; an empty list is everything. */
function understand({
  prefixes,
  all,
  soft,
  delete: remove,
}: PurgeRequest): Result<readonly Scope[], Problem> {
  const scopes = new Map<string, Scope>();
  let namesEverything = false;
  for (const prefix of prefixes) {
    const parsed = parsePrefix(prefix);
    if (parsed.ok) scopes.set(parsed.value.scope, parsed.value);
    else if (parsed.error.reason === "everything") namesEverything = true;
    else {
      const { detail } = parsed.error;
      return fail(problem(400, "bad-prefix", "A prefix was not understood.", { detail, prefix }));
    }
  }
  if (namesEverything && !all)
    return fail(
      problem(
        400,
        "purges-everything",
        "An empty prefix or / purges everything. Say all: true if that is meant.",
      ),
    );
  if (scopes.size === 0 && !all) return fail(problem(400, "no-prefix", "Name at least one prefix to purge."));
  if (all && remove)
    return fail(
      problem(400, "delete-everything", "Not everything can be removed at once. Name the streams to remove."),
    );
  if (soft && remove)
    return fail(
      problem(
        400,
        "soft-delete",
        "What is removed cannot be served while it is fetched again: soft or delete.",
      ),
    );
  const drawn = remove ? [...scopes.keys()].find((scope) => !taskOf(scope)) : undefined;
  if (drawn !== undefined)
    return fail(
      problem(400, "nothing-to-remove", "Playlists are drawn, not stored: there is nothing to remove.", {
        prefix: drawn,
      }),
    );
  return ok(all ? [] : [...scopes.values()]);
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
