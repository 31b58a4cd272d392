/** Delivery directives of a playlist request (rfc8216bis 6.2.5): `_HLS_msn`, `_HLS_part`, `_HLS_skip`. Pure. */
import type { Reload } from "../../../media/live-edge.ts";
import { fail, ok, type Result } from "../../../media/result.ts";

export interface Directives {
  /** Absent for a request that does not wait. */
  readonly reload?: Reload;
  readonly skip?: "YES" | "v2";
}

export interface BadDirective {
  readonly reason: "bad-directive";
  readonly detail: string;
}

const COUNT = /^[0-9]{1,10}$/;

/** Read the directives from a query; other parameters are not ours to judge. */
export function parseDirectives(query: URLSearchParams): Result<Directives, BadDirective> {
  const msn = query.get("_HLS_msn");
  const part = query.get("_HLS_part");
  const skip = query.get("_HLS_skip");
  if (msn !== null && !COUNT.test(msn)) return bad("_HLS_msn must be a whole number.");
  if (part !== null && !COUNT.test(part)) return bad("_HLS_part must be a whole number.");
  if (part !== null && msn === null) return bad("_HLS_part needs _HLS_msn.");
  return ok({
    ...(msn !== null && { reload: { msn: Number(msn), ...(part !== null && { part: Number(part) }) } }),
    // A value from a later specification asks for something unknown here: the whole playlist is always right.
    ...((skip === "YES" || skip === "v2") && { skip }),
  });
}

const bad = (detail: string) => fail({ reason: "bad-directive" as const, detail });
