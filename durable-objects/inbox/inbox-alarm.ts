/** The one alarm of an inbox, for all who have something to do later. What they do is theirs. */

export class InboxAlarm {
  readonly #storage: DurableObjectStorage;
  readonly #dues: () => readonly (number | undefined)[];
  /** Not known in an object that has just woken up. */
  #ringsAt: number | undefined;

  /** `dues`: when things are due, milliseconds since 1970. */
  constructor(storage: DurableObjectStorage, dues: () => readonly (number | undefined)[]) {
    this.#storage = storage;
    this.#dues = dues;
  }

  /** It rings. */
  rang(): void {
    this.#ringsAt = undefined;
  }

  /** Have it ring when the next thing is due. Too soon does no harm. */
  set(): Promise<void> {
    const dues = this.#dues().filter((at) => at !== undefined);
    const at = Math.min(...dues);
    if (dues.length === 0 || (this.#ringsAt !== undefined && this.#ringsAt <= at)) return Promise.resolve();
    this.#ringsAt = at;
    return this.#storage.setAlarm(at);
  }
}
