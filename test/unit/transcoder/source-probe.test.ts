/** The probe on synthetic messages: what it decides, when, and what it refuses. Real encoders' streams: real-ffmpeg.test.ts. */
import { describe, expect, it } from "vitest";
import type { MediaMessage } from "../../../transcoder/core/flv.ts";
import { readAvcConfig } from "../../../transcoder/core/h264.ts";
import { type ProbeState, SourceProbe } from "../../../transcoder/core/source-probe.ts";

const text = (word: string) => [...word].map((letter) => letter.charCodeAt(0));
const name = (word: string) => [0, word.length, ...text(word)];
const number = (value: number) => {
  const view = new DataView(new ArrayBuffer(8));
  view.setFloat64(0, value);
  return [0, ...new Uint8Array(view.buffer)];
};
const message = (kind: MediaMessage["kind"], timestamp: number, ...payload: number[]): MediaMessage => ({
  kind,
  timestamp,
  payload: Uint8Array.from(payload),
});
const metadata = (...fields: [string, number][]) =>
  message(
    "data",
    0,
    ...[2, ...name("onMetaData"), 8, 0, 0, 0, fields.length],
    ...fields.flatMap(([key, value]) => [...name(key), ...number(value)]),
    ...[0, 0, 9],
  );

/** 1920x1080 (1088 lines, eight cropped), High profile, as x264 writes it. */
const SPS = [
  ...[
    0x67, 0x64, 0, 0x28, 0xac, 0xd9, 0x40, 0x78, 0x02, 0x27, 0xe5, 0xc0, 0x44, 0, 0, 3, 0, 4, 0, 0, 3, 0,
    0xf0,
  ],
  ...[0x3c, 0x60, 0xc6, 0x58],
];
const AVCC = [1, 0x64, 0, 0x28, 0xff, 0xe1, 0, SPS.length, ...SPS, 1, 0, 4, 0x68, 0xeb, 0xe3, 0xcb];
const config = (at = 0) => message("video", at, 0x17, 0, 0, 0, 0, ...AVCC);
const nal = (type: number) => [0, 0, 0, 3, type, 1, 2];
const key = (at: number, type = 5) => message("video", at, 0x17, 1, 0, 0, 0, ...nal(type));
const inter = (at: number) => message("video", at, 0x27, 1, 0, 0, 0, ...nal(1));
const aacConfig = (at = 0) => message("audio", at, 0xaf, 0, 0x11, 0x90);
const aac = (at: number) => message("audio", at, 0xaf, 1, 1, 2, 3, 4);

/** Pictures at 25 fps with keyframes at these times, from 0 to `end` milliseconds. */
const pictures = (end: number, keys: readonly number[], idr = 5) =>
  Array.from({ length: end / 40 + 1 }, (_, i) => (keys.includes(i * 40) ? key(i * 40, idr) : inter(i * 40)));
const sounds = (end: number) => Array.from({ length: Math.floor(end / 20) + 1 }, (_, i) => aac(i * 20));
const inOrder = (...lists: (readonly MediaMessage[])[]) =>
  lists.flat().sort((a, b) => a.timestamp - b.timestamp);

function probe(
  messages: readonly MediaMessage[],
  supported: readonly string[] = [],
  arrival = ({ timestamp }: MediaMessage) => timestamp,
) {
  const source = new SourceProbe(0, supported);
  for (const one of messages) {
    const state = source.push(one, arrival(one));
    if (state.state !== "undecided") return { state, at: one.timestamp };
  }
  const last = messages.at(-1);
  return { state: source.check(last ? arrival(last) : 0), at: undefined };
}
const source = (state: ProbeState) => (state.state === "ready" ? state.source : undefined);

describe("a source with pictures and sound", () => {
  const both = (keys: readonly number[], end = 6000, idr = 5) =>
    inOrder([config(), aacConfig()], pictures(end, keys, idr), sounds(end));

  it("is known with its second keyframe", () => {
    const { state, at } = probe(both([0, 2000, 4000]));
    expect(at).toBe(2000);
    expect(source(state)).toMatchObject({
      video: {
        codec: "h264",
        width: 1920,
        height: 1080,
        frameRate: 25,
        variableFrameRate: false,
        keyframeSeconds: 2,
        regularKeyframes: true,
        closedGops: true,
      },
      audio: { codec: "aac", sampleRate: 48_000, channels: 2 },
    });
    // Four bytes every 20 ms.
    expect(source(state)?.audio?.bitrate).toBeGreaterThan(1500);
    expect(source(state)?.audio?.bitrate).toBeLessThan(1700);
  });

  it("looks at more than one GOP where they are short", () => {
    const even = probe(both([0, 320, 640, 960, 1280]));
    expect(even.at).toBe(960);
    expect(source(even.state)?.video).toMatchObject({ keyframeSeconds: 0.32, regularKeyframes: true });
    const uneven = probe(both([0, 320, 840, 960, 1280]));
    expect(source(uneven.state)?.video).toMatchObject({ keyframeSeconds: 0.52, regularKeyframes: false });
  });

  it.each([
    [1400, false],
    [1320, false],
    [2000, true],
    [2400, true],
    [1000, true],
  ])("takes a single GOP of %i ms for even: %s", (second, regular) => {
    expect(source(probe(both([0, second])).state)?.video?.regularKeyframes).toBe(regular);
  });

  it("does not wait for ever for a second keyframe", () => {
    const { state, at } = probe(both([0]));
    expect(at).toBe(4200);
    expect(source(state)?.video).not.toHaveProperty("keyframeSeconds");
  });

  it("sees that GOPs are open", () => {
    expect(source(probe(both([0, 2000], 6000, 1)).state)?.video?.closedGops).toBe(false);
  });

  it("measures from the first keyframe, not from the first frame", () => {
    const { state, at } = probe(both([1000, 3000]));
    expect(at).toBe(3000);
    expect(source(state)?.video).toMatchObject({ frameRate: 25, keyframeSeconds: 2 });
  });

  it("sees that the frame rate varies", () => {
    const uneven = pictures(4000, [0, 2000]).filter((_, i) => i % 5 !== 3);
    const { state } = probe(inOrder([config(), aacConfig()], uneven, sounds(4000)));
    expect(source(state)?.video?.variableFrameRate).toBe(true);
  });
});

describe("a source whose clock jumps while it is looked at", () => {
  const shifted = (messages: readonly MediaMessage[], by: number) =>
    messages.map((one) => ({ ...one, timestamp: one.timestamp + by }));
  const show = (keys: readonly number[], end: number) => inOrder(pictures(end, keys), sounds(end));

  it.each([
    ["back an hour", 7_200_000, 3_600_000],
    ["forward a day", 7_200_000, 93_600_000],
  ])("%s is measured from there", (_what, before, after) => {
    const messages = [
      config(before),
      aacConfig(before),
      ...shifted(show([0], 600), before),
      ...shifted(show([0, 2000], 4000), after),
    ];
    const { state, at } = probe(messages, [], () => 1000);
    expect(at).toBe(after + 2000);
    expect(source(state)?.video).toMatchObject({
      frameRate: 25,
      keyframeSeconds: 2,
      variableFrameRate: false,
    });
    expect(source(state)?.audio?.bitrate).toBeLessThan(1700);
  });

  it("is not hurried by configurations that are sent at 0, whatever its clock shows", () => {
    const messages = [
      config(0),
      ...shifted(pictures(1480, [0, 1000]), 9_000_000),
      aacConfig(0),
      ...shifted(show([1000, 2000], 4000), 9_001_520),
    ];
    const { state } = probe(messages, [], () => 1000);
    expect(source(state)?.audio).toMatchObject({ codec: "aac" });
  });
});

describe("a source that lacks a kind of track", () => {
  it("is sound alone at once when the metadata says so", () => {
    const { state, at } = probe([metadata(["audiocodecid", 10]), aacConfig(), ...sounds(4000)]);
    expect(at).toBe(500);
    expect(source(state)).not.toHaveProperty("video");
  });

  it("is sound alone after three seconds otherwise", () => {
    expect(probe([aacConfig(), ...sounds(4000)]).at).toBe(3000);
    expect(probe([metadata(["audiocodecid", 10], ["width", 640]), aacConfig(), ...sounds(4000)]).at).toBe(
      3000,
    );
  });

  it("is pictures alone, likewise", () => {
    const silent = [config(), ...pictures(6000, [0, 2000, 4000])];
    expect(probe([metadata(["width", 1920]), ...silent]).at).toBe(2000);
    expect(probe(silent).at).toBe(3000);
    expect(source(probe(silent).state)).not.toHaveProperty("audio");
  });

  it("waits for pictures when there is one", () => {
    const { at } = probe([
      metadata(["audiocodecid", 10]),
      config(),
      aacConfig(),
      ...inOrder(pictures(4000, [0, 2000]), sounds(4000)),
    ]);
    expect(at).toBe(2000);
  });
});

describe("a source that cannot be taken", () => {
  const failure = (state: ProbeState) => (state.state === "failed" ? state.failure : undefined);

  it("has no keyframe in ten seconds", () => {
    const { state } = probe([config(), ...pictures(12_000, [])]);
    expect(failure(state)).toEqual({ reason: "no-keyframe", seconds: 10, frames: 251 });
  });

  it("has no parameter sets", () => {
    expect(failure(probe(pictures(12_000, [0, 2000])).state)).toMatchObject({ reason: "no-parameter-sets" });
  });

  it.each([
    ["hevc", [0x90, ...text("hvc1"), 1]],
    ["av1", [0x90, ...text("av01"), 1]],
    ["hevc-id12", [0x1c, 0, 0, 0, 0, 1]],
    ["h263", [0x12, 1]],
  ])("is of a codec that FFmpeg does not take: %s", (codec, payload) => {
    expect(failure(probe([message("video", 0, ...payload)]).state)).toEqual({
      reason: "unsupported-codec",
      kind: "video",
      codec,
    });
  });

  it("has sound that is not taken", () => {
    expect(failure(probe([message("audio", 0, 0xb2, 1)]).state)).toMatchObject({
      kind: "audio",
      codec: "speex",
    });
  });

  it("sends nothing", () => {
    const silent = new SourceProbe(1000);
    expect(silent.check(10_900).state).toBe("undecided");
    expect(failure(silent.check(11_000))).toEqual({ reason: "no-media", seconds: 10 });
  });
});

it("takes HEVC where FFmpeg does, with the size that the metadata names", () => {
  const hevc = (at: number, head: number) => message("video", at, head, ...text("hvc1"), 0, 0, 0, 1, 2);
  const { state } = probe(
    [
      metadata(["width", 1280], ["height", 720]),
      message("video", 0, 0x90, ...text("hvc1"), 1),
      ...Array.from({ length: 60 }, (_, i) => hevc(i * 40, i % 50 === 0 ? 0x91 : 0xa1)),
    ],
    ["hevc"],
  );
  expect(source(state)?.video).toMatchObject({ codec: "hevc", width: 1280, height: 720, closedGops: false });
});

it("never throws, whatever the bytes", () => {
  let seed = 7;
  const random = (below: number) => {
    seed = (Math.imul(seed, 1_103_515_245) + 12_345) >>> 0;
    return (seed >>> 8) % below;
  };
  const kinds = ["audio", "video", "data"] as const;
  for (let i = 0; i < 5000; i += 1) {
    const fuzzed = new SourceProbe(0, ["hevc"]);
    for (let n = 0; n < 4; n += 1) {
      const good = [config(), aacConfig(), key(n * 900), metadata(["width", 3])][random(4)]?.payload ?? [];
      const payload = [...good].map((byte) => (random(12) === 0 ? random(256) : byte)).slice(0, random(80));
      fuzzed.push(message(kinds[random(3)] ?? "video", n * 900, ...payload), n);
    }
    expect(["undecided", "ready", "failed"]).toContain(fuzzed.check(20_000).state);
  }
});

it.each([
  ["no record", [], undefined],
  ["a count of none", [1, 0x64, 0, 0x28, 0xff, 0xe0, 0, 4, 0x67, 1, 2, 3], undefined],
  ["a set cut short", AVCC.slice(0, 14), undefined],
  ["a whole one", AVCC, { width: 1920, height: 1080, profile: 100, level: 40, lengthSize: 4 }],
])("reads parameter sets: %s", (_name, record, expected) => {
  expect(readAvcConfig(Uint8Array.from(record))).toEqual(expected);
});
