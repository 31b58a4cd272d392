/**
 * A member of conversations in the benches: a stock client of the protocol, and a log of what it heard of each of its rooms. What a
 * recovery could not bring it pages from the room's history, as our page does.
 */
import { setTimeout } from "node:timers/promises";
import { Centrifuge, type Subscription } from "centrifuge";
import { WebSocket } from "ws";
import { chatChannel } from "../../wire/chat.ts";
import { type ConversationEvent, type RoomHistory, RoomHistorySchema } from "../../wire/conversations.ts";
import { parse } from "../../wire/parse.ts";
import { sharedNow } from "../edge/encoder.ts";
import { tokenOf } from "./token.ts";

const PAGE = 100;
const RETRY_MS = 200;
/** A message is sent again, with its nonce, for so long. */
const GIVE_UP_MS = 30_000;

/** What is said in a room, as its history and those who heard it can be compared. */
export type Heard = string;
const heardOf = (event: ConversationEvent): Heard | undefined =>
  event.type === "message" ? event.id : undefined;

/** What a member has heard of one room. */
export class RoomLog {
  /** Ids of messages in the order in which they came. */
  readonly messages: Heard[] = [];
  /** The newest offset. */
  offset = 0;
  /** Offsets that came again, and that were left out without a word. */
  doubled = 0;
  lost = 0;
  /** Recoveries that the server could not do. */
  unrecovered = 0;
  /** Milliseconds from publish to arrival. */
  readonly delays: number[] = [];

  take(offset: number, event: ConversationEvent): void {
    if (offset <= this.offset) {
      this.doubled += 1;
      return;
    }
    if (this.offset > 0) this.lost += offset - this.offset - 1;
    this.offset = offset;
    const heard = heardOf(event);
    if (heard === undefined || event.type !== "message") return;
    this.messages.push(heard);
    const sentAt = Number(/^at-([\d.]+)-/.exec(event.nonce)?.[1]);
    if (Number.isFinite(sentAt)) this.delays.push(sharedNow() - sentAt);
  }
}

/** Each is another person: without a cookie people are told apart by their agents. */
class Socket extends WebSocket {
  static #people = 0;

  constructor(url: string, protocols?: string[]) {
    Socket.#people += 1;
    super(url, protocols ?? [], {
      perMessageDeflate: false,
      headers: { "user-agent": `member ${Socket.#people}` },
    });
  }
}

export class Member {
  readonly user: string;
  readonly logs = new Map<string, RoomLog>();
  readonly #client: Centrifuge;
  readonly #subscriptions = new Map<string, Subscription>();
  #socket: WebSocket | undefined;
  #sent = 0;

  private constructor(base: string, user: string, token: string) {
    this.user = user;
    const own = (socket: WebSocket): void => {
      this.#socket = socket;
    };
    class OwnSocket extends Socket {
      constructor(url: string, protocols?: string[]) {
        super(url, protocols);
        own(this);
      }
    }
    this.#client = new Centrifuge(`${base.replace(/^http/, "ws")}/connection/websocket`, {
      websocket: OwnSocket,
      token,
      minReconnectDelay: 50,
      maxReconnectDelay: 2_000,
      timeout: 10_000,
    });
    this.#client.connect();
  }

  static async connect(base: string, user: string): Promise<Member> {
    const member = new Member(base, user, await tokenOf(user));
    await member.#client.ready(GIVE_UP_MS);
    return member;
  }

  /** Ask something, again until it is answered: an object that dies answers nothing. */
  async ask(method: string, data: object): Promise<unknown> {
    const until = sharedNow() + GIVE_UP_MS;
    for (;;) {
      try {
        return (await this.#client.rpc(method, data)).data;
      } catch (error) {
        if (sharedNow() > until || isRefusal(error)) throw new Error(`${method}: ${JSON.stringify(error)}`);
        await setTimeout(RETRY_MS);
      }
    }
  }

  /** Hear a room from where it is now on. */
  async hear(room: string): Promise<void> {
    const log = new RoomLog();
    this.logs.set(room, log);
    const subscription = this.#client.newSubscription(chatChannel(room), {
      recoverable: true,
      positioned: true,
      minResubscribeDelay: 50,
      maxResubscribeDelay: 2_000,
    });
    let catchingUp: Promise<void> | undefined;
    subscription.on("subscribed", ({ wasRecovering, recovered, streamPosition }) => {
      if (!wasRecovering) log.offset = Math.max(log.offset, streamPosition?.offset ?? 0);
      if (!wasRecovering || recovered) return;
      log.unrecovered += 1;
      catchingUp = this.#catchUp(room, log);
    });
    subscription.on("publication", async ({ offset, data }) => {
      if (offset === undefined) return;
      if (catchingUp) await catchingUp;
      log.take(offset, data);
    });
    this.#subscriptions.set(room, subscription);
    subscription.subscribe();
    await subscription.ready(GIVE_UP_MS);
  }

  /** Say something; resent with its nonce until it is taken. */
  async say(room: string, text: string): Promise<void> {
    this.#sent += 1;
    const nonce = `at-${sharedNow()}-${this.#sent}`;
    const until = sharedNow() + GIVE_UP_MS;
    for (;;) {
      try {
        await this.#client.publish(chatChannel(room), { text, nonce });
        return;
      } catch (error) {
        if (sharedNow() > until || isRefusal(error)) throw new Error(`say: ${JSON.stringify(error)}`);
        await setTimeout(RETRY_MS);
      }
    }
  }

  /** Ids of all messages of a room after a number, as its history has them. */
  async history(room: string, after: number): Promise<readonly Heard[]> {
    const all = await this.#pages(room, after);
    return all.flatMap(({ event }) => heardOf(event) ?? []);
  }

  /** The network goes away without a word. */
  drop(): void {
    this.#socket?.terminate();
  }

  close(): void {
    this.#client.disconnect();
  }

  async #catchUp(room: string, log: RoomLog): Promise<void> {
    for (const { seq, event } of await this.#pages(room, log.offset)) log.take(seq, event);
  }

  async #pages(room: string, after: number): Promise<RoomHistory["events"]> {
    const all: RoomHistory["events"] = [];
    let from = after;
    for (;;) {
      const page = parse(
        RoomHistorySchema,
        await this.ask("room.history", { room, after: from, limit: PAGE }),
      );
      if (!page.ok) throw new Error(`room.history: ${page.error}`);
      all.push(...page.value.events);
      from = all.at(-1)?.seq ?? from;
      if (!page.value.more) return all;
    }
  }
}

/** Of the room, and not of the way there. */
const isRefusal = (error: unknown): boolean =>
  typeof error === "object" &&
  error !== null &&
  "code" in error &&
  typeof error.code === "number" &&
  error.code >= 101 &&
  error.code !== 108 &&
  error.code !== 111 &&
  error.code !== 461;
