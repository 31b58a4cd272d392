/** What may be done with a copy of a certain age (RFC 9111 4.2, RFC 5861). Pure: the directives decide, nothing else. */

/** What the directives of a stored answer allow, seconds. */
export interface Allowance {
  readonly maxAge: number;
  readonly staleWhileRevalidate: number;
  readonly staleIfError: number;
}

/** `fresh`: serve it. Otherwise its time is over, and it may be served only as the two windows say. */
export interface Freshness {
  readonly fresh: boolean;
  readonly whileRevalidating: boolean;
  readonly ifError: boolean;
  /** Seconds left; negative when it is stale. */
  readonly ttl: number;
}

const NOTHING: Allowance = { maxAge: 0, staleWhileRevalidate: 0, staleIfError: 0 };

/** There are a handful of texts, and one of them is read with every request. */
const read = new Map<string, Allowance>();
const MAX_READ = 100;

/** Read the directives that an answer was stored with; what is not named is not allowed. */
export function readAllowance(cacheControl: string | null): Allowance {
  if (cacheControl === null) return NOTHING;
  const known = read.get(cacheControl);
  if (known) return known;
  const allowance = parseAllowance(cacheControl);
  if (read.size >= MAX_READ) read.clear();
  read.set(cacheControl, allowance);
  return allowance;
}

function parseAllowance(cacheControl: string): Allowance {
  const directives = new Map(
    cacheControl.split(",").map((directive) => {
      const [name = "", value = ""] = directive.trim().toLowerCase().split("=", 2);
      return [name, value] as const;
    }),
  );
  if (directives.has("no-store") || directives.has("no-cache")) return NOTHING;
  const seconds = (name: string) => {
    const value = directives.get(name)?.replaceAll('"', "") ?? "";
    return /^[0-9]{1,10}$/.test(value) ? Number(value) : 0;
  };
  // A shared cache must not serve stale what says one of these (RFC 9111 4.2.4).
  const never = ["must-revalidate", "proxy-revalidate", "s-maxage"].some((name) => directives.has(name));
  return {
    maxAge: seconds("max-age"),
    staleWhileRevalidate: never ? 0 : seconds("stale-while-revalidate"),
    staleIfError: never ? 0 : seconds("stale-if-error"),
  };
}

/**
 * What may be done with a copy.
 * @param ageSeconds since it was fetched
 * @param staleSeconds since a soft purge made it stale before its time; absent when none did
 */
export function freshnessOf(allowance: Allowance, ageSeconds: number, staleSeconds?: number): Freshness {
  // A purge is never in the future, whatever two clocks say: what it made stale is not fresh.
  const purged = staleSeconds === undefined ? Number.NEGATIVE_INFINITY : Math.max(0, staleSeconds);
  const overdue = Math.max(ageSeconds - allowance.maxAge, purged);
  return {
    fresh: overdue < 0,
    whileRevalidating: overdue < allowance.staleWhileRevalidate,
    ifError: overdue < allowance.staleIfError,
    ttl: -Math.ceil(overdue),
  };
}
