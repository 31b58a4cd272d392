/** What the swarm's viewers read of playlists: a viewer that misreads would measure another audience. */
import { describe, expect, it } from "vitest";
import {
  chooseVariant,
  firstPart,
  follows,
  isBefore,
  nextReload,
  partsFrom,
  readMedia,
} from "../../../bench/edge/reading.ts";

const HEAD = `#EXTM3U
#EXT-X-VERSION:10
#EXT-X-TARGETDURATION:2
#EXT-X-SERVER-CONTROL:CAN-BLOCK-RELOAD=YES,CAN-SKIP-UNTIL=12.0,PART-HOLD-BACK=1.53
#EXT-X-PART-INF:PART-TARGET=0.51
#EXT-X-MEDIA-SEQUENCE:5
`;
/** Segments 5 and 6 are closed, 6 with its two parts; one part of 7 is out. */
const LIVE = `${HEAD}#EXT-X-MAP:URI="init.mp4"
#EXTINF:2.0,
seg-5.m4s
#EXT-X-PART:DURATION=1.0,URI="a",INDEPENDENT=YES
#EXT-X-PART:DURATION=1.0,URI="b"
#EXTINF:2.0,
seg-6.m4s
#EXT-X-PART:DURATION=0.5,URI="c",INDEPENDENT=YES
#EXT-X-PRELOAD-HINT:TYPE=PART,URI="d"
`;
const [a, b, c] = [
  { msn: 6, part: 0, uri: "a" },
  { msn: 6, part: 1, uri: "b" },
  { msn: 7, part: 0, uri: "c" },
];

function read(text: string) {
  const reading = readMedia(text);
  if (!reading) throw new Error("it is a playlist");
  return reading;
}

describe("a media playlist", () => {
  it("gives every part its place", () => {
    expect(read(LIVE)).toEqual({
      parts: [a, b, c],
      hint: { msn: 7, part: 1, uri: "d" },
      map: "init.mp4",
      holdBackSeconds: 1.53,
      partTargetSeconds: 0.51,
      canBlock: true,
      canSkip: true,
      ended: false,
    });
  });

  it("counts segments that a delta leaves out", () => {
    const delta = LIVE.replace("#EXTINF:2.0,\nseg-5.m4s", "#EXT-X-SKIP:SKIPPED-SEGMENTS=4");
    expect(read(delta).hint).toEqual({ msn: 10, part: 1, uri: "d" });
  });

  it("is nothing else", () => {
    expect(readMedia('{"status":503}')).toBeUndefined();
  });
});

describe("the next reload", () => {
  it.each([
    ["waits for the hinted part, as a delta", LIVE, "?_HLS_msn=7&_HLS_part=1&_HLS_skip=YES"],
    [
      "is whole where no delta is offered",
      LIVE.replace(",CAN-SKIP-UNTIL=12.0", ""),
      "?_HLS_msn=7&_HLS_part=1",
    ],
    ["does not wait where it may not", LIVE.replace("CAN-BLOCK-RELOAD=YES,", ""), "?_HLS_skip=YES"],
    ["has nothing to wait for without a hint", LIVE.replace(/#EXT-X-PRELOAD.*\n/, ""), "?_HLS_skip=YES"],
  ])("%s", (_name, text, query) => {
    expect(nextReload(read(text))).toBe(query);
  });
});

describe("the order of parts", () => {
  it("begins as far behind the end as the playlist says", () => {
    expect(firstPart(read(LIVE))).toEqual(a);
    expect(firstPart(read(LIVE.replace("PART-HOLD-BACK=1.53", "PART-HOLD-BACK=1.02")))).toEqual(b);
    expect(firstPart(read(HEAD))).toBeUndefined();
  });

  it.each([
    ["the next part", { msn: 6, part: 1 }, [b, c]],
    ["past the end of a segment: the next one", { msn: 6, part: 2 }, [c]],
    ["nothing that is not out", { msn: 7, part: 1 }, []],
  ])("goes on with %s", (_name, from, parts) => {
    expect(partsFrom(read(LIVE), from)).toEqual(parts);
  });

  it.each([
    [a, b, true],
    [b, c, true],
    [a, { msn: 6, part: 2 }, false],
    [a, { msn: 8, part: 0 }, false],
    [b, { msn: 7, part: 1 }, false],
  ])("sees a part that was passed over: %o, %o", (last, found, is) => {
    expect(follows(last, found)).toBe(is);
  });

  it("compares by segment, then by part", () => {
    expect(isBefore(b, c)).toBe(true);
    expect(isBefore(c, b)).toBe(false);
    expect(isBefore(a, a)).toBe(false);
  });
});

describe("a multivariant playlist", () => {
  const MULTIVARIANT = `#EXTM3U
#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="low",NAME="x",URI="other.m3u8"
#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="aac",NAME="Audio",DEFAULT=YES,URI="audio/index.m3u8"
#EXT-X-STREAM-INF:AVERAGE-BANDWIDTH=9000000,BANDWIDTH=900000,AUDIO="low"
v360/index.m3u8
#EXT-X-STREAM-INF:BANDWIDTH=1800000,CODECS="avc1.64001f,mp4a.40.2",AUDIO="aac"
v720/index.m3u8
`;
  it("gives the best variant and its audio", () => {
    expect(chooseVariant(MULTIVARIANT)).toEqual({ video: "v720/index.m3u8", audio: "audio/index.m3u8" });
  });

  it("gives a variant alone when its sound is in it", () => {
    expect(chooseVariant(MULTIVARIANT.replace(',AUDIO="aac"', ""))).toEqual({ video: "v720/index.m3u8" });
  });

  it("gives nothing without one", () => {
    expect(chooseVariant("#EXTM3U\n")).toBeUndefined();
  });
});
