/** One object, named "purges": the only writer of generations (wire/generations.ts). */
import { DurableObject } from "cloudflare:workers";
import type { GenerationChanges } from "../wire/generations.ts";
import type { ObjectsEnv } from "../workers/env.ts";

export class Purges extends DurableObject<ObjectsEnv> {
  /** What changed after a number that the asker has seen; 0 when it has seen nothing. */
  generations(since: number): GenerationChanges {
    return { newest: since, whole: false, changes: [] };
  }
}
