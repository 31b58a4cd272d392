/** A small HTTP client for measuring: node:http over connections that are kept, with bodies counted rather than kept. */
import { Agent, request } from "node:http";

/** What came of one request. */
export interface Got {
  readonly status: number;
  /** Bytes of the body. */
  readonly bytes: number;
  /** The first of them, up to what was asked for. */
  readonly head: string;
}

export interface Ask {
  readonly method?: "GET" | "PUT" | "POST" | "DELETE";
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array;
  /** Bytes of the answer to keep (0). */
  readonly keep?: number;
}

/** Requests to one server over at most `sockets` connections. */
export class Client {
  readonly #base: string;
  readonly #agent: Agent;

  constructor(base: string, sockets: number) {
    this.#base = base;
    this.#agent = new Agent({ keepAlive: true, maxSockets: sockets, maxFreeSockets: sockets });
  }

  /** Ask, and read the answer to its end; a body that ends early is an error. */
  ask(path: string, { method = "GET", headers = {}, body, keep = 0 }: Ask = {}): Promise<Got> {
    return new Promise((resolve, reject) => {
      const length = body === undefined ? {} : { "content-length": String(Buffer.byteLength(body)) };
      const asked = request(
        this.#base + path,
        { method, headers: { ...headers, ...length }, agent: this.#agent },
        (answer) => {
          const kept: Buffer[] = [];
          let bytes = 0;
          answer.on("data", (chunk: Buffer) => {
            if (bytes < keep) kept.push(chunk.subarray(0, keep - bytes));
            bytes += chunk.byteLength;
          });
          answer.once("error", reject);
          answer.once("end", () =>
            resolve({ status: answer.statusCode ?? 0, bytes, head: Buffer.concat(kept).toString() }),
          );
        },
      );
      asked.once("error", reject);
      asked.end(body);
    });
  }

  /** Ask, and read all of the answer as text. */
  text(path: string, ask: Ask = {}): Promise<Got> {
    return this.ask(path, { ...ask, keep: Number.POSITIVE_INFINITY });
  }

  /** End its connections, and with them whatever is still asked. */
  close(): void {
    this.#agent.destroy();
  }
}
