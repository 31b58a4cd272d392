/**
 * A shard of a stream's viewers: holds their sockets, speaks the Centrifugo client protocol with them (docs/wire.md, "The
 * socket"). It may sleep between two messages: what must survive is in the sockets' attachments and a stored mark for each channel.
 */
import { DurableObject } from "cloudflare:workers";
import {
  DISCONNECT,
  type DisconnectCode,
  UNSUBSCRIBED_BY_SERVER,
  UNSUBSCRIBED_INSUFFICIENT_STATE,
  unsubscribePush,
} from "../../wire/centrifugo.ts";
import { isErasing } from "../../wire/chat.ts";
import { LiveEventSchema, liveChannel } from "../../wire/live-events.ts";
import { parseJson } from "../../wire/parse.ts";
import type { ObjectsEnv } from "../../workers/env.ts";
import { type Leaving, leavingOfClient, leavingOfServer } from "../core/presence/attendance.ts";
import { type Admission, admit } from "../core/viewers/admission.ts";
import {
  type Connection,
  type Subscription,
  subscriptionOf,
  unsubscribed,
} from "../core/viewers/socket/connection.ts";
import type { Need, Supplied } from "../core/viewers/socket/decision.ts";
import { MAX_BEHIND } from "../core/viewers/socket/limits.ts";
import { type Presence, presenceOf } from "../core/viewers/socket/presence.ts";
import { tellingOf } from "../core/viewers/socket/telling.ts";
import type {
  Delivery,
  LivePublication,
  ReportAnswer,
  ShardReport,
} from "../core/viewers/viewer-messages.ts";
import { ViewerAnswering } from "./viewer-answering.ts";
import { ViewerChannel } from "./viewer-channel.ts";
import { forgetMarks } from "./viewer-mark.ts";
import { full, type Opening, readOpening, roomOf, tooManySockets } from "./viewer-opening.ts";
import { ViewerPresence } from "./viewer-presence.ts";
import { ViewerRounds } from "./viewer-rounds.ts";
import { flush, type Seat, Seats, send } from "./viewer-seats.ts";
import { ViewerSource } from "./viewer-source.ts";

export class ViewerSet extends DurableObject<ObjectsEnv> {
  readonly #seats: Seats;
  readonly #rounds: ViewerRounds;
  readonly #answering: ViewerAnswering;
  readonly #presence: ViewerPresence;
  /** Whose shard this is; known as long as there are sockets. */
  #shard: { readonly name: string; readonly stream: string; readonly source: ViewerSource } | undefined;
  readonly #channels = new Map<string, ViewerChannel>();
  #admission: Admission | undefined;
  /** People who watch the stream, as it said last. */
  #viewers = 0;

  constructor(ctx: DurableObjectState, env: ObjectsEnv) {
    super(ctx, env);
    // Pongs of clients do not wake the object; what they get is a blank line, which is nothing (centrifuge-js).
    ctx.setWebSocketAutoResponse(new WebSocketRequestResponsePair("{}", "\n"));
    this.#answering = new ViewerAnswering({
      scene: () => ({
        now: Date.now(),
        feedOf: (channel) => this.#channels.get(channel)?.feed,
        viewers: this.#viewers,
      }),
      supply: (need) => this.#supply(need),
      isOpen: (seat) => this.#seats.has(seat),
      close: (seat, code) => this.#close(seat, code),
      change: (seat, connection) => {
        const { playing } = this.#seats;
        const before = seat.connection.channels;
        this.#seats.change(seat, connection);
        for (const { channel } of connection.channels) this.#channels.get(channel)?.settles();
        this.#part(before);
        if (playing !== this.#seats.playing) this.#live?.reports.changed();
      },
      qoe: (qoe) => this.#live?.reports.add(qoe),
    });
    this.#presence = new ViewerPresence({
      shard: () => this.#shard?.name ?? "",
      listening: (channel) => [...this.#seats.listening(channel)].map(({ connection }) => connection),
      channels: () => this.#seats.channels(),
      attend: (name, attendance) => this.#source().attend(name, attendance),
    });
    this.#seats = new Seats(ctx.getWebSockets(), (...move) => this.#presence.moved(...move));
    this.#rounds = new ViewerRounds(ctx, this.#seats, (seat, code) => this.#close(seat, code));
    this.#wake();
  }

  /** Open a socket for the edge. */
  override async fetch(request: Request): Promise<Response> {
    const opening = readOpening(request);
    if (!opening.ok) return opening.error;
    const { stream, shard, address } = opening.value;
    const room = roomOf({ ...this.env });
    if (this.#rounds.isDraining || this.#seats.size >= room.sockets) return full();
    if (this.#seats.from(address) >= room.ofAddress) return tooManySockets();
    const { isAdmitted, after } = admit(this.#admission, Date.now());
    this.#admission = after;
    if (!isAdmitted) return full();
    this.#begin(shard, stream);
    return this.#open(opening.value);
  }

  override async webSocketMessage(socket: WebSocket, message: string | ArrayBuffer): Promise<void> {
    const seat = this.#seats.of(socket);
    if (seat) await this.#answering.answer(seat, message);
  }

  override webSocketClose(socket: WebSocket, code: number, reason: string): void {
    try {
      // Local workerd does not answer the client's close frame by itself. 1005 and 1006 are said by nobody (RFC 6455 7.4.1).
      socket.close(code === 1005 || code === 1006 ? 1000 : code, reason);
    } catch {
      // It is closed on both sides.
    }
    this.#end(socket, leavingOfClient(code));
  }

  override webSocketError(socket: WebSocket): void {
    this.#end(socket, "broken");
  }

  /** Pings, deadlines, the heartbeat. */
  override async alarm(): Promise<void> {
    try {
      this.#rounds.go(Date.now());
    } catch (error) {
      // The platform gives an alarm up that failed six times, and without it nobody is pinged or reported any more.
      console.error("a round failed", error);
      this.#rounds.again(Date.now());
    }
    if (this.#seats.size === 0) return;
    this.#partAll();
    const reports = [...this.#channels.values()].map((channel) => channel.reports.now());
    await Promise.all([...reports, this.#presence.beat()]);
  }

  /** Pass publications on to every socket that has subscribed to their channel. */
  deliver(delivery: Delivery): void {
    const channel = this.#channels.get(delivery.channel);
    if (this.#seats.size === 0 || !channel) return;
    if (channel === this.#live) {
      for (const { offset, data } of delivery.publications) if (offset === undefined) this.#note(data);
    }
    channel.deliver(delivery);
    if (delivery.leave) this.#sendAway(delivery.leave);
    if (delivery.out) this.#putOut(delivery.channel, new Set(delivery.out));
  }

  /** Who is in a channel, of those who are here. */
  presence(channel: string): Presence {
    const connections = this.#seats.all().map(({ connection }) => connection);
    return presenceOf(connections, channel);
  }

  /** Go on where the object fell asleep. */
  #wake(): void {
    const [seat] = this.#seats.all();
    const { shard, stream } = seat?.connection ?? { shard: "", stream: "" };
    // The stream's own channel also when nobody listens to it: what is stored of it has to be known, to be replaced in time.
    const own = stream === "" ? [] : [liveChannel(stream)];
    const channels = new Set([...own, ...this.#seats.channels()]);
    // Sockets may end without a word to the object, as with a deployment: then what is stored is of nobody.
    forgetMarks(this.ctx.storage.kv, channels);
    if (!seat) return;
    this.#begin(shard, stream);
    for (const channel of channels) this.#channel(channel).wake();
  }

  /** Somebody is here: from now on it is known whose shard this is. */
  #begin(name: string, stream: string): void {
    this.#shard ??= { name, stream, source: new ViewerSource(this.env, stream) };
    if (stream !== "") this.#channel(liveChannel(stream));
  }

  get #live(): ViewerChannel | undefined {
    return this.#shard && this.#channels.get(liveChannel(this.#shard.stream));
  }

  /** A channel that somebody wants to hear. */
  #channel(name: string): ViewerChannel {
    const known = this.#channels.get(name);
    if (known) return known;
    const source = this.#source();
    const isLive = name === liveChannel(source.stream);
    const channel = new ViewerChannel(name, {
      owner: isLive ? source : source.owner(name),
      kv: this.ctx.storage.kv,
      look: () => this.#look(name),
      tell: (publications, offset) => this.#tell(name, publications, offset),
      takeBack: () => this.#takeAllBack(name),
      heard: (answer) => isLive && this.#hear(answer),
      ...(!isLive && { isErasing }),
    });
    this.#channels.set(name, channel);
    return channel;
  }

  /** Channels that somebody has left: where nobody is any more, nothing is known and nothing is delivered. */
  #part(left: readonly Subscription[]): void {
    for (const { channel } of left) {
      const known = this.#channels.get(channel);
      if (!known || known === this.#live || this.#seats.listening(channel).size > 0) continue;
      this.#channels.delete(channel);
      known.forget();
      void known.reports.last();
    }
  }

  /** Somebody who wanted to listen may have gone before they did. */
  #partAll(): void {
    this.#part([...this.#channels.keys()].map((channel) => ({ channel })));
  }

  #open(opening: Opening): Response {
    const { 0: outside, 1: socket } = new WebSocketPair();
    this.ctx.acceptWebSocket(socket);
    this.#seats.add(socket, {
      client: crypto.randomUUID(),
      ...opening,
      openedAt: Date.now(),
      channels: [],
      playing: false,
    });
    this.#rounds.begin(Date.now());
    this.#live?.reports.changed();
    return new Response(null, { status: 101, webSocket: outside });
  }

  async #supply(need: Need): Promise<Supplied> {
    const source = this.#source();
    switch (need.type) {
      case "token":
        return { token: await source.verify(need.token) };
      case "feed":
        // An answer that was under way may be older than what the client has seen.
        return (await this.#channel(need.channel).ask()) ? { asked: [need.channel] } : {};
      case "say":
        return { said: await source.say(need.from, need.data) };
      case "presence":
        return { presence: await source.presence(this.#shard?.name ?? "", need.channel, this) };
      case "post":
        return { posted: await source.post(need.room, need.speaker, need.say) };
      case "write":
        return { posted: await source.write(need.room, need.speaker, need.say) };
      case "act":
        return { acted: await source.act(need.speaker, need.action) };
      case "room-act":
        return { acted: await source.actInRoom(need.speaker, need.action) };
      case "inbox-act":
        return { acted: await source.actInInbox(need.speaker, need.action) };
      case "present":
        return { acted: await source.present(need.name) };
      case "member":
        return { isMember: await source.isMember(need.room, need.user) };
    }
  }

  /** Write publications once, and send them to everyone who is subscribed. */
  #tell(channel: string, publications: readonly LivePublication[], offset: number): void {
    const isLive = channel === this.#live?.name;
    const textFor = tellingOf(channel, publications);
    const told = offset - publications.filter((one) => one.offset !== undefined).length;
    for (const seat of this.#seats.listening(channel)) {
      const isBehind = isLive && seat.progress !== undefined && told - seat.progress > MAX_BEHIND;
      if (isBehind) seat.behindSince ??= Date.now();
      if (seat.behindSince !== undefined) {
        // It has more to read than it can, here or in its stream: it comes back, when it has, for what is left by then.
        this.#takeBack(seat, channel);
        continue;
      }
      const text = textFor(seat.connection);
      if (text !== "" && !send(seat, text)) this.#leave(seat.socket);
    }
  }

  /** What the sockets have got is not known, or not enough: they subscribe again, and recover by their own positions. */
  #takeAllBack(channel: string): void {
    for (const seat of [...this.#seats.listening(channel)]) this.#takeBack(seat, channel);
  }

  #takeBack(seat: Seat, channel: string): void {
    const { connection } = seat;
    // Clients do not take up again by themselves what the server subscribed them to; they do when they connect again.
    if (subscriptionOf(connection, channel)?.byServer) {
      this.#close(seat, DISCONNECT.insufficientState);
      return;
    }
    this.#seats.change(seat, unsubscribed(connection, channel), "broken");
    if (!send(seat, unsubscribePush(channel, UNSUBSCRIBED_INSUFFICIENT_STATE))) this.#leave(seat.socket);
  }

  /** Who may not watch any more hears nothing more. */
  #sendAway(whom: NonNullable<Delivery["leave"]>): void {
    for (const seat of this.#seats.all()) {
      const isMeant = whom === "all" || seat.connection.until === undefined;
      if (isMeant) this.#close(seat, DISCONNECT.permissionDenied);
    }
  }

  /** Who is no member any more listens no more. */
  #putOut(channel: string, users: ReadonlySet<string>): void {
    for (const seat of [...this.#seats.listening(channel)]) {
      const { connection } = seat;
      if (!users.has(connection.who?.user ?? "")) continue;
      this.#seats.change(seat, unsubscribed(connection, channel));
      if (!send(seat, unsubscribePush(channel, UNSUBSCRIBED_BY_SERVER))) this.#leave(seat.socket);
    }
    this.#part([{ channel }]);
  }

  #close(seat: Seat, { code, reason }: DisconnectCode): void {
    flush(seat);
    try {
      seat.socket.close(code, reason);
    } catch {
      // It is closed.
    }
    this.#leave(seat.socket, leavingOfServer(code));
  }

  /** A client has closed, or its connection broke. */
  #end(socket: WebSocket, leaving: Leaving): void {
    const kept: Connection | null = socket.deserializeAttachment();
    if (this.#seats.of(socket)) this.#leave(socket, leaving);
    else if (kept) {
      // Who woke the object with it had no seat any more, but was here, and is taken to listen.
      this.#begin(kept.shard, kept.stream);
      this.#presence.moved(kept, undefined, leaving);
      for (const { channel } of kept.channels) this.#channel(channel);
      this.#part(kept.channels);
      this.#live?.reports.changed();
    }
  }

  #leave(socket: WebSocket, leaving: Leaving = "broken"): void {
    const seat = this.#seats.of(socket);
    if (!seat) return;
    this.#seats.remove(seat, leaving);
    this.#live?.reports.changed();
    this.#part(seat.connection.channels);
    if (this.#seats.size > 0) return;
    this.#partAll();
    this.#live?.forget();
    this.#rounds.end();
  }

  /**
   * What the owner of a channel is told: its stream of all sockets, a room of those who listen to it. Who is about to listen counts:
   * nothing may be missed between the room's answer and the subscription.
   */
  #look(channel: string): Omit<ShardReport, "qoe" | "position"> | undefined {
    if (this.#shard === undefined) return undefined;
    const { name: shard, stream } = this.#shard;
    return channel === liveChannel(stream)
      ? { shard, sockets: this.#seats.size, playing: this.#seats.playing }
      : {
          shard,
          sockets: this.#channels.has(channel) ? Math.max(1, this.#seats.listening(channel).size) : 0,
          playing: 0,
        };
  }

  #hear({ viewers, draining }: ReportAnswer): void {
    this.#viewers = viewers;
    this.#rounds.drain(this.#shard !== undefined && draining.includes(this.#shard.name));
  }

  /** Keep what a publication without an offset says for those who come later. */
  #note(data: string): void {
    const event = parseJson(LiveEventSchema, data);
    if (event.ok && event.value.type === "viewers") this.#viewers = event.value.viewers;
  }

  #source(): ViewerSource {
    if (this.#shard === undefined) throw new Error("nobody has come here");
    return this.#shard.source;
  }
}
