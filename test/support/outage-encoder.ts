/** An encoder that does what OBS does when its connection breaks: it tries again, and again, until it is told to stop. */
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { setTimeout } from "node:timers/promises";
import { endChild, type Stack } from "./stack.ts";

/** Between two tries; OBS waits 2 s with its usual settings. */
const RETRY_MS = 1500;

export class PersistentEncoder {
  readonly #start: () => ChildProcess;
  readonly #done: Promise<void>;
  #child: ChildProcess | undefined;
  #stopping = false;
  #connections = 0;

  private constructor(start: () => ChildProcess) {
    this.#start = start;
    this.#done = this.#run();
  }

  /** Broadcast the test picture to a key of a stack. */
  static begin(stack: Stack, key: string, args?: readonly string[]): PersistentEncoder {
    return new PersistentEncoder(() => stack.broadcast(key, args));
  }

  /** How often it has begun to send. */
  get connections(): number {
    return this.#connections;
  }

  /** End the broadcast properly. */
  async stop(): Promise<void> {
    this.#stopping = true;
    if (this.#child) await endChild(this.#child);
    await this.#done;
  }

  async #run(): Promise<void> {
    while (!this.#stopping) {
      this.#connections += 1;
      this.#child = this.#start();
      await once(this.#child, "close");
      if (!this.#stopping) await setTimeout(RETRY_MS);
    }
  }
}
