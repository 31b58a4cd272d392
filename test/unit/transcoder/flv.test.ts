/** FLV tags: written, and read as far as a probe needs; and the feed that FFmpeg gets of them. */
import { describe, expect, it } from "vitest";
import { Backlog, MAX_BACKLOG_BYTES } from "../../../transcoder/core/backlog.ts";
import {
  flvHeader,
  flvTag,
  type MediaMessage,
  readAudioTag,
  readVideoTag,
} from "../../../transcoder/core/flv.ts";
import { FlvFeed } from "../../../transcoder/core/flv-feed.ts";
import { readFlv } from "./session.ts";

const bytes = (...values: number[]) => Uint8Array.from(values);
const text = (word: string) => [...word].map((letter) => letter.charCodeAt(0));
const video = (timestamp: number, ...payload: number[]): MediaMessage => ({
  kind: "video",
  timestamp,
  payload: bytes(...payload),
});
const sound = (timestamp: number, ...payload: number[]): MediaMessage => ({
  kind: "audio",
  timestamp,
  payload: bytes(...payload),
});
const KEY = [0x17, 1, 0, 0, 0, 9];
const INTER = [0x27, 1, 0, 0, 0, 9];
const AVC_CONFIG = [0x17, 0, 0, 0, 0, 1];
const AAC_CONFIG = [0xaf, 0, 0x11, 0x90];
const AAC_FRAME = [0xaf, 1, 7];

describe("a tag", () => {
  it.each([0, 1, 0xffffff, 0x1000000, 16_800_000, 0x7fffffff, 0xfffffffe])(
    "keeps its time at %i ms",
    (time) => {
      const file = Buffer.concat([flvHeader({ audio: true, video: true }), flvTag(video(time, ...KEY))]);
      expect(readFlv(file)).toEqual([{ kind: "video", timestamp: time, payload: Buffer.from(KEY) }]);
    },
  );

  it("ends with its own length", () => {
    const tag = flvTag(sound(0, ...AAC_FRAME));
    expect([...tag.subarray(-4)]).toEqual([0, 0, 0, 14]);
  });

  it.each([
    [{ audio: true, video: true }, 5],
    [{ audio: true, video: false }, 4],
    [{ audio: false, video: true }, 1],
  ])("stands behind a header that names the tracks", (has, flags) => {
    expect(flvHeader(has)[4]).toBe(flags);
  });
});

describe("a video body", () => {
  it.each([
    [
      "H.264 keyframe",
      [0x17, 1, 0, 0, 80, 1],
      { codec: "h264", keyframe: true, packet: "frame", compositionMs: 80 },
    ],
    ["negative composition time", [0x27, 1, 0xff, 0xff, 0xfe], { keyframe: false, compositionMs: -2 }],
    ["H.264 configuration", AVC_CONFIG, { packet: "config", enhanced: false, body: bytes(1) }],
    ["end of sequence", [0x17, 2, 0, 0, 0], { packet: "other" }],
    ["command frame", [0x57, 0], { packet: "other" }],
    ["Sorenson H.263", [0x12, 1], { codec: "h263", packet: "frame", keyframe: true }],
    [
      "HEVC start",
      [0x90, ...text("hvc1"), 1],
      { codec: "hevc", enhanced: true, packet: "config", body: bytes(1) },
    ],
    [
      "HEVC frame with a time",
      [0x91, ...text("hvc1"), 0, 0, 33, 5],
      { codec: "hevc", compositionMs: 33, body: bytes(5) },
    ],
    [
      "HEVC frame without one",
      [0xa3, ...text("hvc1"), 5],
      { keyframe: false, compositionMs: 0, body: bytes(5) },
    ],
    ["AV1 frame", [0x91, ...text("av01"), 5], { codec: "av1", packet: "frame", body: bytes(5) }],
    ["VP9 start", [0x90, ...text("vp09")], { codec: "vp9", packet: "config" }],
    ["unknown FourCC", [0x91, ...text("xyz1"), 5], { codec: "xyz1", enhanced: true }],
    ["HEVC by a number that no specification has", [0x1c, 1], { codec: "hevc-id12" }],
  ])("%s", (_name, payload, expected) => {
    expect(readVideoTag(bytes(...payload))).toMatchObject(expected);
  });

  it.each([[[]], [[0x17]], [[0x17, 1, 0]], [[0x90, 1, 2]], [[0x91, ...text("hvc1"), 0]]])(
    "cut short: %j",
    (payload) => {
      expect(readVideoTag(bytes(...payload))).toBeUndefined();
    },
  );
});

describe("an audio body", () => {
  it.each([
    ["AAC configuration", AAC_CONFIG, { codec: "aac", packet: "config", body: bytes(0x11, 0x90) }],
    ["AAC frame", AAC_FRAME, { codec: "aac", packet: "frame", body: bytes(7) }],
    ["MP3", [0x2f, 0xff], { codec: "mp3", packet: "frame" }],
    ["Speex", [0xb2, 1], { codec: "speex" }],
    ["Opus by FourCC", [0x91, ...text("Opus"), 1], { codec: "opus", packet: "frame" }],
  ])("%s", (_name, payload, expected) => {
    expect(readAudioTag(bytes(...payload))).toMatchObject(expected);
  });

  it.each([[[]], [[0xaf]], [[0x91, 1]]])("cut short: %j", (payload) => {
    expect(readAudioTag(bytes(...payload))).toBeUndefined();
  });
});

describe("the feed", () => {
  const feed = () => new FlvFeed({ audio: true, video: true });
  const times = (messages: readonly MediaMessage[], to = feed()) =>
    messages.map((message) => {
      const fed = to.push(message);
      return fed.type === "tag"
        ? readFlv(Buffer.concat([to.header(), fed.bytes]))[0]?.timestamp
        : fed.type === "break"
          ? fed.why.reason
          : fed.type;
    });

  /** Push without reading what was written. */
  const skip = (to: FlvFeed, ms: number) => (to.push(video(ms, ...KEY)).type === "tag" ? ms : "none");

  it("starts its clock at 0", () => {
    expect(times([video(5000, ...AVC_CONFIG), video(5000, ...KEY), sound(5010, ...AAC_FRAME)])).toEqual([
      0, 0, 10,
    ]);
  });

  it("drops sound from before the first picture, script data and commands", () => {
    const data: MediaMessage = { kind: "data", timestamp: 5000, payload: bytes(2) };
    expect(
      times([
        video(5000, ...KEY),
        sound(4990, ...AAC_FRAME),
        data,
        video(5001, 0x57, 0),
        video(5033, ...INTER),
      ]),
    ).toEqual([0, "drop", "drop", "drop", 33]);
  });

  it("never steps back", () => {
    expect(times([video(0, ...KEY), video(40, ...INTER), video(38, ...INTER), video(80, ...INTER)])).toEqual([
      0, 40, 40, 80,
    ]);
  });

  it.each([
    ["forward", 60_000],
    ["back", 0],
  ])("breaks when the clock jumps %s", (_name, to) => {
    expect(times([video(20_000, ...KEY), video(to, ...KEY)])).toEqual([0, "clock-jump"]);
  });

  it("goes on past 24 and 31 bits, and begins anew before 32 are used up", () => {
    const long = feed();
    const at = (ms: number) => times([video(ms, ...KEY)], long)[0];
    let ms = 0;
    for (; ms <= 2 ** 32 - 1000; ms += 4900) {
      const written = ms % 2 ** 24 < 4900 || ms % 2 ** 31 < 4900 ? at(ms) : skip(long, ms);
      if (written !== ms) expect(written).toBe(ms);
    }
    expect(at(ms)).toBe("clock-full");
  });

  it("goes on through long silence of one track", () => {
    const steady = Array.from({ length: 20 }, (_, i) => sound(i * 1000, ...AAC_FRAME));
    expect(times([video(0, ...KEY), ...steady, video(19_500, ...KEY)]).at(-1)).toBe(19_500);
  });

  it("breaks on another configuration, not on the same one again", () => {
    expect(times([video(0, ...AVC_CONFIG), video(0, ...AVC_CONFIG), video(40, 0x17, 0, 0, 0, 0, 2)])).toEqual(
      [0, "drop", "new-config"],
    );
  });

  it("breaks when a track appears that was not planned", () => {
    const quiet = new FlvFeed({ audio: false, video: true });
    expect(times([video(0, ...KEY), sound(5, ...AAC_CONFIG), sound(10, ...AAC_FRAME)], quiet)).toEqual([
      0,
      "drop",
      "new-track",
    ]);
  });
});

describe("the backlog", () => {
  it("keeps configurations and what comes from the first keyframe on", () => {
    const backlog = new Backlog();
    for (const message of [
      sound(0, ...AAC_CONFIG),
      sound(5, ...AAC_FRAME),
      video(8, ...AVC_CONFIG),
      video(10, ...INTER),
      sound(52, ...AAC_FRAME),
      video(50, ...KEY),
      sound(71, ...AAC_FRAME),
      video(83, ...INTER),
    ])
      expect(backlog.push(message)).toBe(true);
    const drained = backlog.drain();
    expect(drained.map(({ kind, timestamp }) => `${kind} ${timestamp}`)).toEqual([
      "video 50",
      "audio 50",
      "audio 52",
      "video 50",
      "audio 71",
      "video 83",
    ]);
    expect([...(drained[0]?.payload ?? [])]).toEqual(AVC_CONFIG);
    expect(backlog.bytes).toBe(0);
  });

  it("begins anew when the clock jumps, and keeps the newest configurations", () => {
    const backlog = new Backlog();
    const other = [0xaf, 0, 0x12, 0x10];
    for (const message of [
      // Some encoders send these at 0, whatever their clock shows.
      video(0, ...AVC_CONFIG),
      sound(0, ...AAC_CONFIG),
      video(9_000_000, ...KEY),
      sound(9_000_010, ...AAC_FRAME),
      sound(9_000_020, ...other),
      video(60_000, ...INTER),
      sound(60_010, ...AAC_FRAME),
      video(60_040, ...KEY),
      sound(60_050, ...AAC_FRAME),
    ])
      backlog.push(message);
    const drained = backlog.drain();
    expect(drained.map(({ kind, timestamp }) => `${kind} ${timestamp}`)).toEqual([
      "video 60040",
      "audio 60040",
      "video 60040",
      "audio 60050",
    ]);
    expect([...(drained[1]?.payload ?? [])]).toEqual(other);
  });

  it("says when it is full", () => {
    const backlog = new Backlog();
    const big = new Uint8Array(8 * 1024 * 1024).fill(1);
    big.set(KEY);
    let pushed = 0;
    while (backlog.push({ kind: "video", timestamp: pushed, payload: big }) && pushed < 100) pushed += 1;
    expect(pushed).toBe(Math.floor(MAX_BACKLOG_BYTES / big.length));
  });
});
