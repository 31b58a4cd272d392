/** A watch page finds its stream and its signed path in its own address, and says when that does not open. */
import { afterEach, expect, it, vi } from "vitest";
import { askStatus } from "../../../web/player/api.ts";
import { placeOf, socketUrl, statusPath, timelinePath } from "../../../web/player/place.ts";
import { decide, INITIAL, type PlayerEvent, phaseOf } from "../../../web/player/state.ts";
import { messageOf } from "../../../web/player/words.ts";

afterEach(() => vi.unstubAllGlobals());

it.each([
  ["/watch/radio", "", "radio"],
  ["/watch/radio/", "", "radio"],
  ["/p/a.b-_.c/watch/radio", "/p/a.b-_.c", "radio"],
  // A stream may have the name of a path.
  ["/p/a.b.c/watch/watch", "/p/a.b.c", "watch"],
  ["/watch/watch", "", "watch"],
  ["/watch/No%2FGood", "", "-"],
  ["/watch/%", "", "-"],
  ["/watch/", "", "-"],
  ["/p/a.b.c/watch/..", "/p/a.b.c", "-"],
  ["/", "", "-"],
])("%s", (pathname, base, stream) => {
  expect(placeOf(pathname)).toEqual({ base, stream });
  expect(statusPath({ base, stream })).toBe(`${base}/api/streams/${stream}`);
});

it.each([
  [
    "/watch/radio",
    "https:",
    "wss://edge.example/connection/websocket?stream=radio",
    "/live/radio/timeline.json",
  ],
  [
    "/p/a.b.c/watch/radio",
    "http:",
    "ws://edge.example/p/a.b.c/connection/websocket?stream=radio",
    "/p/a.b.c/live/radio/timeline.json",
  ],
])("finds the socket and the timeline of %s", (pathname, protocol, socket, timeline) => {
  expect(socketUrl(placeOf(pathname), { protocol, host: "edge.example" })).toBe(socket);
  expect(timelinePath(placeOf(pathname))).toBe(timeline);
});

it("asks below its signed path, and tells a refusal from a stream that is not there", async () => {
  const asked: string[] = [];
  let status = 403;
  vi.stubGlobal("fetch", async (path: string) => {
    asked.push(path);
    return new Response("{}", { status });
  });
  const place = placeOf("/p/a.b.c/watch/radio");
  expect((await askStatus(place)).status).toEqual({ ok: false, error: "closed" });
  status = 404;
  expect((await askStatus(place)).status).toEqual({ ok: false, error: "missing" });
  status = 503;
  expect((await askStatus(place)).status).toEqual({ ok: false, error: "unanswered" });
  expect(new Set(asked)).toEqual(new Set(["/p/a.b.c/api/streams/radio"]));
});

it("ends what plays when the signed path ends, says so, and goes on asking", () => {
  const random = 0.5;
  const status = {
    id: "radio",
    title: "",
    profile: "low",
    state: "live",
    playlist: "/p/t/live/radio/index.m3u8",
  } as const;
  const events: readonly PlayerEvent[] = [{ type: "status", status, random }, { type: "playing" }];
  let state = INITIAL;
  for (const event of events) state = decide(state, event).state;
  const closed = decide(state, { type: "closed", random });
  expect(phaseOf(closed.state)).toBe("closed");
  expect(closed.effects).toEqual([{ type: "close" }, { type: "ask-later", afterMs: 10_000 }]);
  expect(messageOf("closed", "radio", false)).toMatchObject({ busy: false });
  // One that begins later opens by itself.
  expect(decide(closed.state, { type: "status", status, random }).effects[0]).toMatchObject({ type: "open" });
});
