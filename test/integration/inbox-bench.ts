/** Devices of one user at a shard that is no stream's, and rooms that have something for them. */
import { env } from "cloudflare:workers";
import type { InboxDelivery } from "../../durable-objects/inbox/inbox-messages.ts";
import { directRoom } from "../../durable-objects/viewers/direct-room.ts";
import type { ConversationMessage } from "../../wire/conversations.ts";
import { type InboxEvent, inboxChannel, type RoomSummary } from "../../wire/inbox.ts";
import type { Role } from "../../wire/socket-token.ts";
import { ulid } from "../../wire/ulid.ts";
import { ADMIN, json, origin } from "./encoder.ts";
import { BareClient, until } from "./viewer-set-client.ts";

export const inboxOf = (user: string) => env.INBOX.getByName(user);

let made = 0;
/** An id that nothing else has. */
export const newId = (): string => {
  made += 1;
  return ulid(1_700_000_000_000 + made, new Uint8Array(10).fill(made % 256));
};

/** One device of a user, connected. */
export class Device {
  readonly client: BareClient;
  readonly user: string;
  #asked = 10;

  private constructor(client: BareClient, user: string) {
    this.client = client;
    this.user = user;
  }

  /** A socket that is no stream's, on which nothing was said yet. */
  static async socket(shard = "~people/any/1"): Promise<BareClient> {
    made += 1;
    const { webSocket } = await env.VIEWER_SET.getByName(shard).fetch(
      "https://viewers.millrace.invalid/socket",
      {
        headers: {
          upgrade: "websocket",
          "x-millrace-stream": "",
          "x-millrace-shard": shard,
          "x-millrace-viewer": `viewer-${made}`,
          "x-millrace-address": `address-${made}`,
        },
      },
    );
    if (!webSocket) throw new Error("no socket");
    webSocket.accept();
    return new BareClient(webSocket);
  }

  static async connect(user: string, role: Role = "member", shard?: string): Promise<Device> {
    const device = new Device(await Device.socket(shard), user);
    const answer = await origin("/admin/tokens", json("POST", { sub: user, role, name: user }, ADMIN));
    const { token }: { token: string } = await answer.json();
    await device.ask({ connect: { token } });
    return device;
  }

  /** Connect and listen. */
  static async open(user: string, shard?: string): Promise<Device> {
    const device = await Device.connect(user, "member", shard);
    const answer = await device.subscribe();
    if (!("subscribe" in answer)) throw new Error(JSON.stringify(answer));
    return device;
  }

  subscribe(more: object = {}, user = this.user) {
    return this.ask({ subscribe: { channel: inboxChannel(user), ...more } });
  }

  unsubscribe() {
    return this.ask({ unsubscribe: { channel: inboxChannel(this.user) } });
  }

  ask(command: object): Promise<Record<string, unknown>> {
    this.#asked += 1;
    return this.client.ask({ id: this.#asked, ...command });
  }

  act(method: string, data: object = {}) {
    return this.ask({ rpc: { method, data } });
  }

  /** What an `rpc` answered. */
  async told<T>(method: string, data: object = {}): Promise<T> {
    const { rpc } = (await this.act(method, data)) as { rpc?: { data: T } };
    if (rpc === undefined) throw new Error(`${method} was refused`);
    return rpc.data;
  }

  /** Events in the order they came, pushed and recovered. */
  get events(): readonly InboxEvent[] {
    return this.client.heard.flatMap(
      (line: {
        push?: { pub?: { data: InboxEvent } };
        subscribe?: { publications?: { data: InboxEvent }[] };
      }) => [
        ...(line.push?.pub ? [line.push.pub.data] : []),
        ...(line.subscribe?.publications ?? []).map(({ data }) => data),
      ],
    );
  }

  get offsets(): readonly number[] {
    return this.client.heard.flatMap(
      (line: {
        push?: { pub?: { offset: number } };
        subscribe?: { publications?: { offset: number }[] };
      }) => [
        ...(line.push?.pub ? [line.push.pub.offset] : []),
        ...(line.subscribe?.publications ?? []).map(({ offset }) => offset),
      ],
    );
  }

  get texts(): readonly string[] {
    return this.events.flatMap((event) => (event.type === "message" ? [event.message.text] : []));
  }

  /** Wait until an event of a type came. */
  event<T extends InboxEvent["type"]>(type: T): Promise<InboxEvent> {
    return until(() => {
      const found = this.events.findLast((event) => event.type === type);
      if (!found) throw new Error(`no ${type} in ${JSON.stringify(this.events)}`);
      return found;
    });
  }
}

/** A room as far as the inbox of one member goes: what it would deliver. */
export class FakeRoom {
  readonly room: string;
  readonly kind: RoomSummary["kind"];
  readonly peer: string;
  seq = 0;
  read = 0;
  unread = 0;
  title = "Friends";
  last: ConversationMessage | undefined;

  private constructor(room: string, kind: RoomSummary["kind"], peer: string) {
    this.room = room;
    this.kind = kind;
    this.peer = peer;
  }

  static group = (): FakeRoom => new FakeRoom(newId(), "group", "bob");

  static direct = async (user: string, peer: string): Promise<FakeRoom> =>
    new FakeRoom(await directRoom(user, peer), "direct", peer);

  get summary(): RoomSummary {
    const { room, kind, title, peer, read, unread } = this;
    return {
      room,
      kind,
      ...(kind === "group" ? { title } : { peer: { user: peer, name: peer } }),
      newest: this.seq,
      read,
      unread,
      ...(this.last && { last: this.last }),
      at: new Date(1_700_000_000_000 + 1000 * this.seq).toISOString(),
    };
  }

  /** The delivery by which a member hears that they are one. */
  joined(): InboxDelivery {
    this.seq += 1;
    const { summary, seq } = this;
    return { summary, events: [{ seq, event: { type: "room", summary } }], upTo: seq };
  }

  /** Somebody says these; one delivery. */
  says(texts: readonly string[], user = this.peer): InboxDelivery {
    const events = texts.map((text) => {
      this.seq += 1;
      this.unread += 1;
      const message: ConversationMessage = {
        type: "message",
        id: newId(),
        seq: this.seq,
        user,
        name: user,
        role: "member",
        text,
        nonce: `n${this.seq}`,
        at: new Date(1_700_000_000_000).toISOString(),
      };
      this.last = message;
      const event: InboxEvent = { type: "message", room: this.room, message, unread: this.unread };
      return { seq: this.seq, event };
    });
    const { room, title, unread, last } = this;
    const id = last?.id ?? "";
    const body = `${user}: ${texts.at(-1)}`;
    const notification = { room, title: this.kind === "group" ? title : user, body, unread, id };
    return { summary: this.summary, events, upTo: this.seq, notification };
  }

  deletes(id: string): InboxDelivery {
    this.seq += 1;
    this.last = undefined;
    const event: InboxEvent = { type: "deleted", room: this.room, ids: [id] };
    return { summary: this.summary, events: [{ seq: this.seq, event }], upTo: this.seq };
  }

  /** The member is none any more. */
  leaves(): InboxDelivery {
    this.seq += 1;
    return { summary: this.summary, events: [], upTo: this.seq, left: true };
  }
}
