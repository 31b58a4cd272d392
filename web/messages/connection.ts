/** The page's socket: it belongs to no stream, and to one member. Asks what is asked by `rpc`, and reads the answers. */
import { Centrifuge } from "centrifuge";
import type { GenericSchema, InferOutput } from "valibot";
import { fail, ok, type Result } from "../../media/result.ts";
import type { ConversationSay, RoomActionName } from "../../wire/conversations.ts";
import type { InboxActionName } from "../../wire/inbox.ts";
import { parse } from "../../wire/parse.ts";
import { socketUrl } from "./address.ts";

/** centrifuge-js: its token expired and there is nobody to ask for another. */
const UNAUTHORIZED = 1;
/** wire/centrifugo.ts, `invalidToken`. */
const INVALID_TOKEN = 3500;
/** A server that sends the page away is asked again, now and then. */
const SENT_AWAY_MS = 30_000;

/** Why something was not done: the protocol's error, or code 0 when nobody could be asked. */
export interface Refused {
  readonly code: number;
  readonly message: string;
}

export interface ConnectionEnds {
  readonly changed: (isConnected: boolean) => void;
  /** The server does not take the token any more. */
  readonly lapsed: () => void;
}

export class Connection {
  readonly client: Centrifuge;
  #isConnected = false;

  constructor(token: string, ends: ConnectionEnds) {
    this.client = new Centrifuge(socketUrl(location), { name: "millrace messages", token });
    const set = (isConnected: boolean): void => {
      this.#isConnected = isConnected;
      ends.changed(isConnected);
    };
    this.client.on("connected", () => set(true));
    this.client.on("connecting", () => set(false));
    this.client.on("disconnected", ({ code }) => {
      set(false);
      if (code === UNAUTHORIZED || code === INVALID_TOKEN) ends.lapsed();
      // 0 is the page's own `disconnect`.
      else if (code !== 0) setTimeout(() => this.client.connect(), SENT_AWAY_MS * (1 + Math.random()));
    });
  }

  get isConnected(): boolean {
    return this.#isConnected;
  }

  /** Ask, and read the answer; one that cannot be read is none. */
  async ask<const S extends GenericSchema>(
    method: RoomActionName | InboxActionName | "presence.state",
    data: object,
    schema: S,
  ): Promise<Result<InferOutput<S>, Refused>> {
    const answer = await this.act(method, data);
    if (!answer.ok) return answer;
    const read = parse(schema, answer.value);
    return read.ok ? read : fail({ code: 0, message: read.error.detail });
  }

  /** Have something done; what is answered does not matter. */
  async act(
    method: RoomActionName | InboxActionName | "presence.state",
    data: object,
  ): Promise<Result<unknown, Refused>> {
    try {
      return ok((await this.client.rpc(method, data)).data);
    } catch (error) {
      return fail(refusedOf(error));
    }
  }

  /** Say something in a room; rejects as the client does. */
  publish(channel: string, say: ConversationSay): Promise<unknown> {
    return this.client.publish(channel, say);
  }
}

function refusedOf(error: unknown): Refused {
  if (typeof error !== "object" || error === null || !("code" in error)) return { code: 0, message: "" };
  const code = typeof error.code === "number" && error.code >= 100 ? error.code : 0;
  return { code, message: "message" in error ? String(error.message) : "" };
}
