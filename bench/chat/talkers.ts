/** People who talk in a live room and do not listen: so many that nobody says more than a room takes of one person. */
import { setTimeout } from "node:timers/promises";
import { WebSocket } from "ws";
import { PACE_MESSAGES, PACE_MS } from "../../durable-objects/core/chat/judge.ts";
import { chatChannel } from "../../wire/chat.ts";
import { sharedNow } from "../edge/encoder.ts";
import { socketUrl, tokensOf } from "./crowd.ts";
import { Delays } from "./delays.ts";

/** Of what a room takes of one person, so that jitter refuses nothing. */
const PACE_SHARE = 0.7;
const OPENING = 50;
const ATTEMPTS = 40;
const ATTEMPT_MS = 250;
const ANSWER_LIMIT_MS = 20_000;

/** What came of what was said. */
export interface Said {
  readonly sent: number;
  readonly taken: number;
  /** The first refusal, if there was one. */
  readonly refusal: string | undefined;
  readonly seconds: number;
  /** Milliseconds until the room's answer. */
  readonly p99: number;
}

/** People that it takes to say so much. */
export const talkersFor = (perSecond: number): number =>
  Math.ceil((perSecond * PACE_MS) / 1000 / (PACE_SHARE * PACE_MESSAGES));

/** When a message was sent, milliseconds since 1970 with fractions, in a line that holds it; `undefined`: it holds none. */
export function sentAtOf(line: string): number | undefined {
  const at = Number(/"text":"said at ([\d.]+) /.exec(line)?.[1]);
  return Number.isNaN(at) ? undefined : at;
}

/** A socket, and the questions that it waits for. */
class Talker {
  readonly #socket: WebSocket;
  readonly #room: string;
  readonly #waiting = new Map<number, (answer: string) => void>();
  #asked = 1;

  private constructor(socket: WebSocket, room: string) {
    this.#socket = socket;
    this.#room = room;
    socket.on("message", (data) => {
      for (const line of String(data).split("\n")) {
        if (line === "{}") socket.send("{}");
        const id = Number(/^\{"id":(\d+)/.exec(line)?.[1]);
        this.#waiting.get(id)?.(line);
        this.#waiting.delete(id);
      }
    });
  }

  static async enter(url: string, room: string, token: string): Promise<Talker> {
    for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
      const socket = new WebSocket(url, { perMessageDeflate: false });
      const isOpen = await new Promise<boolean>((resolve) => {
        socket.on("open", () => resolve(true));
        socket.on("error", () => resolve(false));
      });
      if (isOpen) {
        const talker = new Talker(socket, room);
        await talker.#ask({ connect: { token } });
        return talker;
      }
      await setTimeout(ATTEMPT_MS);
    }
    throw new Error("a talker could not come in");
  }

  /** Say something; the answer as it came. */
  say(number: number): Promise<string> {
    const text = `said at ${sharedNow().toFixed(2)} as number ${number}`;
    return this.#ask({ publish: { channel: chatChannel(this.#room), data: { text, nonce: text } } });
  }

  close(): void {
    this.#socket.terminate();
  }

  #ask(command: object): Promise<string> {
    this.#asked += 1;
    const id = this.#asked;
    const answer = new Promise<string>((resolve) => this.#waiting.set(id, resolve));
    this.#socket.send(JSON.stringify({ id, ...command }));
    return Promise.race([answer, setTimeout(ANSWER_LIMIT_MS, "no answer", { ref: false })]);
  }
}

export class Talkers {
  readonly #talkers: readonly Talker[];
  #said = 0;

  private constructor(talkers: readonly Talker[]) {
    this.#talkers = talkers;
  }

  /** Have so many people come. */
  static async enter(base: string, room: string, count: number): Promise<Talkers> {
    const tokens = [...(await tokensOf("talker", count, "member"))];
    const talkers: Talker[] = [];
    const next = async (): Promise<void> => {
      for (let token = tokens.pop(); token !== undefined; token = tokens.pop())
        talkers.push(await Talker.enter(socketUrl(base, room), room, token));
    };
    await Promise.all(Array.from({ length: OPENING }, next));
    return new Talkers(talkers);
  }

  /** Talk evenly, everybody in turn. */
  async talk(perSecond: number, seconds: number): Promise<Said> {
    const began = sharedNow();
    const tally = new Tally();
    const answers: Promise<void>[] = [];
    for (let count = 0; count < perSecond * seconds; count += 1) {
      await setTimeout(Math.max(0, began + (1000 * count) / perSecond - sharedNow()));
      answers.push(this.#say(tally));
    }
    await Promise.all(answers);
    return tally.said((sharedNow() - began) / 1000);
  }

  /** Say so much as fast as it is taken, `atOnce` being under way. */
  async pour(messages: number, atOnce: number): Promise<Said> {
    const began = sharedNow();
    const tally = new Tally();
    let left = messages;
    const next = async (): Promise<void> => {
      for (; left > 0; ) {
        left -= 1;
        await this.#say(tally);
      }
    };
    await Promise.all(Array.from({ length: atOnce }, next));
    return tally.said((sharedNow() - began) / 1000);
  }

  leave(): void {
    for (const talker of this.#talkers) talker.close();
  }

  async #say(tally: Tally): Promise<void> {
    this.#said += 1;
    const talker = this.#talkers[this.#said % this.#talkers.length];
    if (!talker) return;
    const began = sharedNow();
    tally.add(await talker.say(this.#said), sharedNow() - began);
  }
}

/** What came of it so far. */
class Tally {
  readonly #delays = new Delays();
  #taken = 0;
  #refusal: string | undefined;

  add(answer: string, ms: number): void {
    this.#delays.add(ms);
    if (answer.includes('"publish":{}')) this.#taken += 1;
    else this.#refusal ??= answer;
  }

  said(seconds: number): Said {
    return {
      sent: this.#delays.count,
      taken: this.#taken,
      refusal: this.#refusal,
      seconds,
      p99: this.#delays.at(0.99),
    };
  }
}
