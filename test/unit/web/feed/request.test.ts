/** A playlist request is read from the URL that hls.js made, CMCD and signed paths included. */
import { expect, it } from "vitest";
import { requestOf } from "../../../../web/player/feed/request.ts";

const open = { base: "", stream: "demo" };
const signed = { base: "/p/a.b.c", stream: "demo" };
const EDGE = "https://edge.example";

it.each([
  ["a plain reload", "/live/demo/v720/index.m3u8", { rendition: "v720" }],
  [
    "a blocking reload of a part",
    "/live/demo/v720/index.m3u8?_HLS_msn=7&_HLS_part=2&_HLS_skip=YES&CMCD=bl%3D100",
    { rendition: "v720", reload: { msn: 7, part: 2 }, skip: "YES" },
  ],
  [
    "a blocking reload of a segment",
    "/live/demo/audio/index.m3u8?_HLS_msn=7",
    { rendition: "audio", reload: { msn: 7 } },
  ],
  [
    "the first segment and part",
    "/live/demo/a/index.m3u8?_HLS_msn=0&_HLS_part=0",
    { rendition: "a", reload: { msn: 0, part: 0 } },
  ],
  ["the newer kind of skip", "/live/demo/audio/index.m3u8?_HLS_skip=v2", { rendition: "audio", skip: "v2" }],
  ["a kind of skip that is not known", "/live/demo/audio/index.m3u8?_HLS_skip=v3", { rendition: "audio" }],
  ["the multivariant playlist", "/live/demo/index.m3u8", undefined],
  ["another stream", "/live/other/v720/index.m3u8", undefined],
  ["a playlist of keyframes", "/live/demo/v720/iframes.m3u8", undefined],
  ["a folder deeper", "/live/demo/v720/more/index.m3u8", undefined],
  ["what the edge refuses", "/live/demo/v720/index.m3u8?_HLS_msn=x", undefined],
  ["a part of nothing", "/live/demo/v720/index.m3u8?_HLS_part=1", undefined],
  ["a signed path that is not the page's", "/p/x.y.z/live/demo/v720/index.m3u8", undefined],
])("%s", (_name, path, request) => {
  expect(requestOf(`${EDGE}${path}`, open)).toEqual(request);
});

it("reads a request below the page's signed path", () => {
  expect(requestOf(`${EDGE}/p/a.b.c/live/demo/v720/index.m3u8?_HLS_msn=3`, signed)).toEqual({
    rendition: "v720",
    reload: { msn: 3 },
  });
  expect(requestOf(`${EDGE}/live/demo/v720/index.m3u8`, signed)).toBeUndefined();
});

it("leaves alone what is no absolute URL", () => {
  expect(requestOf("/live/demo/v720/index.m3u8", open)).toBeUndefined();
});
