/**
 * Since when the owner of a channel has heard nothing of its shards. One that sleeps between its alarms would begin to wait anew with each
 * of them, and never find out that a shard is gone.
 */

const UNHEARD = "unheard";

export class Unheard {
  /** Milliseconds since 1970: when the object woke up, or began to wait before that. */
  readonly since: number;
  readonly #kv: SyncKvStorage;
  #isStored: boolean;
  #isOver = false;

  constructor(kv: SyncKvStorage, now: number) {
    this.#kv = kv;
    const stored = kv.get<number>(UNHEARD);
    this.since = stored ?? now;
    this.#isStored = stored !== undefined;
  }

  /** Nothing was heard up to an alarm: the next one is to know. */
  keep(): void {
    if (this.#isOver || this.#isStored) return;
    this.#kv.put(UNHEARD, this.since);
    this.#isStored = true;
  }

  /** A shard says that it is there. */
  end(): void {
    this.#isOver = true;
    if (this.#isStored) this.#kv.delete(UNHEARD);
    this.#isStored = false;
  }
}
