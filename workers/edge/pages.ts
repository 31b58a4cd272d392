/** Pages: static files from web/, with headers that let them run nothing but our own scripts. */
import { cacheStatus } from "./core/cache-status.ts";
import { PAGE_SECURITY } from "./core/headers.ts";
import { clientCacheControl, forBearer, lifetimeOf } from "./core/lifetimes.ts";
import type { EdgeContext } from "./gate.ts";
import { newViewerCookie } from "./viewer.ts";

/** Serve the watch page. Whoever has no viewer cookie gets one with it. */
export async function serveWatchPage(c: EdgeContext): Promise<Response> {
  const page = await servePage(c, "watch.html");
  const cookie = c.req.raw.method === "GET" ? await newViewerCookie(c.env, c.req.raw) : undefined;
  if (cookie === undefined) return page;
  page.headers.append("set-cookie", cookie);
  // This one answer is one viewer's. Caches that others share have to ask anew for each viewer in any case, and may go on keeping
  // the page itself: the next one comes without a cookie.
  page.headers.set("cache-control", forBearer(page.headers.get("cache-control") ?? "no-store"));
  return page;
}

/** Serve one built page; with a status of its own it is always sent whole. */
export async function servePage(c: EdgeContext, file: string, status?: number): Promise<Response> {
  const asset = await c.env.ASSETS.fetch(
    new Request(new URL(`/${file}`, c.req.url), status === undefined ? { headers: conditions(c) } : {}),
  );
  const headers = new Headers(asset.headers);
  const kept = lifetimeOf({ kind: status === undefined ? "page" : "refused-page" });
  headers.set("cache-control", clientCacheControl(kept));
  headers.set("cache-status", cacheStatus({ how: "bypass", detail: "page", status: asset.status }));
  // Browsers say how wide they are only to those who ask.
  headers.set("accept-ch", "Sec-CH-Viewport-Width");
  for (const [name, value] of Object.entries(PAGE_SECURITY)) headers.set(name, value);
  return new Response(asset.body, { status: status ?? asset.status, headers });
}

/** Serve the service worker of /messages: its address is for ever the same, so a browser asks for it anew each time. */
export async function serveScript(c: EdgeContext, file: string): Promise<Response> {
  const script = await servePage(c, file);
  script.headers.delete("accept-ch");
  // It is at the root so that its scope may be /messages, and it rules no more than that.
  script.headers.set("service-worker-allowed", "/messages");
  return script;
}

/** Only what decides between 200 and 304 is passed on. */
function conditions(c: EdgeContext): Headers {
  const headers = new Headers();
  const tag = c.req.header("if-none-match");
  if (tag !== undefined) headers.set("if-none-match", tag);
  return headers;
}
