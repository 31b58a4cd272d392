/** What a request for a purge means, or why it is refused. Pure; the request's form is in wire/purge.ts, the words in workers/origin/purge.ts. */
import { fail, ok, type Result } from "../media/result.ts";
import type { PurgeRequest } from "./purge.ts";
import { isDrawn, parsePrefix, type Scope } from "./purge-prefix.ts";

/** Why nothing is purged. */
export type PurgeRefusal =
  | { readonly reason: "bad-prefix"; readonly prefix: string; readonly detail: string }
  /** Everything was named without saying so in so many words. */
  | { readonly reason: "purges-everything" }
  | { readonly reason: "no-prefix" }
  | { readonly reason: "delete-everything" }
  | { readonly reason: "soft-delete" }
  /** Nothing of this scope is stored. */
  | { readonly reason: "nothing-to-remove"; readonly prefix: string };

/** What is meant, each scope once; an empty list is everything. */
export function scopesMeant({
  prefixes,
  all,
  soft,
  delete: remove,
}: PurgeRequest): Result<readonly Scope[], PurgeRefusal> {
  const scopes = new Map<string, Scope>();
  let namesEverything = false;
  for (const prefix of prefixes) {
    const parsed = parsePrefix(prefix);
    if (parsed.ok) scopes.set(parsed.value.scope, parsed.value);
    else if (parsed.error.reason === "everything") namesEverything = true;
    else return fail({ ...parsed.error, prefix });
  }
  if (namesEverything && !all) return fail({ reason: "purges-everything" });
  if (scopes.size === 0 && !all) return fail({ reason: "no-prefix" });
  if (all && remove) return fail({ reason: "delete-everything" });
  if (soft && remove) return fail({ reason: "soft-delete" });
  const drawn = remove ? [...scopes.keys()].find(isDrawn) : undefined;
  if (drawn !== undefined) return fail({ reason: "nothing-to-remove", prefix: drawn });
  return ok(all ? [] : [...scopes.values()]);
}
