/** Playlists that went wrong after minutes or hours elsewhere: a broadcast of seven hours, with encoders that come and go. */
import { expect, it } from "vitest";
import { mediaPlaylist } from "../../../media/hls.ts";
import type { Timeline } from "../../../media/timeline.ts";
import { type CheckState, checkPlaylist, differences } from "../../support/hls-checker.ts";
import { begin, grow, join, partEntries, segmentEntry, TRIO, timingOf } from "./broadcast.ts";

const HOURS = 7;
const SEGMENT_SECONDS = 2;
const PART_SECONDS = 0.5;
const SEGMENTS = (HOURS * 3600) / SEGMENT_SECONDS;
/** Prime to everything else here, so that discontinuities stand everywhere in a window. */
const SEGMENTS_A_SESSION = 397;

function addSegment(timeline: Timeline): Timeline {
  const parts = Array.from({ length: SEGMENT_SECONDS / PART_SECONDS }, () => ({ duration: PART_SECONDS }));
  return grow(timeline, timeline.session, [
    ...partEntries(timeline, parts),
    segmentEntry(timeline, SEGMENT_SECONDS),
  ]);
}

it("1, 2, 4, 8: keeps the rules for seven hours, delta updates whole across discontinuities, and does not grow", () => {
  const windowSeconds = 900;
  let timeline = begin(timingOf("low", windowSeconds), TRIO);
  const first = timeline.nextMsn;
  let whole: CheckState | undefined;
  let delta: CheckState | undefined;
  let longest = 0;
  for (let n = 1; n <= SEGMENTS; n += 1) {
    timeline = addSegment(timeline);
    if (n % SEGMENTS_A_SESSION === 0) timeline = join(timeline, timeline.session + 1);
    // A client comes every half an hour, for two minutes.
    if (n % 900 > 60) {
      whole = undefined;
      delta = undefined;
    }
    if (n % 3 !== 0 || n % 900 > 60) continue;
    const all = checkPlaylist(mediaPlaylist(timeline, "v720"), whole);
    const text = mediaPlaylist(timeline, "v720", delta && { skip: "YES" });
    const filled = checkPlaylist(text, delta);
    expect([...all.violations, ...filled.violations], `segment ${n}`).toEqual([]);
    expect(differences(all.state, filled.state), `segment ${n}`).toEqual([]);
    if (delta && n * SEGMENT_SECONDS > windowSeconds) longest = Math.max(longest, text.length);
    whole = all.state;
    delta = filled.state;
  }
  expect(timeline.nextMsn).toBe(first + SEGMENTS);
  expect(timeline.segments.length).toBeLessThanOrEqual(windowSeconds / SEGMENT_SECONDS + 1);
  const left = timeline.segments.filter(({ discontinuity }) => discontinuity).length;
  expect(timeline.discontinuitySequence + left).toBe(Math.floor((SEGMENTS - 1) / SEGMENTS_A_SESSION));
  expect(longest).toBeGreaterThan(0);
  expect(longest).toBeLessThan(8_000);
});
