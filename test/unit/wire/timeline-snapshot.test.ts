/** A timeline that a page draws playlists from: whole and unchanged through JSON, or refused. */
import { expect, it } from "vitest";
import { mediaPlaylist } from "../../../media/hls.ts";
import { end, type Timeline } from "../../../media/timeline.ts";
import { parse, parseJson } from "../../../wire/parse.ts";
import { TimelineSnapshotSchema } from "../../../wire/timeline-snapshot.ts";
import { begin, join, LOW, openParts, segments, timingOf, ULTRA } from "../media/broadcast.ts";

const live = openParts(segments(begin(timingOf("low")), 40, LOW), { duration: 0.5 });

it.each<readonly [string, Timeline]>([
  ["live", live],
  ["just described", begin(timingOf("ultra"))],
  ["without parts", segments(begin(timingOf("standard")), 20, 4)],
  ["with gaps", segments(live, 2, [0.5, 0.5, 0.5], { missing: ["v480", "audio"] })],
  [
    "of a second session",
    openParts(join(segments(begin(timingOf("ultra")), 9, ULTRA), 2), { duration: 0.2 }),
  ],
  ["ended", end(live)],
])("reads a timeline that is %s as it was written", (_name, timeline) => {
  const read = parseJson(TimelineSnapshotSchema, JSON.stringify({ epoch: "e1", offset: 7, timeline }));
  if (!read.ok) throw new Error(read.error.detail);
  expect(read.value).toEqual({ epoch: "e1", offset: 7, timeline });
  expect(mediaPlaylist(read.value.timeline, "v720")).toBe(mediaPlaylist(timeline, "v720"));
});

const [first, second, ...rest] = live.segments;
if (!first || !second) throw new Error("a timeline of some segments");
const of = (change: Record<string, unknown>) => ({ epoch: "e", offset: 0, timeline: { ...live, ...change } });
it.each<readonly [string, unknown]>([
  ["no epoch", { ...of({}), epoch: "" }],
  ["a place before the first", { ...of({}), offset: -1 }],
  ["half a place", { ...of({}), offset: 0.5 }],
  ["no timeline", { epoch: "e", offset: 1 }],
  ["a hole between segments", of({ segments: [first, ...rest] })],
  ["segments out of order", of({ segments: [second, first, ...rest] })],
  ["segments that end elsewhere", of({ nextMsn: live.nextMsn + 1 })],
  ["an open segment elsewhere", of({ open: { ...live.open, msn: live.nextMsn + 1 } })],
  ["an open segment after the end", of({ ended: true })],
  ["a duration that is no number", of({ segments: [{ ...first, duration: "2" }, second, ...rest] })],
  ["a rendition that leaves its folder", of({ renditions: [{ ...live.renditions[0], name: "../x" }] })],
  ["seventeen renditions", of({ renditions: Array.from({ length: 17 }, () => live.renditions[0]) })],
  ["a part target of nothing", of({ timing: { ...live.timing, partTarget: 0 } })],
  ["a list", []],
])("refuses %s", (_name, value) => {
  expect(parse(TimelineSnapshotSchema, value).ok).toBe(false);
});
