/**
 * The machine-readable strip of the test picture: a moment as a row of black and white cells. Written here,
 * read by `reader.ts`. 36 bits of Unix time in milliseconds (they repeat after two years), then a CRC-12 of them.
 */
import { type Box, type Colour, type Frame, fillBox } from "./frame.ts";

/** Cells in the strip, most significant bit first. */
export const STRIP_CELLS = 48;
const TIME_BITS = 36;

/** Where the strip is, as shares of the picture's width and height: 24 x 28 pixels a cell at 720p, 12 x 14 at 360p. */
export const STRIP_SHARE: Box = { left: 64 / 1280, top: 664 / 720, width: 1152 / 1280, height: 28 / 720 };

const BLACK: Colour = { y: 16, u: 128, v: 128 };
const WHITE: Colour = { y: 235, u: 128, v: 128 };

/** The strip's box in a picture of some size, pixels. */
export const stripBox = (width: number, height: number): Box => ({
  left: STRIP_SHARE.left * width,
  top: STRIP_SHARE.top * height,
  width: STRIP_SHARE.width * width,
  height: STRIP_SHARE.height * height,
});

/** The cells that stand for a moment: true is white. */
export function stripCells(timeMs: number): boolean[] {
  const cells: boolean[] = [];
  const time = BigInt(Math.floor(timeMs));
  for (let bit = TIME_BITS - 1; bit >= 0; bit--) cells.push(((time >> BigInt(bit)) & 1n) === 1n);
  const check = crc12(cells);
  for (let bit = 11; bit >= 0; bit--) cells.push(((check >> bit) & 1) === 1);
  return cells;
}

/** CRC-12 (x^12 + x^11 + x^3 + x^2 + x + 1), begun with ones so that a black picture is no moment. */
export function crc12(bits: readonly boolean[]): number {
  let crc = 0xfff;
  for (const bit of bits) {
    const out = ((crc >> 11) & 1) === 1;
    crc = (crc << 1) & 0xfff;
    if (out !== bit) crc ^= 0x80f;
  }
  return crc;
}

/** Paint the strip of a moment. */
export function paintStrip(frame: Frame, timeMs: number): void {
  const { left, top, width, height } = stripBox(frame.width, frame.height);
  const edge = (cell: number) => Math.round(left + (width * cell) / STRIP_CELLS);
  const firstRow = Math.round(top);
  stripCells(timeMs).forEach((white, cell) => {
    fillBox(
      frame,
      {
        left: edge(cell),
        top: firstRow,
        width: edge(cell + 1) - edge(cell),
        height: Math.round(top + height) - firstRow,
      },
      white ? WHITE : BLACK,
    );
  });
}
