/** When parts may go: marks over a made-up clock. */
import { describe, expect, it } from "vitest";
import { type Mark, mark, outdatedBelow, PARTS_KEPT_MS } from "../../../durable-objects/core/parts.ts";

const MINUTE = 60_000;
const NOW = 1_000_000_000;

describe("marks", () => {
  it("stay few over a day, and are an hour behind, or ten minutes more", () => {
    let marks: readonly Mark[] = [];
    for (let second = 0; second < 86_400; second += 10) {
      const [now, msn] = [NOW + second * 1000, second / 2];
      marks = mark(marks, msn, now);
      expect(marks.length).toBeLessThanOrEqual(8);
      const below = outdatedBelow(marks, now);
      if (second < 3600) expect(below).toBeUndefined();
      else {
        expect(msn - (below ?? 0)).toBeGreaterThanOrEqual(1800);
        expect(msn - (below ?? 0)).toBeLessThanOrEqual(1800 + 300 + 5);
      }
    }
  });

  it("are the same list while there is nothing new to say", () => {
    const marks = mark([], 7, NOW);
    expect(marks).toEqual([{ msn: 7, at: NOW }]);
    expect(mark(marks, 9, NOW + 9 * MINUTE)).toEqual(marks);
    expect(mark(marks, 9, NOW + 10 * MINUTE)).toHaveLength(2);
  });

  it("begin anew when the clock was put back", () => {
    const marks = mark([], 7, NOW);
    const back = mark(marks, 9, NOW - 24 * 60 * MINUTE);
    expect(back).toEqual([{ msn: 9, at: NOW - 24 * 60 * MINUTE }]);
    expect(outdatedBelow(back, NOW - 24 * 60 * MINUTE + PARTS_KEPT_MS)).toBe(9);
  });
});
