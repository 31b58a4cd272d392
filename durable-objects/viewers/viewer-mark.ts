/**
 * What a shard stores of a channel: up to where its sockets have everything, or that it does not know because deliveries were
 * under way. An object that wakes up with the latter asks its clients to come back with their own positions.
 */
import type { StreamPosition } from "../../wire/centrifugo.ts";

/** So long after the last delivery the position is stored; a show that is live has no such pause. */
const QUIET_MS = 1_000;

const PREFIX = "position ";

type Mark = { readonly is: "clean"; readonly position: StreamPosition } | { readonly is: "dirty" };

/** Nobody is there in any channel but these. */
export function forgetMarks(kv: SyncKvStorage, but: ReadonlySet<string>): void {
  for (const [key] of [...kv.list({ prefix: PREFIX })])
    if (!but.has(key.slice(PREFIX.length))) kv.delete(key);
}

export class ViewerMark {
  readonly #kv: SyncKvStorage;
  readonly #key: string;
  readonly #position: () => StreamPosition | undefined;
  #isClean = false;
  #movedAt = 0;
  #isWaiting = false;

  /** `position` is where the sockets are. */
  constructor(kv: SyncKvStorage, channel: string, position: () => StreamPosition | undefined) {
    this.#kv = kv;
    this.#key = `${PREFIX}${channel}`;
    this.#position = position;
  }

  /** Where the sockets were when the object fell asleep; `undefined` when nobody knows. */
  load(): StreamPosition | undefined {
    const mark = this.#kv.get<Mark>(this.#key);
    this.#isClean = mark?.is === "clean";
    return mark?.is === "clean" ? mark.position : undefined;
  }

  /** Sockets are about to be told something. What is stored is so before a socket can hear of it (output gate). */
  moves(): void {
    if (this.#isClean) this.#kv.put(this.#key, { is: "dirty" } satisfies Mark);
    this.#isClean = false;
    this.settles();
  }

  /** Have the position stored when it has not moved for a while. */
  settles(): void {
    this.#movedAt = Date.now();
    if (this.#isClean || this.#isWaiting) return;
    this.#isWaiting = true;
    setTimeout(() => this.#settle(), QUIET_MS);
  }

  /** Nobody is there any more. */
  forget(): void {
    if (this.#kv.get(this.#key) !== undefined) this.#kv.delete(this.#key);
    this.#isClean = false;
  }

  #settle(): void {
    const restMs = this.#movedAt + QUIET_MS - Date.now();
    if (restMs > 0) {
      setTimeout(() => this.#settle(), restMs);
      return;
    }
    this.#isWaiting = false;
    const position = this.#position();
    if (position === undefined) return;
    this.#kv.put(this.#key, { is: "clean", position } satisfies Mark);
    this.#isClean = true;
  }
}
