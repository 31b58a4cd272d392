/** The edge's pure decisions: directives, conditions, ranges, lifetimes. */
import { describe, expect, it } from "vitest";
import { isNotModified, parseRange } from "../../../workers/edge/core/conditional.ts";
import { cacheControl } from "../../../workers/edge/core/headers.ts";
import { parseDirectives } from "../../../workers/edge/core/reload.ts";

describe("delivery directives", () => {
  it.each([
    ["", {}],
    ["_HLS_msn=7", { reload: { msn: 7 } }],
    ["_HLS_msn=7&_HLS_part=0", { reload: { msn: 7, part: 0 } }],
    ["_HLS_part=2&_HLS_msn=7&_HLS_skip=YES", { reload: { msn: 7, part: 2 }, skip: "YES" }],
    ["_HLS_skip=v2&other=1", { skip: "v2" }],
    ["_HLS_skip=v9", {}],
  ])("%s", (query, value) => {
    expect(parseDirectives(new URLSearchParams(query))).toEqual({ ok: true, value });
  });

  it.each([
    "_HLS_part=1",
    "_HLS_msn=",
    "_HLS_msn=-1",
    "_HLS_msn=1.5",
    "_HLS_msn=1e3",
    "_HLS_msn=99999999999",
    "_HLS_msn=1&_HLS_part=x",
  ])("refuses %s", (query) => {
    expect(parseDirectives(new URLSearchParams(query))).toMatchObject({
      ok: false,
      error: { reason: "bad-directive" },
    });
  });
});

describe("ranges of ten bytes", () => {
  it.each([
    [null, "whole"],
    ["bytes=0-0", { first: 0, last: 0 }],
    ["bytes=3-5", { first: 3, last: 5 }],
    ["BYTES=3-5", { first: 3, last: 5 }],
    ["bytes=3-", { first: 3, last: 9 }],
    ["bytes=3-999999999999", { first: 3, last: 9 }],
    ["bytes=-4", { first: 6, last: 9 }],
    ["bytes=-99", { first: 0, last: 9 }],
    ["bytes=10-", "unsatisfiable"],
    ["bytes=-0", "unsatisfiable"],
    ["bytes=5-3", "whole"],
    ["bytes=-", "whole"],
    ["bytes=1-2,4-5", "whole"],
    ["bytes= 1-2 ", { first: 1, last: 2 }],
    ["bytes=1-2-3", "whole"],
    ["chunks=1-2", "whole"],
    ["bytes=9999999999999999-", "whole"],
  ])("%s", (header, range) => {
    expect(parseRange(header, 10)).toEqual(range);
  });
});

describe("If-None-Match", () => {
  it.each([
    [null, false],
    ['"a"', true],
    ['W/"a"', true],
    ['"b", W/"a"', true],
    ["*", true],
    ['"b"', false],
    ["a", false],
    ["", false],
  ])("%s", (header, matches) => {
    expect(isNotModified(header, '"a"')).toBe(matches);
  });
});

describe("Cache-Control", () => {
  const timing = { targetDuration: 5, windowSeconds: 900 };
  it.each([
    [{ kind: "media" }, "public, max-age=31536000, immutable"],
    [{ kind: "playlist", timing, blocking: true }, "public, max-age=30"],
    [{ kind: "playlist", timing, blocking: false }, "public, max-age=2"],
    [{ kind: "live-edge-error" }, "public, max-age=1"],
    [{ kind: "status" }, "public, max-age=1"],
    [{ kind: "page" }, "public, max-age=0, must-revalidate"],
  ] as const)("%j", (kind, value) => {
    expect(cacheControl(kind)).toBe(value);
  });
});
