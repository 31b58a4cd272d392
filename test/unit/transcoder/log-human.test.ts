import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import type { LogEvent } from "../../../transcoder/log.ts";
import { formatHuman } from "../../../transcoder/log-human.ts";

const at = new Date(2026, 4, 6, 7, 8, 9);
const facts = { stream: "show", session: "s1" };

/** What stands after time, mark and stream. */
const words = (event: LogEvent) => formatHuman(event, at).slice("07:08:09 ! ".length + 16 + 2);

describe("a line", () => {
  it("has its columns", () => {
    expect(formatHuman({ event: "stopped" }, at)).toBe("07:08:09   -                 stopped");
    expect(
      formatHuman(
        { event: "retry", stream: "show", path: "/x/timeline", name: "unreachable", attempt: 2 },
        at,
      ),
    ).toBe("07:08:09 ! show              origin: try 2 of /x/timeline failed (unreachable), trying again");
    expect(
      formatHuman({ event: "encoder-failed", stream: "a-stream-with-a-long-name", error: "e\n    at f" }, at),
    ).toBe("07:08:09 X a-stream-with-a…  this transcoder failed its encoder: e");
  });

  it("has words for whatever the transcoder logs", () => {
    const folder = fileURLToPath(new URL("../../../transcoder/", import.meta.url));
    const sources = readdirSync(folder).filter((name) => name.endsWith(".ts"));
    const named = sources.flatMap((name) => [
      ...readFileSync(folder + name, "utf8").matchAll(
        /log\(\{\s*event: (?:\w+ \? )?"([a-z-]+)"(?: : "([a-z-]+)")?/g,
      ),
    ]);
    const events = named.flatMap(([, ...names]) => names.filter((name) => name !== undefined));
    expect(events.length).toBeGreaterThan(40);
    const wordless = events.filter((event) => formatHuman({ event }, at).endsWith(`  ${event}`));
    // A note is for whoever reads the protocol, and tells itself; to be stopped is what its name says.
    expect(new Set(wordless)).toEqual(new Set(["rtmp-note", "stopped"]));
  });

  it("tells what was left out", () => {
    expect(formatHuman({ event: "stopped" }, at, 17)).toMatch(/stopped \(17 more before it\)$/);
  });

  it("obeys no terminal sequence and stays one line", () => {
    const line = formatHuman(
      {
        event: "publish-accepted",
        stream: "\u001b[2Jx",
        remoteAddress: "a\r\nb",
        encoder: "\u009b31m\u202eevil\u2028",
      },
      at,
    );
    expect(line).not.toMatch(/[\p{Cc}\p{Cf}\p{Zl}]/u);
    expect(line).toContain("evil");
  });

  it("has an end", () => {
    expect(formatHuman({ event: "x", text: "y".repeat(10_000) }, at).length).toBeLessThan(450);
  });
});

it.each<[LogEvent, string]>([
  [
    { event: "listening", rtmpPort: 1935, origin: "http://o", ffmpeg: { major: 5, minor: 1 } },
    "ready for encoders on port 1935; origin http://o; FFmpeg 5.1",
  ],
  [
    { event: "publish-accepted", remoteAddress: "192.0.2.7", encoder: "FMLE/3.0", ...facts },
    "encoder at 192.0.2.7 may publish (FMLE/3.0)",
  ],
  [
    { event: "publish-refused", reason: "unknown-key", detail: "No.", code: "c", remoteAddress: "192.0.2.7" },
    "encoder at 192.0.2.7 refused: unknown-key, No.",
  ],
  [
    {
      event: "session-started",
      source: {
        video: {
          codec: "h264",
          width: 1280,
          height: 720,
          frameRate: 29.97,
          bitrate: 2_512_345,
          keyframeSeconds: 2.002,
        },
        audio: { codec: "aac", sampleRate: 48_000 },
      },
      plan: {
        renditions: [
          { name: "v720", mode: "copy" },
          { name: "v480", mode: "encode" },
        ],
      },
      ...facts,
    },
    "session started: h264 1280x720 29.97 frames/s 2.5 Mbit/s keyframes every 2 s, aac 48000 Hz -> v720 (copy), v480",
  ],
  [
    { event: "session-started", source: { audio: { codec: "aac", sampleRate: 44_100 } }, plan: {}, ...facts },
    "session started: aac 44100 Hz -> nothing",
  ],
  [
    {
      event: "published",
      type: "part",
      msn: 7,
      lastPart: 2,
      duration: 0.5005,
      waitedMs: 38.4,
      tracks: { v720: 65_432, audio: 999 },
    },
    "published part 7.2, 0.5 s, 38 ms after its cut, v720 65 kB, audio 999 B",
  ],
  [
    {
      event: "published",
      type: "segment",
      msn: 7,
      lastPart: 3,
      duration: 2,
      waitedMs: 51,
      tracks: { v720: 1_234_567 },
    },
    "published segment 7, 2 s, 51 ms after its cut, v720 1.2 MB",
  ],
  [
    {
      event: "input",
      inputBitrate: 4_812_345,
      inputFrameRate: 29.96,
      keyframeSeconds: 2,
      encodeSpeed: 1.004,
      waitingBytes: 31_000,
      queuedBytes: 0,
    },
    "in 4.8 Mbit/s, 30 frames/s, keyframes every 2 s, encoded at 1.00x, 31 kB wait for origin",
  ],
  [
    { event: "session-trouble", reason: "refused", refusal: { name: "fenced", detail: "Taken over." } },
    "session in trouble: refused, fenced: Taken over.",
  ],
  [
    {
      event: "session-trouble",
      reason: "ffmpeg",
      exit: { how: "failed", code: 1, stderr: "one\nInvalid data\n" },
    },
    "session in trouble: ffmpeg: Invalid data",
  ],
  [{ event: "ffmpeg-exit", how: "killed", stderr: "" }, "FFmpeg killed: "],
  [{ event: "tracks-missing", tracks: ["audio", "v360"] }, "FFmpeg made no audio, v360"],
  [{ event: "encoder-gone", reason: "disconnected", error: "reset" }, "encoder gone: disconnected"],
  [{ event: "session-ended", scope: "session" }, "session ended"],
  [
    { event: "session-ended", scope: "broadcast", refused: "closed" },
    "broadcast ended, but origin says closed",
  ],
  [
    { event: "rtmp-closed", connection: 3, receivedBytes: 12_345_678, end: { reason: "timed-out" } },
    "connection 3 closed: timed-out, 12.3 MB received",
  ],
  [
    { event: "new-thing", level: "warning", bytes: 3, of: { a: [1] }, stream: "s" },
    'new-thing bytes=3 of={"a":[1]}',
  ],
  [
    { event: "rtmp-publish", connection: 3, app: "live", flashVer: "" },
    "connection 3 asks to publish to live",
  ],
  [{ event: "toString", a: 1 }, "toString a=1"],
])("says %o", (event, text) => {
  expect(words(event)).toBe(text);
});
