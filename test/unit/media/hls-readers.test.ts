/** Other people's parsers read our playlists: m3u8-parser, and the one inside hls.js. */
import { M3U8Parser } from "hls.js";
import { Parser } from "m3u8-parser";
import { describe, expect, it } from "vitest";
import { iframePlaylist, mediaPlaylist, multivariantPlaylist } from "../../../media/hls.ts";
import { end, type Timeline } from "../../../media/timeline.ts";
import { begin, join, LOW, openParts, segments, timingOf, ULTRA } from "./broadcast.ts";

function parse(text: string) {
  const problems: string[] = [];
  const parser = new Parser();
  for (const event of ["info", "warn", "error"] as const)
    parser.on(event, ({ message }) => problems.push(message));
  parser.push(text);
  parser.end();
  return { manifest: parser.manifest, problems };
}

const BASE = "https://a.example/live/demo/v720/index.m3u8";
const levelDetails = (text: string) =>
  M3U8Parser.parseLevelPlaylist(
    text,
    BASE,
    0,
    "main" as Parameters<typeof M3U8Parser.parseLevelPlaylist>[3],
    0,
    null,
  );

const low = segments(begin(timingOf("low")), 12, LOW);
const rejoined = openParts(segments(join(low, 2), 2, LOW), { duration: 0.5 }, { duration: 0.5 });

const TIMELINES: readonly (readonly [string, Timeline])[] = [
  ["low", low],
  ["low, after a reconnect, with open parts", rejoined],
  ["low, waiting for a new session's first part", join(low, 2)],
  ["low, with a gap", segments(low, 1, LOW, { missing: ["v720"] })],
  ["ultra", openParts(segments(begin(timingOf("ultra")), 30, ULTRA), { duration: 0.2 })],
  ["standard", segments(begin(timingOf("standard")), 12, 4)],
  ["ended", end(rejoined)],
];

describe("m3u8-parser", () => {
  it.each(TIMELINES)("reads %s without a word of complaint", (_name, timeline) => {
    for (const skip of [undefined, "YES", "v2"] as const) {
      const { manifest, problems } = parse(mediaPlaylist(timeline, "v720", skip && { skip }));
      const spoken = timeline.ended ? ["#EXT-X-SERVER-CONTROL defaulting CAN-BLOCK-RELOAD to false"] : [];
      expect(problems).toEqual(spoken);
      const skipped = manifest.skip?.skippedSegments ?? 0;
      const listed = manifest.segments.filter((segment) => segment.uri !== undefined);
      expect(skipped + listed.length).toBe(timeline.segments.length);
      expect(manifest.targetDuration).toBe(timeline.timing.targetDuration);
      expect(manifest.endList ?? false).toBe(timeline.ended);
      expect(manifest.discontinuityStarts.length).toBe(
        timeline.segments.filter(({ discontinuity }) => discontinuity).length +
          (timeline.open?.discontinuity ? 1 : 0),
      );
    }
    expect(parse(iframePlaylist(timeline, "v720")).manifest.iFramesOnly).toBe(true);
  });

  it("reads the parts, the hint and the reports", () => {
    const { manifest } = parse(mediaPlaylist(rejoined, "v720"));
    expect(manifest).toMatchObject({
      partTargetDuration: 0.51,
      serverControl: {
        canBlockReload: true,
        canSkipUntil: 12,
        holdBack: 6,
        partHoldBack: 1.53,
      },
      renditionReports: [
        { uri: "../v480/index.m3u8", lastMsn: 14, lastPart: 1 },
        { uri: "../audio/index.m3u8", lastMsn: 14, lastPart: 1 },
      ],
    });
    expect(manifest.segments.at(-1)?.parts).toHaveLength(4);
    expect(manifest.preloadSegment?.parts).toHaveLength(2);
    expect(manifest.preloadSegment?.preloadHints).toHaveLength(1);
  });

  it("reads the multivariant playlist", () => {
    const { manifest, problems } = parse(multivariantPlaylist(low));
    expect(problems).toEqual([]);
    expect(manifest.playlists.map(({ uri }) => uri)).toEqual([
      "v720/index.m3u8",
      "v480/index.m3u8",
      "audio/index.m3u8",
    ]);
    expect(Object.keys(manifest.mediaGroups.AUDIO.audio ?? {})).toEqual(["audio"]);
    expect(manifest.iFramePlaylists).toHaveLength(2);
  });
});

describe("the parser of hls.js", () => {
  it.each(TIMELINES)("reads %s", (_name, timeline) => {
    const details = levelDetails(mediaPlaylist(timeline, "v720"));
    expect(details.playlistParsingError).toBeNull();
    expect(details.fragments.map(({ sn, duration, cc }) => [sn, duration, cc])).toEqual(
      timeline.segments.map(({ msn, duration, session }) => [msn, expect.closeTo(duration, 5), session - 1]),
    );
    expect(details.fragments.map((fragment) => fragment.programDateTime)).toEqual(
      timeline.segments.map(({ at }) => Math.round(at)),
    );
    expect(details.fragments.map((fragment) => fragment.initSegment?.url)).toEqual(
      timeline.segments.map(
        ({ session }) => `https://a.example/media/${timeline.broadcast}/${session}/v720/init.mp4`,
      ),
    );
    expect(details.live).toBe(!timeline.ended);
    if (timeline.open) {
      expect(details.fragmentHint).toMatchObject({ sn: timeline.open.msn, cc: timeline.open.session - 1 });
      expect([details.lastPartSn, details.lastPartIndex]).toEqual([
        timeline.open.msn,
        timeline.open.parts.length - 1,
      ]);
    }
  });

  it("reads a delta update, its numbers where the whole playlist has them", () => {
    const whole = levelDetails(mediaPlaylist(rejoined, "v720"));
    const delta = levelDetails(mediaPlaylist(rejoined, "v720", { skip: "YES" }));
    expect(delta.skippedSegments).toBe(7);
    expect([delta.startSN, delta.endSN, delta.startCC]).toEqual([whole.startSN, whole.endSN, whole.startCC]);
    expect(delta.fragments.slice(7).map(({ sn, relurl, cc }) => [sn, relurl, cc])).toEqual(
      whole.fragments.slice(7).map(({ sn, relurl, cc }) => [sn, relurl, cc]),
    );
  });

  it("reads the live directives", () => {
    const details = levelDetails(mediaPlaylist(rejoined, "v720"));
    expect(details).toMatchObject({
      canBlockReload: true,
      canSkipUntil: 12,
      partTarget: 0.51,
      partHoldBack: 1.53,
    });
    expect(details.preloadHint?.TYPE).toBe("PART");
    expect(details.renditionReports).toHaveLength(2);
    expect(levelDetails(mediaPlaylist(join(low, 2), "v720")).preloadHint?.TYPE).toBe("PART");
  });

  it("reads the multivariant playlist", () => {
    const parsed = M3U8Parser.parseMasterPlaylist(
      multivariantPlaylist(low),
      "https://a.example/live/demo/index.m3u8",
    );
    expect(parsed.playlistParsingError).toBeNull();
    expect(parsed.levels.map(({ url, videoCodec, audioCodec }) => [url, videoCodec, audioCodec])).toEqual([
      ["https://a.example/live/demo/v720/index.m3u8", "avc1.64001f", "mp4a.40.2"],
      ["https://a.example/live/demo/v480/index.m3u8", "avc1.64001e", "mp4a.40.2"],
      ["https://a.example/live/demo/audio/index.m3u8", undefined, "mp4a.40.2"],
    ]);
  });
});
