/** Media objects: parse the path, then the gate. Immutable, so everything here may be cached once it exists. */
import { parseMediaPath, streamOfBroadcast } from "../../media/address.ts";
import { notFound } from "../problems.ts";
import { forbidden } from "./access.ts";
import { allowsRendition } from "./core/visitor.ts";
import { type EdgeContext, nothingHere, serve } from "./gate.ts";

/** Serve `GET` and `HEAD /media/<broadcast>/<session>/<rendition>/<file>`. */
export async function serveMedia(c: EdgeContext): Promise<Response> {
  const address = parseMediaPath(c.req.path.slice(c.get("base").length + "/media/".length));
  const stream = address && streamOfBroadcast(address.broadcast);
  if (!address || stream === undefined) return nothingHere(notFound());
  if (!allowsRendition(c.get("visitor"), address.rendition)) return forbidden();
  return serve(c, { kind: "media", stream, address }, { hidden: notFound(), ranges: true });
}
