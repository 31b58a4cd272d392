/**
 * What of a spool is left alone for a while because origin failed to take it, so that it does not hold up the rest: its session
 * first, and when one item fails again and again, that item alone. Pure; times on one steady clock.
 */
import { type RetryPolicy, retryDelayMs } from "./retry.ts";
import type { ItemFacts } from "./spool-order.ts";

type Key = Pick<ItemFacts, "name" | "session">;

/** An item that failed this often is what is wrong, not its session: more than an outage of a minute. */
const STUBBORN_FAILURES = 12;

export class Setbacks {
  readonly #policy: RetryPolicy;
  readonly #failures = new Map<string, number>();
  /** By session or by item: not before then. */
  readonly #until = new Map<string, number>();

  constructor(policy: RetryPolicy) {
    this.#policy = policy;
  }

  /** Origin could not take it; `random` is in [0, 1). */
  fail({ name, session }: Key, now: number, random: number): void {
    const failures = (this.#failures.get(name) ?? 0) + 1;
    this.#failures.set(name, failures);
    const waitMs = retryDelayMs(this.#policy, failures, random) ?? 0;
    this.#until.delete(session);
    this.#until.set(failures < STUBBORN_FAILURES ? session : name, now + waitMs);
  }

  /** It is no longer in the spool. */
  forget({ name, session }: Key): void {
    this.#failures.delete(name);
    this.#until.delete(name);
    this.#until.delete(session);
  }

  /** May it be tried? */
  isDue({ name, session }: Key, now: number): boolean {
    return this.#untilOf(name) <= now && this.#untilOf(session) <= now;
  }

  /** How long until something that was left alone is due; `undefined` when nothing was. */
  nextDueMs(now: number): number | undefined {
    const waits = [...this.#until.values()].filter((until) => until > now);
    return waits.length === 0 ? undefined : Math.min(...waits) - now;
  }

  /** The spool is empty. */
  clear(): void {
    this.#failures.clear();
    this.#until.clear();
  }

  #untilOf(key: string): number {
    return this.#until.get(key) ?? Number.NEGATIVE_INFINITY;
  }
}
