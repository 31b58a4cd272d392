/** JSON for the pages: which streams are live, and how one does. */
import { Hono } from "hono";
import { STREAM_ID } from "../../media/address.ts";
import { parseJson } from "../../wire/parse.ts";
import { StreamStatusSchema } from "../../wire/public.ts";
import { notFound } from "../problems.ts";
import { unknownStream } from "./fills.ts";
import { type EdgeHono, nothingHere, serve } from "./gate.ts";

export const api = new Hono<EdgeHono>();

api.get("/streams", (c) =>
  serve(c, { kind: "live-streams" }, { hidden: unknownStream(), limit: c.env.API_LIMIT }),
);

api.get("/streams/:id", async (c) => {
  const stream = c.req.param("id");
  if (!STREAM_ID.test(stream)) return nothingHere(unknownStream());
  const answer = await serve(
    c,
    { kind: "status", stream },
    { hidden: unknownStream(), limit: c.env.API_LIMIT },
  );
  return c.get("base") === "" || answer.status !== 200 ? answer : below(c.get("base"), answer);
});

api.notFound(() => nothingHere(notFound()));

/** The same, with addresses that go on below the signed path that it was asked for under. */
async function below(base: string, answer: Response): Promise<Response> {
  const text = await answer.text();
  const status = parseJson(StreamStatusSchema, text);
  const headers = new Headers(answer.headers);
  headers.delete("content-length");
  headers.delete("etag");
  if (!status.ok || status.value.playlist === undefined) return new Response(text, { headers });
  const { playlist } = status.value;
  return new Response(JSON.stringify({ ...status.value, playlist: `${base}${playlist}` }), { headers });
}
