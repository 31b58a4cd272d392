/** Counts of delays by the millisecond: millions of them in a few kilobytes. Pure. */

/** Longest that is told apart, milliseconds. */
const MAX_MS = 20_000;

export class Delays {
  readonly #counts = new Uint32Array(MAX_MS + 1);
  count = 0;

  /** Those of a list. */
  static of(all: readonly number[]): Delays {
    const delays = new Delays();
    for (const ms of all) delays.add(ms);
    return delays;
  }

  add(ms: number): void {
    const bin = Math.min(MAX_MS, Math.max(0, Math.round(ms)));
    this.#counts[bin] = (this.#counts[bin] ?? 0) + 1;
    this.count += 1;
  }

  /** The delay that a share of all does not exceed, milliseconds; NaN of none. */
  at(share: number): number {
    let left = Math.ceil(share * this.count);
    if (left === 0) return Number.NaN;
    for (let ms = 0; ms <= MAX_MS; ms += 1) {
      left -= this.#counts[ms] ?? 0;
      if (left <= 0) return ms;
    }
    return MAX_MS;
  }
}
