/** Whole sessions over real FFmpeg: sources of every common kind, cut, read back and compared with what went in. */
import { execFileSync, spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import type { ProfileName } from "../../../media/profile.ts";
import { BoxReader, type Frame } from "../../../transcoder/cmaf/boxes.ts";
import type { Cut } from "../../../transcoder/cmaf/cutter.ts";
import { type MediaMessage, readAudioTag, readVideoTag } from "../../../transcoder/core/flv.ts";
import { FOLDER, makeSource, probe, runSession, type Session } from "./session.ts";

const picture = (rate: string, seconds: number) => [
  ...["-f", "lavfi", "-i", `testsrc2=size=424x424:rate=${rate}:duration=${seconds}`],
];
const tone = (seconds: number) => [
  "-f",
  "lavfi",
  "-i",
  `sine=frequency=440:sample_rate=48000:duration=${seconds}`,
];
const x264 = (gop: number, ...more: string[]) => [
  ...["-c:v", "libx264", "-preset", "ultrafast", "-b:v", "800k", "-sc_threshold", "0"],
  ...["-g", String(gop), "-keyint_min", String(gop), ...more],
];
const aac = ["-c:a", "aac", "-b:a", "96k"];

/** Frames of a track as a player would read them: init, then every segment. */
function framesOf(session: Session, track: string): { timescale: number; segments: Frame[][] } {
  const init = session.cuts.find((cut) => cut.type === "init")?.tracks.get(track);
  if (!init) throw new Error(`no init for ${track}`);
  const reader = new BoxReader();
  reader.push(init.bytes);
  const segments = segmentsOf(session).map((segment) => {
    const frames: Frame[] = [];
    for (const chunk of segment.tracks.get(track)?.chunks ?? []) {
      const events = reader.push(chunk);
      if (!events.ok) throw new Error(JSON.stringify(events.error));
      for (const event of events.value) if (event.type === "frame") frames.push(event.frame);
    }
    return frames;
  });
  return { timescale: init.timescale, segments };
}

type SegmentCut = Cut & { type: "segment" };
type PartCut = Cut & { type: "part" };
const segmentsOf = (session: Session) =>
  session.cuts.filter((cut): cut is SegmentCut => cut.type === "segment");
const partsOf = (session: Session) => session.cuts.filter((cut): cut is PartCut => cut.type === "part");
const join2 = (chunks: readonly Uint8Array[]) => Buffer.concat(chunks.map((chunk) => Buffer.from(chunk)));

function expectEvenParts(session: Session): void {
  const target = session.plan.partTarget ?? 0;
  const segments = segmentsOf(session);
  expect(segments.map(({ msn }) => msn)).toEqual(segments.map((_, i) => 7 + i));
  for (const { msn, duration, startSeconds, tracks } of segments) {
    const parts = partsOf(session).filter((part) => part.msn === msn);
    expect(parts.map(({ part }) => part)).toEqual(parts.map((_, i) => i));
    for (const [i, part] of parts.entries()) {
      expect(part.duration).toBeLessThanOrEqual(target + 0.0005);
      if (i < parts.length - 1) expect(part.duration).toBeGreaterThanOrEqual(target * 0.85);
    }
    expect(parts.reduce((sum, part) => sum + part.duration, 0)).toBeCloseTo(duration, 6);
    expect(parts[0]?.startSeconds).toBe(startSeconds);
    for (const [name, track] of tracks) {
      const chunks = parts.flatMap((part) => part.tracks.get(name)?.chunks ?? []);
      expect(track.chunks).toEqual(chunks);
      expect(track.bytes).toBe(join2(track.chunks).length);
    }
  }
}

function expectAligned(session: Session, frameSeconds: number): void {
  for (const { name, kind } of session.plan.renditions) {
    const { timescale, segments } = framesOf(session, name);
    for (const [i, frames] of segments.entries()) {
      const [first] = frames;
      const cut = segmentsOf(session)[i];
      if (!first || !cut) throw new Error(`${name} has a hole`);
      expect(first.keyframe).toBe(true);
      const tolerance = kind === "audio" ? 0.0215 : frameSeconds;
      expect(Math.abs(first.dts / timescale - cut.startSeconds)).toBeLessThan(tolerance);
      if (kind === "video") expect(cut.tracks.get(name)?.iframeBytes).toBeGreaterThan(first.bytes.length);
    }
    // No frame is lost or said twice between the segments.
    const all = segments.flat();
    for (const [i, frame] of all.slice(1).entries())
      expect(frame.dts).toBe((all[i]?.dts ?? 0) + (all[i]?.duration ?? 0));
  }
}

/** Decode what was cut with FFmpeg: it must not complain, and find this many frames. */
function decodedFrames(session: Session, track: string, kind: "video" | "audio"): number {
  const init = session.cuts.find((cut) => cut.type === "init")?.tracks.get(track);
  if (!init) throw new Error(`no init for ${track}`);
  const path = join(FOLDER, `${track}-${Math.round(performance.now() * 1000)}.mp4`);
  writeFileSync(
    path,
    join2([init.bytes, ...segmentsOf(session).flatMap((s) => s.tracks.get(track)?.chunks ?? [])]),
  );
  const decoded = spawnSync("ffmpeg", [
    "-nostdin",
    "-v",
    "warning",
    "-xerror",
    "-i",
    path,
    "-f",
    "null",
    "-",
  ]);
  expect(decoded.stderr.toString()).toBe("");
  const counted = execFileSync("ffprobe", [
    ...["-v", "error", "-count_frames", "-select_streams", kind === "video" ? "v" : "a"],
    ...["-show_entries", "stream=nb_read_frames", "-of", "csv=p=0", path],
  ]);
  return Number(counted.toString().trim().replace(",", ""));
}

const sourceFrames = (messages: readonly MediaMessage[], kind: "video" | "audio") =>
  messages.flatMap((message) => {
    if (message.kind !== kind) return [];
    const tag = kind === "video" ? readVideoTag(message.payload) : readAudioTag(message.payload);
    return tag?.packet === "frame" ? [{ at: message.timestamp, body: tag.body }] : [];
  });

const seconds = 4.2;
const CASES: readonly {
  name: string;
  profile: ProfileName;
  rate: number;
  args: readonly string[];
}[] = [
  {
    name: "23.976 fps",
    profile: "ultra",
    rate: 24_000 / 1001,
    args: [...picture("24000/1001", seconds), ...tone(seconds), ...x264(48), ...aac],
  },
  {
    name: "25 fps",
    profile: "low",
    rate: 25,
    args: [...picture("25", seconds), ...tone(seconds), ...x264(25), ...aac],
  },
  {
    name: "29.97 fps with B-frames",
    profile: "low",
    rate: 30_000 / 1001,
    args: [...picture("30000/1001", seconds), ...tone(seconds), ...x264(60, "-bf", "2"), ...aac],
  },
  {
    name: "30 fps, GOP of a second",
    profile: "ultra",
    rate: 30,
    args: [...picture("30", seconds), ...tone(seconds), ...x264(30), ...aac],
  },
  {
    name: "60 fps",
    profile: "ultra",
    rate: 60,
    args: [...picture("60", seconds), ...tone(seconds), ...x264(120), ...aac],
  },
  {
    name: "sound half a second ahead",
    profile: "low",
    rate: 30,
    args: ["-itsoffset", "0.5", ...picture("30", seconds), ...tone(seconds + 0.5), ...x264(60), ...aac],
  },
  {
    name: "sound 0.7 s late",
    profile: "low",
    rate: 30,
    args: [...picture("30", seconds), "-itsoffset", "0.7", ...tone(seconds - 0.7), ...x264(60), ...aac],
  },
];

describe.each(CASES)("a source of $name", ({ name, profile, rate, args }) => {
  const frameSeconds = 1 / rate;
  const late = name === "sound 0.7 s late";

  it("passes through untouched beside an encoded track", async () => {
    const { messages } = makeSource(name, args);
    const session = await runSession(messages, profile);
    expect(session.exit).toMatchObject({ how: "ended", stderr: "" });
    expect(session.source.video?.frameRate).toBeCloseTo(rate, 0);
    expect(session.plan.renditions.map(({ mode }) => mode)).toEqual(["copy", "encode", "copy"]);
    expect(session.cuts.filter((cut) => cut.type === "problem")).toEqual([]);
    if (session.plan.partTarget !== undefined) expectEvenParts(session);
    expectAligned(session, frameSeconds);
    // Silence stands in for sound that is late.
    expect(partsOf(session).every(({ tracks }) => tracks.has("audio"))).toBe(true);

    const from = sourceFrames(messages, "video");
    const total = segmentsOf(session).reduce((sum, { duration }) => sum + duration, 0);
    expect(Math.abs(total - from.length * frameSeconds)).toBeLessThan(frameSeconds);
    const copied = framesOf(session, "v424").segments.flat();
    expect(copied.length).toBe(from.length);
    for (const [i, frame] of copied.entries())
      expect(Buffer.compare(frame.bytes, from[i]?.body ?? Buffer.alloc(0))).toBe(0);
    expect(decodedFrames(session, "v424", "video")).toBe(from.length);
    expect(decodedFrames(session, "v360", "video")).toBe(from.length);

    // Sound is where it was, to the millisecond that FLV knows; what is outside the picture's time is not there.
    const sound = framesOf(session, "audio");
    const base = from[0]?.at ?? 0;
    const start = segmentsOf(session)[0]?.startSeconds ?? 0;
    const heard = sound.segments.flat();
    const expected = sourceFrames(messages, "audio").filter(
      ({ at }) => at >= base && (at - base) / 1000 >= start - 0.0108,
    );
    const first = heard.find(
      ({ bytes }) => Buffer.compare(bytes, expected[0]?.body ?? Buffer.alloc(1)) === 0,
    );
    expect(first === heard[0]).toBe(!late);
    const off = (first?.dts ?? 0) / sound.timescale - ((expected[0]?.at ?? 0) - base) / 1000;
    // Silence comes in whole frames.
    expect(Math.abs(off)).toBeLessThan(late ? 0.0215 : 0.0011);
    expect(decodedFrames(session, "audio", "audio")).toBe(heard.length);
  });

  it("is encoded with keyframes on a fixed grid", async () => {
    const { messages } = makeSource(name, args);
    const session = await runSession(messages, profile, false);
    expect(session.exit).toMatchObject({ how: "ended", stderr: "" });
    expect(session.plan.renditions.map(({ mode }) => mode)).toEqual(["encode", "encode", "copy"]);
    expect(session.cuts.filter((cut) => cut.type === "problem")).toEqual([]);
    expectEvenParts(session);
    expectAligned(session, frameSeconds);
    // Silence stands in for sound that is late.
    expect(partsOf(session).every(({ tracks }) => tracks.has("audio"))).toBe(true);
    const total = segmentsOf(session).reduce((sum, { duration }) => sum + duration, 0);
    const frames = sourceFrames(messages, "video").length;
    expect(Math.abs(total - frames * frameSeconds)).toBeLessThan(1.5 * frameSeconds);
    const gops = segmentsOf(session).slice(0, -1);
    for (const { duration } of gops)
      expect(Math.abs(duration - session.plan.segmentSeconds)).toBeLessThan(frameSeconds);
    expect(Math.abs(decodedFrames(session, "v424", "video") - frames)).toBeLessThanOrEqual(1);
    expect(decodedFrames(session, "v360", "video")).toBe(decodedFrames(session, "v424", "video"));
  });
});

describe("sources that lack something", () => {
  it("cuts sound alone by time", async () => {
    const { messages } = makeSource("audio only", [...tone(6), ...aac]);
    const session = await runSession(messages, "low");
    expect(session.source.video).toBeUndefined();
    expect(session.source.audio).toMatchObject({ codec: "aac", sampleRate: 48_000, channels: 1 });
    expectEvenParts(session);
    expectAligned(session, 0.0215);
    const frames = sourceFrames(messages, "audio").length;
    expect(framesOf(session, "audio").segments.flat().length).toBe(frames);
    for (const { duration } of segmentsOf(session).slice(0, -1))
      expect(Math.abs(duration - 2)).toBeLessThan(0.022);
  });

  it("cuts pictures alone", async () => {
    const { messages } = makeSource("video only", [...picture("30", 5), ...x264(60)]);
    const session = await runSession(messages, "standard");
    expect(session.source.audio).toBeUndefined();
    expect(partsOf(session)).toEqual([]);
    expectAligned(session, 1 / 30);
    expect(decodedFrames(session, "v424", "video")).toBe(150);
  });

  it("encodes MP3 sound", async () => {
    const { messages } = makeSource("mp3", [
      ...[...picture("30", 5), "-f", "lavfi", "-i", "sine=sample_rate=44100:duration=5"],
      ...[...x264(60), "-c:a", "libmp3lame", "-b:a", "96k"],
    ]);
    const session = await runSession(messages, "low");
    expect(session.source.audio).toMatchObject({ codec: "mp3", sampleRate: 44_100 });
    expect(session.exit.how).toBe("ended");
    expect(session.cuts.find((cut) => cut.type === "init")?.tracks.get("audio")?.codecs).toBe("mp4a.40.2");
    expectEvenParts(session);
  });
});

describe("sources with uneven times", () => {
  it("makes frames of a variable rate even where everything is encoded", async () => {
    const { messages } = makeSource("vfr", [
      ...[
        ...picture("30", 6),
        ...tone(6),
        "-vf",
        "select='not(eq(mod(n,7),3))*not(between(mod(n,40),20,24))'",
      ],
      ...["-fps_mode", "vfr", ...x264(50), ...aac],
    ]);
    expect(probe(messages)).toMatchObject({ state: "ready", source: { video: { variableFrameRate: true } } });
    const session = await runSession(messages, "low", false);
    expectEvenParts(session);
    expectAligned(session, 0.05);
  });

  it("cuts a variable rate that is passed through at the keyframes it has", async () => {
    const { messages } = makeSource("vfr copy", [
      ...[...picture("30", 6), ...tone(6), "-vf", "select='not(eq(mod(n,7),3))'"],
      ...["-fps_mode", "vfr", ...x264(50), ...aac],
    ]);
    const session = await runSession(messages, "low");
    expect(session.plan.renditions[0]?.mode).toBe("copy");
    expect(session.cuts.filter((cut) => cut.type === "problem")).toEqual([]);
    expectAligned(session, 0.07);
    expect(decodedFrames(session, "v360", "video")).toBe(sourceFrames(messages, "video").length);
    for (const { duration } of segmentsOf(session))
      expect(duration).toBeLessThan(session.plan.targetDuration + 0.5);
  });

  it("has a source with long GOPs encoded", async () => {
    const { messages } = makeSource("long gop", [...picture("30", 6), ...x264(250)]);
    const session = await runSession(messages, "low");
    expect(session.source.video?.keyframeSeconds).toBeUndefined();
    expect(session.plan.renditions.map(({ mode }) => mode)).toEqual(["encode", "encode"]);
    expectEvenParts(session);
  });

  it("has a source with open GOPs encoded", async () => {
    const { messages } = makeSource("open gop", [
      ...[...picture("30", 5), ...x264(60, "-bf", "2", "-x264-params", "open-gop=1")],
    ]);
    const state = probe(messages);
    if (state.state !== "ready") throw new Error(state.state);
    // FLV calls only IDR frames keyframes when FFmpeg writes it, or the others too: either way it is not passed through.
    expect(state.source.video?.closedGops && state.source.video.keyframeSeconds !== undefined).toBe(false);
  });
});
