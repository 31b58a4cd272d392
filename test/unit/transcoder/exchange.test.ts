/** One request and its answer over a real socket: connections that are kept, and every way in which no answer comes. */
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { afterEach, describe, expect, it } from "vitest";
import { type Exchange, exchange } from "../../../transcoder/exchange.ts";

const closings: (() => void)[] = [];
afterEach(() => {
  for (const close of closings.splice(0)) close();
});

async function serve(answer: (request: IncomingMessage, body: string, response: ServerResponse) => void) {
  let connections = 0;
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => answer(request, Buffer.concat(chunks).toString(), response));
  });
  server.on("connection", () => {
    connections += 1;
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  closings.push(() => {
    server.closeAllConnections();
    server.close();
  });
  const address = server.address();
  const url = `http://127.0.0.1:${typeof address === "object" ? address?.port : 0}/x`;
  return { url, connections: () => connections };
}

const GET: Exchange = { method: "GET", headers: {}, timeoutMs: 10_000 };

describe("an exchange", () => {
  it("sends what it is given, says how long it is, and keeps the connection", async () => {
    const seen: unknown[] = [];
    const { url, connections } = await serve(({ method, headers }, body, response) => {
      seen.push([method, headers["content-length"], headers.authorization, body]);
      response.writeHead(201).end("done");
    });
    const headers = { authorization: "Bearer l" };
    expect(await exchange(url, { ...GET, method: "POST", headers, body: "süß" })).toEqual({
      status: 201,
      text: "done",
    });
    await exchange(url, { ...GET, method: "PUT", headers, body: new Uint8Array([104, 105]) });
    await exchange(url, { ...GET, method: "DELETE", headers });
    expect(seen).toEqual([
      ["POST", "5", "Bearer l", "süß"],
      ["PUT", "2", "Bearer l", "hi"],
      ["DELETE", "0", "Bearer l", ""],
    ]);
    expect(connections()).toBe(1);
  });

  it.each([
    ["hangs", () => {}, /no answer within/],
    [
      "begins to answer, and hangs",
      (_r: unknown, _b: unknown, response: ServerResponse) => response.write("x"),
      /no answer|aborted/,
    ],
    [
      "hangs up",
      (_r: unknown, _b: unknown, response: ServerResponse) => response.destroy(),
      /hang up|ECONNRESET/,
    ],
    [
      "never stops",
      (_r: unknown, _b: unknown, response: ServerResponse) => {
        for (let i = 0; i < 40; i += 1) response.write("x".repeat(65_536));
      },
      /too long|aborted/,
    ],
  ] as const)(
    "with a server that %s fails in words, and the next one is none the worse",
    async (_what, answer, words) => {
      let well = false;
      const { url } = await serve((request, body, response) => {
        if (well) response.end("well");
        else answer(request, body, response);
      });
      await expect(exchange(url, { ...GET, timeoutMs: 300 })).rejects.toThrow(words);
      well = true;
      expect((await exchange(url, GET)).text).toBe("well");
    },
  );

  it("with nobody there fails at once", async () => {
    await expect(exchange("http://127.0.0.1:9/x", GET)).rejects.toThrow(/ECONNREFUSED/);
  });
});
