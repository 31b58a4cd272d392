/** Playlists: parse, then the gate. What to wait for is decided in media/live-edge.ts, what to show in core/device.ts. */
import { RENDITION_NAME, STREAM_ID } from "../../media/address.ts";
import { problem } from "../../wire/problem.ts";
import { notFound } from "../problems.ts";
import { forbidden } from "./access.ts";
import { chooseDevice, parseMax, viewOf } from "./core/device.ts";
import { parsePlaylistPath } from "./core/playlist-path.ts";
import { parseDirectives } from "./core/reload.ts";
import { allowsRendition } from "./core/visitor.ts";
import { noRendition, notLive } from "./fills.ts";
import { type EdgeContext, nothingHere, refusal, serve } from "./gate.ts";
import { countPolledViewer } from "./polled-viewers.ts";

/** Serve `GET` and `HEAD /live/…`. */
export async function servePlaylist(c: EdgeContext): Promise<Response> {
  const path = parsePlaylistPath(c.req.path.slice(c.get("base").length + "/live/".length));
  if (!path) return nothingHere(notFound());
  switch (path.kind) {
    case "multivariant":
      return serveMultivariant(c, path.stream);
    case "timeline":
      return serveTimeline(c, path.stream);
    case "media":
    case "iframes":
      return serveRendition(c, path.kind, path.stream, path.rendition);
  }
}

/** The multivariant playlist, as this device and this token want it. */
async function serveMultivariant(c: EdgeContext, stream: string): Promise<Response> {
  const query = new URL(c.req.url).searchParams;
  const wrong = directivesProblem(query);
  if (wrong) return refusal(wrong);
  const max = parseMax(query.get("max"));
  if (!max.ok)
    return refusal(
      problem(400, max.error.reason, "The parameters do not fit.", { detail: max.error.detail }),
    );
  if (!STREAM_ID.test(stream)) return nothingHere(notLive());
  const { device, dependsOn } = chooseDevice(max.value, (name) => c.req.raw.headers.get(name));
  const view = viewOf(device, c.get("visitor").maxHeight);
  return serve(
    c,
    { kind: "playlist", stream, request: { kind: "multivariant", ...(view && { view }) } },
    { ...servingOf(c), vary: ["Accept-Encoding", ...dependsOn] },
  );
}

/** The timeline that a socket's events go on from: what all playlists are drawn from, for players that draw them. */
async function serveTimeline(c: EdgeContext, stream: string): Promise<Response> {
  const wrong = directivesProblem(new URL(c.req.url).searchParams);
  if (wrong) return refusal(wrong);
  if (!STREAM_ID.test(stream)) return nothingHere(notLive());
  // It names every rendition. Who may not have all of them asks for playlists, as players without a socket do.
  if (c.get("visitor").maxHeight !== undefined) return forbidden();
  return serve(c, { kind: "playlist", stream, request: { kind: "timeline" } }, servingOf(c));
}

async function serveRendition(
  c: EdgeContext,
  kind: "media" | "iframes",
  stream: string,
  rendition: string,
): Promise<Response> {
  const directives = parseDirectives(new URL(c.req.url).searchParams);
  if (!directives.ok) return refusal(badDirective(directives.error.detail));
  // A name that no stream or rendition can have wakes no object.
  if (!STREAM_ID.test(stream)) return nothingHere(notLive());
  if (!RENDITION_NAME.test(rendition)) return nothingHere(noRendition());
  if (!allowsRendition(c.get("visitor"), rendition)) return forbidden();
  const { reload, skip } = directives.value;
  const request = { kind, rendition, ...(skip && { skip }) };
  const target = { kind: "playlist", stream, request, ...(reload && { reload }) } as const;
  const answer = await serve(c, target, servingOf(c));
  if (kind === "media" && isWatching(c.req.method, answer) && c.req.query("counted") !== "socket")
    countPolledViewer(c.env, c.executionCtx, c.req.raw, stream);
  return answer;
}

/** Whoever was given a playlist watches, also one that it has already; whoever only looks at its headers does not. */
const isWatching = (method: string, { status }: Response): boolean =>
  method === "GET" && (status === 200 || status === 304);

const directivesProblem = (query: URLSearchParams) => {
  const directives = parseDirectives(query);
  return directives.ok ? undefined : badDirective(directives.error.detail);
};

const badDirective = (detail: string) =>
  problem(400, "bad-directive", "The delivery directives do not fit.", { detail });

/**
 * Playlists are text that repeats itself: the runtime compresses what is labelled gzip (Apple 10.1 demands it).
 * The platform overwrites Accept-Encoding on its way here; what the client sent stands in `cf`.
 */
function servingOf(c: EdgeContext) {
  const sent = c.req.raw.cf?.clientAcceptEncoding ?? c.req.header("accept-encoding");
  const gzip = typeof sent === "string" && /\bgzip\b/i.test(sent);
  return { hidden: notLive(), limit: c.env.PLAYLIST_LIMIT, gzip, vary: ["Accept-Encoding"] };
}
