/** All that viewers reach. It serves and caches; it decides no state, and nothing of origin is behind it. */
import { Hono } from "hono";
import type { EdgeEnv } from "../env.ts";
import { internal, methodNotAllowed, notFound, respond } from "../problems.ts";
import { api } from "./api.ts";
import { CORS, cacheControl, PREFLIGHT } from "./core/headers.ts";
import { serveMedia } from "./media.ts";
import { servePage } from "./pages.ts";
import { playlists } from "./playlists.ts";

export const edgeApp = new Hono<{ Bindings: EdgeEnv }>();

edgeApp.use(async (c, next) => {
  if (c.req.method === "OPTIONS") return new Response(null, { status: 204, headers: PREFLIGHT });
  if (c.req.method !== "GET" && c.req.method !== "HEAD") {
    return respond(methodNotAllowed(), { allow: "GET, HEAD, OPTIONS" });
  }
  return next();
});

// Players learn the server's clock from it; the platform adds one in production, and none locally.
edgeApp.use(async (c, next) => {
  await next();
  if (!c.res.headers.has("date")) c.header("date", new Date().toUTCString());
});

edgeApp.get("/", (c) => servePage(c, "index.html"));
edgeApp.get("/watch/:stream", (c) => servePage(c, "watch.html"));
edgeApp.route("/live", playlists);
edgeApp.get("/media/*", serveMedia);
edgeApp.route("/api", api);

edgeApp.notFound(() =>
  respond(notFound(), { ...CORS, "cache-control": cacheControl({ kind: "live-edge-error" }) }),
);
edgeApp.onError((error) => {
  console.error("edge", error);
  return respond(internal(), CORS);
});
