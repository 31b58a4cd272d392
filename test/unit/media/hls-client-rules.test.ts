/** The rules beside the playlists are checked themselves: each kind of damage to good media, headers and variants is found. */
import { expect, it } from "vitest";
import { multivariantPlaylist } from "../../../media/hls.ts";
import { checkDelivery, checkMultivariant, type Delivery } from "../../support/hls-delivery.ts";
import { checkMedia, type ListedSegment, readInit, readSegment } from "../../support/hls-media.ts";
import { begin, LOW, segments, timingOf } from "./broadcast.ts";

// ------------------------------------------------------------------ media, made of boxes by hand
const u32 = (...values: readonly number[]): number[] =>
  values.flatMap((value) => [value >>> 24, (value >>> 16) & 255, (value >>> 8) & 255, value & 255]);
const box = (type: string, ...body: readonly (readonly number[])[]): number[] => {
  const bytes = body.flat();
  return [...u32(bytes.length + 8), ...[...type].map((letter) => letter.charCodeAt(0)), ...bytes];
};
const letters = (text: string): number[] => [...text].map((letter) => letter.charCodeAt(0));

const TICKS = 90_000;
const init = (handler: string, mdhdVersion = 0): Uint8Array =>
  Uint8Array.from([
    ...box("ftyp", letters("cmfc")),
    ...box(
      "moov",
      box(
        "trak",
        box(
          "mdia",
          mdhdVersion === 0
            ? box("mdhd", u32(0, 0, 0, TICKS, 0, 0))
            : box("mdhd", u32(1 << 24, 0, 0, 0, 0, TICKS, 0, 0, 0)),
          box("hdlr", u32(0, 0), letters(handler), u32(0, 0, 0)),
        ),
      ),
      box("mvex", box("trex", u32(0, 1, 1, 4500, 0, 0))),
    ),
  ]);

type Run = "in trun" | "in tfhd" | "in trex";
/** Two fragments of two samples of 4500 ticks each. */
function segment(decodeTime: number, durations: Run = "in trun", picture = 5): Uint8Array {
  const fragment = (at: number) => [
    ...box(
      "moof",
      box("mfhd", u32(0, 1)),
      box(
        "traf",
        durations === "in tfhd" ? box("tfhd", u32(0x20008, 1, 4500)) : box("tfhd", u32(0x20000, 1)),
        box("tfdt", u32(1 << 24, 0, at)),
        durations === "in trun"
          ? box("trun", u32(0x301, 2, 0, 4500, 9, 4500, 9))
          : box("trun", u32(0x201, 2, 0, 9, 9)),
      ),
    ),
    // A parameter set, then the picture.
    ...box("mdat", u32(2), [0x67, 1], u32(2), [0x60 | picture, 1]),
  ];
  return Uint8Array.from([...fragment(decodeTime), ...fragment(decodeTime + 9000)]);
}

const video = readInit(init("vide"));
const list = (...times: readonly number[]): ListedSegment[] =>
  times.flatMap((at, msn) => {
    const facts = video && readSegment(segment(at), video);
    return facts ? [{ msn, duration: 0.2, map: "init", facts }] : [];
  });

it("reads what a track is, and what a segment holds, however it says so", () => {
  expect(video).toEqual({ timescale: TICKS, defaultTicks: 4500, kind: "video" });
  expect(readInit(init("soun", 1))).toEqual({ timescale: TICKS, defaultTicks: 4500, kind: "audio" });
  expect(readInit(segment(0))).toBeUndefined();
  for (const durations of ["in trun", "in tfhd", "in trex"] as const)
    expect(video && readSegment(segment(90, durations), video)).toEqual({
      decodeTime: 90,
      ticks: 18_000,
      firstPicture: 5,
    });
  expect(video && readSegment(init("vide"), video)).toBeUndefined();
});

it.each<[string, readonly ListedSegment[], string[]]>([
  ["nothing wrong", list(0, 18_000, 36_000), []],
  [
    "a hole between segments",
    list(0, 27_000),
    ["rule 29: segment 1 begins 0.1 s off the end of the one before it"],
  ],
  [
    "a duration that is not there",
    list(0).map((one) => ({ ...one, duration: 0.3 })),
    ["rule 29: segment 0 says 0.3 s and holds 0.2"],
  ],
  ["a hole at a new session", list(0, 27_000).map((one, i) => ({ ...one, map: `init${i}` })), []],
  ["a hole where a segment was not seen", list(0, 27_000).map((one, i) => ({ ...one, msn: 2 * i })), []],
  [
    "a segment that begins with another picture",
    list(0).map((one) => ({ ...one, facts: { ...one.facts, firstPicture: 1 } })),
    ["rule 29: segment 0 begins with a picture of type 1, not IDR"],
  ],
])("media: %s", (_what, listed, bad) => {
  expect(video && checkMedia(listed, video)).toEqual(bad);
});

it("sees which picture comes first", () => {
  expect(video && readSegment(segment(0, "in trun", 1), video)?.firstPicture).toBe(1);
});

// ------------------------------------------------------------------ headers
const PLAYLIST = {
  "content-encoding": "gzip",
  "cache-control": "public, max-age=12",
  "content-type": "application/vnd.apple.mpegurl",
  "access-control-allow-origin": "*",
  "access-control-expose-headers": "Age, Date, Content-Length",
};
const SEGMENT = {
  ...PLAYLIST,
  "cache-control": "public, max-age=31536000, immutable",
  "content-type": "video/iso.segment",
};

it.each<[Delivery["what"], Record<string, string>, string | undefined]>([
  ["blocking playlist", PLAYLIST, undefined],
  ["plain playlist", { ...PLAYLIST, "cache-control": "public, max-age=1" }, undefined],
  ["segment", SEGMENT, undefined],
  ["part", SEGMENT, undefined],
  ["init", { ...SEGMENT, "content-type": "video/mp4" }, undefined],
  ["blocking playlist", { ...PLAYLIST, "content-encoding": "" }, "rule 24"],
  ["blocking playlist", { ...PLAYLIST, "cache-control": "public, max-age=1" }, "rule 25"],
  ["plain playlist", PLAYLIST, "rule 25"],
  ["segment", { ...SEGMENT, "cache-control": "public, max-age=12" }, "rule 25"],
  ["part", { ...SEGMENT, "content-type": "video/mp4" }, "rule 29"],
  ["blocking playlist", { ...PLAYLIST, "content-type": "text/plain" }, "rule 29"],
  ["segment", { ...SEGMENT, "access-control-allow-origin": "" }, "rule 30"],
  ["segment", { ...SEGMENT, "access-control-expose-headers": "Age" }, "rule 30"],
])("delivery of a %s, %#", (what, headers, rule) => {
  const bad = checkDelivery({ what, headers: new Headers(headers), targetDuration: 2 });
  expect(bad.map((violation) => violation.split(":")[0])).toEqual(rule === undefined ? [] : [rule]);
});

// ------------------------------------------------------------------ the multivariant playlist
const text = multivariantPlaylist(segments(begin(timingOf("low")), 10, LOW));
const measured = new Map([["audio", 1000]]);

it.each<[string, (text: string) => string, ReadonlyMap<string, number>]>([
  ["INDEPENDENT-SEGMENTS is missing", (t) => t.replace("#EXT-X-INDEPENDENT-SEGMENTS\n", ""), measured],
  ["CODECS is missing", (t) => t.replace(/CODECS="[^"]*",?/, ""), measured],
  ["RESOLUTION is missing", (t) => t.replace(/RESOLUTION=[^,\n]*,?/, ""), measured],
  ["FRAME-RATE is missing", (t) => t.replaceAll(/FRAME-RATE=[^,\n]*,?/g, ""), measured],
  ["AVERAGE-BANDWIDTH is missing", (t) => t.replace(/AVERAGE-BANDWIDTH=[^,\n]*,?/, ""), measured],
  ["BANDWIDTH is too small", (t) => t, new Map([["v720", 1e9]])],
  ["I-frame playlists are missing", (t) => t.replaceAll(/#EXT-X-I-FRAME.*\n/g, ""), measured],
  ["the audio is missing", (t) => t.replaceAll(/#EXT-X-MEDIA.*\n/g, ""), measured],
  ["there is nothing", () => "#EXTM3U\n", measured],
])("a multivariant playlist where %s", (_what, damage, peaks) => {
  expect(checkMultivariant(text, measured)).toEqual([]);
  const bad = checkMultivariant(damage(text), peaks);
  expect(bad.length).toBeGreaterThan(0);
  expect(bad.every((violation) => violation.startsWith("rule 29"))).toBe(true);
});
