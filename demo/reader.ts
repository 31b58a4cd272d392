/**
 * Reads the test picture's strip back from pixels, in Node or in a page: for end-to-end tests and latency figures.
 * `readTimestamp` refers to nothing outside itself, so that its text can be sent into a browser.
 */
import { STRIP_SHARE } from "./strip.ts";

/**
 * The moment in a picture of the strip alone (RGBA, any size from 2 pixels a cell on), as Unix milliseconds.
 * `undefined` when a cell is neither black nor white or the checksum does not fit. The strip holds the low 36 bits
 * only: `nearMs`, any moment within a year of the answer, gives the rest.
 */
export function readTimestamp(
  pixels: ArrayLike<number>,
  width: number,
  height: number,
  nearMs: number,
): number | undefined {
  const cells = 48;
  const timeBits = 36;
  const levels: number[] = [];
  for (let cell = 0; cell < cells; cell++) {
    // The middle of the cell: its edges are blurred by scaling and by the encoder.
    const fromX = Math.floor((width * (cell + 0.3)) / cells);
    const toX = Math.max(fromX + 1, Math.floor((width * (cell + 0.7)) / cells));
    const fromY = Math.floor(height * 0.3);
    const toY = Math.max(fromY + 1, Math.floor(height * 0.7));
    let sum = 0;
    for (let y = fromY; y < toY; y++) {
      for (let x = fromX; x < toX; x++) sum += pixels[4 * (y * width + x) + 1] ?? 0;
    }
    levels.push(sum / ((toX - fromX) * (toY - fromY)));
  }
  const darkest = Math.min(...levels);
  const contrast = Math.max(...levels) - darkest;
  if (contrast < 64) return undefined;
  let time = 0;
  let check = 0;
  let crc = 0xfff;
  for (let cell = 0; cell < cells; cell++) {
    const level = ((levels[cell] ?? 0) - darkest) / contrast;
    if (level > 0.35 && level < 0.65) return undefined;
    const bit = level >= 0.5 ? 1 : 0;
    if (cell >= timeBits) {
      check = check * 2 + bit;
      continue;
    }
    time = time * 2 + bit;
    const out = (crc >> 11) & 1;
    crc = ((crc << 1) & 0xfff) ^ (out === bit ? 0 : 0x80f);
  }
  if (check !== crc) return undefined;
  const round = 2 ** timeBits;
  return time + round * Math.round((nearMs - time) / round);
}

/**
 * Source text of a JavaScript function `(video, nearMs = Date.now()) => number | undefined` for a page: it reads the
 * moment that a `<video>` (or image, or canvas) shows now. It keeps one small canvas, and touches only the strip.
 */
export function readerScript(): string {
  const { left, top, width, height } = STRIP_SHARE;
  return `(() => {
  const read = ${readTimestamp.toString()};
  const canvas = document.createElement("canvas");
  canvas.width = 384;
  canvas.height = 8;
  const context = canvas.getContext("2d", { willReadFrequently: true });
  return (source, nearMs = Date.now()) => {
    const wide = source.videoWidth || source.width;
    const high = source.videoHeight || source.height;
    if (!wide || !high) return undefined;
    context.drawImage(source, wide * ${left}, high * ${top}, wide * ${width}, high * ${height}, 0, 0, 384, 8);
    return read(context.getImageData(0, 0, 384, 8).data, 384, 8, nearMs);
  };
})()`;
}
