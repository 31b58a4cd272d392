/** The ladder: what is made of which source, and how it is cut. */
import { describe, expect, it } from "vitest";
import { type Fixed, type Ladder, planLadder } from "../../../media/ladder.ts";
import { PROFILE_NAMES, type ProfileName } from "../../../media/profile.ts";
import type { Source } from "../../../wire/ingest.ts";
import { timingOf } from "./broadcast.ts";

type Video = NonNullable<Source["video"]>;
type Audio = NonNullable<Source["audio"]>;

const HD: Video = {
  codec: "h264",
  width: 1920,
  height: 1080,
  frameRate: 30,
  variableFrameRate: false,
  bitrate: 6_000_000,
  keyframeSeconds: 2,
  regularKeyframes: true,
  closedGops: true,
};
const STEREO: Audio = { codec: "aac", sampleRate: 48_000, channels: 2, bitrate: 160_000 };
const source = (video: Partial<Video> = {}, audio: Partial<Audio> = {}): Source => ({
  video: { ...HD, ...video },
  audio: { ...STEREO, ...audio },
});

/** `name mode WxH` of each video track, `name mode` of the others. */
const rungs = ({ plan }: Ladder) =>
  plan.renditions.map((track) =>
    track.kind === "video"
      ? `${track.name} ${track.mode} ${track.width}x${track.height}`
      : `${track.name} ${track.mode}`,
  );

describe("rungs", () => {
  it.each<[string, Partial<Video>, string[]]>([
    [
      "1080p",
      {},
      ["v1080 copy 1920x1080", "v720 encode 1280x720", "v480 encode 854x480", "v360 encode 640x360"],
    ],
    [
      "720p",
      { width: 1280, height: 720 },
      ["v720 copy 1280x720", "v480 encode 854x480", "v360 encode 640x360"],
    ],
    ["540p, too near to 480", { width: 960, height: 540 }, ["v540 copy 960x540", "v360 encode 640x360"]],
    ["360p", { width: 640, height: 360 }, ["v360 copy 640x360"]],
    ["240p", { width: 426, height: 240 }, ["v240 copy 426x240"]],
    [
      "4K",
      { width: 3840, height: 2160 },
      ["v1080 encode 1920x1080", "v720 encode 1280x720", "v480 encode 854x480", "v360 encode 640x360"],
    ],
    [
      "portrait",
      { width: 1080, height: 1920 },
      ["v1080 copy 1080x1920", "v720 encode 720x1280", "v480 encode 480x854", "v360 encode 360x640"],
    ],
    [
      "square",
      { width: 720, height: 720 },
      ["v720 copy 720x720", "v480 encode 480x480", "v360 encode 360x360"],
    ],
    [
      "ultrawide",
      { width: 2560, height: 1080 },
      ["v1080 copy 2560x1080", "v720 encode 1706x720", "v480 encode 1138x480", "v360 encode 854x360"],
    ],
    [
      "odd sizes, encoded",
      { width: 1279, height: 721, codec: "hevc" },
      ["v721 encode 1278x720", "v480 encode 852x480", "v360 encode 638x360"],
    ],
  ])("of %s", (_name, video, expected) => {
    expect(rungs(planLadder(source(video), "low"))).toEqual([...expected, "audio copy"]);
  });

  it("never upscale, whatever the source, and encoders get even sizes", () => {
    for (let width = 16; width <= 4096; width += 97) {
      for (let height = 16; height <= 2400; height += 53) {
        for (const codec of ["h264", "hevc"]) {
          const { plan } = planLadder(source({ width, height, codec }), "low");
          for (const track of plan.renditions) {
            if (track.kind !== "video") continue;
            expect(track.width, `${width}x${height}`).toBeLessThanOrEqual(width);
            expect(track.height, `${width}x${height}`).toBeLessThanOrEqual(height);
            if (track.mode === "encode") expect([track.width % 2, track.height % 2]).toEqual([0, 0]);
          }
        }
      }
    }
  });

  it.each([300_000, 1_500_000, 6_000_000, 30_000_000, 0])(
    "have bit rates that fall from rung to rung, source at %i",
    (bitrate) => {
      const video = planLadder(source({ bitrate }), "low").plan.renditions.filter(
        ({ kind }) => kind === "video",
      );
      const rates = video.map((track) => track.bitrate);
      expect(rates[0]).toBe(bitrate > 0 ? bitrate : 5_000_000);
      rates.slice(1).forEach((rate, index) => {
        expect(rate).toBeGreaterThan(0);
        expect(rate).toBeLessThanOrEqual(0.7 * (rates[index] ?? 0) + 1);
      });
    },
  );

  it("take more bits at high frame rates", () => {
    const rate = (frameRate: number) =>
      planLadder(source({ frameRate, bitrate: 20_000_000 }), "low").plan.renditions[1]?.bitrate;
    expect(rate(30)).toBe(2_800_000);
    expect(rate(60)).toBe(3_920_000);
  });

  it("sound alone and pictures alone", () => {
    expect(rungs(planLadder({ audio: STEREO }, "low"))).toEqual(["audio copy"]);
    expect(planLadder({ audio: STEREO }, "low").timing).toEqual(timingOf("low", 900));
    expect(rungs(planLadder({ video: { ...HD, width: 640, height: 360 } }, "low"))).toEqual([
      "v360 copy 640x360",
    ]);
  });

  it.each<[string, Partial<Audio>, object]>([
    ["AAC is passed through", {}, { mode: "copy", bitrate: 160_000, channels: 2 }],
    ["AAC of unknown bit rate", { bitrate: 0 }, { mode: "copy", bitrate: 128_000 }],
    [
      "anything else is encoded",
      { codec: "opus", channels: 1 },
      { mode: "encode", bitrate: 128_000, channels: 1 },
    ],
  ])("sound: %s", (_name, audio, expected) => {
    expect(planLadder(source({}, audio), "low").plan.renditions.at(-1)).toMatchObject({
      name: "audio",
      publishAs: ["audio"],
      ...expected,
    });
  });
});

describe("a host that is too slow", () => {
  it.each<[string, Partial<Video>, number, string[]]>([
    [
      "leaves out the topmost encoded rung",
      {},
      1,
      ["v1080 copy 1920x1080", "v480 encode 854x480", "v360 encode 640x360"],
    ],
    ["keeps a copied track when every encode is too much", {}, 3, ["v1080 copy 1920x1080"]],
    ["keeps the last of encoded tracks", { codec: "hevc" }, 8, ["v360 encode 640x360"]],
    ["has nothing to leave out", { width: 640, height: 360, codec: "hevc" }, 1, ["v360 encode 640x360"]],
  ])("%s", (_name, video, lighter, expected) => {
    expect(rungs(planLadder(source(video), "low", undefined, true, lighter))).toEqual([
      ...expected,
      "audio copy",
    ]);
  });
});

describe("passing the source through", () => {
  const passes = (video: Partial<Video>, allowCopy?: boolean) =>
    rungs(planLadder(source(video), "low", undefined, allowCopy))[0]?.includes("copy");

  it.each<[string, Partial<Video>, boolean]>([
    ["H.264 with closed, regular GOPs", {}, true],
    ["a GOP of four seconds", { keyframeSeconds: 4 }, true],
    ["a GOP of four seconds by rounded timestamps", { keyframeSeconds: 4.033 }, true],
    ["a longer GOP", { keyframeSeconds: 4.1 }, false],
    ["a GOP of OBS's old default", { keyframeSeconds: 8.33 }, false],
    ["one keyframe only", { keyframeSeconds: undefined as never }, false],
    ["keyframes that take no time", { keyframeSeconds: 0 }, false],
    ["keyframes that take next to none", { keyframeSeconds: Number.MIN_VALUE }, false],
    ["open GOPs", { closedGops: false }, false],
    ["irregular but short GOPs", { regularKeyframes: false }, true],
    ["another codec", { codec: "hevc" }, false],
    ["more than 1080 lines", { width: 2560, height: 1440 }, false],
  ])("%s", (_name, video, expected) => {
    expect(passes(video)).toBe(expected);
    expect(passes(video, false)).toBe(false);
  });

  it("an encoded ladder has even frames at a standard rate, one that follows its source has none of its own", () => {
    const rate = (video: Partial<Video>) => planLadder(source(video), "low").plan.frameRate;
    expect(rate({})).toBeUndefined();
    const encoded = { codec: "hevc" };
    expect(rate({ ...encoded, frameRate: 29.96 })).toBe(30_000 / 1001);
    expect(rate({ ...encoded, frameRate: 23.98 })).toBe(24_000 / 1001);
    expect(rate({ ...encoded, frameRate: 15 })).toBe(15);
    expect(rate({ ...encoded, frameRate: 144 })).toBe(60);
    expect(rate({ ...encoded, frameRate: 50, variableFrameRate: true })).toBe(30);
    expect(rate({ ...encoded, frameRate: 1 })).toBe(10);
  });
});

describe("cutting", () => {
  it.each<[ProfileName, number, boolean, number, number]>([
    // profile, GOP, regular, segment, TARGETDURATION
    ["low", 2, true, 2, 2],
    ["low", 1, true, 2, 2],
    ["low", 0.5, true, 2, 2],
    ["low", 1.5, true, 3, 3],
    ["low", 4, true, 4, 4],
    ["low", 2.04, true, 2.04, 2],
    ["low", 1.5, false, 2, 4],
    ["ultra", 1, true, 1, 1],
    ["ultra", 2, true, 2, 2],
    ["standard", 2, true, 4, 4],
    ["standard", 3, true, 6, 6],
  ])(
    "%s with a GOP of %f (regular: %s): %f s segments, target duration %i",
    (profile, keyframeSeconds, regularKeyframes, segment, target) => {
      const { plan, timing } = planLadder(source({ keyframeSeconds, regularKeyframes }), profile);
      expect([plan.segmentSeconds, plan.targetDuration, timing.targetDuration]).toEqual([
        expect.closeTo(segment, 9),
        target,
        target,
      ]);
      expect([plan.partTarget, timing.partTarget]).toEqual([
        timingOf(profile).partTarget,
        timingOf(profile).partTarget,
      ]);
    },
  );

  it("rule 9: no segment rounds above TARGETDURATION, whatever the GOP, the profile and what the broadcast has fixed", () => {
    for (const profile of PROFILE_NAMES) {
      for (const began of [undefined, ...PROFILE_NAMES]) {
        for (let targetDuration = 1; targetDuration <= 6; targetDuration += 1) {
          const fixed: Fixed | undefined = began && {
            timing: { ...timingOf(began), targetDuration },
            video: ["v1080"],
          };
          for (let gop = 0.1; gop < 5; gop += 0.0837) {
            for (const regularKeyframes of [true, false]) {
              const { plan, timing } = planLadder(
                source({ keyframeSeconds: gop, regularKeyframes }),
                profile,
                fixed,
              );
              if (fixed) expect(timing).toBe(fixed.timing);
              const copied = plan.renditions[0]?.mode === "copy";
              // A segment ends at the first keyframe from `segmentSeconds` on.
              const step = copied ? gop : plan.keyframeSeconds;
              const longest =
                copied && !regularKeyframes
                  ? plan.segmentSeconds + gop
                  : Math.ceil(plan.segmentSeconds / step - 1e-6) * step;
              expect(Math.round(longest), `${profile} ${began} ${gop}`).toBeLessThanOrEqual(
                timing.targetDuration,
              );
            }
          }
        }
      }
    }
  });

  it("rule 29: keyframes that are encoded come every two seconds at most, and a whole number of them fills a segment", () => {
    for (const profile of PROFILE_NAMES) {
      for (let targetDuration = 1; targetDuration <= 6; targetDuration += 1) {
        const fixed = { timing: { ...timingOf(profile), targetDuration }, video: [] };
        const { plan } = planLadder(source({ codec: "hevc" }), profile, fixed);
        expect(plan.keyframeSeconds).toBeLessThanOrEqual(2);
        expect((plan.segmentSeconds / plan.keyframeSeconds) % 1).toBeCloseTo(0, 9);
      }
    }
  });
});

describe("a broadcast that is under way", () => {
  const LADDER = ["v1080", "v720", "v480", "v360"];
  const published = (
    video: Partial<Video>,
    known: readonly string[],
    timing = timingOf("low"),
    lighter = 0,
  ): string[][] =>
    planLadder(source(video), "low", { timing, video: known }, true, lighter).plan.renditions.flatMap(
      (track) => (track.kind === "video" ? [[track.name, track.mode, track.publishAs.join("+")]] : []),
    );

  it.each<[string, Partial<Video>, readonly string[], string[][]]>([
    [
      "the same source",
      {},
      LADDER,
      [
        ["v1080", "copy", "v1080"],
        ["v720", "encode", "v720"],
        ["v480", "encode", "v480"],
        ["v360", "encode", "v360"],
      ],
    ],
    [
      "a smaller source",
      { width: 1280, height: 720 },
      LADDER,
      [
        ["v720", "copy", "v1080+v720"],
        ["v480", "encode", "v480"],
        ["v360", "encode", "v360"],
      ],
    ],
    [
      "a source below every rendition",
      { width: 320, height: 180 },
      LADDER,
      [["v180", "copy", "v1080+v720+v480+v360"]],
    ],
    [
      "a larger source, its top left out",
      {},
      ["v720", "v480", "v360"],
      [
        ["v720", "encode", "v720"],
        ["v480", "encode", "v480"],
        ["v360", "encode", "v360"],
      ],
    ],
    [
      "an odd rendition",
      {},
      ["v540", "v360"],
      [
        ["v480", "encode", "v540"],
        ["v360", "encode", "v360"],
      ],
    ],
    ["a source larger than the only rendition", {}, ["v240"], [["v360", "encode", "v240"]]],
    [
      "a GOP that does not fit",
      { keyframeSeconds: 4 },
      LADDER,
      [
        ["v1080", "encode", "v1080"],
        ["v720", "encode", "v720"],
        ["v480", "encode", "v480"],
        ["v360", "encode", "v360"],
      ],
    ],
  ])("%s", (_name, video, known, expected) => {
    expect(published(video, known)).toEqual(expected);
  });

  it("publishes every rendition exactly once, whatever comes and however slow the host is", () => {
    for (const height of [180, 360, 480, 540, 719, 720, 1080, 1440, 2160]) {
      for (const known of [LADDER, ["v720", "v480", "v360"], ["v540", "v360"], ["v240"]]) {
        for (const lighter of [0, 1, 2, 8]) {
          const video = { width: Math.round((height * 16) / 9), height };
          const names = published(video, known, timingOf("low"), lighter).flatMap(([, , names = ""]) =>
            names.split("+"),
          );
          expect(names.toSorted()).toEqual(known.toSorted());
        }
      }
    }
  });

  it.each<[string, Partial<Video>, readonly string[], number, string[][]]>([
    [
      "the rung below carries the name of the one left out",
      {},
      LADDER,
      1,
      [
        ["v1080", "copy", "v1080"],
        ["v480", "encode", "v720+v480"],
        ["v360", "encode", "v360"],
      ],
    ],
    ["a copied track carries all", {}, LADDER, 8, [["v1080", "copy", "v1080+v720+v480+v360"]]],
    ["the last encoded track stays", { codec: "hevc" }, LADDER, 8, [["v360", "encode", LADDER.join("+")]]],
    [
      "a rung that would not be made anyway does not count",
      {},
      ["v720", "v480", "v360"],
      1,
      [
        ["v480", "encode", "v720+v480"],
        ["v360", "encode", "v360"],
      ],
    ],
  ])("on a host that is too slow: %s", (_name, video, known, lighter, expected) => {
    expect(published(video, known, timingOf("low"), lighter)).toEqual(expected);
  });

  it("encodes evenly when its copied track is left out", () => {
    const { plan } = planLadder(source({ frameRate: 60 }), "low", {
      timing: timingOf("low"),
      video: ["v720"],
    });
    expect(plan.frameRate).toBe(60);
  });
});
