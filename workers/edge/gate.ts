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
import { type Nothing, obtain } from "./cache.ts";
import { outcomeOf } from "./core/cache-status.ts";
import { readAllowance } from "./core/freshness.ts";
import { clientCacheControl, lifetimeOf } from "./core/lifetimes.ts";
import type { Visitor } from "./core/visitor.ts";
import { countBucketRead, countMedia, countPlaylist, countStreamCall, hearPlayer } from "./counting.ts";
import { COPY, type Found } from "./found.ts";
import { knownGenerations } from "./generations.ts";
import { isTooMuch, tooManyRequests } from "./limits.ts";
import { newestOf, noteAnswered } from "./newest.ts";
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
export interface Serving extends Omit<Audience, "signed" | "isPlain"> {
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
  const refusal = await refuse(c, target, serving.hidden);
  if (refusal) return refusal;
  const stream = streamOf(target);
  if (stream !== undefined && target.kind !== "status") hearPlayer(c.env, c.executionCtx, request, stream);
  const asking = askingOf(c, stream ?? "", generations);
  const newest = newestOf(target);
  let found = await obtain(asking, newest, wishOf(request, serving));
  const isPlain = newest !== target;
  if (isPlain && !isRightForPlain(found)) {
    if (typeof found !== "string") await found.body?.cancel();
    found = await obtain(asking, target, {});
  } else if (isNews(found)) noteAnswered(newest);
  if (found === "too-many") return tooManyRequests();
  count(c, target, found === "unavailable" ? "error" : outcomeOf(found.story));
  if (found === "unavailable") return unavailable();
  return answerWith(request, found, { ...serving, signed: c.get("visitor").signed, isPlain });
}

/** The answer to somebody who waited may be kept longer than a plain one: a request for what is long past is given an old one. */
function isRightForPlain(found: Found | Nothing): boolean {
  if (typeof found === "string" || found.status !== 200 || found.story.how === "stale") return false;
  return found.ageSeconds < readAllowance(found.headers.get(COPY.plainEdge)).maxAge;
}

/** A playlist that was drawn just now: not one that stands in for it, and not one that others were given long ago. */
const isNews = (found: Found | Nothing): boolean =>
  typeof found !== "string" &&
  found.status === 200 &&
  found.story.how !== "stale" &&
  found.ageSeconds < NEWS_SECONDS;
const NEWS_SECONDS = 1;

/** Anything but a yes. */
async function refuse(c: EdgeContext, target: Target, hidden: Problem): Promise<Response | undefined> {
  const stream = streamOf(target);
  if (stream === undefined) return undefined;
  switch (await mayWatch(c.env, c.executionCtx, c.get("visitor"), stream)) {
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

const askingOf = (
  { env, executionCtx: ctx, req }: EdgeContext,
  stream: string,
  generations: Generations | undefined,
) => ({
  env,
  generations,
  // Hono's own type of it knows less than the runtime's.
  ctx: ctx as ExecutionContext,
  reads: {
    bucketRead: () => countBucketRead(env, ctx, stream),
    streamCall: () => countStreamCall(env, ctx, stream),
  },
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
    "cache-control": clientCacheControl(lifetimeOf({ kind: "refusal" }), false),
  });
