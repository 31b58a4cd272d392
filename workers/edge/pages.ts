/** Pages: static files from web/, with headers that let them run nothing but our own scripts. */
import type { Context } from "hono";
import type { EdgeEnv } from "../env.ts";
import { cacheControl, PAGE_SECURITY } from "./core/headers.ts";

/** Serve one built page. */
export async function servePage(c: Context<{ Bindings: EdgeEnv }>, file: string): Promise<Response> {
  const asset = await c.env.ASSETS.fetch(
    new Request(new URL(`/${file}`, c.req.url), { headers: conditions(c) }),
  );
  const headers = new Headers(asset.headers);
  headers.set("cache-control", cacheControl({ kind: "page" }));
  for (const [name, value] of Object.entries(PAGE_SECURITY)) headers.set(name, value);
  return new Response(asset.body, { status: asset.status, headers });
}

/** Only what decides between 200 and 304 is passed on. */
function conditions(c: Context<{ Bindings: EdgeEnv }>): Headers {
  const headers = new Headers();
  const tag = c.req.header("if-none-match");
  if (tag !== undefined) headers.set("if-none-match", tag);
  return headers;
}
