/**
 * One read of the origin side that any number of requests wait for, each getting the bytes as they come. It knows nothing
 * of caches. What is shared between requests here is plain memory: a stream belongs to the request that opened it.
 */
import { within } from "../../durable-objects/deadline.ts";

/** What a read begins with: the head of an answer. */
export interface Head {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  /** Bytes. */
  readonly size: number;
}

/** A read: its head, and the bytes that follow. */
export interface Source {
  readonly head: Head;
  readonly body: Uint8Array | ReadableStream<Uint8Array>;
}

/**
 * A request that waits for what another one reads looks by itself this often: to the runtime, one that has nothing of its
 * own under way hangs.
 */
const LOOK_MS = 1_000;
/** The platform ends what a request left behind after half a minute; nobody tells those who wait for it. */
const GIVE_UP_MS = 45_000;
/** A read breaks off when no byte comes for so long. */
const STALL_MS = 10_000;

export class Filling {
  /** Settles when all bytes are there, or the read has failed; never rejects. */
  readonly finished: Promise<void>;
  readonly #giveUpAt = Date.now() + GIVE_UP_MS;
  #head: Head | undefined;
  #error: unknown;
  #done = false;
  #overAt: number | undefined;
  #chunks: Uint8Array[] = [];
  #wakes: (() => void)[] = [];
  /** Bodies that have not come to their end. */
  #readers = 0;
  readonly #onIdle: () => void;

  /**
   * Begin a read. The caller keeps it alive (`waitUntil`), so that nobody depends on the client that began it. `onIdle`: it is
   * over, and nobody reads from it; not to be relied on, for the runtime does not tell of every reader that went away.
   */
  constructor(read: () => Promise<Source>, onIdle: () => void = () => {}) {
    this.#onIdle = onIdle;
    this.finished = this.#run(read);
  }

  /** True when the request that began it must be over, and the read with it. */
  isLost(): boolean {
    return !this.#done && Date.now() > this.#giveUpAt;
  }

  /** Milliseconds since all bytes came, or it failed; 0 before. */
  overForMs(): number {
    return this.#overAt === undefined ? 0 : Date.now() - this.#overAt;
  }

  /** Forget the bytes: whoever is still reading them is broken off. */
  letGo(): void {
    this.#error ??= new Error("a read was let go: memory is short");
    this.#chunks = [];
    this.#wake();
  }

  /** The head, as soon as it is there; throws what the read threw. */
  async head(): Promise<Head> {
    while (this.#head === undefined) {
      if (this.#done) throw this.#error;
      await this.#change();
    }
    return this.#head;
  }

  /** All the bytes, or nothing when the read failed half-way. */
  async whole(): Promise<Uint8Array | undefined> {
    while (!this.#done) await this.#change();
    if (this.#error !== undefined) return undefined;
    const [only] = this.#chunks;
    return only && this.#chunks.length === 1 ? only : concatenate(this.#chunks);
  }

  /** The bytes for one request, as they come. */
  body(): ReadableStream<Uint8Array> {
    let next = 0;
    let isOpen = true;
    this.#readers += 1;
    const leave = () => {
      if (isOpen) this.#readers -= 1;
      isOpen = false;
      this.#tellIfIdle();
    };
    return new ReadableStream<Uint8Array>({
      pull: async (controller) => {
        try {
          const chunk = await this.#chunk(next);
          next += 1;
          if (chunk) {
            controller.enqueue(chunk);
            return;
          }
          leave();
          controller.close();
        } catch (error) {
          leave();
          throw error;
        }
      },
      cancel: leave,
    });
  }

  /** A chunk, when it is there; nothing after the last. */
  async #chunk(index: number): Promise<Uint8Array | undefined> {
    for (;;) {
      const chunk = this.#chunks[index];
      if (chunk) return chunk;
      if (this.#error !== undefined) throw this.#error;
      if (this.#done) return undefined;
      await this.#change();
    }
  }

  #tellIfIdle(): void {
    if (this.#done && this.#readers === 0) this.#onIdle();
  }

  async #run(read: () => Promise<Source>): Promise<void> {
    try {
      const { head, body } = await read();
      this.#head = head;
      if (body instanceof Uint8Array) this.#take(body);
      else {
        this.#wake();
        const bytes = await this.#drain(body);
        if (bytes !== head.size) throw new Error(`read ${bytes} bytes of ${head.size}`);
      }
    } catch (error) {
      this.#error = error ?? new Error("a read failed without saying why");
    } finally {
      this.#done = true;
      this.#overAt = Date.now();
      this.#wake();
      this.#tellIfIdle();
    }
  }

  async #drain(body: ReadableStream<Uint8Array>): Promise<number> {
    const reader = body.getReader();
    let bytes = 0;
    try {
      for (;;) {
        const { done, value } = await within(STALL_MS, "the next byte", reader.read());
        if (done) return bytes;
        bytes += value.byteLength;
        this.#take(value);
      }
    } catch (error) {
      // Not waited for: what hangs may hang here, too.
      reader.cancel(error).catch(() => {});
      throw error;
    }
  }

  #take(chunk: Uint8Array): void {
    if (chunk.byteLength > 0) this.#chunks.push(chunk);
    this.#wake();
  }

  #wake(): void {
    const wakes = this.#wakes;
    this.#wakes = [];
    for (const wake of wakes) wake();
  }

  async #change(): Promise<void> {
    if (Date.now() > this.#giveUpAt) throw new Error("a read was given up with the request that began it");
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, LOOK_MS);
    this.#wakes.push(resolve);
    await promise;
    // Here, not in what wakes: a timer is its own request's.
    clearTimeout(timer);
  }
}

function concatenate(chunks: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(chunks.reduce((sum, { byteLength }) => sum + byteLength, 0));
  let at = 0;
  for (const chunk of chunks) {
    whole.set(chunk, at);
    at += chunk.byteLength;
  }
  return whole;
}
