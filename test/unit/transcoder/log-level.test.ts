import { expect, it } from "vitest";
import { levelOf, reasonOf } from "../../../transcoder/log-level.ts";

it.each([
  ["info", undefined, { event: "published", msn: 1 }],
  [
    "warning",
    "unknown-key",
    { event: "publish-refused", reason: "unknown-key", code: "NetStream.Publish.BadName" },
  ],
  [
    "warning",
    "fenced",
    { event: "session-trouble", reason: "refused", refusal: { name: "fenced", detail: "" } },
  ],
  [
    "warning",
    "overlong-gop",
    { event: "session-trouble", reason: "cut", problem: { reason: "overlong-gop" } },
  ],
  ["warning", "ffmpeg", { event: "session-trouble", reason: "ffmpeg", exit: { how: "failed" } }],
  ["error", "NetStream.Publish.Failed", { event: "encoder-dropped", code: "NetStream.Publish.Failed" }],
  ["info", "unpublished", { event: "encoder-gone", reason: "unpublished", command: "deleteStream" }],
  ["warning", "disconnected", { event: "encoder-gone", reason: "disconnected" }],
  ["info", "disconnected", { event: "rtmp-closed", end: { reason: "disconnected" } }],
  ["info", "refused", { event: "rtmp-closed", end: { reason: "refused", code: "x" } }],
  ["warning", "timed-out", { event: "rtmp-closed", end: { reason: "timed-out", waitingFor: "bytes" } }],
  [
    "warning",
    "bad-chunk-size",
    { event: "rtmp-closed", end: { reason: "failed", failure: { reason: "bad-chunk-size" } } },
  ],
  ["info", undefined, { event: "session-ended", scope: "session" }],
  ["warning", "fenced", { event: "session-ended", scope: "session", refused: "fenced" }],
  ["error", undefined, { event: "new-thing", level: "error" }],
  ["info", undefined, { event: "constructor" }],
  ["info", undefined, { event: "new-thing", level: "loud" }],
])("finds %s and %s in %o", (level, reason, event) => {
  expect(levelOf(event)).toBe(level);
  expect(reasonOf(event)).toBe(reason);
});
