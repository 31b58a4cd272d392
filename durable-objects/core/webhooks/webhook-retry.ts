/** What an attempt to deliver a webhook means, when to try again, and when to give up. Pure. */

/** How long an event is worth trying, and how long a receiver may be away before it misses one. */
export const GIVE_UP_MS = 24 * 60 * 60_000;
/** Waits after a failed attempt; the last one repeats. They add up to about a day. */
const WAITS_MS = [5, 20, 80, 300, 1_200, 3_600, 3 * 3_600, 6 * 3_600].map((seconds) => seconds * 1000);
/** A wait is this much longer or shorter by chance, so that receivers are not met by every stream at once. */
const JITTER = 0.2;
/** A new event makes the next attempt come this soon after the last one. */
const EAGER_MS = 60_000;
/** A receiver that asks for patience gets it up to here. */
const MAX_RETRY_AFTER_MS = 6 * 60 * 60_000;

/** What came of one attempt. */
export type Attempt =
  | {
      readonly kind: "answered";
      readonly status: number;
      readonly retryAfter?: string;
      readonly body?: string;
    }
  | { readonly kind: "timed-out"; readonly afterMs: number }
  | { readonly kind: "unreachable"; readonly why: string };

/** What an attempt was: through, refused for good (410), or worth another. */
export type Verdict = "delivered" | "gone" | "failed";

/** Success is any 2xx. A redirect is a failure: the operator should know the new address. */
export function judge(attempt: Attempt): Verdict {
  if (attempt.kind !== "answered") return "failed";
  if (attempt.status >= 200 && attempt.status < 300) return "delivered";
  return attempt.status === 410 ? "gone" : "failed";
}

/** An attempt in words, for the operator. */
export function attemptWords(attempt: Attempt): string {
  switch (attempt.kind) {
    case "timed-out":
      return `no answer within ${attempt.afterMs / 1000} s`;
    case "unreachable":
      return `not reached (${attempt.why})`;
    case "answered": {
      const { status } = attempt;
      if (status >= 300 && status < 400) return `answered ${status}, and redirects are not followed`;
      return status === 410 ? "answered 410 Gone, which disables the webhook" : `answered ${status}`;
    }
  }
}

/** How the deliveries of one stream to one receiver do, head of the queue first. */
export interface Failing {
  /** Attempts that failed since the last success, this one included. */
  readonly failures: number;
  /** When the first of them was made, milliseconds since 1970. */
  readonly since: number;
}

/** When to try again, milliseconds since 1970. */
export interface Retry {
  readonly dueAt: number;
  /** Not before this even if another event comes: that is a reason to try sooner than `dueAt`. */
  readonly eagerAt: number;
}

/** When to try again after a failed attempt made at `now`. `random` is in [0, 1). */
export function retry({ failures }: Failing, attempt: Attempt, now: number, random: number): Retry {
  const wait = WAITS_MS[Math.min(failures, WAITS_MS.length) - 1] ?? 0;
  const jittered = wait * (1 - JITTER + 2 * JITTER * random);
  const asked = attempt.kind === "answered" ? retryAfterMs(attempt.retryAfter, now) : 0;
  const dueAt = Math.round(now + Math.max(jittered, asked));
  return { dueAt, eagerAt: Math.min(dueAt, now + Math.max(EAGER_MS, asked)) };
}

/**
 * Is an event that happened at `at` given up rather than tried again at `next`? Its day begins with the first failed
 * attempt, so that one failure does not cost an event that waited for our own side.
 */
export const isGivenUp = (at: number, { since }: Failing, next: number): boolean =>
  next > Math.max(at, since) + GIVE_UP_MS;

/** `Retry-After` (RFC 9110 10.2.3), seconds or a date; 0 when it says nothing. */
export function retryAfterMs(header: string | undefined, now: number): number {
  if (header === undefined) return 0;
  const ms = /^\d{1,9}$/.test(header) ? Number(header) * 1000 : Date.parse(header) - now;
  return Number.isFinite(ms) ? Math.min(Math.max(ms, 0), MAX_RETRY_AFTER_MS) : 0;
}
