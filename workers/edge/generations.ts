/**
 * What this isolate knows of purges (wire/generations.ts). The Purges object is asked a few times a second by each location,
 * not by each request: answers are shared through the location's cache, and none is used for longer than a second.
 */
import * as v from "valibot";
import { within } from "../../durable-objects/deadline.ts";
import {
  applyChanges,
  type GenerationChanges,
  GenerationChangesSchema,
  type Generations,
} from "../../wire/generations.ts";
import { parse } from "../../wire/parse.ts";
import { EVERYTHING, streamOfScope } from "../../wire/purge-prefix.ts";
import type { EdgeEnv } from "../env.ts";
import { policies } from "./access.ts";
import { KEY_ORIGIN } from "./key-origin.ts";

/** Older knowledge is renewed behind the requests that use it. */
const RENEW_MS = 400;
/** Older knowledge is not used: what was purged must be gone everywhere within a second. */
const LIMIT_MS = 900;
/** Another isolate's answer serves as well if it is this young. */
const SHARED_MS = 250;
/** A request does not wait longer for the Purges object. */
const PATIENCE_MS = 2_000;
/** Nor for this long once it did not answer, until it does. */
const PATIENCE_IN_TROUBLE_MS = 200;
/** While it does not answer, requests wait for it this seldom. */
const RETRY_MS = 1_000;

/** While the Purges object cannot be reached, what was known last is good for so long. */
const TRUST_MS = 60_000;

/** What is known, and since when it was true, milliseconds since 1970. */
interface Knowledge {
  readonly generations: Generations;
  readonly newest: number;
  readonly asOf: number;
}

let known: Knowledge | undefined;
let renewal: { readonly done: Promise<void>; readonly begunAt: number } | undefined;
/** When the Purges object last did not answer, or not soon enough. */
let failedAt = Number.NEGATIVE_INFINITY;

/** Forget everything; for tests, which share an isolate. */
export function forgetGenerations(): void {
  known = undefined;
  renewal = undefined;
  failedAt = Number.NEGATIVE_INFINITY;
}

/**
 * The purges as they were less than a second ago; while the Purges object cannot be reached, as they were less than a minute
 * ago: it could hardly have taken one. `undefined`: they are not known, so no copy can be trusted for long.
 */
export async function knownGenerations(
  env: EdgeEnv,
  ctx: Pick<ExecutionContext, "waitUntil">,
): Promise<Generations | undefined> {
  const now = Date.now();
  const age = now - (known?.asOf ?? Number.NEGATIVE_INFINITY);
  // A clock that went back tells nothing of an age.
  if (age >= 0 && age < RENEW_MS) return known?.generations;
  // One that was begun by a request which is no more never ends.
  const inTrouble = failedAt > (known?.asOf ?? Number.NEGATIVE_INFINITY);
  const askedMs = now - (renewal?.begunAt ?? now);
  if (!renewal || askedMs < 0 || askedMs > (inTrouble ? RETRY_MS : PATIENCE_MS))
    renewal = { done: renew(env), begunAt: now };
  const { done } = renewal;
  ctx.waitUntil(done);
  if (!(age >= 0 && age < LIMIT_MS) && Math.abs(now - failedAt) > RETRY_MS) {
    await within(inTrouble ? PATIENCE_IN_TROUBLE_MS : PATIENCE_MS, "the purges", done).catch(() => {
      failedAt = Date.now();
    });
  }
  // An isolate that slept cannot tell whether the others could purge while it did.
  return known && Math.abs(Date.now() - known.asOf) < TRUST_MS ? known.generations : undefined;
}

/** Renew what is known; a failure leaves it as it is. */
async function renew(env: EdgeEnv): Promise<void> {
  try {
    const since = known?.newest ?? 0;
    const { changes, asOf } = (await shared(since)) ?? (await ask(env, since));
    // Overtaken by another renewal: these are changes of what is known no more.
    if ((known?.newest ?? 0) !== since) return;
    const generations = applyChanges(known?.generations ?? new Map(), changes);
    known = { generations, newest: changes.newest, asOf };
    forgetPolicies(changes);
  } catch (error) {
    failedAt = Date.now();
    console.error("the purges could not be learned", error);
  } finally {
    renewal = undefined;
  }
}

/** What was purged may be private now, or gone. */
function forgetPolicies({ whole, changes }: GenerationChanges): void {
  if (whole || changes.some(([scope]) => scope === EVERYTHING)) policies.forget();
  for (const [scope] of changes) {
    const stream = streamOfScope(scope);
    if (stream !== undefined) policies.forget(stream);
  }
}

const ToldSchema = v.object({ changes: GenerationChangesSchema, asOf: v.number() });
type Told = v.InferOutput<typeof ToldSchema>;

const keyOf = (since: number): string => `${KEY_ORIGIN}/generations?since=${since}`;

/** What another isolate of this location learned a moment ago. */
async function shared(since: number): Promise<Told | undefined> {
  const copy = await caches.default.match(keyOf(since));
  const told = copy && parse(ToldSchema, await copy.json());
  if (!told?.ok) return undefined;
  // One from the future was kept before a clock went back.
  const ageMs = Date.now() - told.value.asOf;
  return ageMs >= 0 && ageMs < SHARED_MS ? told.value : undefined;
}

async function ask(env: EdgeEnv, since: number): Promise<Told> {
  // True when it was asked at the earliest: not when it was answered.
  const asOf = Date.now();
  const changes = parse(GenerationChangesSchema, await env.PURGES.getByName("purges").generations(since));
  if (!changes.ok) throw new Error(`generations: ${changes.error.detail}`);
  const told = { changes: changes.value, asOf };
  await caches.default.put(
    keyOf(since),
    Response.json(told, { headers: { "cache-control": "public, max-age=1" } }),
  );
  return told;
}
