/** Aids for tests of conversations: people at sockets without a stream, and inboxes that keep what they are told and can fail. */
import { runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { expect } from "vitest";
import type { Welcome } from "../../durable-objects/chat/conversation-guests.ts";
import type { InboxDelivery, InboxTaken } from "../../durable-objects/inbox/inbox-messages.ts";
import { chatChannel } from "../../wire/chat.ts";
import type { ConversationEvent, ConversationMessage, RoomState } from "../../wire/conversations.ts";
import type { InboxEvent } from "../../wire/inbox.ts";
import { ulid } from "../../wire/ulid.ts";
import { ADMIN, json, origin } from "./encoder.ts";
import { BareClient, until } from "./viewer-set-client.ts";

/** A ULID of now. */
export const newUlid = (): string => ulid(Date.now(), crypto.getRandomValues(new Uint8Array(10)));

export const conversation = (room: string) => env.CONVERSATION.getByName(room);

let visitors = 0;

/** Open a socket without a stream at a shard. */
async function openSocket(shard: string): Promise<WebSocket> {
  visitors += 1;
  const { webSocket } = await env.VIEWER_SET.getByName(`~people/${shard}`).fetch(
    "https://viewers.millrace.invalid/socket",
    {
      headers: {
        upgrade: "websocket",
        "x-millrace-stream": "",
        "x-millrace-shard": `~people/${shard}`,
        "x-millrace-viewer": `viewer-${visitors}`,
        "x-millrace-address": `address-${visitors}`,
      },
    },
  );
  if (!webSocket) throw new Error("no socket");
  webSocket.accept();
  return webSocket;
}

interface Heard {
  readonly offset?: number;
  readonly data: ConversationEvent;
}

/** One device of somebody. */
export class Device {
  readonly user: string;
  readonly client: BareClient;
  #asked = 10;

  private constructor(user: string, client: BareClient) {
    this.user = user;
    this.client = client;
  }

  static async of(user: string, { shard = "any/1", role = "member", name = user } = {}): Promise<Device> {
    const answer = await origin("/admin/tokens", json("POST", { sub: user, role, name }, ADMIN));
    const { token }: { token: string } = await answer.json();
    const client = new BareClient(await openSocket(shard));
    expect(await client.ask({ id: 1, connect: { token } })).toMatchObject({ connect: {} });
    return new Device(user, client);
  }

  ask(command: object): Promise<Record<string, unknown>> {
    this.#asked += 1;
    return this.client.ask({ id: this.#asked, ...command });
  }

  act(method: string, data: object = {}): Promise<Record<string, unknown>> {
    return this.ask({ rpc: { method, data } });
  }

  /** Ask for something that is answered. */
  async get<T = Record<string, never>>(method: string, data: object = {}): Promise<T> {
    const { rpc, error } = (await this.act(method, data)) as { rpc?: { data: T }; error?: unknown };
    if (!rpc) throw new Error(`${method}: ${JSON.stringify(error)}`);
    return rpc.data;
  }

  async subscribe(room: string, more: object = {}): Promise<Record<string, unknown>> {
    return this.ask({ subscribe: { channel: chatChannel(room), ...more } });
  }

  say(room: string, text: unknown, nonce: unknown = `${text}`.slice(0, 60), more: object = {}) {
    return this.ask({ publish: { channel: chatChannel(room), data: { text, nonce, ...more } } });
  }

  /** Publications of a room in the order they came. */
  heard(room: string): readonly Heard[] {
    return this.client.heard.flatMap(
      (line: { push?: { channel: string; pub?: Heard }; subscribe?: { publications?: Heard[] } }) => [
        ...(line.push?.pub && line.push.channel === chatChannel(room) ? [line.push.pub] : []),
        ...(line.subscribe?.publications ?? []),
      ],
    );
  }

  messages(room: string): readonly ConversationMessage[] {
    return this.heard(room).flatMap(({ data }) => (data.type === "message" ? [data] : []));
  }

  texts(room: string): readonly string[] {
    return this.messages(room).map(({ text }) => text);
  }

  /** Wait until it was heard. */
  hears(room: string, ...texts: readonly string[]): Promise<void> {
    return until(() => expect(this.texts(room)).toEqual(texts));
  }

  /** Wait for the newest event of a type. */
  event<T extends ConversationEvent["type"]>(
    room: string,
    type: T,
  ): Promise<Extract<ConversationEvent, { readonly type: T }>> {
    return until(() => {
      const found = this.heard(room).findLast(({ data }) => data.type === type)?.data;
      if (found?.type !== type) throw new Error(`no ${type} in ${JSON.stringify(this.heard(room))}`);
      return found as Extract<ConversationEvent, { readonly type: T }>;
    });
  }

  state(room: string): Promise<RoomState> {
    return this.get<RoomState>("room.state", { room });
  }
}

/** A group of these people, the first of whom made it; everybody listens. */
export async function groupOf<const N extends string>(
  names: readonly N[],
  title = "Friends",
): Promise<{ readonly room: string } & Record<N, Device>> {
  const room = newUlid();
  const devices = await Promise.all(names.map((name) => Device.of(name)));
  const [first, ...others] = devices;
  await first?.get("room.create", { room, title, users: others.map(({ user }) => user) });
  for (const device of devices)
    expect(await device.subscribe(room)).toMatchObject({ subscribe: { recoverable: true } });
  const byName = Object.fromEntries(devices.map((device) => [device.user, device]));
  return { room, ...byName } as { readonly room: string } & Record<N, Device>;
}

/** The inbox of one user: it keeps what it takes, passes over what it has, and can fail. */
export class FakeInbox {
  health: "well" | "failing" | "hanging" = "well";
  readonly deliveries: InboxDelivery[] = [];
  readonly events: { readonly seq: number; readonly event: InboxEvent }[] = [];
  upTo = 0;

  async take(delivery: InboxDelivery): Promise<InboxTaken> {
    if (this.health === "failing") throw new Error("injected");
    if (this.health === "hanging") await new Promise(() => {});
    this.deliveries.push(delivery);
    this.events.push(...delivery.events.filter(({ seq }) => seq > this.upTo));
    this.upTo = Math.max(this.upTo, delivery.upTo);
    return { upTo: this.upTo };
  }

  /** Everybody is. */
  async welcomes(): Promise<Welcome> {
    if (this.health === "failing") throw new Error("injected");
    return "welcome";
  }

  async brings(): Promise<Welcome> {
    return this.welcomes();
  }

  get texts(): readonly string[] {
    return this.events.flatMap(({ event }) => (event.type === "message" ? [event.message.text] : []));
  }
}

/** The inboxes that a conversation tells, in place of the real ones. */
export class FakeInboxes {
  readonly #inboxes = new Map<string, FakeInbox>();

  of(user: string): FakeInbox {
    const known = this.#inboxes.get(user) ?? new FakeInbox();
    this.#inboxes.set(user, known);
    return known;
  }

  /** Once more after each eviction. */
  async install(room: string): Promise<void> {
    await runInDurableObject(conversation(room), (object) => {
      const holder = object as unknown as { env: Record<string, unknown> };
      holder.env = { ...holder.env, INBOX: { getByName: (user: string) => this.of(user) } };
    });
  }
}
