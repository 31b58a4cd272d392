/** How an answer came about, in `Cache-Status` (RFC 9211) and for the counts (wire/edge-report.ts). Pure. */
import type { Outcome } from "../../../wire/edge-report.ts";

/** Why the origin side had to be asked. */
export type Why = "cold" | "expired" | "purged" | "range";

/** How an answer came about. Seconds left to live are negative past their end. */
export type Story =
  | { readonly how: "hit"; readonly ttl: number }
  /** Past its time, and allowed by its directives; `error`: the origin side was asked in vain. */
  | { readonly how: "stale"; readonly ttl: number; readonly why: "revalidating" | "error" | "purged" }
  | {
      readonly how: "miss";
      readonly why: Why;
      /** Of the origin side's answer. */
      readonly status: number;
      readonly collapsed: boolean;
      readonly stored: boolean;
      readonly ttl: number;
    }
  | { readonly how: "failed" }
  /** Past the cache: memory is short (`busy`), or it is a page, which the asset server keeps. */
  | { readonly how: "bypass"; readonly detail: string; readonly status: number }
  /** The edge answered by itself. */
  | { readonly how: "local"; readonly detail: string };

const NAME = "Millrace";

/** The header's value. */
export function cacheStatus(story: Story): string {
  switch (story.how) {
    case "hit":
      return `${NAME}; hit; ttl=${story.ttl}`;
    case "stale":
      return staleStatus(story);
    case "miss": {
      const fwd = story.why === "expired" ? "stale" : "uri-miss";
      const flags = `${story.stored ? "; stored" : ""}${story.collapsed ? "; collapsed" : ""}`;
      const ttl = story.stored ? `; ttl=${story.ttl}` : "";
      return `${NAME}; fwd=${fwd}; fwd-status=${story.status}${ttl}${flags}; detail=${story.why}`;
    }
    case "failed":
      return `${NAME}; fwd=miss; fwd-status=503; detail=error`;
    case "bypass":
      return `${NAME}; fwd=bypass; fwd-status=${story.status}; detail=${story.detail}`;
    case "local":
      return `${NAME}; detail=${story.detail}`;
  }
}

function staleStatus({ ttl, why }: Story & { how: "stale" }): string {
  switch (why) {
    case "revalidating":
      return `${NAME}; hit; ttl=${ttl}; detail=stale-while-revalidate`;
    case "purged":
      return `${NAME}; hit; ttl=${ttl}; detail=soft-purged`;
    case "error":
      return `${NAME}; fwd=stale; fwd-status=503; ttl=${ttl}; detail=stale-if-error`;
  }
}

/** What it counts as; nothing for what the edge answered by itself. */
export function outcomeOf(story: Story): Outcome | undefined {
  switch (story.how) {
    case "hit":
    case "stale":
      return story.how;
    case "miss":
      return story.collapsed ? "collapsed" : story.why;
    case "failed":
      return "error";
    case "bypass":
      return "cold";
    case "local":
      return undefined;
  }
}

/** What Workers Cache says in `CF-Cache-Status`, as a story; `ttl` is not told. */
export function storyOfPlatform(
  said: string | null,
  status: number,
  ageSeconds: number,
  maxAge: number,
): Story {
  const ttl = maxAge - ageSeconds;
  switch (said) {
    case "HIT":
    case "REVALIDATED":
      return { how: "hit", ttl };
    case "STALE":
      return { how: "stale", ttl, why: "error" };
    case "UPDATING":
      return { how: "stale", ttl, why: "revalidating" };
    case "EXPIRED":
      return { how: "miss", why: "expired", status, collapsed: false, stored: true, ttl };
    case "MISS":
      return { how: "miss", why: "cold", status, collapsed: false, stored: true, ttl };
    default:
      return { how: "miss", why: "cold", status, collapsed: false, stored: false, ttl: 0 };
  }
}
