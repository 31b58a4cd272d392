/** The mill race of the test picture: three layers of waves that run to the right at their own pace. */
import { type Colour, type Frame, fillBox } from "./frame.ts";

/** Paints the water as it stands at a moment. */
export type Water = (timeMs: number) => void;

interface Layer {
  readonly colour: Colour;
  /** Height of the surface over one width of the picture, pixels from the top; it repeats. */
  readonly surface: Float32Array;
  /** Widths of the picture a second. */
  readonly speed: number;
}

/** Put water on a frame from about `top` down to `bottom`, the furthest layer first; each next one lies `step` lower. */
export function createWater(
  frame: Frame,
  top: number,
  bottom: number,
  step: number,
  colours: readonly Colour[],
): Water {
  const swell = step * 0.42;
  const layers = colours.map(
    (colour, index): Layer => ({
      colour,
      surface: surface(frame.width, top + index * step, swell, 2 + index, 5 + 2 * index),
      speed: 0.05 + 0.035 * index,
    }),
  );
  const firstRow = 2 * Math.floor((top - 2 * swell) / 2);
  const stillRow = 2 * Math.ceil((top + (colours.length - 1) * step + 2 * swell) / 2);
  const nearest = colours.at(-1);
  if (nearest)
    fillBox(frame, { left: 0, top: stillRow, width: frame.width, height: bottom - stillRow }, nearest);
  const shifts = new Int32Array(layers.length);
  return (timeMs) => {
    layers.forEach(({ speed }, index) => {
      shifts[index] = Math.round(frame.width * (1 - (((speed * timeMs) / 1000) % 1)));
    });
    layers.forEach((layer, index) => {
      const last =
        index === layers.length - 1 ? stillRow : 2 * Math.ceil((top + (index + 1) * step + 2 * swell) / 2);
      const first = Math.max(firstRow, 2 * Math.floor((top + index * step - 2 * swell) / 2));
      paintLayer(frame, layer, shifts[index] ?? 0, first, Math.min(last, stillRow));
    });
  };
}

function surface(width: number, level: number, swell: number, slow: number, fast: number): Float32Array {
  return Float32Array.from({ length: width }, (_, x) => {
    const turn = (2 * Math.PI * x) / width;
    return level + swell * (Math.sin(slow * turn) + 0.5 * Math.sin(fast * turn + slow));
  });
}

/** A plain loop over the band in which the surface moves: it is painted anew for every frame. */
function paintLayer(
  frame: Frame,
  { colour, surface }: Layer,
  shift: number,
  first: number,
  last: number,
): void {
  const { width } = frame;
  const luma = Math.round(colour.y);
  const [u, v] = [Math.round(colour.u), Math.round(colour.v)];
  for (let row = first; row < last; row++) {
    let at = row * width;
    let from = shift % width;
    for (let x = 0; x < width; x++, at++) {
      const depth = row + 1 - (surface[from] ?? 0);
      if (depth >= 1) frame.y[at] = luma;
      else if (depth > 0) {
        const under = frame.y[at] ?? 0;
        frame.y[at] = under + (luma - under) * depth;
      }
      if (++from === width) from = 0;
    }
  }
  const half = width / 2;
  for (let row = first / 2; row < last / 2; row++) {
    let at = row * half;
    let from = shift % width;
    for (let x = 0; x < half; x++, at++) {
      if (2 * row + 1 >= (surface[from] ?? 0)) {
        frame.u[at] = u;
        frame.v[at] = v;
      }
      from += 2;
      if (from >= width) from -= width;
    }
  }
}
