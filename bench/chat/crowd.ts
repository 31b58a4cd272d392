/** Thousands of people who listen to a live room, in a process of their own (crowd-process.ts): what came to them, and how late. */
import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { sharedNow } from "../edge/encoder.ts";
import { tokenOf } from "./token.ts";

export type CrowdRole = "member" | "moderator";

/** What the process is told. */
export type CrowdOrder =
  | {
      readonly type: "enter";
      readonly url: string;
      readonly room: string;
      readonly people: readonly { readonly token: string; readonly role: CrowdRole }[];
    }
  /** What came since the order before; what is counted begins anew, with what is said from now on (milliseconds since 1970). */
  | { readonly type: "ask"; readonly now: number }
  | { readonly type: "leave" };

/** What came to those of one kind. */
export interface Came {
  readonly people: number;
  readonly messages: number;
  /** Offsets that came to somebody again. */
  readonly doubled: number;
  /** Milliseconds from before it was sent to its arrival. */
  readonly p50: number;
  readonly p99: number;
}
export interface CrowdAnswer {
  readonly members: Came;
  readonly moderators: Came;
  /** Who is subscribed now. */
  readonly subscribed: number;
}

const ANSWER_LIMIT_MS = 120_000;

/** Where a stream's sockets are. */
export const socketUrl = (base: string, stream: string): string =>
  `${base.replace(/^http/, "ws")}/connection/websocket?stream=${stream}`;

/** Tokens of so many people, `name-0` to the last. */
export const tokensOf = (name: string, count: number, role: CrowdRole): Promise<readonly string[]> =>
  Promise.all(Array.from({ length: count }, (_, number) => tokenOf(`${name}-${number}`, role)));

export class Crowd {
  readonly #child: ChildProcess;

  private constructor(child: ChildProcess) {
    this.#child = child;
  }

  /** Have so many people come and listen. */
  static async enter(base: string, room: string, members: number, moderators = 0): Promise<Crowd> {
    const crowd = new Crowd(fork(join(import.meta.dirname, "crowd-process.ts")));
    const of = async (name: string, count: number, role: CrowdRole) =>
      (await tokensOf(name, count, role)).map((token) => ({ token, role }));
    const people = [
      ...(await of("member", members, "member")),
      ...(await of("moderator", moderators, "moderator")),
    ];
    const { subscribed } = await crowd.#ask({ type: "enter", url: socketUrl(base, room), room, people });
    if (subscribed !== people.length) throw new Error(`${subscribed} of ${people.length} people came`);
    return crowd;
  }

  /** What came of all that was said since this was asked before. */
  came(): Promise<CrowdAnswer> {
    return this.#ask({ type: "ask", now: sharedNow() });
  }

  async leave(): Promise<void> {
    const ended = once(this.#child, "exit");
    this.#child.send({ type: "leave" } satisfies CrowdOrder);
    await ended;
  }

  async #ask(order: CrowdOrder): Promise<CrowdAnswer> {
    const answer = once(this.#child, "message", { signal: AbortSignal.timeout(ANSWER_LIMIT_MS) });
    this.#child.send(order);
    // Our own process speaks.
    const [came] = (await answer) as [CrowdAnswer];
    return came;
  }
}
