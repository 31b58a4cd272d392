/**
 * Thousands of WebSockets in processes of their own, so that reading what arrives takes nothing from whoever sends it. What they
 * do is in pool-process.ts; here they are told.
 */
import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";

/** What a process is told. */
export type Order =
  /** Open sockets; each says `hello` when it is open, and is ready when a message holds `ready`. */
  | {
      readonly type: "open";
      readonly urls: readonly string[];
      readonly hello: readonly string[];
      readonly ready?: string;
    }
  /** Note when each socket gets a message that holds `mark`, and answer when all did, or after `limitMs`. */
  | { readonly type: "await"; readonly mark: string; readonly limitMs: number }
  | { readonly type: "close" };

/** What it answers. */
export type Answer =
  | { readonly type: "opened"; readonly sockets: number }
  /** It listens for the mark now. */
  | { readonly type: "waiting" }
  /** Milliseconds since 1970 with fractions, one for each socket that got it. */
  | { readonly type: "got"; readonly at: readonly number[] };

const OPEN_LIMIT_MS = 120_000;

/** Sockets in one other process. */
export class SocketPool {
  readonly #child: ChildProcess;

  private constructor(child: ChildProcess) {
    this.#child = child;
  }

  /** Open a socket to each URL. */
  static async open(
    urls: readonly string[],
    hello: readonly string[] = [],
    ready?: string,
  ): Promise<SocketPool> {
    const child = fork(join(import.meta.dirname, "pool-process.ts"), { serialization: "advanced" });
    const pool = new SocketPool(child);
    const opened = await pool.#ask({ type: "open", urls, hello, ...(ready !== undefined && { ready }) });
    if (opened.type !== "opened" || opened.sockets !== urls.length) {
      child.kill("SIGKILL");
      throw new Error(`${opened.type === "opened" ? opened.sockets : 0} of ${urls.length} sockets opened`);
    }
    return pool;
  }

  /** Listen for a mark, then do what sends it; when each socket got it, milliseconds since 1970. */
  async arrivals(mark: string, send: () => Promise<void>, limitMs = 10_000): Promise<readonly number[]> {
    await this.#ask({ type: "await", mark, limitMs });
    const got = this.#next();
    await send();
    const answer = await got;
    return answer.type === "got" ? answer.at : [];
  }

  /** Close the sockets and end the process. */
  async close(): Promise<void> {
    const ended = once(this.#child, "exit");
    this.#child.send({ type: "close" } satisfies Order);
    await ended;
  }

  #ask(order: Order): Promise<Answer> {
    const answer = this.#next();
    this.#child.send(order);
    return answer;
  }

  async #next(): Promise<Answer> {
    const signal = AbortSignal.timeout(OPEN_LIMIT_MS);
    // Our own process speaks.
    const [answer] = (await once(this.#child, "message", { signal })) as [Answer];
    return answer;
  }
}
