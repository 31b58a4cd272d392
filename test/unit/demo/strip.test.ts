/** The test picture's moment, painted, and read back: from the picture itself, from H.264 at 360p, and from pictures that lie. */
import { spawnSync } from "node:child_process";
import { expect, it } from "vitest";
import { createPicture } from "../../../demo/picture.ts";
import { readerScript, readTimestamp } from "../../../demo/reader.ts";
import { STRIP_CELLS, stripBox, stripCells } from "../../../demo/strip.ts";

const NOW = Date.UTC(2026, 10, 21, 18, 47, 3, 258);

/** Moments spread over half a year, the same in every run. */
const moments = Array.from({ length: 24 }, (_, n) => NOW + ((n * 7_919_000_123) % 15_000_000_000));

function ffmpeg(args: readonly string[], input: Uint8Array): Buffer {
  const run = spawnSync("ffmpeg", ["-v", "error", ...args, "pipe:1"], { input, maxBuffer: 2 ** 28 });
  expect(run.stderr.toString()).toBe("");
  return run.stdout;
}

const raw = (width: number, height: number) => [
  ...[
    "-f",
    "rawvideo",
    "-pix_fmt",
    "yuv420p",
    "-s",
    `${width}x${height}`,
    "-framerate",
    "30",
    "-i",
    "pipe:0",
  ],
];

/** Cut the strip out of encoded pictures, as RGBA of a size, and read every one. */
function readAll(video: Uint8Array, width: number, height: number): (number | undefined)[] {
  const { left, top, width: wide, height: high } = stripBox(width, height);
  const crop = `crop=${wide}:${high}:${left}:${top}:exact=1,scale=192:8`;
  const pixels = ffmpeg(
    ["-f", "h264", "-i", "pipe:0", "-vf", crop, "-pix_fmt", "rgba", "-f", "rawvideo"],
    video,
  );
  const frameBytes = 192 * 8 * 4;
  return Array.from({ length: pixels.length / frameBytes }, (_, n) =>
    readTimestamp(pixels.subarray(n * frameBytes, (n + 1) * frameBytes), 192, 8, NOW),
  );
}

it.each([
  ["720p, encoded at 360p and few bits", "1280x720", "640x360", "400k"],
  ["360p, painted small", "640x360", "640x360", "400k"],
  ["an odd shape", "854x480", "426x240", "250k"],
] as const)("survives H.264: %s", (_name, painted, encoded, bitrate) => {
  const [width = 0, height = 0] = painted.split("x").map(Number);
  const [smallWidth = 0, smallHeight = 0] = encoded.split("x").map(Number);
  const picture = createPicture(width, height);
  const frames = moments.map((moment) => {
    picture.paint(moment, 0);
    return picture.frame.data.slice();
  });
  const encode = ["-c:v", "libx264", "-preset", "ultrafast", "-tune", "zerolatency", "-g", "12"];
  const video = ffmpeg(
    [
      ...raw(width, height),
      "-vf",
      `scale=${encoded}`,
      ...encode,
      "-b:v",
      bitrate,
      "-maxrate",
      bitrate,
      "-bufsize",
      bitrate,
      "-f",
      "h264",
    ],
    Buffer.concat(frames),
  );
  expect(readAll(video, smallWidth, smallHeight)).toEqual(moments);
});

/** RGBA of a row of cells, four pixels wide each. */
function row(cells: readonly boolean[], white = 255, black = 0): Uint8Array {
  const pixels = new Uint8Array(cells.length * 4 * 4);
  cells.forEach((cell, at) => {
    pixels.fill(cell ? white : black, at * 16, at * 16 + 16);
  });
  return pixels;
}

const read = (pixels: Uint8Array, near = NOW) => readTimestamp(pixels, STRIP_CELLS * 4, 1, near);

it("finds the moment nearest to the one given", () => {
  const years = [Date.UTC(2024, 0, 1), Date.UTC(2031, 5, 1), Date.UTC(2045, 2, 3)];
  for (const moment of years) {
    expect(read(row(stripCells(moment)), moment + 300 * 86_400_000)).toBe(moment);
    expect(read(row(stripCells(moment)), moment - 300 * 86_400_000)).toBe(moment);
  }
});

it("refuses every picture with one or two wrong cells", () => {
  const cells = stripCells(NOW);
  for (let a = 0; a < STRIP_CELLS; a++) {
    for (let b = a; b < STRIP_CELLS; b++) {
      const wrong = cells.map((cell, at) => (at === a || at === b ? !cell : cell));
      expect(read(row(wrong))).toBeUndefined();
    }
  }
});

it("reads a dim picture, and refuses grey, black and white ones", () => {
  const cells = stripCells(NOW);
  expect(read(row(cells, 180, 60))).toBe(NOW);
  expect(read(row(cells, 130, 100))).toBeUndefined();
  const grey = row(cells);
  grey.fill(128, 5 * 16, 6 * 16);
  expect(read(grey)).toBeUndefined();
  expect(read(row(cells.map(() => false)))).toBeUndefined();
  expect(read(row(cells.map(() => true)))).toBeUndefined();
});

it("reads in a page from its text alone", () => {
  const drawn: number[][] = [];
  const line = row(stripCells(NOW).flatMap((cell) => [cell, cell]));
  const context = {
    drawImage: (_source: unknown, ...numbers: number[]) => drawn.push(numbers),
    getImageData: () => ({ data: Buffer.concat(Array.from({ length: 8 }, () => line)) }),
  };
  const page = { createElement: () => ({ getContext: () => context }) };
  const readVideo: unknown = new Function("document", `return ${readerScript()}`)(page);
  if (typeof readVideo !== "function") throw new TypeError("the script is no function");
  expect(readVideo({ videoWidth: 1280, videoHeight: 720 }, NOW)).toBe(NOW);
  expect(drawn).toEqual([[64, 664, 1152, 28, 0, 0, 384, 8]]);
  expect(readVideo({ videoWidth: 0, videoHeight: 0 }, NOW)).toBeUndefined();
});
