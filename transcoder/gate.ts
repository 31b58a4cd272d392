/**
 * The way to an origin that may be in trouble: while it is, those who want something from it wait, and one at a time
 * goes to see whether it is better; then all may go at once. Sends nothing itself.
 */
import { type RetryPolicy, retryDelayMs } from "./core/retry.ts";

interface Waiter {
  readonly isWanted: () => boolean;
  readonly admit: (mayGo: boolean) => void;
}

/** Within a second of its return, origin is found to be back. */
const PROBING: RetryPolicy = { firstDelayMs: 100, maxDelayMs: 1_000, attempts: Number.POSITIVE_INFINITY };

export class Gate {
  readonly #policy: RetryPolicy;
  #failures = 0;
  #waiting: Waiter[] = [];
  #timer: NodeJS.Timeout | undefined;

  constructor(policy = PROBING) {
    this.#policy = policy;
  }

  /** Wait for a turn. False: by then nobody wants it any more. */
  enter(isWanted: () => boolean): Promise<boolean> {
    if (this.#failures === 0) return Promise.resolve(isWanted());
    return new Promise((admit) => {
      this.#waiting.push({ isWanted, admit });
      this.#schedule();
    });
  }

  /** Say how it went: `passed` is anything but a passing trouble of the other side. */
  report(passed: boolean): void {
    if (!passed) {
      this.#failures += 1;
      return;
    }
    this.#failures = 0;
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const all = this.#waiting;
    this.#waiting = [];
    for (const { isWanted, admit } of all) admit(isWanted());
  }

  /** One who failed comes back behind the others, so that a single object cannot keep them waiting. */
  #admitOne(): void {
    const [next, ...rest] = this.#waiting.filter((waiter) => {
      if (!waiter.isWanted()) waiter.admit(false);
      return waiter.isWanted();
    });
    this.#waiting = rest;
    next?.admit(true);
    // Not only after its answer: that may take as long as a server hangs.
    this.#schedule();
  }

  #schedule(): void {
    if (this.#timer !== undefined || this.#waiting.length === 0) return;
    const wait = retryDelayMs(this.#policy, this.#failures, Math.random()) ?? 0;
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.#admitOne();
    }, wait);
  }
}
