/** Names and scopes of the timeline at the edge: one name whoever asks, and the purges that take it. */
import { expect, it } from "vitest";
import { pathOf, placeIn, type Target } from "../../../workers/edge/targets.ts";

const TIMELINE: Target = { kind: "playlist", stream: "radio", request: { kind: "timeline" } };
const NOW_MS = 1_800_000_000_000;

it("has a name of its own", () => {
  expect(pathOf(TIMELINE)).toBe("/live/radio/timeline.json");
});

it.each([
  ["/", true],
  ["/live/radio/", true],
  ["/live/radio/index.m3u8", true],
  ["/live/radio/v720/", false],
  ["/live/radio/v720/index.m3u8", false],
  ["/live/radio-two/", false],
  ["/api/streams", false],
])("is taken by a purge of %s: %s", (scope, isTaken) => {
  const purged = new Map([[scope, { number: 7, soft: false, before: 0 }]]);
  expect(placeIn(purged, TIMELINE, NOW_MS).number).toBe(isTaken ? 7 : 0);
});
