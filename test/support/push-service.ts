/** A push service on a port of this machine: keeps what it gets, and answers as it is told to. */
import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { PushRequest } from "./push-receiver.ts";

export class PushService {
  readonly origin: string;
  /** In the order they came. */
  readonly got: PushRequest[] = [];
  /** Statuses by path; 201 where nothing is said. */
  readonly answers = new Map<string, number>();
  readonly #server: Server;

  private constructor(server: Server, port: number) {
    this.#server = server;
    this.origin = `http://127.0.0.1:${port}`;
    server.on("request", async (request, response) => {
      const { url = "", method, headers } = request;
      const chunks: Uint8Array[] = [];
      for await (const chunk of request) chunks.push(chunk);
      const body = Uint8Array.from(Buffer.concat(chunks));
      const sent = new Headers();
      for (const [name, value] of Object.entries(headers))
        if (typeof value === "string") sent.set(name, value);
      if (method === "POST") this.got.push({ endpoint: url, headers: sent, body });
      response.writeHead(method === "POST" ? (this.answers.get(url) ?? 201) : 405).end();
    });
  }

  static async start(): Promise<PushService> {
    const server = createServer();
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const address = server.address();
    return new PushService(server, typeof address === "object" && address !== null ? address.port : 0);
  }

  /** What came for a path. */
  at(path: string): readonly PushRequest[] {
    return this.got.filter(({ endpoint }) => endpoint === path);
  }

  async stop(): Promise<void> {
    this.#server.close();
    this.#server.closeAllConnections();
    await once(this.#server, "close");
  }
}
