/** One object on its way to origin, which may take too long. How it is sent and retried is the client's business. */
import type { Result } from "../media/result.ts";
import { isPassing, type Refusal } from "./origin-client.ts";

export class Upload {
  /** Resolves when the object is stored, refused or given up. */
  readonly over: Promise<void>;
  readonly name: string;
  #state: "pending" | "stored" | "refused" | "given-up" = "pending";
  #refusal: Refusal | undefined;
  #end: () => void = () => {};

  /** Begin; `send` keeps trying for as long as it is told that somebody waits. */
  constructor(name: string, send: (isWanted: () => boolean) => Promise<Result<true, Refusal>>) {
    this.name = name;
    this.over = new Promise((resolve) => {
      this.#end = resolve;
    });
    void send(() => this.#state === "pending").then((sent) => {
      if (this.#state !== "pending") return;
      // A passing trouble ends only a sending that nobody waits for.
      this.#state = sent.ok ? "stored" : isPassing(sent.error) ? "given-up" : "refused";
      if (!sent.ok) this.#refusal = sent.error;
      this.#end();
    });
  }

  get isPending(): boolean {
    return this.#state === "pending";
  }

  get isStored(): boolean {
    return this.#state === "stored";
  }

  /** Origin's word, if it said no for good. */
  get refusal(): Refusal | undefined {
    return this.#state === "refused" ? this.#refusal : undefined;
  }

  /** Wait no longer. */
  giveUp(): void {
    if (this.#state !== "pending") return;
    this.#state = "given-up";
    this.#end();
  }
}
