/** An origin for tests of the CLI: it records what it is asked, and answers what it is told to. One is made for each test. */
import { createServer, type Server } from "node:http";
import { afterEach, beforeEach } from "vitest";

/** What it answers, and what it was asked. */
export interface FakeOrigin {
  /** Method, path and authorization of each request. */
  asked: string[];
  reply: { readonly status: number; readonly body: unknown };
  url: string;
}

/** Have one for each test of this file. */
export function useFakeOrigin(): FakeOrigin {
  const origin: FakeOrigin = { asked: [], reply: { status: 200, body: {} }, url: "" };
  let server: Server;
  beforeEach(async () => {
    origin.asked = [];
    server = createServer((request, response) => {
      origin.asked.push(`${request.method} ${request.url} ${request.headers.authorization}`);
      response.writeHead(origin.reply.status).end(JSON.stringify(origin.reply.body));
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const address = server.address();
    origin.url = `http://127.0.0.1:${typeof address === "object" ? address?.port : ""}`;
  });
  afterEach(() => new Promise((resolve) => server.close(resolve)));
  return origin;
}
