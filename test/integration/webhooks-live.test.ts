/** Webhooks of a real LiveStream: a show from its first segment to its end, told through the ingest API alone. */
import { evictDurableObject, runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, expect, it, vi } from "vitest";
import type { BroadcastEvent, WebhookWithSecret } from "../../wire/webhooks.ts";
import { ADMIN, createStream, Encoder, json, origin } from "./encoder.ts";

/** Make a webhook for a stream by the API, and collect what it is sent from now on. */
async function listen(stream: string, answer: () => Response = () => new Response(null, { status: 204 })) {
  const body = { url: "https://receiver.test/hook", streams: [stream] };
  const made = await origin("/admin/webhooks", json("POST", body, ADMIN));
  const { id } = await made.json<WebhookWithSecret>();
  const got: { readonly id: string | null; readonly event: BroadcastEvent }[] = [];
  vi.spyOn(globalThis, "fetch").mockImplementation(async (_url, init) => {
    got.push({ id: new Headers(init?.headers).get("webhook-id"), event: JSON.parse(String(init?.body)) });
    return answer();
  });
  const names = () => got.map(({ event }) => event.type.replace("broadcast.", ""));
  return {
    id,
    got,
    told: (expected: readonly string[]) => vi.waitFor(() => expect(names()).toEqual(expected)),
  };
}

afterEach(() => vi.restoreAllMocks());

it("tells a show as it goes, and nothing twice", async () => {
  const key = await createStream("hooks-live");
  const { got, told } = await listen("hooks-live");
  const first = await Encoder.open(key);
  await told([]);
  await first.pushSegment();
  await told(["started"]);
  await first.close();
  await told(["started", "interrupted"]);
  const second = await Encoder.open(key);
  await second.pushSegment();
  await told(["started", "interrupted", "resumed"]);
  await evictDurableObject(env.LIVE_STREAM.getByName("hooks-live"));
  await second.close("broadcast");
  await runDurableObjectAlarm(env.LIVE_STREAM.getByName("hooks-live"));
  await runDurableObjectAlarm(env.LIVE_STREAM.getByName("hooks-live"));
  await told(["started", "interrupted", "resumed", "ended"]);
  expect(got.map(({ event }) => event.data.broadcast)).toEqual(Array(4).fill(first.grant.broadcast));
  expect(got.map(({ event }) => event.data.session)).toEqual([1, 1, 2, 2]);
});

it("tells of silence by the alarm alone", async () => {
  const key = await createStream("hooks-silent");
  const { told } = await listen("hooks-silent");
  const encoder = await Encoder.open(key);
  await encoder.pushSegment();
  await told(["started"]);
  const stub = env.LIVE_STREAM.getByName("hooks-silent");
  await runInDurableObject(stub, (_object, { storage }) => {
    const live = storage.kv.get<{ session: { lastHeardAt: number } }>("live");
    if (!live) throw new Error("nothing is live");
    const session = { ...live.session, lastHeardAt: live.session.lastHeardAt - 11_000 };
    storage.kv.put("live", { ...live, session });
  });
  await evictDurableObject(stub);
  await runDurableObjectAlarm(stub);
  await told(["started", "interrupted"]);
});

it("tells that an encoder came and was never seen", async () => {
  const key = await createStream("hooks-failed", { reconnectSeconds: 0 });
  const { told } = await listen("hooks-failed");
  const encoder = await Encoder.open(key);
  await encoder.close("broadcast");
  await told(["failed"]);
});

it("tries again by the alarm, also after the broadcast is over and the object was away", async () => {
  const key = await createStream("hooks-retry");
  let status = 500;
  const { got } = await listen("hooks-retry", () => new Response(null, { status }));
  const encoder = await Encoder.open(key);
  await encoder.pushSegment();
  await encoder.close("broadcast");
  await vi.waitFor(() => expect(got.length).toBeGreaterThan(0));
  await evictDurableObject(env.LIVE_STREAM.getByName("hooks-retry"));
  status = 200;
  // Nobody asks the object for anything: its alarm comes five seconds after the first attempt.
  const last = () => got.at(-1)?.event.type;
  await vi.waitFor(() => expect(last()).toBe("broadcast.ended"), { timeout: 20_000, interval: 100 });
  const started = got.filter(({ event }) => event.type === "broadcast.started");
  expect(started.length).toBeGreaterThan(1);
  expect(new Set(started.map(({ id }) => id)).size).toBe(1);
});
