/**
 * What the viewer sends, one after the other. A message keeps its nonce until it is known what became of it, so that one sent again
 * after the line broke is the same message. Knows nothing of the page; what is said of it goes to `ends`.
 */

import { ERROR } from "../../wire/centrifugo.ts";
import { chatChannel, type Say } from "../../wire/chat.ts";

/** How a message gets to the room: fails with the protocol's error, or with one of the client's own (below 100). */
export interface SendingEnds<S extends Say> {
  readonly publish: (channel: string, say: S) => Promise<unknown>;
  readonly accepted: (nonce: string) => void;
  /** The room does not take it; without an error it could not be asked. */
  readonly failed: (say: S, error?: { readonly code: number; readonly message: string }) => void;
}

const AGAIN_MS = 1_500;
/** Then it is no longer what somebody just said. */
const GIVE_UP_MS = 60_000;

interface Queued<S> {
  readonly say: S;
  readonly sinceMs: number;
}

export class Sending<S extends Say = Say> {
  readonly #channel: string;
  readonly #ends: SendingEnds<S>;
  readonly #now: () => number;
  #queue: readonly Queued<S>[] = [];
  #isJoined = false;
  #isBusy = false;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(room: string, ends: SendingEnds<S>, now: () => number = Date.now) {
    this.#channel = chatChannel(room);
    this.#ends = ends;
    this.#now = now;
  }

  /** Send it as soon as that can be. */
  send(say: S): void {
    this.#queue = [...this.#queue, { say, sinceMs: this.#now() }];
    if (this.#isJoined) void this.#work();
    else this.#later();
  }

  /** Whether the room can be reached. */
  setJoined(isJoined: boolean): void {
    this.#isJoined = isJoined;
    if (isJoined) void this.#work();
    else this.#later();
  }

  async #work(): Promise<void> {
    if (this.#isBusy) return;
    this.#isBusy = true;
    while (this.#isJoined && this.#queue[0]) {
      const { say } = this.#queue[0];
      const error = await this.#ends.publish(this.#channel, say).then(
        () => undefined,
        (reason: unknown) => errorOf(reason),
      );
      if (isPassing(error)) {
        this.#later();
        break;
      }
      this.#queue = this.#queue.slice(1);
      if (error) this.#ends.failed(say, error);
      else this.#ends.accepted(say.nonce);
    }
    this.#isBusy = false;
  }

  /** Try again in a while, and give up what is too old by then. */
  #later(): void {
    clearTimeout(this.#timer);
    if (this.#queue.length === 0) return;
    this.#timer = setTimeout(() => {
      const oldest = this.#now() - GIVE_UP_MS;
      const late = this.#isBusy ? [] : this.#queue.filter(({ sinceMs }) => sinceMs <= oldest);
      this.#queue = this.#queue.filter((queued) => !late.includes(queued));
      for (const { say } of late) this.#ends.failed(say);
      if (this.#isJoined) void this.#work();
      else this.#later();
    }, AGAIN_MS);
  }
}

/** It may be taken yet: the line broke, or the server has a moment's trouble. */
const isPassing = (error: { readonly code: number } | undefined): boolean =>
  error !== undefined &&
  (error.code < 100 || error.code === ERROR.internal.code || error.code === ERROR.tooManyRequests.code);

/** An error that is none of the protocol's is the client's own. */
function errorOf(reason: unknown): { readonly code: number; readonly message: string } {
  if (typeof reason !== "object" || reason === null || !("code" in reason)) return { code: 0, message: "" };
  const { code } = reason;
  const message = "message" in reason && typeof reason.message === "string" ? reason.message : "";
  return { code: typeof code === "number" ? code : 0, message };
}
