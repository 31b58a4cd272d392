/** Playlists: parse, ask the stream, draw, answer. What to wait for is decided in media/live-edge.ts. */
import { type Context, Hono } from "hono";
import type { ReachError } from "../../durable-objects/live-stream.ts";
import { RENDITION_NAME, STREAM_ID } from "../../media/address.ts";
import { iframePlaylist, mediaPlaylist, multivariantPlaylist } from "../../media/hls.ts";
import type { Reload } from "../../media/live-edge.ts";
import { fail, type Result } from "../../media/result.ts";
import type { Timeline } from "../../media/timeline.ts";
import { type Problem, problem } from "../../wire/problem.ts";
import type { EdgeEnv } from "../env.ts";
import { respond } from "../problems.ts";
import { CORS, cacheControl, type Kind } from "./core/headers.ts";
import { parseDirectives } from "./core/reload.ts";

type C = Context<{ Bindings: EdgeEnv }>;

export const playlists = new Hono<{ Bindings: EdgeEnv }>();

playlists.get("/:stream/index.m3u8", async (c) => {
  const reached = await reach(c, undefined, undefined);
  if (!reached.ok) return refuse(reachProblem(reached.error));
  const { timing } = reached.value;
  return answer(c, multivariantPlaylist(reached.value), { kind: "multivariant", timing });
});

playlists.get("/:stream/:rendition/index.m3u8", (c) => serveRendition(c, mediaPlaylist));

playlists.get("/:stream/:rendition/iframes.m3u8", (c) => serveRendition(c, iframePlaylist, "video"));

/** A rendition's playlist, drawn when what the directives ask for is there. */
async function serveRendition(c: C, draw: typeof mediaPlaylist, only?: "video"): Promise<Response> {
  const directives = parseDirectives(new URL(c.req.url).searchParams);
  if (!directives.ok) {
    const { detail } = directives.error;
    return refuse(problem(400, "bad-directive", "The delivery directives do not fit.", { detail }));
  }
  const { reload, skip } = directives.value;
  const rendition = c.req.param("rendition") ?? "";
  const reached = await reach(c, rendition, reload);
  if (!reached.ok) return refuse(reachProblem(reached.error));
  const timeline = reached.value;
  const kind = timeline.renditions.find(({ name }) => name === rendition)?.kind;
  if (only !== undefined && kind !== only) return refuse(reachProblem({ reason: "no-rendition" }));
  // An ended playlist ignores directives, and its stream may begin another broadcast any moment.
  const blocking = reload !== undefined && !timeline.ended;
  const text = draw(timeline, rendition, skip && { skip });
  return answer(c, text, { kind: "playlist", timing: timeline.timing, blocking });
}

/** Ask the stream; a name that no stream can have does not wake an object. */
async function reach(
  c: C,
  rendition: string | undefined,
  want: Reload | undefined,
): Promise<Result<Timeline, ReachError>> {
  const stream = c.req.param("stream") ?? "";
  if (!STREAM_ID.test(stream)) return fail({ reason: "not-live" });
  if (rendition !== undefined && !RENDITION_NAME.test(rendition)) return fail({ reason: "no-rendition" });
  return c.env.LIVE_STREAM.getByName(stream).reach(rendition, want);
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
      return problem(503, "timed-out", "What was waited for did not come.", { seconds: error.seconds });
  }
}
