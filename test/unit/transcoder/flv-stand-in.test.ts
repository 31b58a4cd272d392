/** A track that sends nothing while the other goes on: what FFmpeg is given for it. Times come out as they are written into tags. */
import { spawnSync } from "node:child_process";
import { describe, expect, it } from "vitest";
import { flvHeader, flvTag, type MediaMessage, readAudioTag } from "../../../transcoder/core/flv.ts";
import { FlvFeed } from "../../../transcoder/core/flv-feed.ts";
import { silentAac, silentMp3 } from "../../../transcoder/core/silence.ts";
import { readFlv } from "./session.ts";

const KEY = Uint8Array.of(0x17, 1, 0, 0, 0, 9);
const INTER = Uint8Array.of(0x27, 1, 0, 0, 0, 8);
const CONFIG = Uint8Array.of(0xaf, 0, 0x11, 0x90);
const SOUND = Uint8Array.of(0xaf, 1, 7);
const FRAME_MS = 1024 / 48;

/** Frames of both tracks for some seconds, in order of their times: 25 pictures a second, a keyframe every second. */
function show(seconds: number, has: (kind: "audio" | "video", ms: number) => boolean): MediaMessage[] {
  const pictures = Array.from({ length: 25 * seconds }, (_, i) => ({
    kind: "video" as const,
    timestamp: i * 40,
    payload: i % 25 === 0 ? KEY : INTER,
  }));
  const sound = Array.from({ length: Math.floor((1000 * seconds) / FRAME_MS) }, (_, i) => ({
    kind: "audio" as const,
    timestamp: Math.round(i * FRAME_MS),
    payload: SOUND,
  }));
  const frames = [...pictures, ...sound]
    .filter(({ kind, timestamp }) => has(kind, timestamp))
    .sort((a, b) => a.timestamp - b.timestamp);
  return [{ kind: "audio", timestamp: 0, payload: CONFIG }, ...frames];
}

/** Twenty seconds in which one track is sent later than the other. */
const delayed = (kind: "audio" | "video", ms: number): MediaMessage[] =>
  show(20, () => true)
    .map((message) => ({ message, at: message.timestamp + (message.kind === kind ? ms : 0) }))
    .sort((a, b) => a.at - b.at)
    .map(({ message }) => message);

/** What FFmpeg would read. */
function feed(messages: readonly MediaMessage[], has = { audio: true, video: true }) {
  const flv = new FlvFeed(has);
  const bytes = messages.flatMap((message) => {
    const fed = flv.push(message);
    if (fed.type === "break") throw new Error(fed.why.reason);
    return fed.type === "tag" ? [fed.bytes] : [];
  });
  const tags = readFlv(Buffer.concat([flv.header(), ...bytes]));
  const of = (kind: string) => tags.filter((tag) => tag.kind === kind && tag.payload[1] !== 0);
  return { sound: of("audio"), pictures: of("video") };
}

const isReal = ({ payload }: MediaMessage): boolean => payload.length === SOUND.length && payload[2] === 7;
const steps = (tags: readonly MediaMessage[]): number[] =>
  tags.slice(1).map(({ timestamp }, i) => timestamp - (tags[i]?.timestamp ?? 0));

describe("sound", () => {
  it("that is there is passed on as it is", () => {
    const messages = show(5, () => true);
    const { sound, pictures } = feed(messages);
    expect([...sound, ...pictures]).toHaveLength(messages.length - 1);
  });

  it.each([
    ["starts late", 0, 4000],
    ["stops", 4000, Number.POSITIVE_INFINITY],
    ["stops and comes back", 3000, 6500],
    ["is away for less than anyone waits", 3000, 3400],
  ])("that %s is silent meanwhile, frame by frame", (_what, from, to) => {
    const { sound, pictures } = feed(show(10, (kind, ms) => kind === "video" || ms < from || ms >= to));
    for (const step of steps(sound)) {
      expect(step).toBeGreaterThan(0);
      // Whole frames of silence leave less than a frame in front of real sound.
      expect(step).toBeLessThan(2 * FRAME_MS);
    }
    const silent = sound.filter((tag) => !isReal(tag));
    expect(silent.every(({ timestamp }) => timestamp >= from - FRAME_MS && timestamp < to + 300)).toBe(true);
    expect((pictures.at(-1)?.timestamp ?? 0) - (sound.at(-1)?.timestamp ?? 0)).toBeLessThan(300);
  });

  it("is not taken for missing when both tracks stop", () => {
    const { sound } = feed(show(10, (_kind, ms) => ms < 3000 || ms > 3060));
    expect(sound.every(isReal)).toBe(true);
  });

  it("that runs behind the pictures is waited for, once it was seen to come", () => {
    const { sound } = feed(delayed("audio", 1300));
    expect(sound.filter((tag) => !isReal(tag) && tag.timestamp > 4000)).toEqual([]);
    for (const step of steps(sound)) expect(step).toBeGreaterThan(0);
  });

  it("of a coding that no silence is known for stays away", () => {
    const messages = show(5, (kind) => kind === "video").filter(({ kind }) => kind === "video");
    expect(feed(messages).sound).toEqual([]);
  });
});

describe("pictures", () => {
  it.each([
    ["stop", 4000, Number.POSITIVE_INFINITY],
    ["stop and come back", 3500, 6400],
    ["stop in the middle of everything, for long", 2480, 90_000],
  ])("that %s stand still: the last keyframe, twice a second", (_what, from, to) => {
    const seconds = to > 90_000 ? 10 : Math.max(10, to / 1000 + 3);
    const { pictures, sound } = feed(show(seconds, (kind, ms) => kind === "audio" || ms < from || ms >= to));
    for (const step of steps(pictures)) {
      expect(step).toBeGreaterThan(0);
      expect(step).toBeLessThanOrEqual(501);
    }
    const away = pictures.filter(({ timestamp }) => timestamp >= from && timestamp < to);
    expect(away.length).toBeGreaterThan(4);
    expect(away.every(({ payload }) => payload[0] === KEY[0])).toBe(true);
    // Segments begin every second or two where keyframes were: so do these.
    expect(away.every(({ timestamp }) => timestamp % 500 === 0)).toBe(true);
    // Nothing that needs a lost picture is shown: a keyframe comes first.
    const back = pictures.find(({ timestamp, payload }) => timestamp >= to && payload[0] === INTER[0]);
    if (back) expect(back.timestamp).toBe(Math.ceil(to / 1000) * 1000 + 40);
    expect((sound.at(-1)?.timestamp ?? 0) - (pictures.at(-1)?.timestamp ?? 0)).toBeLessThan(1000);
  });

  it("that run behind the sound are waited for, once they were seen to come", () => {
    const { pictures } = feed(delayed("video", 1800));
    for (const step of steps(pictures)) expect(step).toBeGreaterThan(0);
    const settled = pictures.filter(({ timestamp }) => timestamp >= 5000);
    expect(settled.map(({ timestamp }) => timestamp)).toEqual(settled.map((_, i) => 5000 + 40 * i));
  });

  it("that are rare by nature are shown as they come", () => {
    const rare = show(20, (kind, ms) => kind === "audio" || ms % 1000 === 0);
    const { pictures } = feed(rare);
    expect(pictures.map(({ timestamp }) => timestamp)).toEqual(
      Array.from({ length: 20 }, (_, i) => i * 1000),
    );
  });
});

describe("silence", () => {
  /** AudioSpecificConfigs: object type, rate index, channels. */
  const config = (type: number, rate: number, channels: number) =>
    Uint8Array.of((type << 3) | (rate >> 1), ((rate & 1) << 7) | (channels << 3));

  it.each([
    ["mono", config(2, 3, 1), 1024 / 48],
    ["stereo at 44.1 kHz", config(2, 4, 2), 1024 / 44.1],
    ["5.1", config(2, 3, 6), 1024 / 48],
    ["7.1", config(2, 3, 7), 1024 / 48],
    // HE-AAC: 24 kHz core, 48 kHz out, object type 2 inside.
    ["HE-AAC", Uint8Array.of(0x2b, 0x11, 0x88, 0), 1024 / 24],
  ])("of AAC decodes to nothing: %s", (_what, asc, ms) => {
    const silent = silentAac(asc);
    expect(silent?.ms).toBeCloseTo(ms, 6);
    const head = flvTag({ kind: "audio", timestamp: 0, payload: Uint8Array.of(0xaf, 0, ...asc) });
    expectSilence(head, silent?.payload ?? new Uint8Array(0), ms);
  });

  it("of MP3 has the size of the frame that it is made after", () => {
    // MPEG-1 layer III, 64 kbit/s, 44.1 kHz, stereo, with a checksum.
    const payload = new Uint8Array(1 + 208).fill(0x55);
    payload.set([0x2f, 0xff, 0xfa, 0x50, 0x00]);
    const tag = readAudioTag(payload);
    const silent = tag && silentMp3(tag, payload);
    expect(silent?.payload).toHaveLength(payload.length);
    expect(silent?.ms).toBeCloseTo(1152 / 44.1, 6);
    expectSilence(new Uint8Array(0), silent?.payload ?? new Uint8Array(0), 1152 / 44.1);
  });

  it.each([
    ["another object type", config(1, 3, 2)],
    ["channels that only the stream itself names", config(2, 3, 0)],
    ["no rate", Uint8Array.of(0x17, 0x80, 0, 0, 0)],
    ["nothing", new Uint8Array(0)],
  ])("is not known for %s", (_what, asc) => {
    expect(silentAac(asc)).toBeUndefined();
  });
});

/** FFmpeg decodes a second of it without a word, and hears nothing. */
function expectSilence(head: Uint8Array, payload: Uint8Array, ms: number): void {
  const tags = Array.from({ length: 40 }, (_, i) =>
    flvTag({ kind: "audio", timestamp: Math.round(i * ms), payload }),
  );
  const input = Buffer.concat([flvHeader({ audio: true, video: false }), head, ...tags]);
  const { stderr, stdout } = spawnSync(
    "ffmpeg",
    ["-nostdin", "-v", "error", "-f", "flv", "-i", "pipe:0", "-f", "s16le", "pipe:1"],
    { input, maxBuffer: 64 * 1024 * 1024 },
  );
  expect(stderr.toString()).toBe("");
  expect(stdout.length).toBeGreaterThan(10_000);
  expect(stdout.every((byte) => byte === 0)).toBe(true);
}
