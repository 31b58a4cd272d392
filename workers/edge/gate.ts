/**
 * The gate: everything that is decided about a request before a cache is looked at. Who comes, whether they may, whether
 * there were too many of them; then the answer, and its counting. No viewer's token, query or header goes past it.
 */
import type { Context } from "hono";
import type { Outcome } from "../../wire/edge-report.ts";
import type { Generations } from "../../wire/generations.ts";
import type { Problem } from "../../wire/problem.ts";
import type { EdgeEnv } from "../env.ts";
import { respond } from "../problems.ts";
import { forbidden, mayWatch, undecided } from "./access.ts";
import { type Audience, answerWith, localHeaders, rangeWish, unavailable } from "./answers.ts";
import { outcomeOf } from "./core/cache-status.ts";
import { clientCacheControl, lifetimeOf } from "./core/lifetimes.ts";
import type { Visitor } from "./core/visitor.ts";
import { countMedia, countPlaylist, hearPlayer } from "./counting.ts";
import { knownGenerations } from "./generations.ts";
import { isTooMuch, tooManyRequests } from "./limits.ts";
import { obtainNewest } from "./newest.ts";
import { askThroughCopies } from "./policy-copies.ts";
import { readsOf } from "./reads.ts";
import { streamOf, type Target } from "./targets.ts";

/** What Hono carries with a request at the edge. */
export type EdgeHono = {
  Bindings: EdgeEnv;
  Variables: {
    visitor: Visitor;
    /** What stands before the path: `/p/<token>`, or nothing. */
    base: string;
  };
};

/** A request at the edge, and who makes it. */
export type EdgeContext = Context<EdgeHono>;

/** How a target is served. */
export interface Serving extends Omit<Audience, "isPlain"> {
  /** What is answered where there is nothing for this visitor: the same whether or not there is something for others. */
  readonly hidden: Problem;
  readonly limit?: RateLimit | undefined;
}

/** Serve a target to whoever may have it. */
export async function serve(c: EdgeContext, target: Target, serving: Serving): Promise<Response> {
  const request = c.req.raw;
  if (serving.limit && (await isTooMuch(serving.limit, request))) return tooManyRequests();
  // First: a purge may be of what is remembered about who may watch.
  const generations = await knownGenerations(c.env, c.executionCtx);
  const stream = streamOf(target);
  const refusal = stream === undefined ? undefined : await refuse(c, stream, serving.hidden, generations);
  if (refusal) return refusal;
  if (stream !== undefined && target.kind !== "status") hearPlayer(c.env, c.executionCtx, request, stream);
  const asking = askingOf(c, generations);
  const { found, isPlain } = await obtainNewest(asking, target, wishOf(request, serving));
  if (found === "too-many") return tooManyRequests();
  count(c, target, found === "unavailable" ? "error" : outcomeOf(found.story));
  if (found === "unavailable") return unavailable();
  return answerWith(request, found, { ...serving, isPlain });
}

/** The answer to who may not watch a stream: the same as for its playlists, when `hidden` is. */
export async function refuseWatching(
  c: EdgeContext,
  stream: string,
  hidden: Problem,
): Promise<Response | undefined> {
  return refuse(c, stream, hidden, await knownGenerations(c.env, c.executionCtx));
}

/** Anything but a yes. */
async function refuse(
  c: EdgeContext,
  stream: string,
  hidden: Problem,
  generations: Generations | undefined,
): Promise<Response | undefined> {
  const ask = askThroughCopies(c.env, c.executionCtx, generations);
  switch (await mayWatch(ask, c.executionCtx, c.get("visitor"), stream)) {
    case "yes":
      return undefined;
    case "forbidden":
      return forbidden();
    case "hidden":
      return nothingHere(hidden);
    case "unknown":
      return undecided();
  }
}

const wishOf = (request: Request, { ranges }: Serving) => {
  const range = ranges ? rangeWish(request) : undefined;
  return range ? { range } : {};
};

const askingOf = ({ env, executionCtx: ctx, req }: EdgeContext, generations: Generations | undefined) => ({
  env,
  generations,
  // Hono's own type of it knows less than the runtime's.
  ctx: ctx as ExecutionContext,
  reads: readsOf(env, ctx),
  mayRead: async () => !(await isTooMuch(env.MISS_LIMIT, req.raw)),
});

function count(c: EdgeContext, target: Target, outcome: Outcome | undefined): void {
  const stream = streamOf(target);
  if (stream === undefined || outcome === undefined) return;
  if (target.kind === "media") countMedia(c.env, c.executionCtx, stream, outcome);
  if (target.kind === "playlist") countPlaylist(c.env, c.executionCtx, stream, outcome);
}

/** There is nothing, as far as this visitor may know. */
export const nothingHere = (value: Problem): Response => refusal(value, "absent");

/** A request that cannot be answered, whoever makes it. */
export const refusal = (value: Problem, detail = "refused"): Response =>
  respond(value, {
    ...localHeaders(detail),
    "cache-control": clientCacheControl(lifetimeOf({ kind: "refusal" })),
  });
