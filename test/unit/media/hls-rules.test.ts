/**
 * The rules of LL-HLS that a playlist's text keeps or breaks; titles carry the rules' numbers. What blocks, and what may
 * be asked for, is in live-edge.test.ts; the multivariant playlist in hls-multivariant.test.ts.
 */
import { describe, expect, it } from "vitest";
import { iframePlaylist, mediaPlaylist, multivariantPlaylist } from "../../../media/hls.ts";
import { PROFILES, type ProfileName } from "../../../media/profile.ts";
import { sealingEntry } from "../../../media/seal.ts";
import { emptyTimeline, end, extend, type Timeline } from "../../../media/timeline.ts";
import { checkPlaylist, checkPresentation, differences } from "../../support/hls-checker.ts";
import { readAttributes, readMediaPlaylist } from "../../support/hls-reader.ts";
import {
  AUDIO,
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
  ULTRA,
  V720,
} from "./broadcast.ts";

const draw = (timeline: Timeline) => mediaPlaylist(timeline, "v720");
const linesOf = (text: string, name: string) =>
  text.split("\n").filter((line) => line.startsWith(`#EXT${name}`));
const attributesOf = (text: string, name: string) =>
  readAttributes(linesOf(text, name)[0]?.split(":").slice(1).join(":") ?? "");

const low = segments(begin(timingOf("low")), 12, LOW);
const ultra = segments(begin(timingOf("ultra")), 30, ULTRA);
const standard = segments(begin(timingOf("standard")), 12, 4);
/** Ten segments, the encoder gone and back, two more and a part. */
const rejoined = openParts(segments(join(segments(begin(timingOf("low")), 10, LOW), 2), 2, LOW), {
  duration: 0.5,
});

describe("tags of the whole playlist", () => {
  it("rule 1: PART-INF and a PART-HOLD-BACK of three parts go with parts, and only with them", () => {
    for (const [timeline, target, back] of [
      [low, "0.51", "1.53"],
      [ultra, "0.21", "0.63"],
    ] as const) {
      expect(attributesOf(draw(timeline), "-X-PART-INF").get("PART-TARGET")).toBe(target);
      expect(attributesOf(draw(timeline), "-X-SERVER-CONTROL").get("PART-HOLD-BACK")).toBe(back);
    }
    expect(draw(standard)).not.toMatch(/PART/);
  });

  it("rule 2: HOLD-BACK is three and CAN-SKIP-UNTIL six target durations", () => {
    for (const [timeline, hold, skip] of [
      [low, "6", "12"],
      [ultra, "3", "6"],
      [standard, "12", "24"],
    ] as const) {
      const control = attributesOf(draw(timeline), "-X-SERVER-CONTROL");
      expect([control.get("HOLD-BACK"), control.get("CAN-SKIP-UNTIL")]).toEqual([hold, skip]);
      expect(control.has("CAN-SKIP-DATERANGES")).toBe(false);
    }
  });

  it("rule 9: TARGETDURATION is the broadcast's from first to last, in all renditions, and no EXTINF rounds above it", () => {
    const uneven = segments(rejoined, 1, [0.5, 0.5, 0.5, 0.5, 0.49]);
    for (const timeline of [begin(timingOf("low")), low, rejoined, uneven, end(low)]) {
      for (const { name } of TRIO)
        expect(mediaPlaylist(timeline, name)).toContain("#EXT-X-TARGETDURATION:2\n");
    }
    expect(draw(uneven)).toContain("#EXTINF:2.49,\n");
    const tooLong = extend(
      low,
      1,
      partEntries(
        low,
        [...LOW, 0.5].map((duration) => ({ duration })),
      ),
    );
    expect(tooLong).toMatchObject({ ok: false, error: { reason: "too-long", limit: 2.5 } });
  });

  it("rule 10: sequence numbers count what left the window, and six target durations stay", () => {
    let timeline = begin({ ...timingOf("low"), windowSeconds: 4 });
    const seen: [number, number][] = [];
    for (let i = 0; i < 10; i += 1) {
      if (i === 3) timeline = join(timeline, 2);
      timeline = segments(timeline, 1, LOW);
      const { single } = readMediaPlaylist(draw(timeline));
      seen.push([Number(single.get("MEDIA-SEQUENCE")), Number(single.get("DISCONTINUITY-SEQUENCE"))]);
    }
    expect(seen).toEqual([
      [0, 0],
      [0, 0],
      [0, 0],
      [0, 0],
      [0, 0],
      [0, 0],
      [1, 0],
      [2, 0],
      [3, 0],
      [4, 1],
    ]);
    expect(readMediaPlaylist(draw(timeline)).segments.map(({ msn }) => msn)).toEqual([4, 5, 6, 7, 8, 9]);
  });

  it("rule 11: SERVER-CONTROL is identical in every media playlist, I-frames included", () => {
    const texts = [
      ...TRIO.map(({ name }) => mediaPlaylist(low, name)),
      iframePlaylist(low, "v720"),
      iframePlaylist(low, "v480"),
    ];
    expect(new Set(texts.map((text) => linesOf(text, "-X-SERVER-CONTROL").join()))).toEqual(
      new Set([
        "#EXT-X-SERVER-CONTROL:CAN-BLOCK-RELOAD=YES,CAN-SKIP-UNTIL=12,HOLD-BACK=6,PART-HOLD-BACK=1.53",
      ]),
    );
    expect(attributesOf(draw(standard), "-X-SERVER-CONTROL").get("CAN-BLOCK-RELOAD")).toBe("YES");
  });

  it.each([
    ["a whole playlist", mediaPlaylist(low, "v720"), 6],
    ["a delta update", mediaPlaylist(low, "v720", { skip: "YES" }), 9],
    ["a delta update that may skip date ranges", mediaPlaylist(low, "v720", { skip: "v2" }), 10],
    [
      "a playlist with nothing to skip",
      mediaPlaylist(segments(begin(timingOf("low")), 3, LOW), "v720", { skip: "v2" }),
      6,
    ],
    ["I-frames", iframePlaylist(low, "v720"), 5],
  ])("rule 12: VERSION of %s is what its tags need", (_name, text, version) => {
    expect(text).toContain(`#EXT-X-VERSION:${version}\n`);
  });

  it("rule 13: a playlist whose window slides has no PLAYLIST-TYPE", () => {
    for (const timeline of [low, end(low)]) expect(draw(timeline)).not.toContain("PLAYLIST-TYPE");
  });

  it("rule 14: after the end there is ENDLIST, no hint, no open part and nothing to block or skip on", () => {
    const text = mediaPlaylist(end(rejoined), "v720", { skip: "YES" });
    expect(text.endsWith("#EXT-X-ENDLIST\n")).toBe(true);
    expect(text).not.toMatch(
      /PRELOAD-HINT|CAN-BLOCK-RELOAD|CAN-SKIP-UNTIL|EXT-X-SKIP|RENDITION-REPORT|part-12/,
    );
    expect(iframePlaylist(end(rejoined), "v720").endsWith("#EXT-X-ENDLIST\n")).toBe(true);
    expect(draw(rejoined)).not.toContain("ENDLIST");
  });
});

describe("parts", () => {
  it("rule 3: no part is listed above PART-TARGET, not even by a rounding error, and a longer one is refused", () => {
    const timeline = openParts(low, { duration: 0.5104 });
    expect(linesOf(draw(timeline), "-X-PART:").at(-1)).toContain("DURATION=0.51,");
    expect(extend(low, 1, partEntries(low, [{ duration: 0.52 }]))).toMatchObject({
      ok: false,
      error: { reason: "too-long" },
    });
  });

  it.each([24_000 / 1001, 24, 25, 30_000 / 1001, 30, 48, 50, 60_000 / 1001, 60])(
    "rule 3: whole frames at %f a second fill at least 85 %% of PART-TARGET in every profile with parts",
    (rate) => {
      const targets = Object.values(PROFILES).map(({ partTargetSeconds }) => partTargetSeconds);
      for (const target of targets.filter((value) => value !== undefined)) {
        expect(Math.floor(target * rate) / rate).toBeGreaterThanOrEqual(0.85 * target);
      }
    },
  );

  it("rule 4: exactly the parts with an independent frame say INDEPENDENT=YES", () => {
    const independent = (name: string) =>
      readMediaPlaylist(mediaPlaylist(low, name))
        .segments.at(-1)
        ?.parts.map((part) => part.independent);
    expect(independent("v720")).toEqual([true, false, false, false]);
    expect(independent("audio")).toEqual([true, true, true, true]);
  });

  it("rule 5: discontinuity, init section and date stand before the first part of their segment", () => {
    const open = openParts(join(low, 2), { duration: 0.5 });
    const tail = draw(open).split("\n").slice(-8);
    expect(tail.map((line) => line.split(":")[0])).toEqual([
      "#EXT-X-DISCONTINUITY",
      "#EXT-X-MAP",
      "#EXT-X-PROGRAM-DATE-TIME",
      "#EXT-X-PART",
      "#EXT-X-PRELOAD-HINT",
      "#EXT-X-RENDITION-REPORT",
      "#EXT-X-RENDITION-REPORT",
      "",
    ]);
    expect(tail[1]).toContain("/2/v720/init.mp4");
    expect(
      readMediaPlaylist(draw(segments(open, 1, LOW.slice(1)))).segments.flatMap(({ lateTags }) => lateTags),
    ).toEqual([]);
  });

  it("rule 5: a window that begins inside a later session begins with that session's init section", () => {
    const timeline = segments(
      join(segments(begin({ ...timingOf("low"), windowSeconds: 12 }), 1, LOW), 2),
      8,
      LOW,
    );
    const [first] = readMediaPlaylist(draw(timeline)).segments;
    expect(first).toMatchObject({
      msn: 3,
      discontinuity: false,
      map: expect.stringContaining("/2/v720/init.mp4"),
    });
  });

  it("rule 6: the parts of a listed segment add up to it", () => {
    const frames = 1001 / 30_000;
    const timeline = segments(begin(timingOf("low")), 5, [
      15 * frames,
      15 * frames,
      15 * frames,
      15 * frames,
    ]);
    const withParts = readMediaPlaylist(draw(timeline)).segments.filter(({ parts }) => parts.length > 0);
    expect(withParts.length).toBeGreaterThan(2);
    for (const { parts, duration } of withParts)
      expect(parts.reduce((sum, part) => sum + part.duration, 0)).toBeCloseTo(duration ?? 0, 5);
  });

  it("rule 7: parts are listed within three target durations of the end, open parts counted, whole segments at a time", () => {
    const withParts = (timeline: Timeline) =>
      readMediaPlaylist(draw(timeline))
        .segments.filter(({ parts }) => parts.length > 0)
        .map(({ msn, parts }) => [msn, parts.length]);
    expect(withParts(low)).toEqual([
      [8, 4],
      [9, 4],
      [10, 4],
      [11, 4],
    ]);
    expect(withParts(openParts(low, { duration: 0.5 }))).toEqual([
      [9, 4],
      [10, 4],
      [11, 4],
    ]);
  });

  it("rule 27: a missing object is a gap in its own rendition, in a part and in a segment, and keeps its place", () => {
    const gap = openParts(
      segments(low, 1, LOW, { missing: ["v720"] }),
      { duration: 0.5 },
      { duration: 0.5, missing: ["v720"] },
    );
    const video = readMediaPlaylist(draw(gap));
    expect(video.segments.at(-1)).toMatchObject({
      msn: 12,
      gap: true,
      parts: [{ gap: true }, { gap: true }, { gap: true }, { gap: true }],
    });
    expect(video.open?.parts.map((part) => part.gap)).toEqual([false, true]);
    expect(mediaPlaylist(gap, "v480")).not.toContain("GAP");
    expect(linesOf(iframePlaylist(gap, "v720"), "-X-GAP")).toHaveLength(1);
  });

  it("rule 27: DISCONTINUITY-SEQUENCE is always there, and a new session is a discontinuity at one place in all renditions", () => {
    const places = [
      ...TRIO.map(({ name }) => mediaPlaylist(rejoined, name)),
      iframePlaylist(rejoined, "v720"),
    ].map((text) => {
      expect(text).toContain("#EXT-X-DISCONTINUITY-SEQUENCE:0\n");
      return readMediaPlaylist(text)
        .segments.filter(({ discontinuity }) => discontinuity)
        .map(({ msn }) => msn);
    });
    expect(places).toEqual([[10], [10], [10], [10]]);
    expect(draw(begin(timingOf("low")))).toContain("#EXT-X-DISCONTINUITY-SEQUENCE:0\n");
  });
});

describe("delta updates", () => {
  it.each([
    ["nothing open", low, 5],
    [
      "open parts, which do not move the boundary",
      openParts(low, { duration: 0.5 }, { duration: 0.5 }, { duration: 0.5 }),
      5,
    ],
    ["a discontinuity after the boundary", rejoined, 5],
    [
      "a discontinuity among the skipped",
      segments(join(segments(begin(timingOf("low")), 2, LOW), 2), 10, LOW),
      5,
    ],
    ["exactly the boundary's length", segments(begin(timingOf("low")), 6, LOW), 0],
    ["one segment more", segments(begin(timingOf("low")), 7, LOW), 0],
    ["two segments more", segments(begin(timingOf("low")), 8, LOW), 1],
    ["no parts", segments(begin(timingOf("standard", 120)), 20, 4), 13],
  ])(
    "rule 21: skips what ends more than six target durations before the last segment's end: %s",
    (_name, timeline, skipped) => {
      for (const [playlist, skip] of [
        [mediaPlaylist, "YES"],
        [mediaPlaylist, "v2"],
        [iframePlaylist, "YES"],
      ] as const) {
        const delta = playlist(timeline, "v720", { skip });
        const whole = playlist(timeline, "v720");
        const tag = attributesOf(delta, "-X-SKIP");
        expect(Number(tag.get("SKIPPED-SEGMENTS") ?? 0)).toBe(skipped);
        expect(tag.get("RECENTLY-REMOVED-DATERANGES")).toBe(skip === "v2" && skipped > 0 ? "" : undefined);
        expect(linesOf(delta, "-X-MEDIA-SEQUENCE")).toEqual(linesOf(whole, "-X-MEDIA-SEQUENCE"));
        expect(linesOf(delta, "-X-DISCONTINUITY-SEQUENCE")).toEqual(
          linesOf(whole, "-X-DISCONTINUITY-SEQUENCE"),
        );
        const before = checkPlaylist(whole);
        const filled = checkPlaylist(delta, before.state);
        expect([...before.violations, ...filled.violations]).toEqual([]);
        expect(differences(before.state, filled.state)).toEqual([]);
      }
    },
  );

  it("rule 21: a delta update is the whole playlist's own lines, those of skipped segments replaced", () => {
    const rest = (text: string) => text.slice(text.indexOf("#EXT-X-PROGRAM-DATE-TIME:2026-11-21T12:00:10"));
    const delta = mediaPlaylist(rejoined, "v720", { skip: "YES" });
    expect(rest(delta)).toBe(rest(draw(rejoined)));
    expect(delta.indexOf("#EXT-X-SKIP")).toBeLessThan(delta.indexOf("#EXTINF"));
    expect(delta.length).toBeLessThan(draw(rejoined).length);
  });
});

describe("hints and reports", () => {
  const hints = (timeline: Timeline) =>
    readMediaPlaylist(draw(timeline)).hints.map((hint) => [
      hint.get("TYPE"),
      hint.get("URI")?.split("/").slice(5).join("/"),
    ]);

  it.each([
    [
      "before the first part",
      begin(timingOf("low")),
      [
        ["MAP", "1/v720/init.mp4"],
        ["PART", "1/v720/part-0.0.m4s"],
      ],
    ],
    ["between segments", low, [["PART", "1/v720/part-12.0.m4s"]]],
    ["in an open segment", openParts(low, { duration: 0.5 }), [["PART", "1/v720/part-12.1.m4s"]]],
    [
      "when a new session has said what its tracks are",
      join(low, 2),
      [
        ["MAP", "2/v720/init.mp4"],
        ["PART", "2/v720/part-12.0.m4s"],
      ],
    ],
    [
      "in a new session's segment",
      openParts(join(low, 2), { duration: 0.5 }),
      [["PART", "2/v720/part-12.1.m4s"]],
    ],
    ["without parts", standard, []],
  ])("rule 22: hints the next part by the very name it will have: %s", (_name, timeline, expected) => {
    expect(hints(timeline)).toEqual(expected);
    const [, uri = "no part"] =
      readMediaPlaylist(draw(timeline)).hints.at(-1)?.get("URI")?.match(/(.*)/) ?? [];
    if (expected.length > 0) expect(draw(openParts(timeline, { duration: 0.5 }))).toContain(`,URI="${uri}"`);
  });

  it("rule 22: hints nothing before a session has said what its tracks are", () => {
    expect(draw(emptyTimeline(low.broadcast, "demo", timingOf("low")))).not.toContain("PRELOAD-HINT");
  });

  it("rule 23: every other rendition is reported where this one is", () => {
    const reports = (timeline: Timeline) => linesOf(mediaPlaylist(timeline, "v480"), "-X-RENDITION-REPORT");
    const expected = (where: string) =>
      ["v720", "audio"].map((name) => `#EXT-X-RENDITION-REPORT:URI="../${name}/index.m3u8",${where}`);
    expect(reports(low)).toEqual(expected("LAST-MSN=11,LAST-PART=3"));
    expect(reports(openParts(low, { duration: 0.5 }))).toEqual(expected("LAST-MSN=12,LAST-PART=0"));
    expect(reports(standard)).toEqual(expected("LAST-MSN=11"));
    expect(reports(begin(timingOf("low")))).toEqual([]);
    const states = new Map(
      TRIO.map(({ name }) => [`${name}/index.m3u8`, checkPlaylist(mediaPlaylist(low, name)).state]),
    );
    expect(checkPresentation(states)).toEqual([]);
  });
});

describe("dates, URIs and numbers", () => {
  it("rule 24: every segment has its date, the open one too, and all playlists agree", () => {
    for (const text of [draw(rejoined), mediaPlaylist(rejoined, "audio"), iframePlaylist(rejoined, "v720")]) {
      const { segments: listed, open } = readMediaPlaylist(text);
      const dates = [...listed, ...(open ? [open] : [])].map(({ date }) => date);
      expect(dates).toEqual(dates.map((_, index) => START_MS + 2000 * index));
    }
  });

  it("rule 24: an encoder whose clock was put back does not make dates ambiguous", () => {
    const back = segments(join(low, 2), 2, LOW, { at: START_MS - 3_600_000 });
    expect(checkPlaylist(draw(back)).violations).toEqual([]);
    const slightly = segments(join(low, 2), 1, LOW, { at: nextAt(low) - 400 });
    expect(slightly.segments.at(-1)?.at).toBe(nextAt(low) - 400);
  });

  it("rule 24: every segment with parts has an independent one", () => {
    for (const { parts } of readMediaPlaylist(draw(low)).segments.slice(-3))
      expect(parts.some(({ independent }) => independent)).toBe(true);
  });

  it("rule 29: EXTINF sums stay within a frame of the truth over a whole window", () => {
    const segment = 60 * (1001 / 30_000);
    const timeline = segments(begin(timingOf("low", 900)), 400, [
      segment / 4,
      segment / 4,
      segment / 4,
      segment / 4,
    ]);
    const listed = readMediaPlaylist(draw(timeline)).segments;
    const sum = listed.reduce((total, { duration }) => total + (duration ?? 0), 0);
    expect(Math.abs(sum - 400 * segment)).toBeLessThan(1 / 30);
    expect(linesOf(draw(timeline), "INF").every((line) => /^#EXTINF:\d+(\.\d{1,6})?,$/.test(line))).toBe(
      true,
    );
  });

  it("every URI is relative, so that a signed path in front of it stays there", () => {
    for (const text of [draw(rejoined), iframePlaylist(rejoined, "v720"), multivariantPlaylist(rejoined)]) {
      const uris = [...text.matchAll(/URI="([^"]*)"/g)]
        .map(([, uri = ""]) => uri)
        .concat(text.split("\n").filter((line) => line !== "" && !line.startsWith("#")));
      expect(uris.length).toBeGreaterThan(3);
      for (const uri of uris) expect(uri).not.toMatch(/^\/|:/);
    }
    const [first] = readMediaPlaylist(draw(low)).segments;
    const at = new URL(first?.uri ?? "", "https://a.example/p/token/live/demo/v720/index.m3u8");
    expect(at.pathname).toBe(`/p/token/media/${low.broadcast}/1/v720/seg-0.m4s`);
  });

  it("draws dates that no calendar holds instead of failing", () => {
    const timeline = grow(
      begin(timingOf("standard"), [V720, AUDIO]),
      1,
      [segmentEntry(low, 4, [], 1e300)].map((entry) => ({ ...entry, msn: 0 }) as typeof entry),
    );
    expect(draw(timeline)).toContain("#EXT-X-PROGRAM-DATE-TIME:+275760-09-13T00:00:00.000Z");
  });

  it("rule 6: a segment that was sealed for its session is what its parts were", () => {
    const open = openParts(low, { duration: 0.5 }, { duration: 0.3 });
    const seal = sealingEntry(open);
    expect(seal).toBeDefined();
    const sealed = join(grow(open, 1, seal ? [seal] : []), 2);
    const before = checkPlaylist(draw(open));
    const after = checkPlaylist(draw(segments(sealed, 1, LOW)), before.state);
    expect([...before.violations, ...after.violations]).toEqual([]);
    expect(readMediaPlaylist(draw(sealed)).segments.at(-1)).toMatchObject({
      msn: 12,
      duration: 0.8,
      gap: false,
    });
  });
});

describe.each(["standard", "low", "ultra"] as const satisfies readonly ProfileName[])(
  "profile %s",
  (profile) => {
    it("draws a window of 900 segments in a few milliseconds", () => {
      const parts = profile === "standard" ? 1 : profile === "low" ? LOW : ULTRA;
      const timeline = segments(begin(timingOf(profile, 900 * PROFILES[profile].segmentSeconds)), 905, parts);
      expect(timeline.segments.length).toBeGreaterThanOrEqual(900);
      for (let i = 0; i < 20; i += 1) draw(timeline);
      const times = Array.from({ length: 20 }, () => {
        const begun = performance.now();
        draw(timeline);
        return performance.now() - begun;
      }).sort((a, b) => a - b);
      expect(times[0]).toBeLessThan(10);
    });
  },
);
