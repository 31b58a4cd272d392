/**
 * Who may watch what: a visitor, the token in its path, and what is remembered of a stream. Pure; whose signature a token
 * has is found out in workers/watch-tokens.ts, and what a stream is in workers/edge/policies.ts.
 */
import { fail, ok, type Result } from "../../../media/result.ts";
import { isWithin } from "../../../wire/address-range.ts";
import type { WatchClaims } from "../../../wire/watch-token.ts";

/** Somebody who watches: without a token, or with one for a stream. */
export type Visitor =
  | { readonly signed: false; readonly stream?: never; readonly maxHeight?: never }
  | {
      readonly signed: true;
      readonly stream: string;
      /** Lines of the tallest picture that it may see; absent is any. */
      readonly maxHeight?: number;
    };

/** When and from where a request comes; what is not known is absent. */
export interface Circumstances {
  /** Milliseconds since 1970. */
  readonly nowMs: number;
  readonly address?: string;
  /** ISO 3166-1 alpha-2. */
  readonly country?: string;
}

/** Why a genuine token does not open: for tests and readers, never for clients. */
export type Unfit = "expired" | "not-yet" | "address" | "country";

/** What a stream is to those who come without a token; `absent`: there is none, or it is disabled. */
export type Policy = "public" | "private" | "absent";

/**
 * `forbidden`: the token is for another stream. `hidden`: to be answered exactly as a stream that does not exist.
 * `unknown`: it could not be learned.
 */
export type Verdict = "yes" | "forbidden" | "hidden" | "unknown";

/** Who comes without a token. */
export const UNSIGNED: Visitor = { signed: false };

/** The signer's clock may be ahead of ours by this much. An end has no slack: who wants a longer life signs one. */
const NOT_BEFORE_LEEWAY_SECONDS = 5;

/** Take a genuine token, if it is its time and its viewer. */
export function fits(
  claims: WatchClaims,
  { nowMs, address, country }: Circumstances,
): Result<Visitor, Unfit> {
  const { stream, exp, nbf, ip, maxHeight } = claims;
  const now = nowMs / 1000;
  // RFC 7519 4.1.4: "on or after which".
  if (now >= exp) return fail("expired");
  if (nbf !== undefined && now + NOT_BEFORE_LEEWAY_SECONDS < nbf) return fail("not-yet");
  // Nobody's address is in no range, and nobody's country is no country.
  if (ip !== undefined && (address === undefined || !isWithin(address, ip))) return fail("address");
  if (claims.country !== undefined && claims.country !== country) return fail("country");
  return ok({ signed: true, stream, ...(maxHeight !== undefined && { maxHeight }) });
}

/** May this visitor watch this stream, which is so; `undefined`: what it is could not be learned. */
export function decideWatch(visitor: Visitor, stream: string, policy: Policy | undefined): Verdict {
  if (visitor.signed && visitor.stream !== stream) return "forbidden";
  if (policy === "absent") return "hidden";
  // A token says enough by itself while origin is away.
  if (visitor.signed || policy === "public") return "yes";
  return policy === "private" ? "hidden" : "unknown";
}

/** May this visitor have this rendition? Its name tells its lines; sound is for everybody. */
export function allowsRendition(visitor: Visitor, rendition: string): boolean {
  const { maxHeight } = visitor;
  if (maxHeight === undefined || rendition === "audio") return true;
  const lines = /^v([0-9]{1,5})$/.exec(rendition)?.[1];
  return lines !== undefined && Number(lines) <= maxHeight;
}

/** What is remembered: good as it is, good while it is asked for again, or to be asked for first. */
export type PolicyUse = "fresh" | "refresh" | "ask";

/** A policy is asked for again after so long. */
const FRESH_MS = 5_000;
/** And waited for after so long. */
const USABLE_MS = 60_000;
/** What hides a stream is waited for after this: a stream that was just made, or opened, is soon to be seen. */
const HIDING_FRESH_MS = 1_000;

/**
 * How good a policy of this age is. A private stream and one that does not exist are treated alike for whoever has no
 * token: the time of an answer must not tell them apart.
 */
export function policyUseOf(policy: Policy, ageMs: number, signed: boolean): PolicyUse {
  const hides = policy === "absent" || (policy === "private" && !signed);
  // A clock that went back makes no policy good.
  if (ageMs < 0) return "ask";
  if (hides) return ageMs < HIDING_FRESH_MS ? "fresh" : "ask";
  if (ageMs < FRESH_MS) return "fresh";
  return ageMs < USABLE_MS ? "refresh" : "ask";
}
