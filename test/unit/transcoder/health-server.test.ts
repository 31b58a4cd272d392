import { connect } from "node:net";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { unreadiness } from "../../../transcoder/core/admission.ts";
import { type HealthServer, startHealthServer } from "../../../transcoder/health-server.ts";

const host = "127.0.0.1";
let server: HealthServer;
let reasons: readonly string[] = [];
let metricsText: () => Promise<string>;

beforeEach(async () => {
  reasons = [];
  metricsText = async () => "up 1\n";
  server = await startHealthServer({
    host,
    port: 0,
    ready: () => reasons,
    metrics: { contentType: "text/plain; version=0.0.4", text: () => metricsText() },
  });
});
afterEach(() => server.close());

const ask = (path: string, method = "GET") => fetch(`http://${host}:${server.port}${path}`, { method });

/** Send bytes as they are; resolves with all that came back once the server has closed. */
const raw = (bytes: string) =>
  new Promise<string>((resolve) => {
    let text = "";
    const socket = connect(server.port, host, () => socket.write(bytes));
    socket.on("data", (chunk) => {
      text += chunk;
    });
    socket.on("error", () => {});
    socket.on("close", () => resolve(text));
  });

it("is well", async () => {
  const response = await ask("/healthz");
  expect(response.status).toBe(200);
  expect(response.headers.get("cache-control")).toBe("no-store");
  expect(await response.text()).toBe("ok\n");
});

it("is ready, until there is a reason against it", async () => {
  expect((await ask("/readyz?verbose")).status).toBe(200);
  reasons = ["draining", "all 8 slots are taken"];
  const response = await ask("/readyz");
  expect(response.status).toBe(503);
  expect(response.headers.get("content-type")).toBe("application/problem+json");
  expect(await response.json()).toMatchObject({
    type: "urn:millrace:problem:not-ready",
    status: 503,
    reasons,
  });
  expect((await ask("/healthz")).status, "alive all the same").toBe(200);
});

it("says in words why it takes no encoders", async () => {
  reasons = unreadiness({ slots: 2, encoders: 2, draining: true, stopping: false });
  expect(await (await ask("/readyz")).json()).toMatchObject({
    reasons: ["The transcoder is being drained (2 encoders left).", "All 2 slots are taken."],
  });
});

it("shows the metrics in their own type", async () => {
  const response = await ask("/metrics");
  expect(response.headers.get("content-type")).toBe("text/plain; version=0.0.4");
  expect(await response.text()).toBe("up 1\n");
});

it("answers HEAD with the length and without the body", async () => {
  const answer = await raw("HEAD /metrics HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n");
  expect(answer).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
  expect(answer.toLowerCase()).toContain("content-length: 5\r\n");
  expect(answer).toMatch(/\r\n\r\n$/);
});

it.each([
  ["GET", "/", 404],
  ["GET", "/metrics/", 404],
  ["GET", "//healthz", 404],
  ["POST", "/other", 404],
  ["POST", "/readyz", 405],
  ["DELETE", "/metrics", 405],
])("answers %s %s with %i", async (method, path, status) => {
  const response = await ask(path, method);
  expect(response.status).toBe(status);
  expect(await response.json()).toMatchObject({ status });
  expect(response.headers.get("allow")).toBe(status === 405 ? "GET, HEAD" : null);
});

it("says nothing of what went wrong inside", async () => {
  metricsText = () => Promise.reject(new Error("secret"));
  const response = await ask("/metrics");
  expect(response.status).toBe(500);
  expect(await response.text()).not.toContain("secret");
});

describe("a client that misbehaves", () => {
  it("is not read past 8 KiB of headers", async () => {
    expect(await raw(`GET /healthz HTTP/1.1\r\nhost: x\r\nx: ${"y".repeat(9_000)}\r\n\r\n`)).toMatch(
      /^HTTP\/1\.1 431 /,
    );
  });

  it("is told that it speaks no HTTP", async () => {
    expect(await raw("\u0003nonsense\r\n\r\n")).toMatch(/^HTTP\/1\.1 400 /);
  });

  it("is not waited for when its headers do not come", { timeout: 15_000 }, async () => {
    expect(await raw("GET /healthz HTTP/1.1\r\nhost: x\r\n")).toMatch(/^HTTP\/1\.1 408 /);
  });

  it("does not keep the server from closing", async () => {
    const waiting = raw("GET /healthz HTTP/1.1\r\nhost: x\r\n");
    await ask("/healthz");
    await server.close();
    expect(await waiting).toBe("");
    await expect(ask("/healthz")).rejects.toThrow();
  });
});

it("rejects when its port is taken", async () => {
  const second = startHealthServer({
    host,
    port: server.port,
    ready: () => [],
    metrics: { contentType: "text/plain", text: async () => "" },
  });
  await expect(second).rejects.toMatchObject({ code: "EADDRINUSE" });
});
