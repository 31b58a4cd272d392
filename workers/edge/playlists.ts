/** Playlists: parse, ask the stream, answer. What to wait for is decided in media/live-edge.ts. */
import { type Context, Hono } from "hono";
import type { ReachError } from "../../durable-objects/answers.ts";
import type { DrawRequest, RenditionRequest } from "../../durable-objects/drawings.ts";
import { RENDITION_NAME, STREAM_ID } from "../../media/address.ts";
import { type Problem, problem } from "../../wire/problem.ts";
import type { EdgeEnv } from "../env.ts";
import { respond } from "../problems.ts";
import { CORS, cacheControl, type Kind } from "./core/headers.ts";
import { parseDirectives } from "./core/reload.ts";

type C = Context<{ Bindings: EdgeEnv }>;

export const playlists = new Hono<{ Bindings: EdgeEnv }>();

playlists.get("/:stream/index.m3u8", (c) => serve(c, { kind: "multivariant" }));
playlists.get("/:stream/:rendition/index.m3u8", (c) => serve(c, renditionOf(c, "media")));
playlists.get("/:stream/:rendition/iframes.m3u8", (c) => serve(c, renditionOf(c, "iframes")));

const renditionOf = (c: C, kind: "media" | "iframes"): RenditionRequest => ({
  kind,
  rendition: c.req.param("rendition") ?? "",
});

/** Ask the stream for a playlist; a name that no stream or rendition can have does not wake an object. */
async function serve(c: C, request: DrawRequest): Promise<Response> {
  const directives = parseDirectives(new URL(c.req.url).searchParams);
  if (!directives.ok) {
    const { detail } = directives.error;
    return refuse(problem(400, "bad-directive", "The delivery directives do not fit.", { detail }));
  }
  const stream = c.req.param("stream") ?? "";
  if (!STREAM_ID.test(stream)) return refuse(reachProblem({ reason: "not-live" }));
  if (request.kind !== "multivariant" && !RENDITION_NAME.test(request.rendition)) {
    return refuse(reachProblem({ reason: "no-rendition" }));
  }
  // Directives are for renditions; the multivariant playlist has nothing to wait for.
  const { reload, skip } = request.kind === "multivariant" ? {} : directives.value;
  const wanted = request.kind !== "multivariant" && skip ? { ...request, skip } : request;
  const drawn = await c.env.LIVE_STREAM.getByName(stream).playlist(wanted, reload);
  if (!drawn.ok) return refuse(reachProblem(drawn.error));
  const { text, timing, ended } = drawn.value;
  // An ended playlist ignores directives, and its stream may begin another broadcast any moment.
  return answer(c, text, { kind: "playlist", timing, blocking: reload !== undefined && !ended });
}

/**
 * Playlists are text that repeats itself: the runtime compresses what is labelled gzip (Apple 10.1 demands it).
 * The platform overwrites Accept-Encoding on its way here; what the client sent stands in `cf`.
 */
function answer(c: C, text: string, kind: Kind): Response {
  const sent = c.req.raw.cf?.clientAcceptEncoding ?? c.req.header("accept-encoding");
  const gzip = typeof sent === "string" && /\bgzip\b/i.test(sent);
  return new Response(text, {
    headers: {
      ...CORS,
      "content-type": "application/vnd.apple.mpegurl",
      "cache-control": cacheControl(kind),
      vary: "Accept-Encoding",
      ...(gzip && { "content-encoding": "gzip" }),
    },
  });
}

function refuse(value: Problem): Response {
  const headers: Record<string, string> = {
    ...CORS,
    "cache-control": cacheControl({ kind: "live-edge-error" }),
  };
  if (value.status === 503) Object.assign(headers, { "retry-after": "1", "cache-control": "no-store" });
  return respond(value, headers);
}

function reachProblem(error: ReachError): Problem {
  switch (error.reason) {
    case "not-live":
      return problem(404, "not-live", "Nothing is being broadcast here.");
    case "no-rendition":
      return problem(404, "no-rendition", "There is no such rendition.");
    case "too-far":
      return problem(400, "too-far", "That is further ahead than a client may wait for.");
    case "timed-out":
      return problem(503, "timed-out", "What was waited for did not come.");
  }
}
