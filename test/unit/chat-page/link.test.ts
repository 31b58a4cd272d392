/** The room over the stock client, against a small server of the protocol on loopback. */
import { once } from "node:events";
import { Centrifuge } from "centrifuge";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { type WebSocket, WebSocketServer } from "ws";
import { ChatLink } from "../../../web/chat/link.ts";
import { EMPTY_ROOM, type Room, type RoomEvent, step } from "../../../web/chat/room.ts";
import { message, SETTINGS, seqs } from "./people.ts";

interface Said {
  readonly id: number;
  readonly connect?: object;
  readonly subscribe?: { readonly recover?: boolean; readonly offset?: number };
  readonly history?: { readonly limit: number; readonly reverse: boolean };
  readonly rpc?: { readonly method: string; readonly data: unknown };
}

/** A room that keeps some of what was published. */
class Server {
  readonly sockets = new WebSocketServer({ port: 0, host: "127.0.0.1" });
  readonly said: Said[] = [];
  readonly open = new Set<WebSocket>();
  offset = 0;
  oldest = 0;
  /** Questions for the history that are not answered well. */
  failures = 0;

  constructor() {
    this.sockets.on("connection", (socket) => {
      this.open.add(socket);
      socket.on("close", () => this.open.delete(socket));
      socket.on("message", (frame) => {
        for (const line of String(frame).split("\n")) this.#hear(socket, JSON.parse(line));
      });
    });
  }

  publish(): void {
    this.offset += 1;
    const pub = { offset: this.offset, data: message(this.offset) };
    for (const socket of this.open) socket.send(JSON.stringify({ push: { channel: "chat:demo", pub } }));
  }

  /** Say something that has no place in the room. */
  pass(data: object): void {
    for (const socket of this.open)
      socket.send(JSON.stringify({ push: { channel: "chat:demo", pub: { data } } }));
  }

  /** Close what is open. */
  drop(): void {
    for (const socket of this.open) socket.close(1011);
  }

  #hear(socket: WebSocket, said: Said): void {
    this.said.push(said);
    const { id, connect, subscribe, history, rpc } = said;
    const reply = (result: object): void => socket.send(JSON.stringify({ id, ...result }));
    const from = (offset: number) =>
      Array.from({ length: this.offset - offset }, (_, i) => ({
        offset: offset + i + 1,
        data: message(offset + i + 1),
      }));
    if (connect) reply({ connect: { client: "c", version: "1", ping: 25, pong: true } });
    if (rpc) {
      const you = { mayWrite: true, mayModerate: true };
      reply({ rpc: { data: { settings: SETTINGS, pinned: null, you } } });
    }
    if (history && this.failures > 0) {
      this.failures -= 1;
      reply({ error: { code: 102, message: "unknown channel" } });
    } else if (history) {
      const publications = from(this.oldest).slice(-history.limit).toReversed();
      reply({ history: { epoch: "e", offset: this.offset, publications } });
    }
    if (!subscribe) return;
    const { recover = false, offset = 0 } = subscribe;
    const recovered = recover && offset >= this.oldest;
    const position = { epoch: "e", offset: recovered ? offset : this.offset };
    const publications = recovered ? from(offset) : [];
    const flags = { recoverable: true, positioned: true, was_recovering: recover, recovered };
    reply({ subscribe: { ...position, ...flags, publications } });
  }
}

let server: Server;
let client: Centrifuge;
let link: ChatLink;
let room: Room;
/** Signs that were counted. */
const reacted: unknown[] = [];

beforeEach(async () => {
  server = new Server();
  await once(server.sockets, "listening");
  const address = server.sockets.address();
  const port = typeof address === "object" && address ? address.port : 0;
  client = new Centrifuge(`ws://127.0.0.1:${port}`, { minReconnectDelay: 10, maxReconnectDelay: 20 });
  room = EMPTY_ROOM;
  for (let i = 0; i < 150; i += 1) server.publish();
  link = new ChatLink(
    client,
    "demo",
    (event: RoomEvent) => {
      room = step(room, event);
    },
    (reactions) => reacted.push(reactions.counts),
  );
  client.connect();
});
afterEach(async () => {
  client.disconnect();
  server.drop();
  server.sockets.close();
  await once(server.sockets, "close");
});

const questions = (what: "history" | "rpc"): number => server.said.filter((said) => said[what]).length;
const newest = (): readonly number[] => [room.rows.length, room.rows.at(-1)?.seq ?? 0];
const becomes = (history: Room["history"], ...rows: readonly number[]): Promise<void> =>
  vi.waitFor(
    () => {
      expect([room.link, room.history, ...newest()]).toEqual(["joined", history, ...rows]);
      expect(room.standing.mayModerate).toBe(true);
    },
    { timeout: 10_000 },
  );

it("begins with the newest hundred, and goes on from there", async () => {
  await becomes("here", 100, 150);
  expect(server.said.find(({ history }) => history)?.history).toMatchObject({ limit: 100, reverse: true });
  server.publish();
  await becomes("here", 101, 151);
});

it("hears signs, which have no place in the room", async () => {
  await becomes("here", 100, 150);
  server.pass({ type: "reactions", counts: { "🔥": 0 } });
  server.pass({ type: "something new" });
  server.pass(message(7));
  server.pass({ type: "reactions", counts: { "🔥": 3 } });
  server.publish();
  await becomes("here", 101, 151);
  expect(reacted).toEqual([{ "🔥": 3 }]);
});

it("recovers what it missed, asks how the room is, and for no history", async () => {
  await becomes("here", 100, 150);
  server.drop();
  for (let i = 0; i < 5; i += 1) server.publish();
  await becomes("here", 105, 155);
  await vi.waitFor(() => expect(questions("rpc")).toBe(2));
  expect(questions("history")).toBe(1);
  expect(new Set(seqs(room.rows)).size).toBe(105);
});

it("asks for the history again when it missed more than there is", async () => {
  await becomes("here", 100, 150);
  server.drop();
  for (let i = 0; i < 500; i += 1) server.publish();
  server.oldest = 600;
  await becomes("here", 50, 650);
});

it("says that there is no history, and asks when it is told to", async () => {
  server.failures = 1;
  await becomes("failed", 0, 0);
  link.again();
  await becomes("here", 100, 150);
});
