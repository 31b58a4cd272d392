/** The live edge: who is answered, who waits, who is refused (rules 15-22 and 14). */
import { describe, expect, it } from "vitest";
import type { MediaFile } from "../../../media/address.ts";
import {
  decide,
  decidePartRequest,
  edgeOf,
  type Hope,
  hopeFor,
  type LiveEdge,
  type Reload,
} from "../../../media/live-edge.ts";
import { advancePartLimit, maxBlockSeconds } from "../../../media/profile.ts";
import { end } from "../../../media/timeline.ts";
import { parseDirectives } from "../../../workers/edge/core/reload.ts";
import { begin, join, LOW, openParts, segments, timingOf } from "./broadcast.ts";

const low = segments(begin(timingOf("low")), 7, LOW);
/** Segment 7 is open with two parts out; segment 6 closed with four. */
const open = edgeOf(openParts(low, { duration: 0.5 }, { duration: 0.5 }));
/** Segment 6 closed with four parts; nothing of 7 is there. */
const between = edgeOf(low);
const standard = edgeOf(segments(begin(timingOf("standard")), 7, 4));

describe("the edge", () => {
  it.each<[string, LiveEdge, LiveEdge]>([
    ["with an open segment", open, { msn: 7, parts: 2, closedParts: 4, partTarget: 0.51, ended: false }],
    ["between segments", between, { msn: 7, parts: 0, closedParts: 4, partTarget: 0.51, ended: false }],
    ["without parts", standard, { msn: 7, parts: 0, closedParts: 0, ended: false }],
    [
      "before anything",
      edgeOf(begin(timingOf("low"))),
      { msn: 0, parts: 0, closedParts: 0, partTarget: 0.51, ended: false },
    ],
    ["after the end", edgeOf(end(low)), { msn: 7, parts: 0, closedParts: 4, partTarget: 0.51, ended: true }],
    ["of a new session", edgeOf(join(low, 2)), between],
  ])("%s", (_name, edge, expected) => {
    expect(edge).toEqual(expected);
  });
});

describe("reloads", () => {
  const answers = (
    edge: LiveEdge,
    rows: readonly (readonly [string, Reload | undefined, ReturnType<typeof decide>])[],
  ) =>
    it.each(rows)("%s", (_name, want, verdict) => {
      expect(decide(want, edge)).toBe(verdict);
    });

  describe("with segment 7 open and two parts of it out", () =>
    answers(open, [
      ["a plain reload is answered", undefined, "serve"],
      ["rule 15: msn alone waits for the whole segment, though it has parts", { msn: 7 }, "wait"],
      ["rule 15: msn alone is answered by a complete segment", { msn: 6 }, "serve"],
      ["rule 15: a part that is there is answered", { msn: 7, part: 1 }, "serve"],
      ["rule 15: the next part is waited for", { msn: 7, part: 2 }, "wait"],
      ["rule 15: a part of the segment after it is waited for", { msn: 8, part: 0 }, "wait"],
      ["rule 16: a part past the end of a segment is part 0 of the next", { msn: 6, part: 4 }, "serve"],
      ["rule 16: however far past the end", { msn: 6, part: 400 }, "serve"],
      ["rule 17: a segment that left the window is answered", { msn: 0 }, "serve"],
      ["rule 17: and a part of one", { msn: 0, part: 90 }, "serve"],
      ["rule 18: the last segment plus two is waited for", { msn: 8 }, "wait"],
      ["rule 18: more is too far", { msn: 9 }, "too-far"],
      ["rule 18: also with a part", { msn: 9, part: 0 }, "too-far"],
      ["rule 18: for ever is too far", { msn: Number.MAX_SAFE_INTEGER }, "too-far"],
      ["rule 18: the Advance Part Limit is still waited for", { msn: 7, part: 7 }, "wait"],
      ["rule 18: one part more is too far", { msn: 7, part: 8 }, "too-far"],
      ["rule 18: so it is in the next segment", { msn: 8, part: 6 }, "too-far"],
    ]));

  describe("between segments 6 and 7", () =>
    answers(between, [
      ["rule 15: the newest complete segment is answered", { msn: 6 }, "serve"],
      ["rule 15: its last part too", { msn: 6, part: 3 }, "serve"],
      ["rule 16: a part past its end waits for part 0 of the next", { msn: 6, part: 4 }, "wait"],
      ["rule 16: however far past the end", { msn: 6, part: 400 }, "wait"],
      ["rule 15: the next part is waited for", { msn: 7, part: 0 }, "wait"],
      ["rule 18: the last segment plus two is waited for", { msn: 8 }, "wait"],
      ["rule 18: more is too far", { msn: 9 }, "too-far"],
    ]));

  describe("without parts", () =>
    answers(standard, [
      ["rule 15: a complete segment is answered", { msn: 6 }, "serve"],
      ["rule 15: the next segment is waited for, whatever part is named", { msn: 7, part: 0 }, "wait"],
      ["rule 18: more than the last plus two is too far", { msn: 9 }, "too-far"],
    ]));

  describe("before anything", () =>
    answers(edgeOf(begin(timingOf("low"))), [
      ["rule 15: the first part is waited for", { msn: 0, part: 0 }, "wait"],
      ["rule 15: the second segment is waited for", { msn: 1 }, "wait"],
      ["rule 18: the third is too far", { msn: 2 }, "too-far"],
    ]));

  it("rule 14: after the end every directive is ignored", () => {
    for (const want of [undefined, { msn: 7 }, { msn: 7, part: 2 }, { msn: 900 }, { msn: 6, part: 400 }])
      expect(decide(want, { ...open, ended: true })).toBe("serve");
  });

  it("rule 15: whoever waits is answered once the timeline has grown past what was wanted", () => {
    const steps = [low, openParts(low, { duration: 0.5 }), segments(low, 1, LOW), segments(low, 2, LOW)];
    const verdicts = (want: Reload) => steps.map((timeline) => decide(want, edgeOf(timeline)));
    expect(verdicts({ msn: 7, part: 0 })).toEqual(["wait", "serve", "serve", "serve"]);
    expect(verdicts({ msn: 7, part: 3 })).toEqual(["wait", "wait", "serve", "serve"]);
    expect(verdicts({ msn: 7 })).toEqual(["wait", "wait", "serve", "serve"]);
    // Segment 7 turned out to have four parts, so this became part 0 of segment 8.
    expect(verdicts({ msn: 7, part: 4 })).toEqual(["wait", "wait", "wait", "serve"]);
  });

  it("rule 18: the Advance Part Limit is three seconds of parts, and three at the least", () => {
    expect([0.21, 0.5, 0.51, 1, 1.5].map(advancePartLimit)).toEqual([15, 6, 6, 3, 3]);
  });

  it("rule 19: a part without a segment is refused before anyone is asked", () => {
    const read = (query: string) => parseDirectives(new URLSearchParams(query));
    expect(read("_HLS_part=0")).toMatchObject({ ok: false, error: { reason: "bad-directive" } });
    expect(read("_HLS_part=2&_HLS_msn=7")).toEqual({ ok: true, value: { reload: { msn: 7, part: 2 } } });
  });

  it("rule 20: nobody is held longer than three target durations", () => {
    expect(["standard", "low", "ultra"].map((name) => maxBlockSeconds(timingOf(name as "low")))).toEqual([
      12, 6, 3,
    ]);
  });
});

describe("requests for parts", () => {
  it.each<[string, LiveEdge, Required<Reload>, ReturnType<typeof decidePartRequest>]>([
    ["one that is out", open, { msn: 7, part: 1 }, "exists"],
    ["the hinted one", open, { msn: 7, part: 2 }, "hinted"],
    ["one after the hinted one", open, { msn: 7, part: 3 }, "unknown"],
    ["one of the segment after", open, { msn: 8, part: 0 }, "unknown"],
    ["one of an older segment", open, { msn: 6, part: 3 }, "exists"],
    ["one that the last segment never had", open, { msn: 6, part: 4 }, "unknown"],
    ["one long gone", open, { msn: 0, part: 0 }, "exists"],
    ["the hinted one between segments", between, { msn: 7, part: 0 }, "hinted"],
    ["one after it", between, { msn: 7, part: 1 }, "unknown"],
    ["the next one after the end", { ...between, ended: true }, { msn: 7, part: 0 }, "unknown"],
    ["any, where there are none", standard, { msn: 6, part: 0 }, "unknown"],
  ])("rule 22: %s", (_name, edge, want, verdict) => {
    expect(decidePartRequest(want, edge)).toBe(verdict);
  });
});

describe("an object that is not there", () => {
  const ended = { ...open, ended: true };
  const init: MediaFile = { kind: "init" };
  const segment = (msn: number): MediaFile => ({ kind: "segment", msn });
  const part = (msn: number, ordinal: number): MediaFile => ({ kind: "part", msn, part: ordinal });

  // Of this session, of the next one, of the one after it, of an older one.
  it.each<[string, MediaFile, LiveEdge, readonly [Hope, Hope, Hope, Hope]]>([
    ["an init segment", init, open, ["coming", "coming", "missing", "missing"]],
    ["a segment long gone", segment(0), open, ["missing", "coming", "missing", "missing"]],
    ["the newest closed segment", segment(6), open, ["missing", "coming", "missing", "missing"]],
    ["the open segment", segment(7), open, ["coming", "coming", "missing", "missing"]],
    ["the segment after it", segment(8), open, ["coming", "coming", "missing", "missing"]],
    ["the second after it", segment(9), open, ["coming", "coming", "missing", "missing"]],
    ["the third after it", segment(10), open, ["missing", "coming", "missing", "missing"]],
    ["a part of a closed segment", part(6, 3), open, ["missing", "coming", "missing", "missing"]],
    ["a part that a closed one never had", part(6, 4), open, ["missing", "coming", "missing", "missing"]],
    ["a part that is out", part(7, 1), open, ["missing", "coming", "missing", "missing"]],
    ["the hinted part", part(7, 2), open, ["coming", "coming", "missing", "missing"]],
    ["a part after it", part(7, 9), open, ["coming", "coming", "missing", "missing"]],
    ["a part of the second segment after", part(9, 0), open, ["coming", "coming", "missing", "missing"]],
    ["a part of the third", part(10, 0), open, ["missing", "coming", "missing", "missing"]],
    ["the first part between segments", part(7, 0), between, ["coming", "coming", "missing", "missing"]],
    ["the next segment, without parts", segment(7), standard, ["coming", "coming", "missing", "missing"]],
    ["an init segment, after the end", init, ended, ["never", "never", "never", "never"]],
    ["a segment, after the end", segment(7), ended, ["never", "never", "never", "never"]],
    ["a part, after the end", part(7, 2), ended, ["never", "never", "never", "never"]],
  ])("%s", (_name, file, edge, hopes) => {
    expect([0, 1, 2, -1].map((sessionsAhead) => hopeFor(file, sessionsAhead, edge))).toEqual(hopes);
  });
});
