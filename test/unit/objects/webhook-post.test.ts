/** One delivery against a real HTTP receiver; the signature is checked with another implementation of HMAC. */
import { createHmac } from "node:crypto";
import { once } from "node:events";
import { createServer, type IncomingHttpHeaders, type RequestListener, type Server } from "node:http";
import { afterEach, expect, it } from "vitest";
import { newSecret, post, sign } from "../../../durable-objects/webhooks/webhook-post.ts";

const NOW = Date.UTC(2026, 10, 21) + 678;
const MESSAGE = { id: "msg_show-a_1", body: '{"type":"broadcast.started","data":{"title":"Größe 🎬"}}' };

interface Received {
  readonly method: string | undefined;
  readonly path: string | undefined;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

let server: Server | undefined;
let received: Received[] = [];

afterEach(async () => {
  received = [];
  if (!server) return;
  const closed = once(server, "close");
  server.close();
  server.closeAllConnections();
  await closed;
  server = undefined;
});

/** Listen; answers the receiver's URL. */
async function receiver(answer: RequestListener): Promise<string> {
  server = createServer(async (request, response) => {
    let body = "";
    for await (const chunk of request) body += chunk;
    received.push({ method: request.method, path: request.url, headers: request.headers, body });
    answer(request, response);
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no port");
  return `http://127.0.0.1:${address.port}/hook?of=mine`;
}

/** What Standard Webhooks says the signature is, by node:crypto. */
function signatureOf(secret: string, { headers, body }: Received): string {
  const key = Buffer.from(secret.replace(/^whsec_/, ""), "base64");
  const signed = `${headers["webhook-id"]}.${headers["webhook-timestamp"]}.${body}`;
  return `v1,${createHmac("sha256", key).update(signed).digest("base64")}`;
}

it("makes secrets as the standard wants them, each another", () => {
  const secrets = new Set(Array.from({ length: 50 }, newSecret));
  expect(secrets.size).toBe(50);
  for (const secret of secrets) {
    expect(secret).toMatch(/^whsec_[A-Za-z0-9+/]+={0,2}$/);
    expect(Buffer.from(secret.slice(6), "base64").byteLength).toBe(32);
  }
});

it("signs the example of the standard's own libraries", async () => {
  const secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
  const example = { id: "msg_p5jXN8AQM9LWM0D4loKWxJek", body: '{"test": 2432232314}' };
  expect(await sign(secret, example, 1_614_265_330)).toBe("v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
});

it("posts what was signed, and takes any 2xx for a yes", async () => {
  const secret = newSecret();
  const url = await receiver((_request, response) => response.writeHead(202).end("thanks"));
  expect(await post({ url, secret }, MESSAGE, NOW)).toEqual({ kind: "answered", status: 202 });
  const [got] = received;
  if (!got) throw new Error("nothing came");
  expect(got).toMatchObject({ method: "POST", path: "/hook?of=mine", body: MESSAGE.body });
  expect(got.headers["content-type"]).toBe("application/json");
  expect(got.headers["webhook-id"]).toBe(MESSAGE.id);
  expect(got.headers["webhook-timestamp"]).toBe(String(Math.floor(NOW / 1000)));
  expect(got.headers["webhook-signature"]).toBe(signatureOf(secret, got));
  expect(got.headers["webhook-signature"]).not.toBe(signatureOf(newSecret(), got));
});

it("does not follow a redirect", async () => {
  const url = await receiver((_request, response) => response.writeHead(307, { location: "/other" }).end());
  expect(await post({ url, secret: newSecret() }, MESSAGE, NOW)).toEqual({ kind: "answered", status: 307 });
  expect(received.length).toBe(1);
});

it("hears how long to wait, and the beginning of a refusal", async () => {
  const url = await receiver((_request, response) =>
    response.writeHead(503, { "retry-after": "30" }).end("n".repeat(4096)),
  );
  expect(await post({ url, secret: newSecret() }, MESSAGE, NOW)).toEqual({
    kind: "answered",
    status: 503,
    retryAfter: "30",
    body: "n".repeat(512),
  });
});

it.each([200, 500])("reads little of an answer that does not end (%d)", async (status) => {
  const url = await receiver((_request, response) => {
    response.writeHead(status);
    const timer = setInterval(() => response.write("x".repeat(65_536)), 1);
    response.on("close", () => clearInterval(timer));
  });
  const attempt = await post({ url, secret: newSecret() }, MESSAGE, NOW);
  expect(attempt).toMatchObject({ kind: "answered", status });
  expect(attempt.kind === "answered" ? (attempt.body ?? "").length : -1).toBeLessThanOrEqual(512);
});

it("gives a receiver that is silent up in time", async () => {
  const url = await receiver(() => {});
  expect(await post({ url, secret: newSecret() }, MESSAGE, NOW, undefined, 100)).toEqual({
    kind: "timed-out",
    afterMs: 100,
  });
});

it("waits no longer for the body of a refusal", async () => {
  const stalled = async () =>
    new Response(new ReadableStream({ pull: () => new Promise(() => {}) }), { status: 500 });
  expect(await post({ url: "https://x.test/", secret: newSecret() }, MESSAGE, NOW, stalled, 100)).toEqual({
    kind: "answered",
    status: 500,
  });
});

it("says that nobody is there", async () => {
  const url = await receiver(() => {});
  await new Promise((resolve) => server?.close(resolve));
  server = undefined;
  expect(await post({ url, secret: newSecret() }, MESSAGE, NOW)).toMatchObject({ kind: "unreachable" });
});
