/** FFmpeg's command line, and how its process is started, fed and ended; the fakes are small programs that misbehave. */
import { chmodSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import {
  type FfmpegCommand,
  ffmpegCommand,
  ffmpegVersion,
  supportedCodecs,
} from "../../../transcoder/core/ffmpeg-args.ts";
import { Ffmpeg, readFfmpegVersionText } from "../../../transcoder/ffmpeg.ts";
import type { PlannedRendition, SessionPlan } from "../../../wire/ingest.ts";
import { FOLDER } from "./session.ts";

const video = (name: string, mode: "copy" | "encode", lines: number): PlannedRendition => ({
  ...{ kind: "video", name, mode, bitrate: lines * 2000, publishAs: [name] },
  ...{ width: (lines * 16) / 9, height: lines },
});
const sound = (mode: "copy" | "encode"): PlannedRendition => ({
  ...{ kind: "audio", name: "audio", mode, bitrate: 128_000, channels: 6, publishAs: ["audio"] },
});
const plan = (renditions: readonly PlannedRendition[], frameRate?: number): SessionPlan => ({
  ...{ nextMsn: 0, segmentSeconds: 2, keyframeSeconds: 2, targetDuration: 2, partTarget: 0.51, renditions },
  ...(frameRate !== undefined && { frameRate }),
});
const line = (command: FfmpegCommand) => command.args.join(" ");
const V51 = { major: 5, minor: 1 };

describe("the command line", () => {
  const beside = plan([video("v720", "copy", 720), video("v360", "encode", 360), sound("copy")]);

  it("passes through beside encodes with the source's own times", () => {
    const { args, outputs } = ffmpegCommand(beside, V51);
    const text = args.join(" ");
    expect(text).toContain("-copyts -f flv -i pipe:0");
    expect(text).toContain("[0:v]split=1[s0];[s0]scale=640:360");
    expect(text).toContain("-map 0:v:0 -c:v copy -video_track_timescale 90000");
    expect(text).toContain("-force_key_frames source -fps_mode passthrough -enc_time_base -1");
    expect(text).toContain("-b:v 720000 -maxrate 720000 -bufsize 720000");
    expect(text).toContain("-map 0:a:0 -c:a copy");
    expect(text).not.toContain("fps=");
    expect(outputs).toEqual([
      { track: "v720", kind: "video", fd: 3 },
      { track: "v360", kind: "video", fd: 4 },
      { track: "audio", kind: "audio", fd: 5 },
    ]);
    expect(text.match(/frag_every_frame\+frag_discont -flush_packets 1 pipe:[345]/g)?.length).toBe(3);
  });

  it.each([
    [{ major: 4, minor: 4 }, "-vsync passthrough -enc_time_base -1"],
    [{ major: 5, minor: 1 }, "-fps_mode passthrough -enc_time_base -1"],
    [{ major: 7, minor: 1 }, "-fps_mode passthrough -enc_time_base demux"],
  ])("speaks the words of FFmpeg %j", (version, words) => {
    expect(line(ffmpegCommand(beside, version))).toContain(words);
  });

  it.each([
    [30_000 / 1001, "fps=30000/1001,split=2", "-g 60 -keyint_min 60"],
    [25, "fps=25,split=2", "-g 50 -keyint_min 50"],
    [24_000 / 1001, "fps=24000/1001,split=2", "-g 48 -keyint_min 48"],
  ])("encodes everything at even times: %f fps", (rate, filter, gop) => {
    const text = line(
      ffmpegCommand(plan([video("v720", "encode", 720), video("v360", "encode", 360)], rate), V51),
    );
    expect(text).toContain(filter);
    expect(text).toContain(`-bf 0 -sc_threshold 0 ${gop}`);
    expect(text).not.toContain("passthrough");
  });

  it("makes AAC of other sound, in stereo", () => {
    expect(line(ffmpegCommand(plan([sound("encode")]), V51))).toContain("-c:a aac -b:a 128000 -ac 2");
  });

  it("filters nothing where nothing is encoded", () => {
    expect(line(ffmpegCommand(plan([video("v240", "copy", 240), sound("copy")]), V51))).not.toContain(
      "filter",
    );
  });
});

it.each([
  ["ffmpeg version 5.1.9-0+deb12u1 Copyright (c)", { major: 5, minor: 1 }],
  ["ffmpeg version n7.1 Copyright", { major: 7, minor: 1 }],
  ["ffmpeg version 8.0.1 Copyright", { major: 8, minor: 0 }],
  ["ffmpeg version N-118000-gabcdef Copyright", { major: 99, minor: 0 }],
  ["bash: ffmpeg: not found", undefined],
])("reads a version: %s", (text, version) => {
  expect(ffmpegVersion(text)).toEqual(version);
  if (version) expect(supportedCodecs(version).includes("hevc")).toBe(version.major > 6);
});

describe("the process", () => {
  const script = (name: string, body: string) => {
    const path = join(FOLDER, name);
    writeFileSync(path, `#!/bin/sh\n${body}\n`);
    chmodSync(path, 0o755);
    return path;
  };
  const command: FfmpegCommand = {
    args: [],
    outputs: [
      { track: "a", kind: "video", fd: 3 },
      { track: "b", kind: "audio", fd: 4 },
    ],
  };
  const start = (program: string, endTimeoutMs = 300) => {
    const heard: string[] = [];
    const ffmpeg = new Ffmpeg(command, {
      program,
      endTimeoutMs,
      onChunk: (track, chunk) => heard.push(`${track}:${Buffer.from(chunk).toString()}`),
    });
    return { ffmpeg, heard };
  };

  it("reads each pipe to its end, and tells them apart", async () => {
    const { ffmpeg, heard } = start(script("echoes", "cat >&3; echo -n late >&4; echo words >&2"));
    await ffmpeg.write(Buffer.from("first"));
    expect(await ffmpeg.end()).toEqual({ how: "ended", code: 0, stderr: "words\n" });
    expect(heard.sort()).toEqual(["a:first", "b:late"]);
  });

  it("holds a writer back while FFmpeg takes nothing", async () => {
    const { ffmpeg } = start(script("slow", "sleep 0.4; cat >/dev/null"), 2000);
    const startedMs = performance.now();
    await ffmpeg.write(new Uint8Array(4_000_000));
    expect(performance.now() - startedMs).toBeGreaterThan(300);
    expect(ffmpeg.queuedBytes).toBeLessThan(100_000);
    expect((await ffmpeg.end()).how).toBe("ended");
  });

  it("lets a writer go when FFmpeg dies under it", async () => {
    const { ffmpeg } = start(script("dies", "echo broken >&2; exit 3"));
    await ffmpeg.write(new Uint8Array(4_000_000));
    await ffmpeg.write(new Uint8Array(4_000_000));
    expect(await ffmpeg.exited).toEqual({ how: "failed", code: 3, stderr: "broken\n" });
  });

  it("kills what does not end", async () => {
    const { ffmpeg } = start(script("stays", "exec sleep 20"));
    expect(await ffmpeg.end()).toMatchObject({ how: "killed" });
  });

  it("keeps only the tail of what it says", async () => {
    const { ffmpeg } = start(script("talks", "seq 1 20000 >&2; cat >/dev/null"), 3000);
    const { stderr } = await ffmpeg.end();
    expect(stderr.length).toBe(8192);
    expect(stderr.endsWith("20000\n")).toBe(true);
  });

  it("fails when there is no such program", async () => {
    const { ffmpeg } = start(join(FOLDER, "nothing-here"));
    await ffmpeg.write(new Uint8Array(10));
    expect(await ffmpeg.exited).toMatchObject({ how: "failed", code: undefined });
    expect(await readFfmpegVersionText(join(FOLDER, "nothing-here"))).toBeUndefined();
  });

  it("is FFmpeg here", async () => {
    expect(ffmpegVersion((await readFfmpegVersionText("ffmpeg")) ?? "")).toBeDefined();
  });
});
