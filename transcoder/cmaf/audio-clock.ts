/**
 * Puts audio frames end to end. RTMP times are whole milliseconds, so that frames of 21.33 ms come as 21 and 22; a player
 * that believed them would see holes and overlaps. Each frame lasts as long as its samples do; only a real hole moves the clock.
 */
import type { Frame } from "./boxes.ts";

/** Samples that a frame of AAC-LC (ISO/IEC 14496-3), HE-AAC or MPEG audio may hold. */
const FRAME_SAMPLES = [480, 512, 576, 960, 1024, 1152, 1920, 2048];
/** A frame's length may be this far off on account of rounding, seconds. */
const ROUNDING_SECONDS = 0.0011;
/** Further off than this the sound really stopped or slipped: less is not heard as out of step. */
const SLIP_SECONDS = 0.03;

export class AudioClock {
  readonly #timescale: number;
  /** Where the next frame belongs. */
  #next: number | undefined;

  /** `timescale` in ticks a second. */
  constructor(timescale: number) {
    this.#timescale = timescale;
  }

  /** The frame where it belongs, and as long as it is. */
  place(frame: Frame): Frame {
    const duration = this.#lengthOf(frame.duration);
    const expected = this.#next ?? frame.dts;
    const dts = Math.abs(frame.dts - expected) <= SLIP_SECONDS * this.#timescale ? expected : frame.dts;
    this.#next = dts + duration;
    return { ...frame, dts, duration };
  }

  #lengthOf(ticks: number): number {
    const off = (samples: number) => Math.abs(samples - ticks);
    const nearest = FRAME_SAMPLES.reduce((best, samples) => (off(samples) < off(best) ? samples : best));
    return off(nearest) <= ROUNDING_SECONDS * this.#timescale ? nearest : ticks;
  }
}
