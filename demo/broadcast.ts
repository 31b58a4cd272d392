/**
 * Broadcasts the test picture over RTMP: paints at the pace of the wall clock and feeds one FFmpeg. It does not
 * reconnect: when FFmpeg ends, so does this, with its exit code.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { Command, InvalidArgumentError, Option } from "commander";
import { ffmpegArguments } from "./encode.ts";
import { nextStep, type Pace } from "./pace.ts";
import { createPicture } from "./picture.ts";

/** Lines of FFmpeg's own words that a failure shows. */
const SHOWN_LINES = 3;

function positive(text: string): number {
  const value = Number(text);
  if (!(value > 0 && Number.isFinite(value))) throw new InvalidArgumentError("Give a number above 0.");
  return value;
}

function wholeNumber(text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 0) throw new InvalidArgumentError("Give a whole number from 0 on.");
  return value;
}

function pictureSize(text: string): { width: number; height: number } {
  const [, width, height] = /^(\d{2,4})x(\d{2,4})$/.exec(text) ?? [];
  const size = { width: Number(width), height: Number(height) };
  if (!(size.width >= 320 && size.height >= 180) || size.width % 2 || size.height % 2)
    throw new InvalidArgumentError("Give two even numbers from 320x180 on, such as 1280x720.");
  return size;
}

const program = new Command("broadcast")
  .description("Broadcast the built-in test picture, which shows the time to people and to programs.")
  .requiredOption("--url <url>", "where to: rtmp://host/live/<key>, or the name of an .flv file")
  .addOption(
    new Option("--size <size>", "width x height")
      .argParser(pictureSize)
      .default({ width: 1280, height: 720 }, "1280x720"),
  )
  .option("--fps <n>", "frames a second", positive, 30)
  .option("--gop-seconds <n>", "time between keyframes", positive, 2)
  .option("--kbps <n>", "video bitrate, kilobits a second", positive, 2500)
  .option("--b-frames <n>", "B-frames between two others", wholeNumber, 0)
  .option("--seconds <n>", "stop after so much time", positive)
  .option("--no-audio", "leave the beep out")
  .parse();
const options = program.opts<{
  url: string;
  size: { width: number; height: number };
  fps: number;
  gopSeconds: number;
  kbps: number;
  bFrames: number;
  seconds?: number;
  audio: boolean;
}>();

const picture = createPicture(options.size.width, options.size.height);
const startMs = Date.now();
const ffmpeg = spawn(
  "ffmpeg",
  ffmpegArguments({
    url: options.url,
    ...options.size,
    framesPerSecond: options.fps,
    gopSeconds: options.gopSeconds,
    videoKilobits: options.kbps,
    audio: options.audio,
    bFrames: options.bFrames,
    phaseSeconds: (startMs % 10_000) / 1000,
  }),
  { stdio: ["pipe", "ignore", "pipe"] },
);

let stopping = false;
const said: string[] = [];
ffmpeg.stderr.setEncoding("utf8").on("data", (text: string) => {
  said.push(...text.split("\n").filter((line) => line.trim() !== ""));
  said.splice(0, said.length - SHOWN_LINES);
});
ffmpeg.on("error", (error) => {
  console.error(`FFmpeg did not start: ${error.message}`);
  process.exit(1);
});
ffmpeg.on("exit", (code, signal) => {
  if (code !== 0 && !stopping)
    console.error(`FFmpeg ended (${signal ?? `code ${code}`}): ${said.join(" / ") || "it gave no reason"}`);
  process.exit(stopping ? 0 : (code ?? 1));
});
// Closing its input lets FFmpeg say goodbye to the server; a broken pipe is told by its exit.
ffmpeg.stdin.on("error", () => {});
for (const signal of ["SIGINT", "SIGTERM"] as const) {
  process.on(signal, () => {
    // The second time, nobody waits for goodbyes.
    if (stopping) ffmpeg.kill("SIGKILL");
    stopping = true;
  });
}

const utcOffsetMinutes = -new Date(startMs).getTimezoneOffset();
let pace: Pace = { framesPerSecond: options.fps, startMs, sent: 0 };
const lastFrame = options.seconds === undefined ? Number.POSITIVE_INFINITY : options.seconds * options.fps;
while (!stopping && pace.sent < lastFrame) {
  const step = nextStep(pace, Date.now());
  if (step.type === "wait") {
    await new Promise((resolve) => setTimeout(resolve, step.ms));
    continue;
  }
  picture.paint(Date.now(), utcOffsetMinutes);
  pace = step.pace;
  // The frame is painted over next time: it must have been handed over by then.
  if (!ffmpeg.stdin.write(picture.frame.data)) await once(ffmpeg.stdin, "drain");
}
stopping = true;
ffmpeg.stdin.end();
