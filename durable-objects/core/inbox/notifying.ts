/** What of a delivery somebody is notified of, what the push service is told of it, and what its answers mean (RFC 8030). Pure. */
import type { InboxEvent, Notification } from "../../../wire/inbox.ts";
import { bytesOf } from "../chat/judge.ts";
import { excerpt } from "../chat/text.ts";
import { type Attempt, retryAfterMs } from "../webhooks/webhook-retry.ts";

/** A push service takes 4,096 bytes, encrypted; some of them less. */
export const MAX_PAYLOAD_BYTES = 3_000;
const MAX_TITLE_LETTERS = 100;
const MAX_BODY_LETTERS = 1_000;
/** How long a notification is worth trying: later it is no news. */
const GIVE_UP_MS = 60 * 60_000;
const WAITS_MS = [5, 30, 120, 600, 1_200].map((seconds) => seconds * 1000);
/** A wait is this much longer by chance at most. */
const JITTER = 0.2;

/** Who wrote the message that a notification is about, when it is among what is new. */
export function authorOf({ id }: Notification, news: readonly InboxEvent[]): string | undefined {
  const about = news.find((event) => event.type === "message" && event.message.id === id);
  return about?.type === "message" ? about.message.user : undefined;
}

/** JSON text of a notification, its words cut so that it fits. */
export function payloadOf(notification: Notification): string {
  const title = excerpt(notification.title, MAX_TITLE_LETTERS);
  const textWith = (body: string): string => JSON.stringify({ ...notification, title, body });
  const left = MAX_PAYLOAD_BYTES - bytesOf(textWith("…"));
  const body = excerpt(notification.body, MAX_BODY_LETTERS);
  let end = 0;
  let bytes = 0;
  for (const letter of body) {
    bytes += bytesOf(JSON.stringify(letter)) - 2;
    if (bytes > left) return textWith(`${body.slice(0, end).trimEnd()}…`);
    end += letter.length;
  }
  return textWith(body);
}

/** What became of an attempt: through, the subscription is no more, refused like this for ever, or worth another. */
export type PushVerdict = "delivered" | "gone" | "refused" | "later";

/** A redirect is a refusal: it would lead where nobody looked. */
export function verdictOf(attempt: Attempt): PushVerdict {
  if (attempt.kind !== "answered") return "later";
  const { status } = attempt;
  if (status >= 200 && status < 300) return "delivered";
  if (status === 404 || status === 410) return "gone";
  return status === 429 || status >= 500 ? "later" : "refused";
}

/**
 * When to try again after an attempt at `now` that was the `attempts`-th, for a notification of `at`; `undefined`: no more. `random`
 * is in [0, 1).
 */
export function retryAt(
  { attempts, at }: { readonly attempts: number; readonly at: number },
  attempt: Attempt,
  now: number,
  random: number,
): number | undefined {
  const wait = (WAITS_MS[Math.min(attempts, WAITS_MS.length) - 1] ?? 0) * (1 + JITTER * random);
  const asked = attempt.kind === "answered" ? retryAfterMs(attempt.retryAfter, now) : 0;
  const next = Math.round(now + Math.max(wait, asked));
  return next > at + GIVE_UP_MS ? undefined : next;
}
