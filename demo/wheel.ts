/** The mill wheel of the test picture: it turns once in twelve seconds, so that a stutter shows. One twelfth of a turn is drawn, step by step and once; the rest is the same again. */
import { type Box, blit, type Colour, type Coverage, cutOut, evenBox, type Frame, paint } from "./frame.ts";

const PADDLES = 12;
/** Steps within a twelfth of a turn, which takes a second: at 60 frames a second each frame has its own. */
const STEPS = 60;

/** Paints the wheel as it stands at a moment. */
export type Wheel = (timeMs: number) => void;

/** Put a wheel on a frame whose background is painted already; its box must not leave the frame. */
export function createWheel(
  frame: Frame,
  centreX: number,
  centreY: number,
  radius: number,
  wood: Colour,
): Wheel {
  const box: Box = evenBox(frame, {
    left: centreX - radius - 1,
    top: centreY - radius - 1,
    width: 2 * radius + 2,
    height: 2 * radius + 2,
  });
  const ground = cutOut(frame, box);
  const drawn = new Map<number, Frame>();
  const whole = { left: 0, top: 0, width: box.width, height: box.height };
  return (timeMs) => {
    const step = Math.floor((timeMs % 1000) / (1000 / STEPS));
    let piece = drawn.get(step);
    if (piece === undefined) {
      piece = cutOut(ground, whole);
      const turn = step / STEPS / PADDLES;
      paint(piece, whole, wood, wheelCoverage(centreX - box.left, centreY - box.top, radius, turn));
      drawn.set(step, piece);
    }
    blit(piece, frame, box.left, box.top);
  };
}

function wheelCoverage(centreX: number, centreY: number, radius: number, turn: number): Coverage {
  const sector = (2 * Math.PI) / PADDLES;
  return (x, y) => {
    const dx = x - centreX;
    const dy = y - centreY;
    const distance = Math.hypot(dx, dy);
    if (distance > radius + 1) return 0;
    // Fold every paddle onto one, so that its distance is measured once.
    const angle = Math.atan2(dy, dx) - turn * 2 * Math.PI;
    const folded = angle - sector * Math.round(angle / sector);
    const along = distance * Math.cos(folded);
    const across = Math.abs(distance * Math.sin(folded));
    const rim = 0.028 * radius - Math.abs(distance - 0.8 * radius);
    const innerRim = 0.016 * radius - Math.abs(distance - 0.62 * radius);
    const hub = 0.11 * radius - distance;
    const spoke = Math.min(0.014 * radius - across, 0.8 * radius - along, along);
    const paddle = Math.min(0.034 * radius - across, radius - along, along - 0.64 * radius);
    const hole = distance - 0.04 * radius;
    return Math.min(Math.max(rim, innerRim, hub, spoke, paddle), hole) + 0.5;
  };
}
