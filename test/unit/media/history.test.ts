/** History: what came late fills what was missing, and changes nothing that viewers saw. */
import { describe, expect, it } from "vitest";
import { type HistorySegment, mergeHistory } from "../../../media/history.ts";

const object = (bytes: number) => ({ bytes, independent: true });
const segment = (msn: number, tracks: HistorySegment["tracks"], duration = 2): HistorySegment => ({
  msn,
  at: 1000 * msn,
  duration,
  tracks,
});

describe("history", () => {
  it.each<[string, HistorySegment[], HistorySegment[], HistorySegment[]]>([
    ["without anything late", [segment(1, {})], [], [segment(1, {})]],
    [
      "a gap in one rendition",
      [segment(1, { v720: object(7) })],
      [segment(1, { v720: object(8), audio: object(1) })],
      [segment(1, { v720: object(7), audio: object(1) })],
    ],
    [
      "a gap in all, whatever was thought of its length",
      [segment(1, {}, 0.5)],
      [segment(1, { v720: object(8) })],
      [segment(1, { v720: object(8) })],
    ],
    [
      "a segment that was cut short is not mixed with the whole one",
      [segment(1, { v720: object(7) }, 1)],
      [segment(1, { audio: object(1) })],
      [segment(1, { v720: object(7) }, 1)],
    ],
    [
      "segments that never were live, in their place",
      [segment(1, {}), segment(4, {})],
      [segment(9, {}), segment(2, {})],
      [segment(1, {}), segment(2, {}), segment(4, {}), segment(9, {})],
    ],
  ])("%s", (_what, live, late, merged) => {
    expect(mergeHistory(live, late)).toEqual(merged);
    // A late segment that comes twice changes nothing.
    expect(mergeHistory(mergeHistory(live, late), late)).toEqual(merged);
  });
});
