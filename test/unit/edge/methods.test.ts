/** Methods of the edge's paths, and their preflights. */
import { expect, it } from "vitest";
import { PREFLIGHT } from "../../../workers/edge/core/headers.ts";
import { methodsOf, preflight } from "../../../workers/edge/core/methods.ts";

it.each([
  ["/api/guest", "POST, OPTIONS"],
  ["/api/guest/", "GET, HEAD, OPTIONS"],
  ["/p/x/api/guest", "GET, HEAD, OPTIONS"],
  ["/api/streams", "GET, HEAD, OPTIONS"],
  ["/connection/websocket", "GET, HEAD, OPTIONS"],
  ["/", "GET, HEAD, OPTIONS"],
])("%s takes %s", (path, allow) => {
  expect(methodsOf(path).join(", ")).toBe(allow);
  expect(preflight(methodsOf(path))["access-control-allow-methods"]).toBe(allow);
});

it("lets other sites send JSON to where something is made, and read as before", () => {
  expect(preflight(methodsOf("/api/guest"))).toEqual({
    ...PREFLIGHT,
    "access-control-allow-methods": "POST, OPTIONS",
    "access-control-allow-headers": "Content-Type",
  });
  expect(preflight(methodsOf("/"))).toEqual(PREFLIGHT);
});
