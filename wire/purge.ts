/** The operator's API of purges (docs/edge.md, "Purge"). */
import * as v from "valibot";

/** Prefixes of one request. */
const MAX_PREFIXES = 100;
/** Letters of one prefix. */
const MAX_PREFIX_LETTERS = 512;

/** `POST /purge`. A name that is not known is refused: a misspelt wish must not purge more than was meant. */
export const PurgeRequestSchema = v.strictObject({
  prefixes: v.optional(
    v.pipe(v.array(v.pipe(v.string(), v.maxLength(MAX_PREFIX_LETTERS))), v.maxLength(MAX_PREFIXES)),
    [],
  ),
  /** Has to be there for an empty prefix or `/`, and then purges everything. */
  all: v.optional(v.boolean(), false),
  /** Serve what is cached while it is fetched again. */
  soft: v.optional(v.boolean(), false),
  /** Remove the objects from R2 as well, in the background. */
  delete: v.optional(v.boolean(), false),
});
export type PurgeRequest = Readonly<v.InferOutput<typeof PurgeRequestSchema>>;

const count = v.pipe(v.number(), v.integer(), v.minValue(0));

export const PurgeRecordSchema = v.object({
  id: v.string(),
  /** ISO 8601. */
  at: v.string(),
  /** In their one spelling. */
  prefixes: v.array(v.string()),
  soft: v.boolean(),
  /** Its number: what was cached under a smaller one is not served any more. */
  generation: count,
  /** Removal from R2, when it was asked for. */
  removal: v.exactOptional(
    v.object({ state: v.picklist(["running", "done"]), removed: count, error: v.exactOptional(v.string()) }),
  ),
  /** Cloudflare's own cache, when zone credentials are set. */
  zone: v.exactOptional(
    v.object({
      state: v.picklist(["waiting", "done", "failed"]),
      attempts: count,
      error: v.exactOptional(v.string()),
    }),
  ),
});
/** `GET /purge/<id>`, and the answer of `POST /purge`. */
export type PurgeRecord = Readonly<v.InferOutput<typeof PurgeRecordSchema>>;

export const PurgeListSchema = v.object({ purges: v.array(PurgeRecordSchema) });
/** `GET /purge`: newest first, at most 50. */
export type PurgeList = Readonly<v.InferOutput<typeof PurgeListSchema>>;
