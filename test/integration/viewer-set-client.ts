/** Sockets at a shard, opened as the edge opens them: bare ones that show each frame, and the stock client on one. */
import { env } from "cloudflare:workers";
import { Centrifuge, type Options } from "centrifuge";
import { vi } from "vitest";

/** Wait for a condition; the machine may have other things to do. */
export const until = <T>(look: () => T | Promise<T>): Promise<T> =>
  vi.waitFor(look, { timeout: 10_000, interval: 20 });

/** A shard of a stream. */
export const shardOf = (stream: string, shard = "test/1") => env.VIEWER_SET.getByName(`${stream}/${shard}`);

/** Whom the edge says that a socket is from. */
export interface Visitor {
  readonly viewer?: string;
  readonly address?: string;
  /** When the token of its path ends, milliseconds since 1970. */
  readonly until?: number;
  /** Region and number of the shard. */
  readonly shard?: string;
}

let visitors = 0;

/** Ask a shard for a socket. */
export function knock(
  stream: string,
  { viewer, address, until, shard = "test/1" }: Visitor = {},
): Promise<Response> {
  visitors += 1;
  return shardOf(stream, shard).fetch("https://viewers.millrace.invalid/socket", {
    headers: {
      upgrade: "websocket",
      "x-millrace-stream": stream,
      "x-millrace-shard": `${stream}/${shard}`,
      "x-millrace-viewer": viewer ?? `viewer-${visitors}`,
      "x-millrace-address": address ?? `address-${visitors}`,
      ...(until !== undefined && { "x-millrace-until": String(until) }),
    },
  });
}

/** A socket that has been opened. */
export async function openSocket(stream: string, visitor: Visitor = {}): Promise<WebSocket> {
  const { webSocket } = await knock(stream, visitor);
  if (!webSocket) throw new Error("no socket");
  webSocket.accept();
  return webSocket;
}

/** A client that says what it is told to, and keeps all it hears. */
export class BareClient {
  readonly socket: WebSocket;
  readonly frames: string[] = [];
  closed: { readonly code: number; readonly reason: string } | undefined;

  constructor(socket: WebSocket) {
    this.socket = socket;
    socket.addEventListener("message", ({ data }) => {
      this.frames.push(String(data));
    });
    socket.addEventListener("close", ({ code, reason }) => {
      this.closed = { code, reason };
      socket.close();
    });
  }

  static async open(stream: string, visitor: Visitor = {}): Promise<BareClient> {
    return new BareClient(await openSocket(stream, visitor));
  }

  /** Open and connect. */
  static async connect(stream: string, params: object = {}, visitor: Visitor = {}): Promise<BareClient> {
    const client = await BareClient.open(stream, visitor);
    await client.ask({ id: 1, connect: params });
    return client;
  }

  /** Everything that was heard: replies and pushes, without blank lines. */
  get heard(): readonly Record<string, never>[] {
    return this.frames.flatMap((frame) =>
      frame
        .split("\n")
        .filter((line) => line !== "")
        .map((line) => JSON.parse(line)),
    );
  }

  /** Offsets of publications in the order they came, in pushes and in recoveries. */
  get offsets(): readonly number[] {
    return this.heard.flatMap(
      (line: {
        push?: { pub?: { offset?: number } };
        subscribe?: { publications?: { offset: number }[] };
      }) => {
        const pushed = line.push?.pub?.offset;
        if (pushed !== undefined) return [pushed];
        return line.subscribe?.publications?.map(({ offset }) => offset) ?? [];
      },
    );
  }

  say(...commands: readonly unknown[]): void {
    this.socket.send(commands.map((command) => JSON.stringify(command)).join("\n"));
  }

  /** Say one command and wait for its reply. */
  async ask(command: {
    readonly id: number;
    readonly [method: string]: unknown;
  }): Promise<Record<string, unknown>> {
    const before = this.heard.filter(({ id }) => id === command.id).length;
    this.say(command);
    return until(() => {
      const reply = this.heard.filter(({ id }) => id === command.id)[before];
      if (!reply)
        throw new Error(
          `no reply to ${JSON.stringify(command)}: ${this.frames.join(" | ")}, closed ${JSON.stringify(this.closed)}`,
        );
      return reply;
    });
  }

  /** Wait for the end. */
  end(): Promise<{ readonly code: number; readonly reason: string }> {
    return until(() => {
      if (!this.closed) throw new Error(`still open, heard ${this.frames.join(" | ").slice(0, 500)}`);
      return this.closed;
    });
  }
}

/** The WebSocket of a browser, as far as the stock client uses it, over a socket of the shard. */
function browserSocket(stream: string, visitor: Visitor, opened: (drop: () => void) => void) {
  return class BrowserSocket {
    onopen: (() => void) | null = null;
    onmessage: ((event: { readonly data: string }) => void) | null = null;
    onclose: ((event: { readonly code: number; readonly reason: string }) => void) | null = null;
    onerror: ((event: unknown) => void) | null = null;
    binaryType = "blob";
    #socket: WebSocket | undefined;

    constructor() {
      this.#open().catch(() => this.onclose?.({ code: 1006, reason: "" }));
    }

    async #open(): Promise<void> {
      const socket = await openSocket(stream, visitor);
      this.#socket = socket;
      socket.addEventListener("message", ({ data }) => this.onmessage?.({ data: String(data) }));
      socket.addEventListener("close", ({ code, reason }) => this.onclose?.({ code, reason }));
      opened(() => {
        socket.close(3001, "dropped");
        this.onclose?.({ code: 1006, reason: "" });
      });
      this.onopen?.();
    }

    send(text: string): void {
      this.#socket?.send(text);
    }

    close(): void {
      this.#socket?.close(1000, "");
      this.onclose?.({ code: 1000, reason: "" });
    }
  };
}

/** The stock client, and a way to cut its newest connection as a network does. */
export function stockClient(
  stream: string,
  options: Partial<Options> = {},
  visitor: Visitor = {},
): { readonly client: Centrifuge; readonly drop: () => void } {
  let drop = () => {};
  const client = new Centrifuge("wss://millrace.test/connection/websocket", {
    websocket: browserSocket(stream, visitor, (cut) => {
      drop = cut;
    }),
    minReconnectDelay: 1,
    maxReconnectDelay: 50,
    ...options,
  });
  return { client, drop: () => drop() };
}
