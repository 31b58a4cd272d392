/**
 * A shard of a stream's viewers: holds their sockets, speaks the Centrifugo client protocol with them (docs/wire.md, "The
 * socket"). It may sleep between two messages: what must survive is in the sockets' attachments and one stored mark.
 */
import { DurableObject } from "cloudflare:workers";
import {
  DISCONNECT,
  type DisconnectCode,
  publicationPush,
  UNSUBSCRIBED_INSUFFICIENT_STATE,
  unsubscribePush,
} from "../../wire/centrifugo.ts";
import { LiveEventSchema, liveChannel } from "../../wire/live-events.ts";
import { parseJson } from "../../wire/parse.ts";
import type { ObjectsEnv } from "../../workers/env.ts";
import { type Admission, admit } from "../core/viewers/admission.ts";
import type { Need, Supplied } from "../core/viewers/socket/decision.ts";
import { MAX_BEHIND } from "../core/viewers/socket/limits.ts";
import { type Presence, presenceOf } from "../core/viewers/socket/presence.ts";
import type {
  Delivery,
  LivePublication,
  ReportAnswer,
  ShardReport,
} from "../core/viewers/viewer-messages.ts";
import { ViewerAnswering } from "./viewer-answering.ts";
import { ViewerFeed } from "./viewer-feed.ts";
import { ViewerMark } from "./viewer-mark.ts";
import { full, type Opening, readOpening, roomOf, tooManySockets } from "./viewer-opening.ts";
import { ViewerReports } from "./viewer-reports.ts";
import { ViewerRounds } from "./viewer-rounds.ts";
import { flush, type Seat, Seats, send } from "./viewer-seats.ts";
import { ViewerSource } from "./viewer-source.ts";

export class ViewerSet extends DurableObject<ObjectsEnv> {
  readonly #seats: Seats;
  readonly #mark: ViewerMark;
  readonly #feed: ViewerFeed;
  readonly #reports: ViewerReports;
  readonly #rounds: ViewerRounds;
  readonly #answering: ViewerAnswering;
  /** Whose shard this is; known as long as there are sockets. */
  #shard: { readonly name: string; readonly stream: string; readonly source: ViewerSource } | undefined;
  #admission: Admission | undefined;
  /** People who watch the stream, as it said last. */
  #viewers = 0;

  constructor(ctx: DurableObjectState, env: ObjectsEnv) {
    super(ctx, env);
    // Pongs of clients do not wake the object; what they get is a blank line, which is nothing (centrifuge-js).
    ctx.setWebSocketAutoResponse(new WebSocketRequestResponsePair("{}", "\n"));
    this.#feed = new ViewerFeed({
      since: async (position) => {
        await this.#reports.introduce();
        return this.#source().since(position);
      },
      tell: (publications, offset) => this.#tell(publications, offset),
      lost: () => this.#takeAllBack(),
    });
    this.#reports = new ViewerReports({
      look: () => this.#look(),
      send: (report) => this.#source().report(report),
      heard: (answer) => this.#hear(answer),
    });
    this.#answering = new ViewerAnswering({
      scene: () => ({ now: Date.now(), feed: this.#feed.feed, viewers: this.#viewers }),
      supply: (need) => this.#supply(need),
      isOpen: (seat) => this.#seats.has(seat),
      close: (seat, code) => this.#close(seat, code),
      change: (seat, connection) => {
        const { playing } = this.#seats;
        this.#seats.change(seat, connection);
        if (connection.channels.length > 0) this.#mark.settles();
        if (playing !== this.#seats.playing) this.#reports.changed();
      },
      qoe: (qoe) => this.#reports.add(qoe),
    });
    this.#mark = new ViewerMark(ctx.storage.kv, () => this.#feed.feed?.position);
    this.#seats = new Seats(ctx.getWebSockets());
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
    this.#shard ??= { name: shard, stream, source: new ViewerSource(this.env, stream) };
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
    this.#leave(socket);
  }

  override webSocketError(socket: WebSocket): void {
    this.#leave(socket);
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
    if (this.#seats.size > 0) await this.#reports.now();
  }

  /** Pass publications on to every socket that has subscribed to the stream's channel. */
  deliver(delivery: Delivery): void {
    if (this.#seats.size === 0 || delivery.stream !== this.#shard?.stream) return;
    for (const { offset, data } of delivery.publications) {
      if (offset === undefined) this.#note(data);
    }
    this.#feed.deliver(delivery);
    if (delivery.leave) this.#sendAway(delivery.leave);
  }

  /** Who is in the stream's channel, of those who are here. */
  presence(): Presence {
    const connections = this.#seats.all().map(({ connection }) => connection);
    return presenceOf(connections, liveChannel(this.#shard?.stream ?? ""));
  }

  /** Go on where the object fell asleep. */
  #wake(): void {
    const [seat] = this.#seats.all();
    // Sockets may end without a word to the object, as with a deployment: then what is stored is of nobody.
    if (!seat) {
      this.#mark.forget();
      return;
    }
    const { shard, stream } = seat.connection;
    this.#shard = { name: shard, stream, source: new ViewerSource(this.env, stream) };
    const position = this.#mark.load();
    if (position) this.#feed.wake(position);
    else this.#takeAllBack();
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
    this.#reports.changed();
    return new Response(null, { status: 101, webSocket: outside });
  }

  async #supply(need: Need): Promise<Supplied> {
    const source = this.#source();
    switch (need.type) {
      case "token":
        return { token: await source.verify(need.token) };
      case "feed":
        // An answer that was under way may be older than what the client has seen.
        return (await this.#feed.ask()) ? { feed: "asked" } : {};
      case "say":
        return { said: await source.say(need.from, need.data) };
      case "presence":
        return { presence: await source.presence(this.#shard?.name ?? "", () => this.presence()) };
    }
  }

  /** Write publications once, and send them to everyone who is subscribed. */
  #tell(publications: readonly LivePublication[], offset: number): void {
    if (this.#shard === undefined) return;
    if (publications.some((one) => one.offset !== undefined)) this.#mark.moves();
    const channel = liveChannel(this.#shard.stream);
    const text = publications.map((one) => publicationPush(channel, one.data, one.offset)).join("\n");
    const told = offset - publications.filter((one) => one.offset !== undefined).length;
    for (const seat of this.#seats.subscribed) {
      if (seat.progress !== undefined && told - seat.progress > MAX_BEHIND) {
        // It has more to read than it can: it comes back, when it has, for what is left by then.
        seat.behindSince ??= Date.now();
        this.#takeBack(seat);
      } else if (!send(seat, text)) this.#leave(seat.socket);
    }
  }

  /** What the sockets have got is not known, or not enough: they subscribe again, and recover by their own positions. */
  #takeAllBack(): void {
    this.#mark.moves();
    for (const seat of this.#seats.subscribed) this.#takeBack(seat);
  }

  #takeBack(seat: Seat): void {
    const { connection } = seat;
    // Clients do not take up again by themselves what the server subscribed them to; they do when they connect again.
    if (connection.channels.some(({ byServer }) => byServer)) {
      this.#close(seat, DISCONNECT.insufficientState);
      return;
    }
    this.#seats.change(seat, { ...connection, channels: [] });
    for (const { channel } of connection.channels) {
      if (!send(seat, unsubscribePush(channel, UNSUBSCRIBED_INSUFFICIENT_STATE))) this.#leave(seat.socket);
    }
  }

  /** Who may not watch any more hears nothing more. */
  #sendAway(whom: NonNullable<Delivery["leave"]>): void {
    for (const seat of this.#seats.all()) {
      const isMeant = whom === "all" || seat.connection.until === undefined;
      if (isMeant) this.#close(seat, DISCONNECT.permissionDenied);
    }
  }

  #close(seat: Seat, { code, reason }: DisconnectCode): void {
    flush(seat);
    try {
      seat.socket.close(code, reason);
    } catch {
      // It is closed.
    }
    this.#leave(seat.socket);
  }

  #leave(socket: WebSocket): void {
    const seat = this.#seats.of(socket);
    if (!seat) return;
    this.#seats.remove(seat);
    this.#reports.changed();
    if (this.#seats.size > 0) return;
    this.#feed.forget();
    this.#mark.forget();
    this.#rounds.end();
  }

  #look(): Omit<ShardReport, "qoe"> | undefined {
    if (this.#shard === undefined) return undefined;
    const position = this.#feed.feed?.position;
    return {
      shard: this.#shard.name,
      sockets: this.#seats.size,
      playing: this.#seats.playing,
      ...(position && { position }),
    };
  }

  #hear({ position, viewers, draining }: ReportAnswer): void {
    this.#viewers = viewers;
    this.#rounds.drain(this.#shard !== undefined && draining.includes(this.#shard.name));
    this.#feed.hear(position);
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
