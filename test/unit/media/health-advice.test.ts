import { describe, expect, it } from "vitest";
import { advise, type HealthSample } from "../../../media/health-advice.ts";
import type { Source } from "../../../wire/ingest.ts";

type Video = NonNullable<Source["video"]>;

const video: Video = {
  codec: "h264",
  width: 1920,
  height: 1080,
  frameRate: 30,
  variableFrameRate: false,
  bitrate: 5_000_000,
  keyframeSeconds: 2,
  regularKeyframes: true,
  closedGops: true,
};
const audio = { codec: "aac", sampleRate: 48_000, channels: 2, bitrate: 160_000 };
const source: Source = { video, audio };
const good: HealthSample = {
  inputBitrate: 5_100_000,
  inputFrameRate: 30,
  keyframeSeconds: 2,
  encodeSpeed: 1,
  waitingBytes: 300_000,
  queuedBytes: 0,
};
const times = (count: number, sample: HealthSample) => Array.from({ length: count }, () => sample);
const names = (of: Source | undefined, samples: readonly HealthSample[] = times(5, good)) =>
  advise({ source: of, samples }).map(({ severity, name }) => `${severity} ${name}`);

it("has nothing to say when all is well", () => {
  expect(advise({ source, samples: times(5, good) })).toEqual([]);
  expect(advise({ source, samples: [] })).toEqual([]);
  expect(advise({ samples: [] })).toEqual([]);
});

it("says it in plain words", () => {
  const [advice] = advise({ source: { video: { ...video, keyframeSeconds: 8.33 }, audio }, samples: [] });
  expect(advice?.text).toBe(
    "Keyframes come every 8.3 s: set the keyframe interval to 2 s in your encoder. Until then every quality is encoded again.",
  );
});

describe("of the source", () => {
  it.each<[string, Partial<Video>, readonly string[]]>([
    ["keyframes a little over 4 s apart, for rounding", { keyframeSeconds: 4.04 }, ["info keyframes-apart"]],
    ["keyframes too far apart to pass through", { keyframeSeconds: 4.1 }, ["warning keyframes-far-apart"]],
    ["NTSC keyframes of 2.002 s", { keyframeSeconds: 2.002 }, []],
    ["open GOPs", { closedGops: false }, ["warning open-gops"]],
    ["uneven keyframes", { regularKeyframes: false }, ["info irregular-keyframes"]],
    [
      "one setting at a time",
      { regularKeyframes: false, keyframeSeconds: 8 },
      ["warning keyframes-far-apart"],
    ],
    [
      "another codec, whose GOPs nobody looked at",
      { codec: "hevc", closedGops: false },
      ["info video-codec"],
    ],
    ["a variable frame rate", { variableFrameRate: true }, ["warning variable-frame-rate"]],
  ])("notices %s", (_name, change, expected) => {
    expect(names({ video: { ...video, ...change }, audio })).toEqual(expected);
  });

  it("does not judge keyframes of which only one was seen", () => {
    const { keyframeSeconds: _, ...unknown } = video;
    const { keyframeSeconds: __, ...sample } = good;
    expect(names({ video: { ...unknown, regularKeyframes: false }, audio }, times(5, sample))).toEqual([]);
  });

  it("believes keyframes that come later than they did at first", () => {
    expect(names(source, [...times(4, good), { ...good, keyframeSeconds: 9 }])).toEqual([
      "warning keyframes-far-apart",
    ]);
  });

  it.each<[string, Source, readonly string[]]>([
    ["no sound", { video }, ["warning no-audio"]],
    ["sound that is encoded again", { video, audio: { ...audio, codec: "mp3" } }, ["info audio-codec"]],
    ["no picture", { audio }, ["info no-video"]],
  ])("notices %s", (_name, of, expected) => {
    expect(names(of, [])).toEqual(expected);
  });
});

describe("of the bitrate", () => {
  it.each<[string, Partial<Video>, readonly string[]]>([
    ["1.5 Mbit/s for 1080p30", { bitrate: 1_500_000 }, ["info bitrate-low"]],
    ["2 Mbit/s for 1080p30", { bitrate: 2_000_000 }, []],
    ["2 Mbit/s for 1080p60", { bitrate: 2_000_000, frameRate: 60 }, ["info bitrate-low"]],
    ["1.5 Mbit/s of HEVC", { bitrate: 1_500_000, codec: "hevc" }, ["info video-codec"]],
    ["14 Mbit/s for 1080p30", { bitrate: 14_000_000 }, []],
    ["16 Mbit/s for 1080p30", { bitrate: 16_000_000 }, ["warning bitrate-high"]],
    ["9 Mbit/s for 720p30", { bitrate: 9_000_000, width: 1280, height: 720 }, ["warning bitrate-high"]],
    [
      "9 Mbit/s for 720p30 on end",
      { bitrate: 9_000_000, width: 720, height: 1280 },
      ["warning bitrate-high"],
    ],
    ["a bitrate that was not measured", { bitrate: 0 }, []],
  ])("judges %s", (_name, change, expected) => {
    expect(names({ video: { ...video, ...change }, audio }, [])).toEqual(expected);
  });

  it("does not call a still scene of a good source poor, nor its first seconds", () => {
    expect(names(source, times(5, { ...good, inputBitrate: 300_000 }))).toEqual([]);
    expect(names({ video: { ...video, bitrate: 200_000 }, audio })).toEqual([]);
  });
});

describe("of what arrives", () => {
  it.each<[string, HealthSample, readonly string[]]>([
    ["frames that the encoder does not make", { inputFrameRate: 25 }, ["warning encoder-overloaded"]],
    [
      "most of them missing",
      { inputFrameRate: 15, inputBitrate: 4_000_000 },
      ["critical encoder-overloaded"],
    ],
    ["a tenth missing", { inputFrameRate: 27.1 }, []],
    ["a network that starves it", { inputFrameRate: 20, inputBitrate: 2_000_000 }, ["warning network-slow"]],
    ["one that hardly lives", { inputFrameRate: 8, inputBitrate: 900_000 }, ["critical network-slow"]],
    ["silence", { inputFrameRate: 0, inputBitrate: 0, encodeSpeed: 0 }, ["critical no-input"]],
    ["sound alone", { inputFrameRate: 0, inputBitrate: 160_000, encodeSpeed: 0 }, ["critical no-frames"]],
    ["a slow transcoder", { encodeSpeed: 0.9 }, ["warning transcoder-overloaded"]],
    ["a very slow transcoder", { encodeSpeed: 0.7 }, ["critical transcoder-overloaded"]],
    ["speed as it is measured", { encodeSpeed: 0.97 }, []],
    [
      "a starved transcoder, which is not a slow one",
      { encodeSpeed: 0.66, inputFrameRate: 20, inputBitrate: 2_000_000 },
      ["warning network-slow"],
    ],
    [
      "an encoder that is held back, which is not a slow one",
      { encodeSpeed: 0.66, inputFrameRate: 20, inputBitrate: 2_000_000, queuedBytes: 1_000_000 },
      ["critical transcoder-overloaded"],
    ],
    ["media that waits for origin", { waitingBytes: 8_000_000 }, ["warning publishing-slow"]],
    ["media that waits long", { waitingBytes: 40_000_000 }, ["critical publishing-slow"]],
  ])("notices %s", (_name, change, expected) => {
    expect(names(source, times(5, { ...good, ...change }))).toEqual(expected);
  });

  it("waits for three samples before it judges rates", () => {
    const slow = { ...good, inputFrameRate: 10 };
    expect(names(source, times(2, slow))).toEqual([]);
    expect(names(source, times(3, slow))).toEqual(["critical encoder-overloaded"]);
  });

  it("forgets what is over", () => {
    expect(names(source, [...times(10, { ...good, inputFrameRate: 10 }), ...times(5, good)])).toEqual([]);
  });

  it("takes one bad sample for a hiccup", () => {
    expect(names(source, [...times(4, good), { ...good, inputFrameRate: 16, encodeSpeed: 0.8 }])).toEqual([]);
  });

  it("notices silence within three samples", () => {
    const silence = { ...good, inputFrameRate: 0, inputBitrate: 0 };
    expect(names(source, [...times(2, good), ...times(3, silence)])).toContain("critical no-input");
  });

  it("expects no fixed number of frames of a variable rate", () => {
    const variable = { video: { ...video, variableFrameRate: true }, audio };
    expect(names(variable, times(5, { ...good, inputFrameRate: 12 }))).toEqual([
      "warning variable-frame-rate",
    ]);
  });
});

it("puts the gravest first", () => {
  const bad = { codec: "mp3", sampleRate: 44_100, channels: 2, bitrate: 128_000 };
  const of = { video: { ...video, keyframeSeconds: 8 }, audio: bad };
  expect(names(of, times(5, { ...good, inputFrameRate: 10 }))).toEqual([
    "critical encoder-overloaded",
    "warning keyframes-far-apart",
    "info audio-codec",
  ]);
});
