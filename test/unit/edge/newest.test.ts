/** How far a stream is, as an edge learns it. */
import { describe, expect, it } from "vitest";
import { isCurrent, isNews, isRightForPlain, learn } from "../../../workers/edge/core/newest.ts";

describe("the newest position", () => {
  it.each([
    ["a later part", { msn: 7, part: 1 }, { msn: 7, part: 2 }, { msn: 7, part: 2 }],
    ["an earlier part", { msn: 7, part: 2 }, { msn: 7, part: 1 }, { msn: 7, part: 2 }],
    ["the segment as a whole", { msn: 7, part: 2 }, { msn: 7 }, { msn: 7 }],
    ["a part of a segment that is whole", { msn: 7 }, { msn: 7, part: 9 }, { msn: 7 }],
    ["the next segment", { msn: 7 }, { msn: 8, part: 0 }, { msn: 8, part: 0 }],
    ["an old segment", { msn: 7, part: 0 }, { msn: 2 }, { msn: 7, part: 0 }],
  ])("after %s", (_what, known, asked, newest) => {
    expect(learn({ position: known, atMs: 1_000 }, asked, 1_200).position).toEqual(newest);
  });

  it("is forgotten after a second, and not kept alive by those who are answered with it", () => {
    const newest = learn(undefined, { msn: 7 }, 1_000);
    expect(learn(newest, { msn: 7 }, 1_900).atMs).toBe(1_000);
    expect(isCurrent(newest, 1_999)).toBe(true);
    expect(isCurrent(newest, 2_000)).toBe(false);
    // A stream whose numbers began again, or a clock that went back.
    expect(learn(newest, { msn: 2 }, 2_000).position).toEqual({ msn: 2 });
    expect(isCurrent(newest, 900)).toBe(false);
  });
});

describe("a playlist that somebody was given", () => {
  const given = { isWhole: true, isStale: false, ageSeconds: 0.2, plainSeconds: 1 };
  it.each([
    ["just now", {}, true, true],
    ["a while ago", { ageSeconds: 1.5 }, false, false],
    ["as long ago as a plain one may be", { ageSeconds: 1, plainSeconds: 2 }, true, false],
    ["of a stream with segments of a second", { plainSeconds: 0 }, true, true],
    ["of such a stream, more than half a second ago", { plainSeconds: 0, ageSeconds: 0.6 }, false, true],
    ["stale", { isStale: true }, false, false],
    ["that is none", { isWhole: false }, false, false],
  ])("%s", (_what, differs, right, news) => {
    expect(isRightForPlain({ ...given, ...differs })).toBe(right);
    expect(isNews({ ...given, ...differs })).toBe(news);
  });
});
