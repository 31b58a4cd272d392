/** Passes on what a LiveStream says to up to 32 branches of its tree, and what their shards say to it. Keeps nothing. */
import { DurableObject } from "cloudflare:workers";
import type { ObjectsEnv } from "../workers/env.ts";
import type { Branch, Delivery } from "./viewer-messages.ts";

export class LiveRelay extends DurableObject<ObjectsEnv> {
  /** Deliver to all branches; answers the shards and relays that did not take it. */
  async deliver(_delivery: Delivery, _branches: readonly Branch[]): Promise<readonly string[]> {
    return [];
  }
}
