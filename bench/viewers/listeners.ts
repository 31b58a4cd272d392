/** Viewers that are stock clients of the protocol, in a process of their own (listeners-process.ts): what they have heard of a channel. */
import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";

/** What the process is told. */
export type ListenOrder =
  | { readonly type: "listen"; readonly url: string; readonly channel: string; readonly clients: number }
  | { readonly type: "ask" }
  | { readonly type: "close" };

/** What all of them have heard. */
export interface Heard {
  readonly subscribed: number;
  /** Offsets that the client who is furthest behind, and the one who is furthest ahead, has. */
  readonly least: number;
  readonly most: number;
  /** Offsets that a client did not get, or got twice, summed over clients. */
  readonly lost: number;
  readonly doubled: number;
  /** Recoveries that the server could not do. */
  readonly unrecovered: number;
  readonly reconnects: number;
}

const ANSWER_LIMIT_MS = 120_000;

export class Listeners {
  readonly #child: ChildProcess;

  private constructor(child: ChildProcess) {
    this.#child = child;
  }

  /** Connect and subscribe so many clients. */
  static async start(url: string, channel: string, clients: number): Promise<Listeners> {
    const child = fork(join(import.meta.dirname, "listeners-process.ts"));
    const listeners = new Listeners(child);
    await listeners.#ask({ type: "listen", url, channel, clients });
    return listeners;
  }

  /** What they have heard by now. */
  heard(): Promise<Heard> {
    return this.#ask({ type: "ask" });
  }

  async close(): Promise<void> {
    const ended = once(this.#child, "exit");
    this.#child.send({ type: "close" } satisfies ListenOrder);
    await ended;
  }

  async #ask(order: ListenOrder): Promise<Heard> {
    const answer = once(this.#child, "message", { signal: AbortSignal.timeout(ANSWER_LIMIT_MS) });
    this.#child.send(order);
    // Our own process speaks.
    const [heard] = (await answer) as [Heard];
    return heard;
  }
}
