/** Lines as coverage functions, and the few letters and digits the test picture needs, drawn with them: no font has to be installed. */
import type { Box, Coverage } from "./frame.ts";

export interface Point {
  readonly x: number;
  readonly y: number;
}

/** A polyline. */
export type Stroke = readonly Point[];

/** Round-ended lines of one thickness. */
export function strokeCoverage(strokes: readonly Stroke[], thickness: number): Coverage {
  const lines = strokes.flatMap((stroke) =>
    stroke.slice(1).map((to, index) => ({ from: stroke[index] ?? to, to })),
  );
  return (x, y) => {
    let nearest = Number.POSITIVE_INFINITY;
    for (const { from, to } of lines) nearest = Math.min(nearest, distanceToLine(x, y, from, to));
    return thickness / 2 - nearest + 0.5;
  };
}

function distanceToLine(x: number, y: number, from: Point, to: Point): number {
  const dx = to.x - from.x;
  const dy = to.y - from.y;
  const length = dx * dx + dy * dy;
  const along = length === 0 ? 0 : ((x - from.x) * dx + (y - from.y) * dy) / length;
  const share = Math.max(0, Math.min(1, along));
  return Math.hypot(x - from.x - share * dx, y - from.y - share * dy);
}

/** Letters in a box one high and `width` wide: y grows downwards. */
interface Letter {
  readonly width: number;
  readonly strokes: readonly Stroke[];
}

const line = (...numbers: readonly number[]): Stroke =>
  Array.from({ length: numbers.length / 2 }, (_, index) => ({
    x: numbers[2 * index] ?? 0,
    y: numbers[2 * index + 1] ?? 0,
  }));

/** Part of an ellipse; angles in turns, clockwise from three o'clock. */
const arc = (cx: number, cy: number, rx: number, ry: number, from: number, to: number): Stroke =>
  Array.from({ length: 17 }, (_, step) => {
    const angle = 2 * Math.PI * (from + ((to - from) * step) / 16);
    return { x: cx + rx * Math.cos(angle), y: cy + ry * Math.sin(angle) };
  });

const bowl = [
  line(0, 1, 0, 0, 0.3, 0),
  arc(0.3, 0.27, 0.27, 0.27, -0.25, 0.25),
  line(0.3, 0.54, 0, 0.54),
] as const;

const LETTERS: Readonly<Record<string, Letter>> = {
  A: { width: 0.74, strokes: [line(0, 1, 0.37, 0, 0.74, 1), line(0.13, 0.66, 0.61, 0.66)] },
  C: { width: 0.68, strokes: [arc(0.45, 0.5, 0.45, 0.5, 0.14, 0.86)] },
  E: { width: 0.54, strokes: [line(0.54, 0, 0, 0, 0, 1, 0.54, 1), line(0, 0.5, 0.46, 0.5)] },
  I: { width: 0, strokes: [line(0, 0, 0, 1)] },
  L: { width: 0.5, strokes: [line(0, 0, 0, 1, 0.5, 1)] },
  M: { width: 0.86, strokes: [line(0, 1, 0, 0, 0.43, 0.7, 0.86, 0, 0.86, 1)] },
  P: { width: 0.57, strokes: bowl },
  R: { width: 0.6, strokes: [...bowl, line(0.3, 0.54, 0.6, 1)] },
  S: {
    width: 0.54,
    strokes: [arc(0.27, 0.25, 0.25, 0.25, -0.08, -0.75), arc(0.27, 0.75, 0.27, 0.25, -0.25, 0.42)],
  },
  T: { width: 0.62, strokes: [line(0, 0, 0.62, 0), line(0.31, 0, 0.31, 1)] },
  U: { width: 0.6, strokes: [line(0, 0, 0, 0.7), arc(0.3, 0.7, 0.3, 0.3, 0.5, 0), line(0.6, 0.7, 0.6, 0)] },
  " ": { width: 0.3, strokes: [] },
};

/** Words in capitals from `left`, their tops at `top`; letters that are not in the alphabet above are left out. */
export function words(text: string, left: number, top: number, height: number, gap: number): Stroke[] {
  const strokes: Stroke[] = [];
  let x = left;
  for (const name of text) {
    const letter = LETTERS[name];
    if (letter === undefined) continue;
    for (const stroke of letter.strokes)
      strokes.push(stroke.map((point) => ({ x: x + point.x * height, y: top + point.y * height })));
    x += letter.width * height + gap;
  }
  return strokes;
}

/** Which of the seven segments (a to g, clockwise from the top, then the middle) each digit lights. */
const DIGITS = ["abcdef", "bc", "abged", "abgcd", "fgbc", "afgcd", "afgedc", "abc", "abcdefg", "abcdfg"];
export const ALL_SEGMENTS = "abcdefg";

/** Segments of a decimal digit. */
export const segmentsOf = (digit: number): string => DIGITS[digit] ?? "";

/** Strokes of some of the seven segments in a box; they keep a little away from each other and from its edge. */
export function segmentStrokes(segments: string, box: Box, thickness: number): Stroke[] {
  const left = box.left + thickness / 2;
  const right = box.left + box.width - thickness / 2;
  const top = box.top + thickness / 2;
  const bottom = box.top + box.height - thickness / 2;
  const middle = (top + bottom) / 2;
  const gap = thickness * 0.62;
  const places: Readonly<Record<string, Stroke>> = {
    a: line(left + gap, top, right - gap, top),
    b: line(right, top + gap, right, middle - gap),
    c: line(right, middle + gap, right, bottom - gap),
    d: line(left + gap, bottom, right - gap, bottom),
    e: line(left, middle + gap, left, bottom - gap),
    f: line(left, top + gap, left, middle - gap),
    g: line(left + gap, middle, right - gap, middle),
  };
  return [...segments].map((name) => places[name] ?? []);
}
