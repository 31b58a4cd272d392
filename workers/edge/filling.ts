/**
 * One read of the origin side that any number of requests wait for, each getting the bytes as they come. It knows nothing
 * of caches. What is shared between requests here is plain memory: a stream belongs to the request that opened it.
 */

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

export class Filling {
  /** Settles when all bytes are there, or the read has failed; never rejects. */
  readonly finished: Promise<void>;
  readonly #giveUpAt = Date.now() + GIVE_UP_MS;
  #head: Head | undefined;
  #error: unknown;
  #done = false;
  readonly #chunks: Uint8Array[] = [];
  #wakes: (() => void)[] = [];

  /** Begin a read. The caller keeps it alive (`waitUntil`), so that nobody depends on the client that began it. */
  constructor(read: () => Promise<Source>) {
    this.finished = this.#run(read);
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
    return new ReadableStream<Uint8Array>({
      pull: async (controller) => {
        for (;;) {
          const chunk = this.#chunks[next];
          if (chunk) {
            next += 1;
            controller.enqueue(chunk);
            return;
          }
          if (this.#error !== undefined) throw this.#error;
          if (this.#done) {
            controller.close();
            return;
          }
          await this.#change();
        }
      },
    });
  }

  async #run(read: () => Promise<Source>): Promise<void> {
    try {
      const { head, body } = await read();
      this.#head = head;
      if (body instanceof Uint8Array) this.#take(body);
      else {
        this.#wake();
        let bytes = 0;
        for await (const chunk of body) {
          bytes += chunk.byteLength;
          this.#take(chunk);
        }
        if (bytes !== head.size) throw new Error(`read ${bytes} bytes of ${head.size}`);
      }
    } catch (error) {
      this.#error = error ?? new Error("a read failed without saying why");
    } finally {
      this.#done = true;
      this.#wake();
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
