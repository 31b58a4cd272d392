/** Comparing history with a listing of R2: what is missing, what may go, and when to look again. */
import { describe, expect, it } from "vitest";
import {
  addTallies,
  comparePage,
  EMPTY_TALLY,
  type Listed,
  nextCheckAfter,
  ORPHAN_AGE_MS,
  type Page,
  sweepAt,
} from "../../../durable-objects/core/check.ts";
import { PARTS_KEPT_MS } from "../../../durable-objects/core/parts.ts";
import {
  beginWalk,
  enterSession,
  leavePage,
  numbersOfPage,
  type Walk,
} from "../../../durable-objects/core/walk.ts";
import type { HistorySegment } from "../../../media/history.ts";

const NOW = 10_000_000_000;
const DAY = 86_400_000;

const segment = (msn: number, tracks: HistorySegment["tracks"]): HistorySegment => ({
  msn,
  at: NOW,
  duration: 2,
  tracks,
});
const object = { bytes: 100, independent: true, md5: "aa" };
const listed = (file: Listed["file"], more: Partial<Listed> = {}): Listed => ({
  key: JSON.stringify(file),
  file,
  bytes: 100,
  md5: "aa",
  uploadedAt: NOW - 2 * ORPHAN_AGE_MS,
  ...more,
});
const INIT = listed({ kind: "init" });
const seg = (msn: number, more: Partial<Listed> = {}) => listed({ kind: "segment", msn }, more);
const part = (msn: number) => listed({ kind: "part", msn, part: 0 });

const page: Page = {
  session: 1,
  rendition: "v720",
  listed: [INIT, seg(0)],
  history: [segment(0, { v720: object })],
  isNamed: true,
  isFirst: true,
  hasMedia: true,
  counts: true,
  sweep: { parts: false, orphans: false },
};
const ALL = { parts: true, orphans: true };

describe("a page", () => {
  it("that is whole is counted, and nothing of it goes", () => {
    expect(comparePage({ ...page, sweep: ALL }, NOW)).toEqual({
      tally: { ...EMPTY_TALLY, segments: 1, seconds: 2, objects: 1, bytes: 100 },
      remove: [],
    });
    expect(comparePage({ ...page, counts: false }, NOW).tally).toMatchObject({ segments: 0, objects: 1 });
  });

  it.each<[string, Partial<Page>, object[]]>([
    ["a gap", { history: [segment(0, {})] }, [{ msn: 0, why: "gap" }]],
    ["an object that is not there", { listed: [INIT] }, [{ msn: 0, why: "absent" }]],
    ["another size", { listed: [INIT, seg(0, { bytes: 99 })] }, [{ msn: 0, why: "size" }]],
    ["another checksum", { listed: [INIT, seg(0, { md5: "bb" })] }, [{ msn: 0, why: "checksum" }]],
    [
      "no checksum to compare with",
      { history: [segment(0, { v720: { bytes: 100, independent: true } })] },
      [],
    ],
    ["an init section that is not there", { listed: [seg(0)] }, [{ why: "absent" }]],
    ["an init section on an earlier page", { listed: [seg(0)], isFirst: false }, []],
    ["an init section that nothing needs", { listed: [], history: [], hasMedia: false }, []],
    [
      "a rendition that the session does not have",
      { listed: [], history: [segment(0, {})], isNamed: false },
      [],
    ],
    [
      "one that it did not describe, but has",
      { listed: [INIT], isNamed: false },
      [{ msn: 0, why: "absent" }],
    ],
  ])("is told of %s", (_what, change, missing) => {
    const { tally } = comparePage({ ...page, ...change }, NOW);
    expect(tally.missing).toEqual(missing.map((one) => ({ session: 1, rendition: "v720", ...one })));
    expect(tally.missingCount).toBe(missing.length);
    expect(tally.gaps).toBe(tally.missing.filter(({ why }) => why === "gap").length);
  });

  it.each<[string, Partial<Page>, readonly Listed[]]>([
    ["nothing while late segments may come", { listed: [INIT, seg(0), seg(7)] }, []],
    ["an old segment that nothing names", { listed: [INIT, seg(0), seg(7)], sweep: ALL }, [seg(7)]],
    [
      "not a young one",
      { listed: [INIT, seg(0), seg(7, { uploadedAt: NOW - ORPHAN_AGE_MS + 1 })], sweep: ALL },
      [],
    ],
    [
      "not one that history names, whatever it holds",
      { listed: [INIT, seg(0, { bytes: 1 })], sweep: ALL },
      [],
    ],
    ["a segment where history has a gap", { history: [segment(0, {})], sweep: ALL }, [seg(0)]],
    [
      "parts when they had their time",
      { listed: [INIT, part(0)], sweep: { ...ALL, orphans: false } },
      [part(0)],
    ],
    ["not the parts before that", { listed: [INIT, part(0)] }, []],
    [
      "everything of a rendition that nothing names",
      { history: [segment(0, {})], isNamed: false, sweep: ALL },
      [INIT, seg(0)],
    ],
    [
      "only the rest of a rendition that history names and its session did not describe",
      { listed: [INIT, seg(0), seg(7)], isNamed: false, sweep: ALL },
      [seg(7)],
    ],
    [
      "everything of a rendition that is called what every object has",
      { rendition: "constructor", history: [segment(0, {})], isNamed: false, sweep: ALL },
      [INIT, seg(0)],
    ],
    [
      "an init section without segments",
      { listed: [INIT], history: [], hasMedia: false, sweep: ALL },
      [INIT],
    ],
  ])("lets go of %s", (_what, change, gone) => {
    const { remove, tally } = comparePage({ ...page, ...change }, NOW);
    expect(remove).toEqual(gone.map(({ key }) => key));
    expect(tally.removed).toBe(gone.length);
  });
});

describe("a report", () => {
  it("keeps its list short and its counts right", () => {
    const history = Array.from({ length: 500 }, (_, msn) => segment(msn, {}));
    const one = comparePage({ ...page, history }, NOW).tally;
    const two = addTallies(one, one);
    expect(one.missing).toHaveLength(200);
    expect(two.missing).toHaveLength(200);
    expect(two).toMatchObject({ missingCount: 1000, gaps: 1000, segments: 1000, seconds: 2000 });
  });
});

describe("checks", () => {
  it("come again when parts may go, and when nothing more may come; then never", () => {
    const ended = NOW;
    const times = [ended + 60_000];
    for (let next = nextCheckAfter(ended, times[0] ?? 0); next; next = nextCheckAfter(ended, next))
      times.push(next);
    expect(times).toEqual([ended + 60_000, ended + PARTS_KEPT_MS, ended + 7 * DAY]);
    expect(times.map((at) => sweepAt(ended, at))).toEqual([
      { parts: false, orphans: false },
      { parts: true, orphans: false },
      { parts: true, orphans: true },
    ]);
  });
});

describe("a walk", () => {
  const entered: Walk = enterSession(beginWalk(NOW, NOW), {
    ordinal: 2,
    live: { from: 5, to: 12 },
    hasMedia: true,
    named: ["v720", "audio"],
    listed: ["audio", "stray"],
  });

  it("goes through what is named and what R2 has, and counts segments once", () => {
    expect(entered.renditions).toEqual(["v720", "audio", "stray"]);
    expect(entered.isCounted).toBe(false);
    const paged = leavePage(entered, EMPTY_TALLY, "some-key");
    expect(paged).toMatchObject({
      renditions: ["v720", "audio", "stray"],
      after: "some-key",
      isCounted: false,
    });
    const next = leavePage(paged, EMPTY_TALLY, undefined);
    expect(next).toMatchObject({ renditions: ["audio", "stray"], isCounted: true });
    expect(next.after).toBeUndefined();
  });

  it.each([
    [
      "a page of everything",
      undefined,
      undefined,
      true,
      [
        [5, 9],
        [10, 12],
      ],
    ],
    ["a page that ends before the first segment", undefined, undefined, false, []],
    ["a page that ends among them", undefined, 11, false, [[10, 11]]],
    [
      "the page after it",
      11,
      7,
      false,
      [
        [5, 7],
        [12, 12],
      ],
    ],
    ["the last page", 7, undefined, true, [[8, 9]]],
  ] as const)("expects on %s", (_what, before, upTo, isPastAll, live) => {
    expect(numbersOfPage(entered, { before, upTo, isPastAll }).live).toEqual(
      live.map(([from, to]) => ({ from, to })),
    );
  });
});
