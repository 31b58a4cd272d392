/** The multivariant playlist: what it lists, and the figures it gives. */
import { describe, expect, it } from "vitest";
import { multivariantPlaylist } from "../../../media/hls.ts";
import type { RenditionFacts, Timeline } from "../../../media/timeline.ts";
import { readAttributes } from "../../support/hls-reader.ts";
import { AUDIO, begin, grow, join, LOW, partEntries, segments, timingOf, V480, V720 } from "./broadcast.ts";

/** Tags of one name with their attributes; a variant's URI line as URI. */
function tags(timeline: Timeline, name: string): Record<string, string>[] {
  const lines = multivariantPlaylist(timeline).split("\n");
  return lines.flatMap((line, index) => {
    if (!line.startsWith(`#EXT-X-${name}:`)) return [];
    const attributes = Object.fromEntries(readAttributes(line.slice(line.indexOf(":") + 1)));
    return [name === "STREAM-INF" ? { ...attributes, URI: lines[index + 1] ?? "" } : attributes];
  });
}

const planned = begin(timingOf("low"));
const measured = segments(planned, 4, LOW);

describe("the multivariant playlist", () => {
  it("rule 29: is complete: every variant says what it needs, keyframes and sound have their own playlists", () => {
    expect(multivariantPlaylist(planned)).toBe(
      [
        "#EXTM3U",
        "#EXT-X-VERSION:4",
        "#EXT-X-INDEPENDENT-SEGMENTS",
        '#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="audio",NAME="audio",DEFAULT=YES,AUTOSELECT=YES,CHANNELS="2",URI="audio/index.m3u8"',
        '#EXT-X-STREAM-INF:BANDWIDTH=2928000,AVERAGE-BANDWIDTH=2928000,CODECS="avc1.64001f,mp4a.40.2",RESOLUTION=1280x720,FRAME-RATE=30.000,AUDIO="audio"',
        "v720/index.m3u8",
        '#EXT-X-STREAM-INF:BANDWIDTH=1328000,AVERAGE-BANDWIDTH=1328000,CODECS="avc1.64001e,mp4a.40.2",RESOLUTION=854x480,FRAME-RATE=30.000,AUDIO="audio"',
        "v480/index.m3u8",
        '#EXT-X-STREAM-INF:BANDWIDTH=128000,AVERAGE-BANDWIDTH=128000,CODECS="mp4a.40.2",AUDIO="audio"',
        "audio/index.m3u8",
        '#EXT-X-I-FRAME-STREAM-INF:BANDWIDTH=2800000,AVERAGE-BANDWIDTH=2800000,CODECS="avc1.64001f",RESOLUTION=1280x720,URI="v720/iframes.m3u8"',
        '#EXT-X-I-FRAME-STREAM-INF:BANDWIDTH=1200000,AVERAGE-BANDWIDTH=1200000,CODECS="avc1.64001e",RESOLUTION=854x480,URI="v480/iframes.m3u8"',
        "",
      ].join("\n"),
    );
  });

  it("rule 29: BANDWIDTH is the measured peak, AVERAGE-BANDWIDTH the measured mean, of video and sound together", () => {
    const heavy = grow(measured, 1, [
      ...partEntries(
        measured,
        [0.5, 0.5, 0.5, 0.5].map((duration) => ({ duration })),
      ),
      {
        type: "segment",
        msn: 4,
        at: 0,
        duration: 2,
        tracks: { v720: { bytes: 1_000_000, independent: true, iframeBytes: 50_000 } },
      },
    ]);
    const [best] = tags(heavy, "STREAM-INF");
    expect(best).toMatchObject({
      BANDWIDTH: String(4_000_000 + 128_000),
      "AVERAGE-BANDWIDTH": String((4 * 2_800_000 + 4_000_000) / 5 + 128_000),
    });
    expect(tags(heavy, "I-FRAME-STREAM-INF")[0]).toMatchObject({
      BANDWIDTH: "200000",
      "AVERAGE-BANDWIDTH": String((4 * 80_000 + 200_000) / 5),
    });
  });

  it("rule 29: a scrap of a segment is no peak, but counts in the mean", () => {
    const scrap = grow(measured, 1, [
      { type: "part", msn: 4, part: 0, at: 0, duration: 0.4, tracks: {} },
      {
        type: "segment",
        msn: 4,
        at: 0,
        duration: 0.4,
        tracks: { v720: { bytes: 1_000_000, independent: true } },
      },
    ]);
    const before = tags(measured, "STREAM-INF")[0];
    const after = tags(scrap, "STREAM-INF")[0];
    expect(Number(after?.["AVERAGE-BANDWIDTH"])).toBeGreaterThan(Number(before?.["AVERAGE-BANDWIDTH"]));
    // A peak below the mean would be nonsense.
    expect(Number(after?.BANDWIDTH)).toBe(Number(after?.["AVERAGE-BANDWIDTH"]));
  });

  it.each([
    [24_000 / 1001, "23.976"],
    [30_000 / 1001, "29.970"],
    [60, "60.000"],
  ])("rule 29: FRAME-RATE %f is written with three decimals", (frameRate, text) => {
    expect(tags(begin(timingOf("low"), [{ ...V720, frameRate }]), "STREAM-INF")[0]?.["FRAME-RATE"]).toBe(
      text,
    );
  });

  it("without video, sound is a variant by itself", () => {
    const timeline = begin(timingOf("low"), [AUDIO]);
    expect(tags(timeline, "STREAM-INF")).toEqual([
      { BANDWIDTH: "128000", "AVERAGE-BANDWIDTH": "128000", CODECS: "mp4a.40.2", URI: "audio/index.m3u8" },
    ]);
    expect(multivariantPlaylist(timeline)).not.toMatch(/EXT-X-MEDIA|I-FRAME|AUDIO=/);
  });

  it("without sound, there is no audio group", () => {
    const timeline = begin(timingOf("low"), [V720, V480]);
    expect(tags(timeline, "STREAM-INF").map(({ CODECS, AUDIO: group }) => [CODECS, group])).toEqual([
      ["avc1.64001f", undefined],
      ["avc1.64001e", undefined],
    ]);
    expect(multivariantPlaylist(timeline)).not.toMatch(/EXT-X-MEDIA|AUDIO/);
  });

  it("leaves out what is not known of a track", () => {
    const { name, kind, codecs, bitrate } = V720;
    const bare: RenditionFacts = { name, kind, codecs, bitrate };
    const [variant] = tags(begin(timingOf("low"), [bare]), "STREAM-INF");
    expect(Object.keys(variant ?? {})).toEqual(["BANDWIDTH", "AVERAGE-BANDWIDTH", "CODECS", "URI"]);
  });

  it("follows a session that describes its tracks anew, and keeps what was measured", () => {
    const timeline = join(measured, 2, [{ ...V720, codecs: "avc1.640020", width: 960 }, V480, AUDIO]);
    expect(tags(timeline, "STREAM-INF")[0]).toMatchObject({
      CODECS: "avc1.640020,mp4a.40.2",
      RESOLUTION: "960x720",
      BANDWIDTH: tags(measured, "STREAM-INF")[0]?.BANDWIDTH,
    });
  });
});
