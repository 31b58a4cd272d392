/** Origin's routes for webhooks: what is made, what is refused, and the test event. */
import { env } from "cloudflare:workers";
import { beforeEach, describe, expect, it, vi } from "vitest";
import { listWebhooks, MAX_WEBHOOKS } from "../../durable-objects/webhooks/webhook-endpoints.ts";
import type { WebhookWithSecret } from "../../wire/webhooks.ts";
import { webhooksAdmin } from "../../workers/origin/webhooks.ts";
import { json } from "./encoder.ts";
import { isSigned, webhook } from "./webhook-bench.ts";

/** Ask the routes as if the admin token had been checked. */
const api = async (path: string, init?: RequestInit): Promise<Response> =>
  webhooksAdmin.request(path, init, env);
const create = (body: unknown) => api("/", json("POST", body));

beforeEach(() => env.DB.exec("DELETE FROM webhooks"));

describe("the operator's API", () => {
  it("makes a webhook, shows its secret once, lists and removes it", async () => {
    const body = {
      url: "https://receiver.test/hook",
      streams: ["radio", "radio"],
      events: ["broadcast.ended"],
    };
    const answer = await create(body);
    expect(answer.status).toBe(201);
    expect(answer.headers.get("cache-control")).toBe("no-store");
    const { secret, ...record } = await answer.json<WebhookWithSecret>();
    expect(secret).toMatch(/^whsec_[A-Za-z0-9+/]{43}=$/);
    expect(record).toMatchObject({ url: body.url, streams: ["radio"], events: body.events, lost: 0 });
    expect(await (await api("/")).json()).toEqual({ webhooks: [record] });
    const remove = () => api(`/${record.id}`, { method: "DELETE" });
    expect(await (await remove()).json()).toEqual({ id: record.id, removed: true });
    expect((await remove()).status).toBe(404);
    expect(await listWebhooks(env.DB)).toEqual([]);
  });

  it.each([
    ["no URL", {}],
    ["no real URL", { url: "receiver.test/hook" }],
    ["http to the world", { url: "http://receiver.test/hook" }],
    ["http to what only looks private", { url: "http://10.0.0.1.receiver.test/" }],
    ["http to a public address", { url: "http://172.32.0.1/" }],
    ["another protocol", { url: "ftp://receiver.test/hook" }],
    ["a user", { url: "https://me:secret@receiver.test/hook" }],
    ["a fragment", { url: "https://receiver.test/#hook" }],
    ["a long URL", { url: `https://receiver.test/${"x".repeat(2048)}` }],
    ["an unknown event", { url: "https://receiver.test/", events: ["broadcast.paused"] }],
    ["a bad stream", { url: "https://receiver.test/", streams: ["No/Good"] }],
    ["no list of streams", { url: "https://receiver.test/", streams: "radio" }],
  ])("refuses %s", async (_what, body) => {
    const answer = await create(body);
    expect(answer.status).toBe(400);
    expect(await answer.json()).toMatchObject({ type: "urn:millrace:problem:malformed" });
    expect(await listWebhooks(env.DB)).toEqual([]);
  });

  it.each([
    "http://localhost:8080/hook",
    "http://127.0.0.1/hook",
    "http://0x7f.1/hook",
    "http://[::1]:8080/hook",
    "http://192.168.1.2/hook",
    "http://172.16.0.1/hook",
    "http://[fd00::1]/hook",
    "http://studio.local/hook",
    "https://10.0.0.1/hook",
  ])("takes %s", async (url) => {
    expect((await create({ url })).status).toBe(201);
  });

  it("has room for so many and no more", async () => {
    for (let i = 0; i < MAX_WEBHOOKS; i += 1) await webhook();
    const answer = await create({ url: "https://receiver.test/" });
    expect(answer.status).toBe(409);
    expect(await answer.json()).toMatchObject({
      type: "urn:millrace:problem:too-many-webhooks",
      limit: MAX_WEBHOOKS,
    });
  });

  it.each([
    ["takes it", () => new Response("fine"), { delivered: true, status: 200, words: "answered 200" }],
    [
      "refuses it",
      () => new Response("who are you?", { status: 401 }),
      { delivered: false, status: 401, words: "answered 401", body: "who are you?" },
    ],
  ] as const)("sends a test event to a receiver that %s", async (_what, answer, expected) => {
    const { id, secret } = await webhook({ events: ["broadcast.ended"] });
    const posted: { url: string; init: RequestInit }[] = [];
    vi.spyOn(globalThis, "fetch").mockImplementation(async (url, init) => {
      posted.push({ url: String(url), init: init ?? {} });
      return answer();
    });
    const response = await api(`/${id}/test`, { method: "POST" });
    vi.restoreAllMocks();
    expect(response.status).toBe(200);
    const tested = await response.json<{ message: string }>();
    expect(tested).toMatchObject(expected);
    expect(posted.length).toBe(1);
    const [{ url, init } = { url: "", init: {} }] = posted;
    expect(url).toBe("https://receiver.test/hook");
    const body = String(init.body);
    expect(JSON.parse(body)).toMatchObject({ type: "webhook.test", data: { webhook: id } });
    const got = { url, headers: new Headers(init.headers), body, event: JSON.parse(body) };
    expect(await isSigned(got, secret)).toBe(true);
    expect(got.headers.get("webhook-id")).toBe(tested.message);
  });

  it("tests nothing that is not there", async () => {
    const answer = await api("/wh_none/test", { method: "POST" });
    expect(answer.status).toBe(404);
    expect(await answer.json()).toMatchObject({ type: "urn:millrace:problem:unknown-webhook" });
  });
});
