/**
 * One attempt to send one notification to one device: encrypted for it (RFC 8291), signed by this server (RFC 8292), one POST, one
 * answer. Not when to try: that is push-outbox.ts's.
 */
import { encryptNotification, vapidHeaders } from "@block65/webcrypto-web-push";
import type { PushSubscription } from "../../../wire/inbox.ts";
import type { ObjectsEnv } from "../../../workers/env.ts";
import type { Attempt } from "../../core/webhooks/webhook-retry.ts";
import type { Fetch } from "../../webhooks/webhook-post.ts";

/** How long a push service may take to answer. */
const POST_TIMEOUT_MS = 10_000;
/** How long it may keep what it cannot hand on: a day. */
const TTL_SECONDS = 86_400;
/** Letters of a topic (RFC 8030 5.4). */
const TOPIC_LETTERS = 32;

/** How this server is known to push services. */
export interface Vapid {
  readonly publicKey: string;
  readonly privateKey: string;
  /** `mailto:` or `https:`: whom they write to when something is wrong. */
  readonly subject: string;
}

/** The keys that the operator has set; `undefined`: none that can be used. */
export function vapidOf(env: ObjectsEnv): Vapid | undefined {
  const { VAPID_PUBLIC_KEY: publicKey, VAPID_PRIVATE_KEY: privateKey, VAPID_SUBJECT: subject } = env;
  if (!publicKey || !privateKey || !subject) return undefined;
  const isUsable =
    /^[\w-]{87}$/.test(publicKey) && /^[\w-]{43}$/.test(privateKey) && /^(?:mailto:|https:)/.test(subject);
  if (isUsable) return { publicKey, privateKey, subject };
  console.error("VAPID_PUBLIC_KEY, VAPID_PRIVATE_KEY or VAPID_SUBJECT is none");
  return undefined;
}

/** What is sent. */
export interface Letter {
  readonly subscription: PushSubscription;
  readonly payload: string;
  /** The newest one of a room takes the place of those before it, at the push service as well. */
  readonly room: string;
  readonly urgency: "high" | "normal";
}

/** Whether something can be encrypted for a device: its key is a point of the curve, its secret as long as it has to be. */
export async function canEncrypt(subscription: PushSubscription): Promise<boolean> {
  return (await encrypt(subscription, "")) !== undefined;
}

/** Post a notification once; `undefined`: nothing can be encrypted for the device. Never throws. */
export async function postNotification(
  letter: Letter,
  vapid: Vapid,
  fetchOnce: Fetch = (url, init) => fetch(url, init),
  timeoutMs: number = POST_TIMEOUT_MS,
): Promise<Attempt | undefined> {
  const { subscription, payload, room, urgency } = letter;
  const body = await encrypt(subscription, payload);
  if (body === undefined) return undefined;
  // Not AbortSignal.timeout: its timer would keep the object from resting for as long, whatever the answer.
  const deadline = new AbortController();
  const { signal } = deadline;
  const timer = setTimeout(() => deadline.abort(), timeoutMs);
  try {
    const endpoint = secure(subscription.endpoint);
    const { headers } = await vapidHeaders({ ...subscription, endpoint, expirationTime: null }, vapid);
    const answer = await fetchOnce(subscription.endpoint, {
      method: "POST",
      body,
      headers: {
        ...headers,
        "content-type": "application/octet-stream",
        "content-encoding": "aes128gcm",
        ttl: String(TTL_SECONDS),
        urgency,
        topic: await topicOf(room),
      },
      redirect: "manual",
      signal,
    });
    const retryAfter = answer.headers.get("retry-after");
    // Not awaited: a service that goes on sending is not waited for.
    void answer.body?.cancel().catch(() => {});
    return { kind: "answered", status: answer.status, ...(retryAfter !== null && { retryAfter }) };
  } catch (error) {
    if (signal.aborted) return { kind: "timed-out", afterMs: timeoutMs };
    return { kind: "unreachable", why: error instanceof Error ? error.message : String(error) };
  } finally {
    clearTimeout(timer);
  }
}

/** Padded, so that its length says nothing. */
async function encrypt(
  { endpoint, keys }: PushSubscription,
  payload: string,
): Promise<Uint8Array<ArrayBuffer> | undefined> {
  try {
    return await encryptNotification(
      { endpoint, keys, expirationTime: null },
      new TextEncoder().encode(payload),
    );
  } catch {
    return undefined;
  }
}

/** Push services speak https; what tests and development have in their place is called as if it did. */
const secure = (endpoint: string): string => endpoint.replace(/^http:/i, "https:");

async function topicOf(room: string): Promise<string> {
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(room)));
  const base64 = btoa(String.fromCharCode(...digest));
  return base64.replaceAll("+", "-").replaceAll("/", "_").slice(0, TOPIC_LETTERS);
}
