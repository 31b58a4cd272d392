/** Every kind of source an encoder may send, through real RTMP and FFmpeg: what comes out keeps the rules and decodes. */
import { execFile } from "node:child_process";
import { once } from "node:events";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, inject, it } from "vitest";
import { checkPlaylist } from "../support/hls-checker.ts";
import { Stack } from "../support/stack.ts";

const run = promisify(execFile);
const SECONDS = 8;

let stack: Stack;
beforeAll(() => {
  stack = Stack.attach(inject("millrace"));
});
afterAll(() => stack.stop());

const video = (rate: string, size = "426x240") => ["-f", "lavfi", "-i", `testsrc2=size=${size}:rate=${rate}`];
const sound = ["-f", "lavfi", "-i", "sine=frequency=440:sample_rate=48000"];
const h264 = (gop: number, ...more: string[]) => [
  ...["-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p", "-b:v", "400k"],
  ...["-g", String(gop), "-keyint_min", String(gop), "-sc_threshold", "0", ...more],
];
const zero = ["-tune", "zerolatency"];
const aac = ["-c:a", "aac", "-b:a", "96k"];

/** What is sent, which renditions that makes, and how the top one is made. */
const SOURCES: readonly (readonly [
  string,
  readonly string[],
  readonly string[],
  "copy" | "encode" | undefined,
])[] = [
  ["23.976 fps", [...video("24000/1001"), ...sound, ...h264(48, ...zero), ...aac], ["v240", "audio"], "copy"],
  [
    "25 fps with B-frames",
    [...video("25"), ...sound, ...h264(50, "-bf", "3"), ...aac],
    ["v240", "audio"],
    "copy",
  ],
  ["60 fps", [...video("60"), ...sound, ...h264(120, ...zero), ...aac], ["v240", "audio"], "copy"],
  [
    "a keyframe every ten seconds",
    [...video("30"), ...sound, ...h264(300, ...zero), ...aac],
    ["v240", "audio"],
    "encode",
  ],
  [
    "a variable frame rate",
    [
      ...video("30"),
      ...sound,
      "-vf",
      "select='not(eq(mod(n,7),3))'",
      "-vsync",
      "vfr",
      ...h264(52, ...zero),
      ...aac,
    ],
    ["v240", "audio"],
    "copy",
  ],
  [
    "480p with a rung below",
    [...video("30", "854x480"), ...sound, ...h264(60, ...zero), ...aac],
    ["v480", "v360", "audio"],
    "copy",
  ],
  ["pictures without sound", [...video("30"), ...h264(60, ...zero)], ["v240"], "copy"],
  ["sound without pictures", [...sound, ...aac], ["audio"], undefined],
  [
    "sound as MP3",
    [...video("30"), ...sound, ...h264(60, ...zero), "-c:a", "libmp3lame", "-ar", "44100"],
    ["v240", "audio"],
    "copy",
  ],
];

describe.concurrent("a source of", { timeout: 90_000 }, () => {
  it.each(SOURCES)("%s", async (what, args, renditions, mode) => {
    const stream = `source-${what.replaceAll(/[^a-z0-9]+/g, "-").replaceAll(/^-|-$/g, "")}`;
    const key = await stack.createStream(stream, { reconnectSeconds: 0 });
    const encoder = stack.ffmpeg([
      "-re",
      ...args,
      "-t",
      String(SECONDS),
      "-f",
      "flv",
      `${stack.dev.rtmp}/${key}`,
    ]);
    const [code] = await once(encoder, "close");
    expect(code).toBe(0);
    await stack.logged("session-ended", (line) => line.stream === stream);

    const started = await stack.logged("session-started", (line) => line.stream === stream);
    const plan = started.plan as { renditions: { name: string; kind: string; mode: string }[] };
    expect(plan.renditions.map(({ name }) => name)).toEqual(renditions);
    expect(plan.renditions.find(({ kind }) => kind === "video")?.mode).toBe(mode);

    for (const rendition of renditions) {
      const url = `${stack.dev.edge}/live/${stream}/${rendition}/index.m3u8`;
      const text = await (await fetch(url)).text();
      expect(checkPlaylist(text).violations).toEqual([]);
      expect(text).toContain("#EXT-X-ENDLIST");
      const total = [...text.matchAll(/#EXTINF:([0-9.]+)/g)].reduce(
        (sum, [, seconds]) => sum + Number(seconds),
        0,
      );
      expect(Math.abs(total - SECONDS)).toBeLessThan(0.5);
      const { stderr } = await run("ffmpeg", ["-v", "error", "-i", url, "-f", "null", "-"]);
      expect(stderr).toBe("");
    }
  });
});
