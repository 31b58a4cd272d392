/** The edge's pure decisions: directives, conditions, ranges, lifetimes, freshness, and what an answer says of itself. */
import { describe, expect, it } from "vitest";
import { cacheStatus, outcomeOf, type Story } from "../../../workers/edge/core/cache-status.ts";
import {
  isNotModified,
  isSameForRange,
  readRange,
  resolveRange,
  spellRange,
} from "../../../workers/edge/core/conditional.ts";
import { freshnessOf, readAllowance } from "../../../workers/edge/core/freshness.ts";
import {
  clientCacheControl,
  edgeCacheControl,
  forBearer,
  type Kind,
  lifetimeOf,
  retentionOf,
} from "../../../workers/edge/core/lifetimes.ts";
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
    ["bytes=0-4,3-8", "whole"],
    ["bytes= 1-2 ", { first: 1, last: 2 }],
    ["bytes=1-2-3", "whole"],
    ["bytes=--5", "whole"],
    ["chunks=1-2", "whole"],
    ["bytes=9999999999999999-", "unsatisfiable"],
    [`bytes=0-${"9".repeat(40)}`, { first: 0, last: 9 }],
    [`bytes=0-${"9".repeat(41)}`, "whole"],
  ])("%s", (header, range) => {
    const wish = readRange(header);
    expect(wish ? resolveRange(wish, 10) : "whole").toEqual(range);
  });
});

describe("a range, spelled for a cache that cuts it itself", () => {
  it.each([
    ["bytes=3-5", "bytes=3-5"],
    ["bytes=3-", "bytes=3-"],
    ["bytes= 3-5 ", "bytes=3-5"],
    ["bytes=-4", "bytes=-4"],
    [`bytes=3-${"9".repeat(30)}`, "bytes=3-"],
    [`bytes=${"9".repeat(30)}-`, undefined],
    [`bytes=-${"9".repeat(30)}`, undefined],
  ])("%s", (header, spelled) => {
    const wish = readRange(header);
    expect(wish && spellRange(wish)).toBe(spelled);
  });
});

describe("If-None-Match", () => {
  it.each([
    [null, '"a"', false],
    ['"a"', '"a"', true],
    ['W/"a"', '"a"', true],
    ['"b", W/"a"', '"a"', true],
    ['"b","a"', '"a"', true],
    ['"b,a", "c"', '"b,a"', true],
    ['"b,a"', '"a"', false],
    ["*", '"a"', true],
    ["*", null, false],
    ['"b"', '"a"', false],
    ["a", '"a"', false],
    ["", '"a"', false],
  ])("%s of %s", (ifNoneMatch, etag, matches) => {
    expect(isNotModified({ ifNoneMatch, ifModifiedSince: null }, { etag, lastModified: null })).toBe(matches);
  });
});

describe("If-Modified-Since", () => {
  const lastModified = "Fri, 20 Nov 2026 10:00:00 GMT";
  it.each([
    [lastModified, null, true],
    ["Fri, 20 Nov 2026 10:00:01 GMT", null, true],
    ["Fri, 20 Nov 2026 09:59:59 GMT", null, false],
    ["soon", null, false],
    ["", null, false],
    [lastModified, '"other"', false],
  ])("%s with If-None-Match %s", (ifModifiedSince, ifNoneMatch, matches) => {
    expect(isNotModified({ ifNoneMatch, ifModifiedSince }, { etag: '"a"', lastModified })).toBe(matches);
  });
});

describe("If-Range", () => {
  const lastModified = "Fri, 20 Nov 2026 10:00:00 GMT";
  it.each([
    [null, true],
    ['"a"', true],
    ['W/"a"', false],
    ['"b"', false],
    [lastModified, true],
    ["Fri, 20 Nov 2026 10:00:01 GMT", false],
    ["", false],
  ])("%s", (ifRange, same) => {
    expect(isSameForRange(ifRange, { etag: '"a"', lastModified })).toBe(same);
  });
});

describe("lifetimes", () => {
  const timing = { targetDuration: 5, windowSeconds: 900 };
  it.each<readonly [Kind, string, string]>([
    [
      { kind: "media" },
      "public, max-age=31536000, immutable",
      "max-age=2419200, stale-while-revalidate=3600, stale-if-error=86400",
    ],
    [
      { kind: "playlist", timing, form: "blocking" },
      "public, max-age=30",
      "max-age=30, stale-while-revalidate=0, stale-if-error=0",
    ],
    [
      { kind: "playlist", timing, form: "plain" },
      "public, max-age=2",
      "max-age=2, stale-while-revalidate=2, stale-if-error=60",
    ],
    [
      { kind: "playlist", timing, form: "over" },
      "public, max-age=2",
      "max-age=2, stale-while-revalidate=2, stale-if-error=86400",
    ],
    [
      { kind: "playlist", timing: { targetDuration: 1, windowSeconds: 900 }, form: "plain" },
      "public, max-age=0",
      "max-age=0, stale-while-revalidate=1, stale-if-error=60",
    ],
    [{ kind: "status" }, "public, max-age=1", "max-age=1, stale-while-revalidate=1, stale-if-error=60"],
    [{ kind: "absent", hope: "coming" }, "no-store", "no-store"],
    [
      { kind: "absent", hope: "missing" },
      "public, max-age=1",
      "max-age=1, stale-while-revalidate=0, stale-if-error=0",
    ],
    [
      { kind: "absent", hope: "never" },
      "public, max-age=60",
      "max-age=60, stale-while-revalidate=0, stale-if-error=0",
    ],
    [{ kind: "refusal" }, "public, max-age=1", "no-store"],
    [{ kind: "stand-in" }, "public, max-age=1", "no-store"],
    [{ kind: "refused-page" }, "no-store", "no-store"],
    [{ kind: "page" }, "public, max-age=0, must-revalidate", "no-store"],
  ])("%j", (kind, client, edge) => {
    const lifetime = lifetimeOf(kind);
    expect(clientCacheControl(lifetime)).toBe(client);
    expect(edgeCacheControl(lifetime)).toBe(edge);
  });

  it("are for its bearer alone when a token opened it", () => {
    expect(forBearer(clientCacheControl(lifetimeOf({ kind: "media" })))).toBe(
      "private, max-age=31536000, immutable",
    );
    expect(forBearer("no-store")).toBe("no-store");
  });

  it("keep nothing for as long as a purge is remembered", () => {
    expect(retentionOf(lifetimeOf({ kind: "media" }))).toBeLessThan(30 * 86_400);
  });
});

describe("what may be done with a copy", () => {
  const directives = "max-age=10, stale-while-revalidate=5, stale-if-error=60";
  const no = { fresh: false, whileRevalidating: false, ifError: false };
  it.each([
    [directives, 0, { fresh: true, whileRevalidating: true, ifError: true, ttl: 10 }],
    [directives, 9.5, { fresh: true, ttl: 0 }],
    [directives, 10, { fresh: false, whileRevalidating: true, ifError: true }],
    [directives, 14.9, { fresh: false, whileRevalidating: true, ttl: -5 }],
    [directives, 15, { fresh: false, whileRevalidating: false, ifError: true }],
    [directives, 69.9, { ifError: true }],
    [directives, 70, no],
    ["max-age=10", 10, no],
    ["max-age=10, stale-if-error=0", 10, no],
    [`${directives}, must-revalidate`, 10, no],
    [`${directives}, proxy-revalidate`, 10, no],
    [`${directives}, s-maxage=100`, 10, no],
    [`no-store, ${directives}`, 0, no],
    [`no-cache, ${directives}`, 0, no],
    ["max-age=-5", 0, no],
    ["max-age=abc", 0, no],
    ["", 0, no],
    [null, 0, no],
  ] as const)("%s after %d s", (header, age, what) => {
    expect(freshnessOf(readAllowance(header), age)).toMatchObject(what);
  });

  it("counts the windows from a soft purge when that came first", () => {
    const allowance = readAllowance(directives);
    expect(freshnessOf(allowance, 1, 2)).toEqual({
      fresh: false,
      whileRevalidating: true,
      ifError: true,
      ttl: -2,
    });
    expect(freshnessOf(allowance, 1, 6)).toMatchObject({
      fresh: false,
      whileRevalidating: false,
      ifError: true,
    });
    expect(freshnessOf(allowance, 13, 2)).toMatchObject({ whileRevalidating: true, ttl: -3 });
    // A purge by a clock that is ahead of ours.
    expect(freshnessOf(allowance, 1, -60)).toMatchObject({ fresh: false, whileRevalidating: true });
  });
});

describe("Cache-Status", () => {
  it.each<readonly [Story, string, string | undefined]>([
    [{ how: "hit", ttl: 5 }, "Millrace; hit; ttl=5", "hit"],
    [
      { how: "stale", ttl: -3, why: "revalidating" },
      "Millrace; hit; ttl=-3; detail=stale-while-revalidate",
      "stale",
    ],
    [{ how: "stale", ttl: -3, why: "purged" }, "Millrace; hit; ttl=-3; detail=soft-purged", "stale"],
    [
      { how: "stale", ttl: -3, why: "error" },
      "Millrace; fwd=stale; fwd-status=503; ttl=-3; detail=stale-if-error",
      "stale",
    ],
    [
      { how: "miss", why: "cold", status: 200, collapsed: false, stored: true, ttl: 9 },
      "Millrace; fwd=uri-miss; fwd-status=200; ttl=9; stored; detail=cold",
      "cold",
    ],
    [
      { how: "miss", why: "expired", status: 404, collapsed: true, stored: false, ttl: 1 },
      "Millrace; fwd=stale; fwd-status=404; collapsed; detail=expired",
      "collapsed",
    ],
    [{ how: "failed" }, "Millrace; fwd=miss; fwd-status=503; detail=error", "error"],
    [
      { how: "bypass", detail: "busy", status: 200 },
      "Millrace; fwd=bypass; fwd-status=200; detail=busy",
      "cold",
    ],
    [{ how: "local", detail: "refused" }, "Millrace; detail=refused", undefined],
  ])("%j", (story, header, outcome) => {
    expect(cacheStatus(story)).toBe(header);
    expect(outcomeOf(story)).toBe(outcome);
  });
});
