/** A yuv420p picture in memory and the few ways the test picture draws on it. No text, no layout, no platform. */

/** Planes are views of `data`, in the order FFmpeg's `rawvideo` wants them. */
export interface Frame {
  readonly width: number;
  readonly height: number;
  readonly data: Uint8Array;
  readonly y: Uint8Array;
  readonly u: Uint8Array;
  readonly v: Uint8Array;
}

/** One colour: BT.709, limited range. */
export interface Colour {
  readonly y: number;
  readonly u: number;
  readonly v: number;
}

export interface Box {
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
}

/** How much of a pixel a shape covers, 0 to 1, at a point in pixels. */
export type Coverage = (x: number, y: number) => number;

/** A black frame; both sides must be even. */
export function createFrame(width: number, height: number): Frame {
  const luma = width * height;
  const data = new Uint8Array(luma + luma / 2);
  const y = data.subarray(0, luma).fill(16);
  const u = data.subarray(luma, luma + luma / 4).fill(128);
  const v = data.subarray(luma + luma / 4).fill(128);
  return { width, height, data, y, u, v };
}

/** Colour of `0xRRGGBB` (ITU-R BT.709-6, 3.2 to 3.4). */
export function colour(rgb: number): Colour {
  const r = ((rgb >> 16) & 255) / 255;
  const g = ((rgb >> 8) & 255) / 255;
  const b = (rgb & 255) / 255;
  const luma = 0.2126 * r + 0.7152 * g + 0.0722 * b;
  return {
    y: 16 + 219 * luma,
    u: 128 + (224 * (b - luma)) / 1.8556,
    v: 128 + (224 * (r - luma)) / 1.5748,
  };
}

/** The colour a share of the way from one to another. */
export const mix = (from: Colour, to: Colour, share: number): Colour => ({
  y: from.y + (to.y - from.y) * share,
  u: from.u + (to.u - from.u) * share,
  v: from.v + (to.v - from.v) * share,
});

/** Smallest box on even pixels around another, inside the frame. */
export function evenBox(frame: Frame, box: Box): Box {
  const left = Math.max(0, 2 * Math.floor(box.left / 2));
  const top = Math.max(0, 2 * Math.floor(box.top / 2));
  const right = Math.min(frame.width, 2 * Math.ceil((box.left + box.width) / 2));
  const bottom = Math.min(frame.height, 2 * Math.ceil((box.top + box.height) / 2));
  return { left, top, width: Math.max(0, right - left), height: Math.max(0, bottom - top) };
}

/** Blend a colour in, as much as a shape covers. */
export function paint(frame: Frame, around: Box, { y, u, v }: Colour, coverage: Coverage): void {
  const { left, top, width, height } = evenBox(frame, around);
  for (let row = top; row < top + height; row++) {
    for (let column = left; column < left + width; column++) {
      blend(frame.y, row * frame.width + column, y, coverage(column + 0.5, row + 0.5));
    }
  }
  const chromaWidth = frame.width / 2;
  for (let row = top / 2; row < (top + height) / 2; row++) {
    for (let column = left / 2; column < (left + width) / 2; column++) {
      const share = coverage(2 * column + 1, 2 * row + 1);
      blend(frame.u, row * chromaWidth + column, u, share);
      blend(frame.v, row * chromaWidth + column, v, share);
    }
  }
}

function blend(plane: Uint8Array, at: number, value: number, share: number): void {
  if (share <= 0) return;
  const under = plane[at] ?? 0;
  plane[at] = Math.round(under + (value - under) * Math.min(1, share));
}

/** Fill a box with one colour; its sides fall on whole pixels, its colour on whole pairs of them. */
export function fillBox(frame: Frame, { left, top, width, height }: Box, { y, u, v }: Colour): void {
  const luma = Math.round(y);
  for (let row = top; row < top + height; row++) {
    frame.y.fill(luma, row * frame.width + left, row * frame.width + left + width);
  }
  const chromaWidth = frame.width / 2;
  const from = left >> 1;
  const to = (left + width + 1) >> 1;
  for (let row = top >> 1; row < (top + height + 1) >> 1; row++) {
    frame.u.fill(Math.round(u), row * chromaWidth + from, row * chromaWidth + to);
    frame.v.fill(Math.round(v), row * chromaWidth + from, row * chromaWidth + to);
  }
}

/** A part of a frame, cut out as a frame of its own; the box must be even. */
export function cutOut(frame: Frame, { left, top, width, height }: Box): Frame {
  const piece = createFrame(width, height);
  copyPlanes(frame, left, top, piece, 0, 0, width, height);
  return piece;
}

/** Put a whole piece on a frame; `left` and `top` must be even. */
export function blit(piece: Frame, frame: Frame, left: number, top: number): void {
  copyPlanes(piece, 0, 0, frame, left, top, piece.width, piece.height);
}

function copyPlanes(
  from: Frame,
  fromX: number,
  fromY: number,
  to: Frame,
  toX: number,
  toY: number,
  width: number,
  height: number,
): void {
  copyRows(from.y, from.width, fromX, fromY, to.y, to.width, toX, toY, width, height);
  for (const plane of ["u", "v"] as const) {
    copyRows(
      from[plane],
      from.width / 2,
      fromX / 2,
      fromY / 2,
      to[plane],
      to.width / 2,
      toX / 2,
      toY / 2,
      width / 2,
      height / 2,
    );
  }
}

function copyRows(
  from: Uint8Array,
  fromStride: number,
  fromX: number,
  fromY: number,
  to: Uint8Array,
  toStride: number,
  toX: number,
  toY: number,
  width: number,
  height: number,
): void {
  for (let row = 0; row < height; row++) {
    const start = (fromY + row) * fromStride + fromX;
    to.set(from.subarray(start, start + width), (toY + row) * toStride + toX);
  }
}
