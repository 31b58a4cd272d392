/** Which playlist a path names. */
import { expect, it } from "vitest";
import { type PlaylistPath, parsePlaylistPath } from "../../../workers/edge/core/playlist-path.ts";

it.each<readonly [string, PlaylistPath | undefined]>([
  ["radio/index.m3u8", { kind: "multivariant", stream: "radio" }],
  ["radio/timeline.json", { kind: "timeline", stream: "radio" }],
  ["radio/v720/index.m3u8", { kind: "media", stream: "radio", rendition: "v720" }],
  ["radio/v720/iframes.m3u8", { kind: "iframes", stream: "radio", rendition: "v720" }],
  // A rendition cannot have this name, and whoever asks is told so.
  ["radio/timeline.json/index.m3u8", { kind: "media", stream: "radio", rendition: "timeline.json" }],
  ["radio/v720/timeline.json", undefined],
  ["radio/timeline.json/", undefined],
  ["radio/timeline.jsonx", undefined],
  ["radio/Timeline.json", undefined],
  ["/timeline.json", undefined],
  ["timeline.json", undefined],
  ["radio/v720/index.m3u8/x", undefined],
  ["radio//index.m3u8", undefined],
  ["radio", undefined],
  ["", undefined],
])("%s", (path, named) => {
  expect(parsePlaylistPath(path)).toEqual(named);
});
