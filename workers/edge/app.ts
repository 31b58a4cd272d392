/** All that viewers reach: routes, and what holds for each of them. Nothing of origin is behind it. */
import { Hono } from "hono";
import { methodNotAllowed, notFound, respond } from "../problems.ts";
import { forbidden, readVisitor } from "./access.ts";
import { failed, localHeaders } from "./answers.ts";
import { api } from "./api.ts";
import { cacheStatus } from "./core/cache-status.ts";
import { CORS } from "./core/headers.ts";
import { forBearer } from "./core/lifetimes.ts";
import { GUEST_PATH, methodsOf, PHOTOS_PATH, preflight } from "./core/methods.ts";
import { UNSIGNED } from "./core/visitor.ts";
import { type EdgeHono, nothingHere } from "./gate.ts";
import { serveGuest } from "./guest.ts";
import { tooLarge } from "./limits.ts";
import { serveMedia } from "./media.ts";
import { servePage, serveScript, serveWatchPage } from "./pages.ts";
import { getPhoto, putPhoto } from "./photos.ts";
import { servePlaylist } from "./playlists.ts";
import { serveSocket } from "./socket.ts";

const WATCH_PAGE = /^\/p\/[^/]*\/watch\/[^/]+$/;

/** What can be watched, at `/` and below a signed path. */
const watching = new Hono<EdgeHono>();
watching.get("/watch/:stream", serveWatchPage);
watching.get("/live/*", servePlaylist);
watching.get("/media/*", serveMedia);
watching.get("/connection/websocket", serveSocket);
watching.route("/api", api);

export const edgeApp = new Hono<EdgeHono>();

edgeApp.use(async (c, next) => {
  await next();
  // A socket's answer is the platform's: nothing can be added to it.
  if (c.res.webSocket) return;
  const { headers } = c.res;
  if (c.req.path.startsWith("/p/")) {
    headers.set("x-robots-tag", "noindex");
    // What a token opens is not for caches that others share, and not even a refusal is.
    headers.set("cache-control", forBearer(headers.get("cache-control") ?? "no-store"));
    headers.set("cdn-cache-control", "no-store");
  }
  // Players learn the server's clock from it; the platform adds one in production, and none locally.
  if (!headers.has("date")) headers.set("date", new Date().toUTCString());
  // What says nothing of caches that are not the client's is not for them.
  if (!headers.has("cdn-cache-control")) headers.set("cdn-cache-control", "no-store");
  if (!headers.has("cache-status"))
    headers.set("cache-status", cacheStatus({ how: "local", detail: "refused" }));
});

edgeApp.use(async (c, next) => {
  const methods = methodsOf(c.req.path);
  if (c.req.method === "OPTIONS")
    return new Response(null, {
      status: 204,
      headers: { ...preflight(methods), ...localHeaders("preflight") },
    });
  if (!methods.includes(c.req.method))
    return respond(methodNotAllowed(), { ...CORS, allow: methods.join(", ") });
  const refusal = tooLarge(c.req.raw);
  if (refusal) return refusal;
  c.set("visitor", UNSIGNED);
  c.set("base", "");
  return next();
});

// Before the cache: a token is looked at with every request that carries one, and whatever is behind it.
edgeApp.use("/p/*", async (c, next) => {
  const token = new URL(c.req.url).pathname.split("/")[2] ?? "";
  const visitor = await readVisitor(c.env, c.req.raw, token, Date.now());
  // Whose link has run out sees a page that says so.
  if (!visitor.ok) return WATCH_PAGE.test(c.req.path) ? servePage(c, "watch.html", 403) : forbidden();
  c.set("visitor", visitor.value);
  c.set("base", `/p/${token}`);
  return next();
});

edgeApp.get("/", (c) => servePage(c, "index.html"));
edgeApp.get("/messages", (c) => servePage(c, "messages.html"));
edgeApp.get("/notifications.js", (c) => serveScript(c, "notifications.js"));
edgeApp.post(GUEST_PATH, serveGuest);
edgeApp.get(`${PHOTOS_PATH}*`, getPhoto);
edgeApp.put(`${PHOTOS_PATH}*`, putPhoto);
edgeApp.route("/p/:token", watching);
edgeApp.route("/", watching);

edgeApp.notFound(() => nothingHere(notFound()));
edgeApp.onError((error) => {
  console.error("edge", error);
  return failed();
});
