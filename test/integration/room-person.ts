/** Somebody in a live room, on a socket of their own: what they hear of it, and what they may do there. */
import { type ChatMessage, chatChannel } from "../../wire/chat.ts";
import type { Role } from "../../wire/socket-token.ts";
import { ADMIN, json, origin } from "./encoder.ts";
import { BareClient, type Visitor } from "./viewer-set-client.ts";

/** A publication as it came. */
export interface Heard {
  readonly offset?: number;
  readonly data: { readonly type: string; readonly [fact: string]: unknown };
}

export class RoomPerson {
  readonly client: BareClient;
  readonly #room: string;
  #asked = 10;

  private constructor(client: BareClient, room: string) {
    this.client = client;
    this.#room = room;
  }

  /** Come with a token, or without one when there is no `sub`. */
  static async enter(room: string, sub = "", role: Role = "member", visitor: Visitor = {}) {
    const client = await BareClient.connect(room, sub === "" ? {} : await connectOf(sub, role), visitor);
    const person = new RoomPerson(client, room);
    await person.subscribe();
    return person;
  }

  subscribe(more: object = {}) {
    return this.ask({ subscribe: { channel: chatChannel(this.#room), ...more } });
  }

  ask(command: object): Promise<Record<string, unknown>> {
    this.#asked += 1;
    return this.client.ask({ id: this.#asked, ...command });
  }

  say(text: string, nonce = text) {
    return this.ask({ publish: { channel: chatChannel(this.#room), data: { text, nonce } } });
  }

  act(method: string, data: object = {}) {
    return this.ask({ rpc: { method, data: { room: this.#room, ...data } } });
  }

  /** Publications of the room, in pushes and recoveries, in the order they came. */
  get heard(): readonly Heard[] {
    const channel = chatChannel(this.#room);
    return this.client.heard.flatMap(
      (line: {
        push?: { channel: string; pub?: Heard };
        subscribe?: { publications?: readonly Heard[] };
      }) => [
        ...(line.push?.pub && line.push.channel === channel ? [line.push.pub] : []),
        ...(line.subscribe?.publications ?? []),
      ],
    );
  }

  get messages(): readonly ChatMessage[] {
    // Of this type there are only messages.
    return this.heard.filter(({ data }) => data.type === "message").map(({ data }) => data as never);
  }

  get texts(): readonly string[] {
    return this.messages.map(({ text }) => text);
  }

  /** Publications of a type. */
  of(type: string): readonly Heard["data"][] {
    return this.heard.filter(({ data }) => data.type === type).map(({ data }) => data);
  }
}

async function connectOf(sub: string, role: Role): Promise<object> {
  const answer = await origin("/admin/tokens", json("POST", { sub, role, name: sub.toUpperCase() }, ADMIN));
  const { token }: { token: string } = await answer.json();
  return { token };
}
