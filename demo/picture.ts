/** The built-in test picture: a mill wheel, a wall clock, and the moment as a strip that programs read. A pure painter; `broadcast.ts` sends it. */
import { clockWidth, createClock } from "./clock.ts";
import { blit, type Colour, colour, createFrame, cutOut, type Frame, fillBox, mix, paint } from "./frame.ts";
import { paintStrip } from "./strip.ts";
import { strokeCoverage, words } from "./strokes.ts";
import { createWater } from "./water.ts";
import { createWheel } from "./wheel.ts";

const SKY_TOP = colour(0x0b1b2b);
const SKY_LOW = colour(0x1d4a5f);
const LIGHT = colour(0xf4efe4);
const WOOD = colour(0xe0a458);
const WATER = [colour(0x2f7f93), colour(0x1f6178), colour(0x14465c)];
const BLACK = colour(0x000000);
/** Full-strength patches: a wrong colour matrix shows at once. */
const PATCHES = [0xffffff, 0xf2c230, 0x37b6c4, 0x4aa564, 0xc25ba0, 0xc8453b, 0x3757b0].map(colour);

/** Shape of the picture that all places below are given in. */
const DESIGN_WIDTH = 1280;
const DESIGN_HEIGHT = 720;

export interface Picture {
  /** The frame `paint` draws on, each time the same one. */
  readonly frame: Frame;
  /** Draw a moment, with the clock as many minutes ahead of UTC. */
  readonly paint: (timeMs: number, utcOffsetMinutes: number) => void;
}

/** Set the picture up; both sides must be even. */
export function createPicture(width: number, height: number): Picture {
  const frame = createFrame(width, height);
  const scale = Math.min(width / DESIGN_WIDTH, height / DESIGN_HEIGHT);
  // The drawing is centred; sky, water and the strip reach to the sides.
  const x = (design: number) => (width - DESIGN_WIDTH * scale) / 2 + design * scale;
  const y = (design: number) => (design / DESIGN_HEIGHT) * height;
  paintSky(frame, y(520));
  paintWords(frame, "MILLRACE", x(452), y(96), 40 * scale, 17 * scale, LIGHT, 6 * scale);
  paintWords(
    frame,
    "TEST PICTURE",
    x(970),
    y(114),
    22 * scale,
    9 * scale,
    mix(SKY_LOW, LIGHT, 0.6),
    2.6 * scale,
  );
  paintPatches(frame, x(452), y(384), 94.2 * scale, 16 * scale, 11 * scale);
  const black = 2 * Math.round(y(644) / 2);
  fillBox(frame, { left: 0, top: black, width, height: height - black }, BLACK);

  const digitHeight = (756 * scale) / clockWidth(1);
  const paintClock = createClock(frame, x(452), y(186), digitHeight, LIGHT);
  const paintWheel = createWheel(frame, x(226), y(348), 178 * scale, WOOD);
  const belowWheel = 2 * Math.floor(y(430) / 2);
  const paintWater = createWater(frame, y(492), black, 36 * scale, WATER);
  const still = cutOut(frame, { left: 0, top: belowWheel, width, height: black - belowWheel });
  return {
    frame,
    paint(timeMs, utcOffsetMinutes) {
      blit(still, frame, 0, belowWheel);
      paintWheel(timeMs);
      paintWater(timeMs);
      paintClock(timeMs, utcOffsetMinutes);
      paintStrip(frame, timeMs);
    },
  };
}

function paintSky(frame: Frame, low: number): void {
  for (let row = 0; row < frame.height; row += 2) {
    const share = Math.min(1, row / low);
    fillBox(
      frame,
      { left: 0, top: row, width: frame.width, height: 2 },
      mix(SKY_TOP, SKY_LOW, share * share),
    );
  }
}

function paintWords(
  frame: Frame,
  text: string,
  left: number,
  top: number,
  height: number,
  gap: number,
  ink: Colour,
  thickness: number,
): void {
  const around = {
    left: left - thickness,
    top: top - thickness,
    width: frame.width,
    height: height + 2 * thickness,
  };
  paint(frame, around, ink, strokeCoverage(words(text, left, top, height, gap), thickness));
}

function paintPatches(
  frame: Frame,
  left: number,
  top: number,
  width: number,
  gap: number,
  thickness: number,
): void {
  PATCHES.forEach((ink, index) => {
    const from = { x: left + thickness / 2 + index * (width + gap), y: top };
    const to = { x: from.x + width - thickness, y: top };
    const around = {
      left: from.x - thickness,
      top: top - thickness,
      width: width + 2 * thickness,
      height: 2 * thickness,
    };
    paint(frame, around, ink, strokeCoverage([[from, to]], thickness));
  });
}
