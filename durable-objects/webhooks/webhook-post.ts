/**
 * One attempt to deliver one webhook: signed as Standard Webhooks 1.0.0 says, one POST, one answer.
 * Not when to try: that is the outbox's. Used by it and by the operator's test.
 */
import type { Attempt } from "../core/webhooks/webhook-retry.ts";

/** How long a receiver may take to answer. */
const POST_TIMEOUT_MS = 10_000;
/** As much of an answer as is read. */
const MAX_BODY_BYTES = 512;
const SECRET_PREFIX = "whsec_";
const SECRET_BYTES = 32;

/** What is posted; `body` is signed as it stands. */
export interface Message {
  readonly id: string;
  readonly body: string;
}

/** Where to, and with which secret. */
export interface Receiver {
  readonly url: string;
  readonly secret: string;
}

/** `fetch`, or what a test has in its place. */
export type Fetch = (url: string, init: RequestInit) => Promise<Response>;

/** A fresh signing secret: 256 random bits, base64 behind the standard's prefix. */
export const newSecret = (): string =>
  SECRET_PREFIX + btoa(String.fromCharCode(...crypto.getRandomValues(new Uint8Array(SECRET_BYTES))));

/** `webhook-signature` of a message that is sent at `seconds` since 1970. */
export async function sign(secret: string, { id, body }: Message, seconds: number): Promise<string> {
  const raw = Uint8Array.from(atob(secret.slice(SECRET_PREFIX.length)), (letter) => letter.charCodeAt(0));
  const key = await crypto.subtle.importKey("raw", raw, { name: "HMAC", hash: "SHA-256" }, false, ["sign"]);
  const signed = await crypto.subtle.sign("HMAC", key, new TextEncoder().encode(`${id}.${seconds}.${body}`));
  return `v1,${btoa(String.fromCharCode(...new Uint8Array(signed)))}`;
}

/** Post a message once. Never throws. `now` is in milliseconds since 1970. */
export async function post(
  receiver: Receiver,
  message: Message,
  now: number,
  fetchOnce: Fetch = (url, init) => fetch(url, init),
  timeoutMs: number = POST_TIMEOUT_MS,
): Promise<Attempt> {
  const seconds = Math.floor(now / 1000);
  // Not AbortSignal.timeout: its timer would keep the object from resting for as long, whatever the answer.
  const deadline = new AbortController();
  const { signal } = deadline;
  const timer = setTimeout(() => deadline.abort(), timeoutMs);
  try {
    const answer = await fetchOnce(receiver.url, {
      method: "POST",
      body: message.body,
      headers: {
        "content-type": "application/json",
        "user-agent": "Millrace-Webhooks",
        "webhook-id": message.id,
        "webhook-timestamp": String(seconds),
        "webhook-signature": await sign(receiver.secret, message, seconds),
      },
      redirect: "manual",
      signal,
    });
    const retryAfter = answer.headers.get("retry-after");
    const body = await beginningOf(answer, signal);
    return {
      kind: "answered",
      status: answer.status,
      ...(retryAfter !== null && { retryAfter }),
      ...(body !== "" && { body }),
    };
  } catch (error) {
    if (signal.aborted) return { kind: "timed-out", afterMs: timeoutMs };
    return { kind: "unreachable", why: error instanceof Error ? error.message : String(error) };
  } finally {
    clearTimeout(timer);
  }
}

/** The first bytes of a refusal as text; the rest, and all of a success, is left unread. */
async function beginningOf(answer: Response, signal: AbortSignal): Promise<string> {
  const reader = answer.body?.getReader();
  if (!reader) return "";
  // Headers without a body that follows: the one reading must end, or nothing is ever sent to anyone again.
  signal.addEventListener("abort", () => void reader.cancel().catch(() => {}));
  try {
    if (answer.ok) return "";
    const { value } = await reader.read();
    return value ? new TextDecoder().decode(value.subarray(0, MAX_BODY_BYTES)) : "";
  } catch {
    // The status was the answer.
    return "";
  } finally {
    // Not awaited: a receiver that goes on sending is not waited for.
    void reader.cancel().catch(() => {});
  }
}
