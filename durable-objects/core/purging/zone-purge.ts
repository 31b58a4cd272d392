/**
 * Purging Cloudflare's own cache of the zone: what a call names, when the next one may be made, and what an answer means.
 * Pure. Who calls is durable-objects/purging/zone-purge.ts. Nothing relies on this cache: edges go by generations.
 */
import * as v from "valibot";
import { streamOfBroadcast } from "../../../media/address.ts";
import { parseJson } from "../../../wire/parse.ts";
import type { PurgeRecord } from "../../../wire/purge.ts";
import { EVERYTHING } from "../../../wire/purge-prefix.ts";
import { backoffMs } from "../backoff.ts";

/** Prefixes of one call (Cloudflare: "Purge cache by prefix"). */
const MAX_CALL_PREFIXES = 30;
/** A zone on any plan may be called five times a minute. */
const CALLS = 5;
const CALLS_MS = 60_000;
/** Broadcasts that are named for a stream: the newest. */
export const MAX_BROADCASTS = 50;
/** After this long a call is given up. */
export const GIVE_UP_MS = 24 * 3_600_000;

/** The host that prefixes begin with, from what somebody wrote for it: perhaps a whole URL. `undefined`: there is none in it. */
export function hostOf(text: string): string | undefined {
  const [, host] = /^(?:https?:\/\/)?([a-z0-9.-]+(?::[0-9]{1,5})?)(?:\/|$)/i.exec(text.trim()) ?? [];
  return host?.toLowerCase();
}

/** What the zone is yet to be told of a purge. */
export interface ZoneWork {
  readonly state: "waiting" | "done" | "failed";
  readonly attempts: number;
  readonly error?: string;
  /** Since when it waits, milliseconds since 1970. */
  readonly since: number;
  /** Scopes of which it is not known yet what they are called in the zone. */
  readonly scopes: readonly string[];
  /** As Cloudflare wants them: host and path, without a slash at the end. `EVERYTHING` is everything. */
  readonly prefixes: readonly string[];
  /** All prefixes that there were when it was named: what is removed cannot be named again. */
  readonly named: readonly string[];
}

/** A purge that the zone has not been told of. */
export const zoneWork = (scopes: readonly string[], now: number): ZoneWork => ({
  state: "waiting",
  attempts: 0,
  since: now,
  scopes,
  prefixes: [],
  named: [],
});

/** The zone is to be told of it once more. */
export const again = (work: ZoneWork, now: number): ZoneWork => {
  const { error: _error, ...rest } = work;
  return { ...rest, state: "waiting", since: now, prefixes: work.named };
};

/** The stream whose broadcasts must be known to name a scope. */
export function streamToList(scope: string): string | undefined {
  const [, root, stream, rendition] = scope.split("/");
  return root === "live" && rendition !== "index.m3u8" && scope.endsWith("/") ? stream : undefined;
}

/**
 * A scope as prefixes of the zone. Sessions cannot be named, so a rendition of a stream takes all media of its broadcasts
 * along: more than was asked. Broadcasts that are not given, which are those before the newest `MAX_BROADCASTS`, are left
 * out: that is less, and what the zone has of them goes when it is too old.
 */
export function zonePrefixes(scope: string, host: string, broadcasts: readonly string[]): readonly string[] {
  if (scope === EVERYTHING) return [EVERYTHING];
  const [, root, first = "", second] = scope.split("/");
  const named = (path: string) => host + path.replace(/\/$/, "");
  if (root === "media") {
    const stream = streamOfBroadcast(first);
    return [named(scope), ...(stream === undefined ? [] : [named(`/live/${stream}`)])];
  }
  if (second === "index.m3u8") return [named(`/live/${first}`)];
  return [named(scope), ...broadcasts.map((broadcast) => named(`/media/${broadcast}`))];
}

/** A purge and what it still waits for. */
export interface Waiting {
  readonly number: number;
  readonly soft: boolean;
  readonly zone: ZoneWork;
}

/** One call, and what each purge has left when it is through. */
export interface Batch {
  readonly soft: boolean;
  readonly body: { readonly prefixes: readonly string[] } | { readonly purge_everything: true };
  /** By the purge's number. */
  readonly left: ReadonlyMap<number, readonly string[]>;
}

/** The next call for the purges that wait, oldest first: those like the first one go together. */
export function nextBatch(waiting: readonly Waiting[]): Batch | undefined {
  const [first] = waiting;
  if (!first) return undefined;
  const alike = waiting.filter(({ soft }) => soft === first.soft);
  const all = alike.findLast(({ zone }) => zone.prefixes.includes(EVERYTHING));
  if (all) {
    const left = alike
      .filter(({ number }) => number <= all.number)
      .map(({ number }) => [number, []] as const);
    return { soft: first.soft, body: { purge_everything: true }, left: new Map(left) };
  }
  const named = new Set<string>();
  const left = new Map<number, readonly string[]>();
  for (const { number, zone } of alike) {
    for (const prefix of zone.prefixes) if (named.size < MAX_CALL_PREFIXES) named.add(prefix);
    const rest = zone.prefixes.filter((prefix) => !named.has(prefix));
    if (rest.length < zone.prefixes.length || rest.length === 0) left.set(number, rest);
  }
  return { soft: first.soft, body: { prefixes: [...named] }, left };
}

/** How calls of the zone went; times in milliseconds since 1970. */
export interface Pace {
  /** When the last ones were made, oldest first. */
  readonly calls: readonly number[];
  /** Calls that failed in a row. */
  readonly failures: number;
  /** No call before this, whatever else is allowed. */
  readonly notBefore: number;
}
/** Nothing was called yet. */
export const RESTED: Pace = { calls: [], failures: 0, notBefore: 0 };

/** When the next call may be made. What lies further ahead than it can was written by a clock that went back since. */
export function mayCallAt({ calls, notBefore }: Pace, now: number): number {
  const fifth = calls.filter((at) => at <= now).at(-CALLS);
  return Math.max(
    notBefore > now + LONGEST_WAIT_MS ? 0 : notBefore,
    fifth === undefined ? 0 : fifth + CALLS_MS,
  );
}

/** A call is made now. */
export const withCall = (pace: Pace, now: number): Pace => ({
  ...pace,
  calls: [...pace.calls, now].slice(-CALLS),
});

/** What the call came to. */
export function withAnswer(pace: Pace, answer: ZoneAnswer, verdict: ZoneVerdict, now: number): Pace {
  if (verdict.is !== "failed") return { ...pace, failures: 0, notBefore: 0 };
  const failures = pace.failures + 1;
  return { ...pace, failures, notBefore: now + zoneWaitMs(failures, answer, now) };
}

/** What came of one call. */
export type ZoneAnswer =
  | {
      readonly kind: "answered";
      readonly status: number;
      readonly retryAfter?: string;
      readonly body: string;
    }
  | { readonly kind: "unreachable"; readonly why: string };

/** `failed`: worth another try. `refused`: never. */
export type ZoneVerdict =
  | { readonly is: "done" }
  | { readonly is: "failed" | "refused"; readonly error: string };

const AnswerSchema = v.object({
  success: v.boolean(),
  errors: v.optional(v.array(v.object({ code: v.number(), message: v.string() })), []),
});

/** What an answer means. */
export function judgeZone(answer: ZoneAnswer): ZoneVerdict {
  if (answer.kind === "unreachable")
    return { is: "failed", error: `Cloudflare was not reached: ${answer.why}` };
  const { status, body } = answer;
  const parsed = parseJson(AnswerSchema, body);
  const isSuccess = status >= 200 && status < 300;
  if (isSuccess && parsed.ok && parsed.value.success) return { is: "done" };
  const reasons = parsed.ok ? parsed.value.errors.map(({ code, message }) => `${message} (${code})`) : [];
  const words = reasons.length > 0 ? `: ${reasons.join("; ").slice(0, 300)}` : "";
  const error = `Cloudflare answered ${status}${words}`;
  const isOurs = status >= 400 && status < 500 && status !== 429 && status !== 408;
  return { is: isOurs || (isSuccess && parsed.ok) ? "refused" : "failed", error };
}

const LONGEST_WAIT_MS = 3_600_000;

/** How long to wait after as many failures in a row, the last of them with this answer. */
function zoneWaitMs(failures: number, answer: ZoneAnswer, now: number): number {
  const backoff = backoffMs(failures, LONGEST_WAIT_MS);
  const header = answer.kind === "answered" ? answer.retryAfter : undefined;
  if (header === undefined) return backoff;
  const asked = /^\d{1,9}$/.test(header) ? Number(header) * 1000 : Date.parse(header) - now;
  // Whatever is asked for: what waits is not to be given up for it, and what comes later not to wait with it.
  return Number.isFinite(asked) ? Math.min(Math.max(backoff, asked), LONGEST_WAIT_MS) : backoff;
}

/** What the operator is told. */
export const zoneProgress = ({
  state,
  attempts,
  error,
}: ZoneWork): Exclude<PurgeRecord["zone"], undefined> => ({
  state,
  attempts,
  ...(error !== undefined && { error }),
});
