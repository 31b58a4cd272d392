/**
 * How long each kind of answer may be kept, by clients and by the edge: the one table (docs/edge.md, "Lifetimes"). Pure.
 * `Cache-Control` is for clients, `CDN-Cache-Control` (RFC 9213) for the edge: a cache that found neither would choose for
 * itself, and `s-maxage` would turn stale answers off.
 */
import type { Timing } from "../../../media/profile.ts";

/** What is being answered. */
export type Kind =
  | { readonly kind: "media" }
  /** `blocking`: it was waited for. `over`: its broadcast has ended. */
  | { readonly kind: "playlist"; readonly timing: Timing; readonly form: "plain" | "blocking" | "over" }
  | { readonly kind: "status" }
  | { readonly kind: "page" }
  /** `coming`: it may be there any moment. `missing`: it should be there. `never`: its broadcast is over, or there is none. */
  | { readonly kind: "absent"; readonly hope: "coming" | "missing" | "never" }
  /** A request that no origin was asked about. */
  | { readonly kind: "refusal" }
  /** What is served for want of better. */
  | { readonly kind: "stand-in" }
  /** A page that says why there is nothing. */
  | { readonly kind: "refused-page" };

/** Seconds. The windows of stale answers begin where `edge` ends (RFC 5861). */
export interface Lifetime {
  /** For clients; `undefined`: not to be stored. */
  readonly client: number | undefined;
  /** What else clients are told. */
  readonly hint?: "immutable" | "must-revalidate";
  /** For the edge; with neither window, 0 is not to be kept there. */
  readonly edge: number;
  readonly staleWhileRevalidate: number;
  readonly staleIfError: number;
}

const MINUTE = 60;
const HOUR = 3_600;
const DAY = 86_400;
/** Clients: media objects never change. */
const MEDIA_CLIENT_SECONDS = 365 * DAY;
/** With both windows less than the 31 days that a purge is remembered (durable-objects/core/purging/purges.ts). */
const MEDIA_EDGE_SECONDS = 28 * DAY;

const NOT_KEPT = { edge: 0, staleWhileRevalidate: 0, staleIfError: 0 };

/** The table. */
export function lifetimeOf(what: Kind): Lifetime {
  switch (what.kind) {
    case "media":
      return {
        client: MEDIA_CLIENT_SECONDS,
        hint: "immutable",
        edge: MEDIA_EDGE_SECONDS,
        staleWhileRevalidate: HOUR,
        staleIfError: DAY,
      };
    case "playlist":
      return playlistLifetime(what.timing.targetDuration, what.form);
    case "status":
      return { client: 1, edge: 1, staleWhileRevalidate: 1, staleIfError: MINUTE };
    case "page":
      return { client: 0, hint: "must-revalidate", ...NOT_KEPT };
    case "absent":
      return absentLifetime(what.hope);
    case "refusal":
    case "stand-in":
      return { client: 1, ...NOT_KEPT };
    case "refused-page":
      return { client: undefined, ...NOT_KEPT };
  }
}

/** Plain playlists: half a target duration, and as long again while a newer one is fetched (rfc8216bis appendix B.1). */
function playlistLifetime(targetDuration: number, form: "plain" | "blocking" | "over"): Lifetime {
  const half = Math.floor(targetDuration / 2);
  const stale = Math.max(1, half);
  switch (form) {
    case "blocking":
      // What a blocking request is answered stays a right answer to it (appendix B.1).
      return {
        client: 6 * targetDuration,
        edge: 6 * targetDuration,
        staleWhileRevalidate: 0,
        staleIfError: 0,
      };
    case "plain":
      return { client: half, edge: half, staleWhileRevalidate: stale, staleIfError: MINUTE };
    case "over":
      // Its stream may begin another broadcast any moment.
      return { client: half, edge: half, staleWhileRevalidate: stale, staleIfError: DAY };
  }
}

function absentLifetime(hope: "coming" | "missing" | "never"): Lifetime {
  switch (hope) {
    case "coming":
      return { client: undefined, ...NOT_KEPT };
    case "missing":
      return { client: 1, edge: 1, staleWhileRevalidate: 0, staleIfError: 0 };
    case "never":
      return { client: MINUTE, edge: MINUTE, staleWhileRevalidate: 0, staleIfError: 0 };
  }
}

/** `Cache-Control`. */
export function clientCacheControl({ client, hint }: Lifetime): string {
  if (client === undefined) return "no-store";
  return ["public", `max-age=${client}`, ...(hint ? [hint] : [])].join(", ");
}

/** The same for what a token opened: it is for its bearer alone. */
export const forBearer = (cacheControl: string): string => cacheControl.replace(/^public\b/, "private");

/** `CDN-Cache-Control`. The windows are always named: some caches take a missing one for an endless one. */
export function edgeCacheControl(lifetime: Lifetime): string {
  if (retentionOf(lifetime) === 0) return "no-store";
  const { edge, staleWhileRevalidate, staleIfError } = lifetime;
  return `max-age=${edge}, stale-while-revalidate=${staleWhileRevalidate}, stale-if-error=${staleIfError}`;
}

/** Seconds until nothing is allowed with a copy any more. */
export const retentionOf = ({ edge, staleWhileRevalidate, staleIfError }: Lifetime): number =>
  edge + Math.max(staleWhileRevalidate, staleIfError);
