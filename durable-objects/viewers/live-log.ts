/**
 * The publications of `live:<stream>`: numbered, and the newest kept for those who missed some. While anyone listens they are
 * in SQLite before anyone is told; otherwise a restart begins another epoch, and costs nothing until then.
 */
import type { StreamPosition } from "../../wire/centrifugo.ts";
import { LIVE_HISTORY, MAX_APP_LETTERS } from "../../wire/live-events.ts";
import type { Told } from "../core/viewers/publishing.ts";
import type { Followed, LivePublication } from "../core/viewers/viewer-messages.ts";

/** A publication that has its place in history. */
export type Numbered = LivePublication & { readonly offset: number };

/** What is stored of the channel while somebody listens. */
interface Channel {
  readonly epoch: string;
  /** Of the newest publication when it began to be stored. */
  readonly offset: number;
}

const CHANNEL = "channel";

export class LiveLog {
  readonly #storage: DurableObjectStorage;
  readonly #newEpoch: () => string;
  /** Chosen when it is first asked for: nobody may ever. */
  #epoch: string | undefined;
  #offset = 0;
  #kept: Numbered[] = [];
  #isStored = false;
  #listener: (publication: Numbered) => void = () => {};

  constructor(storage: DurableObjectStorage, newEpoch: () => string) {
    this.#storage = storage;
    this.#newEpoch = newEpoch;
    const channel = storage.kv.get<Channel>(CHANNEL);
    if (!channel) return;
    this.#isStored = true;
    this.#epoch = channel.epoch;
    this.#kept = readKept(storage);
    this.#offset = this.#kept.at(-1)?.offset ?? channel.offset;
  }

  /** Hear of each publication once it is stored. */
  listen(listener: (publication: Numbered) => void): void {
    this.#listener = listener;
  }

  /** Where the channel is. */
  get position(): StreamPosition {
    this.#epoch ??= this.#newEpoch();
    return { epoch: this.#epoch, offset: this.#offset };
  }

  /** Publications are stored. */
  get isStored(): boolean {
    return this.#isStored;
  }

  /** Publish an event. */
  add(event: Told): void {
    const publication = { offset: this.#offset + 1, data: JSON.stringify(event) };
    if (this.#isStored) this.#save(publication);
    this.#offset = publication.offset;
    this.#kept.push(publication);
    if (this.#kept.length > LIVE_HISTORY) this.#kept.shift();
    this.#listener(publication);
  }

  /** Publish what an app says; false: it is too long. */
  say(from: string, data: unknown): boolean {
    if (JSON.stringify(data ?? null).length > MAX_APP_LETTERS) return false;
    this.add({ type: "app", from, data: data ?? null });
    return true;
  }

  /** What follows a position; `undefined`: all that is kept. */
  since(position: StreamPosition | undefined): Followed {
    const now = this.position;
    if (position === undefined) return { position: now, complete: true, publications: [...this.#kept] };
    const oldest = this.#kept[0]?.offset ?? this.#offset + 1;
    const isKnown =
      position.epoch === now.epoch && position.offset <= now.offset && position.offset >= oldest - 1;
    return {
      position: now,
      complete: isKnown,
      publications: isKnown ? this.#kept.filter(({ offset }) => offset > position.offset) : [],
    };
  }

  /** Store from now on. The tables must be there. */
  store(): void {
    if (this.#isStored) return;
    this.#storage.transactionSync(() => {
      this.#storage.sql.exec("DELETE FROM publication");
      for (const publication of this.#kept) this.#save(publication);
      this.#storage.kv.put<Channel>(CHANNEL, this.position);
    });
    this.#isStored = true;
  }

  /** Nobody listens: store nothing. */
  rest(): void {
    if (!this.#isStored) return;
    // Rows without it are nothing.
    this.#storage.kv.delete(CHANNEL);
    this.#isStored = false;
  }

  /** A row is used again when it has left history: one write a publication, and nothing to tidy up. */
  #save({ offset, data }: Numbered): void {
    this.#storage.sql.exec(
      `INSERT INTO publication (slot, number, data) VALUES (?, ?, ?)
       ON CONFLICT (slot) DO UPDATE SET number = excluded.number, data = excluded.data`,
      offset % LIVE_HISTORY,
      offset,
      data,
    );
  }
}

const readKept = (storage: DurableObjectStorage): Numbered[] =>
  storage.sql
    .exec<{ offset: number; data: string }>("SELECT number AS offset, data FROM publication ORDER BY number")
    .toArray();
