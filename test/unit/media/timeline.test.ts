/** The timeline: what may be added to it, what is refused with which facts, and what it lets go of. */
import { describe, expect, it } from "vitest";
import { sealingEntry } from "../../../media/seal.ts";
import {
  type Entry,
  emptyTimeline,
  end,
  extend,
  positionOf,
  type Timeline,
} from "../../../media/timeline.ts";
import {
  AUDIO,
  BROADCAST,
  begin,
  grow,
  join,
  LOW,
  nextAt,
  openParts,
  partEntries,
  START_MS,
  segmentEntry,
  segments,
  TRIO,
  timingOf,
  V480,
  V720,
} from "./broadcast.ts";

const fresh = begin(timingOf("low"));
const low = segments(fresh, 3, LOW);
const open = openParts(low, { duration: 0.5 }, { duration: 0.5 });

const part = (msn: number, index: number, duration = 0.5): Entry => ({
  type: "part",
  msn,
  part: index,
  at: START_MS,
  duration,
  tracks: {},
});
const segment = (msn: number, duration = 2): Entry => ({
  type: "segment",
  msn,
  at: START_MS,
  duration,
  tracks: {},
});
const init: Entry = { type: "init", renditions: TRIO };

describe("extend", () => {
  it("adds parts to the open segment and closes it with what it was told", () => {
    expect(positionOf(fresh)).toEqual({ msn: 0, part: 0 });
    expect(positionOf(open)).toEqual({ msn: 3, part: 2 });
    const closed = grow(open, 1, [...partEntries(open, [{ duration: 0.5 }], 2), segmentEntry(open, 1.5)]);
    expect(positionOf(closed)).toEqual({ msn: 4, part: 0 });
    expect(closed.open).toBeUndefined();
    expect(closed.segments.at(-1)).toMatchObject({
      msn: 3,
      session: 1,
      discontinuity: false,
      at: nextAt(low),
      duration: 1.5,
      partCount: 3,
    });
  });

  it.each<[string, Timeline, number, readonly Entry[], object]>([
    ["a part that leaves one out", open, 1, [part(3, 3)], { reason: "gap", expected: { msn: 3, part: 2 } }],
    [
      "a part of a segment that is not next",
      low,
      1,
      [part(4, 0)],
      { reason: "gap", expected: { msn: 3, part: 0 } },
    ],
    [
      "a part of the next segment while one is open",
      open,
      1,
      [part(4, 0)],
      { reason: "gap", expected: { msn: 3, part: 2 } },
    ],
    ["a segment that leaves one out", low, 1, [segment(4)], { reason: "gap", expected: { msn: 3, part: 0 } }],
    [
      "a segment none of whose parts came",
      low,
      1,
      [segment(3)],
      { reason: "gap", expected: { msn: 3, part: 0 } },
    ],
    ["media of a session that did not describe its tracks", low, 2, [part(3, 0)], { reason: "no-init" }],
    ["media of a session that was followed by another", join(low, 2), 1, [part(3, 0)], { reason: "no-init" }],
    [
      "media before anything",
      emptyTimeline(BROADCAST, "demo", timingOf("low")),
      1,
      [part(0, 0)],
      { reason: "no-init" },
    ],
    [
      "a part above PART-TARGET",
      low,
      1,
      [part(3, 0, 0.52)],
      { reason: "too-long", seconds: 0.52, limit: 0.51 },
    ],
    [
      "a part that would make its segment too long",
      openParts(open, { duration: 0.5 }, { duration: 0.5 }),
      1,
      [part(3, 4)],
      { reason: "too-long", seconds: 2.5, limit: 2.5 },
    ],
    [
      "a segment that rounds above TARGETDURATION",
      open,
      1,
      [segment(3, 2.5)],
      { reason: "too-long", seconds: 2.5, limit: 2.5 },
    ],
    [
      "a part where there are none",
      begin(timingOf("standard")),
      1,
      [part(0, 0)],
      { reason: "too-long", limit: 0 },
    ],
    [
      "a segment that does not last as long as its parts",
      open,
      1,
      [segment(3, 1.01)],
      { reason: "uneven", seconds: 1.01, parts: 1 },
    ],
    [
      "more renditions than a broadcast may have",
      low,
      2,
      [{ type: "init", renditions: Array.from({ length: 14 }, (_, i) => ({ ...V720, name: `x${i}` })) }],
      { reason: "too-many", limit: 16 },
    ],
    ["anything after the end", end(low), 1, [init], { reason: "ended" }],
    ["a repetition after the end", end(low), 1, [segment(2)], { reason: "ended" }],
  ])("refuses %s", (_name, timeline, session, entries, error) => {
    expect(extend(timeline, session, entries)).toMatchObject({ ok: false, error });
  });

  it("forgives what rounding does to a segment and its parts", () => {
    expect(extend(open, 1, [segment(3, 1.0009)])).toMatchObject({ ok: true });
  });

  it("adds all or nothing", () => {
    const before = structuredClone(low);
    expect(extend(low, 1, [part(3, 0), part(3, 2)])).toMatchObject({ ok: false });
    expect(low).toEqual(before);
  });

  it("passes over what is there already, and lists only what is new", () => {
    const entries = [
      init,
      ...partEntries(
        fresh,
        LOW.map((duration) => ({ duration })),
      ),
      segmentEntry(fresh, 2),
    ];
    const once = extend(fresh, 1, entries);
    if (!once.ok) throw new Error("refused");
    expect(once.value.added).toEqual(entries.slice(1));
    const twice = extend(once.value.timeline, 1, entries);
    expect(twice).toEqual({ ok: true, value: { timeline: once.value.timeline, added: [] } });
    for (let split = 1; split < entries.length; split += 1) {
      const half = grow(fresh, 1, entries.slice(0, split));
      expect(extend(half, 1, entries)).toEqual({
        ok: true,
        value: { timeline: once.value.timeline, added: entries.slice(split) },
      });
    }
  });

  it("changes nothing that was handed to it", () => {
    const before = structuredClone(open);
    grow(open, 1, [...partEntries(open, [{ duration: 0.5 }], 2), segmentEntry(open, 1.5)]);
    join(open, 2);
    expect(open).toEqual(before);
  });

  it("goes on in a new session with a discontinuity, in its first segment only", () => {
    const again = segments(join(low, 2), 2, LOW);
    expect(again.segments.map(({ session, discontinuity }) => [session, discontinuity])).toEqual([
      [1, false],
      [1, false],
      [1, false],
      [2, true],
      [2, false],
    ]);
    expect(segments(join(begin(timingOf("low")), 2), 1, LOW).segments[0]?.discontinuity).toBe(false);
  });

  it("closes as a gap what an older session left open and nobody sealed, and says so", () => {
    const joined = extend(open, 2, [init]);
    if (!joined.ok) throw new Error("refused");
    const [seal, described] = joined.value.added;
    expect(seal).toEqual({ type: "segment", msn: 3, at: nextAt(low), duration: 1, tracks: {} });
    expect(described).toBe(init);
    expect(joined.value.timeline.segments.at(-1)).toMatchObject({
      msn: 3,
      session: 1,
      partCount: 2,
      tracks: {},
    });
    expect(segments(joined.value.timeline, 1, LOW).segments.at(-1)).toMatchObject({
      msn: 4,
      session: 2,
      discontinuity: true,
    });
    // A repetition of the session's own description leaves its open segment alone.
    expect(extend(open, 1, [init])).toEqual({ ok: true, value: { timeline: open, added: [] } });
  });

  it("keeps renditions that a session does not describe, and what was measured of them", () => {
    const fewer = join(low, 2, [{ ...V480, bitrate: 5 }, AUDIO]);
    expect(fewer.renditions.map(({ name, bitrate }) => [name, bitrate])).toEqual([
      ["v720", V720.bitrate],
      ["v480", 5],
      ["audio", AUDIO.bitrate],
    ]);
    expect(fewer.renditions.map(({ measured }) => measured.seconds)).toEqual([6, 6, 6]);
  });

  it("measures the mean of all segments and the peak of those at least half a target duration long", () => {
    const track = (bytes: number) => ({ v720: { bytes, independent: true } });
    const step = (timeline: Timeline, duration: number, bytes: number) =>
      grow(timeline, 1, [{ ...segment(timeline.nextMsn, duration), tracks: track(bytes) } as Entry]);
    const { partTarget: _none, ...timing } = timingOf("low");
    const measured = step(step(step(begin(timing, [V720]), 2, 1000), 1, 700), 0.9, 9000).renditions[0]
      ?.measured;
    expect(measured).toEqual({ bytes: 10_700, seconds: 3.9, peak: 5600 });
  });
});

describe("the window", () => {
  it("keeps at least windowSeconds, and at least six target durations", () => {
    for (const [windowSeconds, kept] of [
      [0, 6],
      [12, 6],
      [13, 7],
      [60, 30],
    ] as const) {
      const timeline = segments(begin({ ...timingOf("low"), windowSeconds }), 40, LOW);
      expect(timeline.segments).toHaveLength(kept);
      expect(timeline.segments[0]?.msn).toBe(40 - kept);
      expect(timeline.nextMsn).toBe(40);
    }
  });

  it("lets go of one segment at a time", () => {
    let timeline = begin({ ...timingOf("low"), windowSeconds: 20 });
    for (let i = 0; i < 30; i += 1) {
      const first = timeline.segments[0]?.msn ?? 0;
      timeline = segments(timeline, 1, i % 3 === 0 ? LOW : LOW.slice(1));
      expect((timeline.segments[0]?.msn ?? 0) - first).toBeLessThanOrEqual(2);
      const msns = timeline.segments.map(({ msn }) => msn);
      expect(msns).toEqual(msns.map((_, index) => (msns[0] ?? 0) + index));
    }
  });

  it("forgets old parts but not how many there were", () => {
    const timeline = segments(fresh, 10, LOW);
    expect(timeline.segments.map(({ parts }) => parts.length)).toEqual([0, 0, 0, 0, 0, 0, 4, 4, 4, 4]);
    expect(timeline.segments.every(({ partCount }) => partCount === 4)).toBe(true);
  });

  it("counts the discontinuities that left it", () => {
    let timeline = begin({ ...timingOf("low"), windowSeconds: 0 });
    for (let session = 2; session <= 20; session += 1) timeline = join(segments(timeline, 1, LOW), session);
    expect(timeline.segments).toHaveLength(6);
    expect(timeline.discontinuitySequence).toBe(19 - 6 - 1);
  });
});

describe("the next broadcast of a stream", () => {
  it("goes on with both sequences, as its playlists have the same addresses", () => {
    let before = begin({ ...timingOf("low"), windowSeconds: 0 });
    for (let session = 2; session <= 20; session += 1) before = join(segments(before, 1, LOW), session);
    before = segments(before, 1, LOW);
    const next = emptyTimeline("b2", "s", timingOf("low"), before);
    expect(next).toMatchObject({ nextMsn: 20, discontinuitySequence: 20, segments: [], renditions: [] });
    expect(emptyTimeline("b3", "s", timingOf("low"), next)).toMatchObject({
      nextMsn: 20,
      discontinuitySequence: 21,
    });
  });

  it("leaves room for a segment that was never closed", () => {
    expect(emptyTimeline("b2", "s", timingOf("low"), open).nextMsn).toBe(open.nextMsn + 1);
  });
});

describe("end", () => {
  it("forgets the segment that was never closed, and closes for good", () => {
    expect(end(open)).toMatchObject({ ended: true, nextMsn: 3 });
    expect(end(open).open).toBeUndefined();
    expect(end(end(open))).toEqual(end(open));
  });
});

describe("sealing", () => {
  it("has nothing to close when nothing is open", () => {
    expect(sealingEntry(low)).toBeUndefined();
    expect(sealingEntry(segments(begin(timingOf("standard")), 2, 4))).toBeUndefined();
  });

  it("adds up the parts, rendition by rendition; one that misses a part has a gap", () => {
    const tracks = {
      v720: { bytes: 100, independent: true, iframeBytes: 60 },
      v480: { bytes: 50, independent: true },
      audio: { bytes: 10, independent: true },
    };
    const timeline = grow(low, 1, [
      { ...part(3, 0), tracks } as Entry,
      {
        ...part(3, 1, 0.25),
        tracks: { v720: { bytes: 7, independent: false }, audio: { bytes: 3, independent: true } },
      } as Entry,
    ]);
    expect(sealingEntry(timeline)).toEqual({
      type: "segment",
      msn: 3,
      at: START_MS + 6000,
      duration: 0.75,
      tracks: {
        v720: { bytes: 107, independent: true, iframeBytes: 60 },
        audio: { bytes: 13, independent: true },
      },
    });
  });

  it("makes an entry that the timeline always takes, however many parts came", () => {
    let timeline = low;
    for (;;) {
      const more = extend(
        timeline,
        1,
        partEntries(timeline, [{ duration: 0.31 }], timeline.open?.parts.length ?? 0),
      );
      if (!more.ok) break;
      timeline = more.value.timeline;
      const seal = sealingEntry(timeline);
      const sealed = extend(timeline, 1, seal ? [seal] : []);
      expect(sealed).toMatchObject({ ok: true, value: { added: [seal] } });
    }
    expect(timeline.open?.parts).toHaveLength(8);
  });
});
