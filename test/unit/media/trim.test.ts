/** The live window where it is long, or its segments are scraps. */
import { describe, expect, it } from "vitest";
import { mediaPlaylist } from "../../../media/hls.ts";
import type { Segment, Timeline } from "../../../media/timeline.ts";
import {
  firstNamedParts,
  MAX_WINDOW_SEGMENTS,
  trim,
  windowNeeds,
  withoutParts,
} from "../../../media/trim.ts";
import { begin, LOW, openParts, segments, timingOf } from "./broadcast.ts";

const filled = (count: number, duration: number): Timeline => {
  const timeline = segments(begin(timingOf("low", 1e9)), 1, LOW);
  const [first] = timeline.segments;
  if (!first) throw new Error("no segment");
  const many = Array.from({ length: count }, (_, msn): Segment => ({ ...first, msn, duration, parts: [] }));
  return { ...timeline, segments: many, nextMsn: count };
};

describe("the window", () => {
  it("is bounded in segments, whatever was asked for in seconds", () => {
    const trimmed = trim(filled(MAX_WINDOW_SEGMENTS + 10, 2));
    expect(trimmed.segments).toHaveLength(MAX_WINDOW_SEGMENTS);
    expect(trimmed.segments[0]?.msn).toBe(10);
  });

  it("of scraps still holds six target durations", () => {
    const trimmed = trim(filled(MAX_WINDOW_SEGMENTS + 1000, 0.0002));
    const held = trimmed.segments.reduce((sum, { duration }) => sum + duration, 0);
    expect(held).toBeLessThan(12);
    expect(trimmed.segments).toHaveLength(MAX_WINDOW_SEGMENTS + 1000);
    expect(windowNeeds(timingOf("low", 900), MAX_WINDOW_SEGMENTS)).toBe(900);
    expect(windowNeeds(timingOf("low", 900), MAX_WINDOW_SEGMENTS + 1)).toBe(12);
  });

  it("of a whole day makes a delta update that is as small as that of a short one", () => {
    const day = segments({ ...filled(MAX_WINDOW_SEGMENTS - 10, 2), session: 1 }, 5, LOW);
    const short = segments(begin(timingOf("low")), 20, LOW);
    const sizes = [day, short].map((timeline) => mediaPlaylist(timeline, "v720", { skip: "YES" }).length);
    expect(mediaPlaylist(day, "v720").length).toBeGreaterThan(1_000_000);
    expect(sizes[0]).toBeLessThan(1.2 * (sizes[1] ?? 0));
  });
});

describe("parts", () => {
  it("are named from the first segment on that still has them", () => {
    const timeline = segments(begin(timingOf("low")), 10, LOW);
    expect(firstNamedParts(timeline)).toBe(6);
    expect(firstNamedParts(withoutParts(timeline))).toBe(10);
    expect(firstNamedParts(openParts(withoutParts(timeline), { duration: 0.5 }))).toBe(10);
    expect(firstNamedParts(begin(timingOf("low")))).toBe(0);
  });

  it("may be left out of a playlist, and nothing else with them", () => {
    const timeline = segments(begin(timingOf("low")), 10, LOW);
    const text = mediaPlaylist({ ...withoutParts(timeline), ended: true }, "v720");
    expect(text).not.toContain("#EXT-X-PART:");
    const lines = mediaPlaylist({ ...timeline, ended: true }, "v720").split("\n");
    expect(text.split("\n")).toEqual(lines.filter((line) => !line.startsWith("#EXT-X-PART:")));
  });
});
