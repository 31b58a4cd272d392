/** A receiver of webhooks for tests in workerd: an outbox on a real LiveStream's storage, a made-up clock, and what came. */
import { runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import type { Live } from "../../durable-objects/core/live.ts";
import { createWebhook, listWebhooks } from "../../durable-objects/webhooks/webhook-endpoints.ts";
import { WebhookOutbox } from "../../durable-objects/webhooks/webhook-outbox.ts";
import { type Fetch, newSecret } from "../../durable-objects/webhooks/webhook-post.ts";
import type { BroadcastEvent, CreateWebhook, WebhookRecord, WebhookWithSecret } from "../../wire/webhooks.ts";

/** One stream's outbox, its clock, and the receiver that it talks to. */
export interface Bench {
  readonly outbox: WebhookOutbox;
  readonly storage: DurableObjectStorage;
  /** Another object on the same storage, as after an eviction. */
  readonly restarted: () => WebhookOutbox;
  /** Milliseconds since 1970; tests move it. */
  now: number;
  /** What the receiver got, in order. */
  readonly got: Got[];
  /** How the receiver answers; tests replace it. */
  answer: (got: Got) => Response | Promise<Response>;
}
export interface Got {
  readonly url: string;
  readonly headers: Headers;
  readonly body: string;
  readonly event: BroadcastEvent;
  /** Aborted when the receiver took too long. */
  readonly signal?: AbortSignal | null | undefined;
}

/** Run a test on the storage of a stream's object that no encoder ever opened. */
export function onStream(stream: string, test: (bench: Bench) => Promise<void>): Promise<void> {
  return runInDurableObject(env.LIVE_STREAM.getByName(stream), async (_object, { storage }) => {
    const fetch: Fetch = async (url, init) => {
      const body = String(init.body);
      const event: BroadcastEvent = JSON.parse(body);
      const got = { url, headers: new Headers(init.headers), body, event, signal: init.signal };
      bench.got.push(got);
      return bench.answer(got);
    };
    const restarted = () =>
      new WebhookOutbox(storage, env.DB, { fetch, now: () => bench.now, random: () => 0.5, timeoutMs: 200 });
    const bench: Bench = {
      outbox: restarted(),
      storage,
      restarted,
      now: Date.UTC(2026, 10, 21),
      got: [],
      answer: () => new Response(null, { status: 204 }),
    };
    await test(bench);
  });
}

/** A broadcast that began at `at`, and is shown. */
export const liveOf = (stream: string, at: number): Live => ({
  broadcast: `${stream}-x`,
  settings: { id: stream, profile: "low", reconnectSeconds: 60, standby: "cold" },
  startedAt: at,
  session: { ordinal: 1, lease: "secret", lastHeardAt: at },
  visible: true,
});

/** Make a webhook; without filters unless they are given. */
export async function webhook(wanted: Partial<CreateWebhook> = {}): Promise<WebhookWithSecret> {
  const secret = newSecret();
  const whole = { url: "https://receiver.test/hook", streams: [], events: [], ...wanted };
  const made = await createWebhook(env.DB, whole, secret, new Date());
  if (!made) throw new Error("too many");
  return { ...made, secret };
}

/** A webhook as the operator sees it. */
export const listed = async (id: string): Promise<WebhookRecord | undefined> =>
  (await listWebhooks(env.DB)).find((record) => record.id === id);

/** Is a delivery signed as Standard Webhooks says? Checked by WebCrypto's verify, not by our own signing. */
export async function isSigned({ headers, body }: Got, secret: string): Promise<boolean> {
  const decode = (text: string) => Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  const algorithm = { name: "HMAC", hash: "SHA-256" };
  const key = await crypto.subtle.importKey("raw", decode(secret.slice(6)), algorithm, false, ["verify"]);
  const signed = `${headers.get("webhook-id")}.${headers.get("webhook-timestamp")}.${body}`;
  const [version, signature = ""] = (headers.get("webhook-signature") ?? "").split(",");
  if (version !== "v1") return false;
  return crypto.subtle.verify("HMAC", key, decode(signature), new TextEncoder().encode(signed));
}
