/** The one alarm of an inbox, for all who have something to do later. What they do is theirs. */

/** Whose it is: not every runtime says it to an object that its alarm wakes. */
const USER = "user";

export class InboxAlarm {
  /** Whose inbox it is. */
  readonly user: string;
  readonly #storage: DurableObjectStorage;
  readonly #dues: () => readonly (number | undefined)[];
  /** Not known in an object that has just woken up. */
  #ringsAt: number | undefined;

  /** `dues`: when things are due, milliseconds since 1970. */
  constructor(
    { id, storage }: Pick<DurableObjectState, "id" | "storage">,
    dues: () => readonly (number | undefined)[],
  ) {
    this.user = id.name ?? storage.kv.get<string>(USER) ?? "";
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
    if (this.#storage.kv.get(USER) !== this.user) this.#storage.kv.put(USER, this.user);
    this.#ringsAt = at;
    return this.#storage.setAlarm(at);
  }
}
