/** The wall clock of the test picture: HH:MM:SS.mmm in seven-segment digits. Each digit is drawn once and copied from then on. */
import { type Box, blit, type Colour, cutOut, evenBox, type Frame, paint } from "./frame.ts";
import { ALL_SEGMENTS, segmentStrokes, segmentsOf, strokeCoverage } from "./strokes.ts";

/** Width and gaps of the clock as shares of the height of its large digits. */
const DIGIT_WIDTH = 0.56;
const DIGIT_GAP = 0.14;
const COLON_WIDTH = 0.22;
/** Milliseconds are smaller. */
const SMALL = 0.55;

const LARGE_THICKNESS = 0.115;
const UNLIT_SHARE = 0.07;

/** Paints a moment on the frame the clock was made for. */
export type Clock = (timeMs: number, utcOffsetMinutes: number) => void;

interface Cell extends Box {
  readonly thickness: number;
  /** What the digit is painted over. */
  readonly ground: Frame;
  readonly drawn: Map<number, Frame>;
}

/** Width of a clock whose large digits are `height` high. */
export const clockWidth = (height: number): number => height * (places().at(-1)?.end ?? 0);

/** Put a clock on a frame whose background is painted already: its points are painted now, its digits with each call. */
export function createClock(frame: Frame, left: number, top: number, height: number, lit: Colour): Clock {
  const cells: Cell[] = [];
  for (const place of places()) {
    const share = place.small ? SMALL : 1;
    const box = {
      left: left + place.at * height,
      // Small digits stand on the same line.
      top: top + height * (1 - share),
      width: (place.end - place.at) * height,
      height: share * height,
    };
    if (place.kind === "digit") {
      const even = evenBox(frame, box);
      cells.push({
        ...box,
        thickness: LARGE_THICKNESS * share * height,
        ground: cutOut(frame, even),
        drawn: new Map(),
      });
    } else {
      paintPoints(frame, box, place.kind === "colon" ? [0.3, 0.7] : [0.93], LARGE_THICKNESS * height, lit);
    }
  }
  return (timeMs, utcOffsetMinutes) => {
    digitsOf(timeMs, utcOffsetMinutes).forEach((digit, index) => {
      const cell = cells[index];
      if (cell === undefined) return;
      const { left, top } = evenBox(frame, cell);
      blit(glyph(cell, digit, lit), frame, left, top);
    });
  };
}

/** The nine digits of a moment. */
export function digitsOf(timeMs: number, utcOffsetMinutes: number): number[] {
  const date = new Date(timeMs + utcOffsetMinutes * 60_000);
  const two = (value: number) => [Math.floor(value / 10), value % 10];
  const ms = date.getUTCMilliseconds();
  return [
    ...two(date.getUTCHours()),
    ...two(date.getUTCMinutes()),
    ...two(date.getUTCSeconds()),
    Math.floor(ms / 100),
    ...two(ms % 100),
  ];
}

function glyph(cell: Cell, digit: number, lit: Colour): Frame {
  const known = cell.drawn.get(digit);
  if (known) return known;
  const piece = createFrameLike(cell.ground);
  const within = {
    left: cell.left % 2,
    top: cell.top % 2,
    width: cell.width,
    height: cell.height,
  };
  const whole = { left: 0, top: 0, width: piece.width, height: piece.height };
  const unlit = strokeCoverage(segmentStrokes(ALL_SEGMENTS, within, cell.thickness), cell.thickness);
  paint(piece, whole, lit, (x, y) => UNLIT_SHARE * clamp(unlit(x, y)));
  paint(
    piece,
    whole,
    lit,
    strokeCoverage(segmentStrokes(segmentsOf(digit), within, cell.thickness), cell.thickness),
  );
  cell.drawn.set(digit, piece);
  return piece;
}

const createFrameLike = (frame: Frame): Frame =>
  cutOut(frame, { left: 0, top: 0, width: frame.width, height: frame.height });

function paintPoints(frame: Frame, box: Box, heights: readonly number[], size: number, lit: Colour): void {
  const x = box.left + box.width / 2 - size * 0.5;
  const points = heights.map((share) => [{ x, y: box.top + box.height * share }]);
  paint(
    frame,
    box,
    lit,
    strokeCoverage(
      points.map(([point]) => (point ? [point, point] : [])),
      size,
    ),
  );
}

interface Place {
  readonly kind: "digit" | "colon" | "point";
  readonly small: boolean;
  readonly at: number;
  readonly end: number;
}

/** Where each sign begins and ends, in heights of a large digit. */
function places(): Place[] {
  const found: Place[] = [];
  let at = 0;
  for (const sign of "dd:dd:dd.ddd") {
    const small = found.some(({ kind }) => kind === "point");
    const width = sign === "d" ? DIGIT_WIDTH * (small ? SMALL : 1) : COLON_WIDTH;
    found.push({
      kind: sign === "d" ? "digit" : sign === ":" ? "colon" : "point",
      small,
      at,
      end: at + width,
    });
    at += width + (sign === "d" ? DIGIT_GAP * (small ? SMALL : 1) : 0);
  }
  return found;
}

const clamp = (share: number): number => Math.max(0, Math.min(1, share));
