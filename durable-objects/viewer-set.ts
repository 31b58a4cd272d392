/** A shard of a stream's viewers: holds their sockets, speaks the Centrifugo client protocol with them. */
import { DurableObject } from "cloudflare:workers";
import type { ObjectsEnv } from "../workers/env.ts";
import type { Delivery } from "./viewer-messages.ts";

export class ViewerSet extends DurableObject<ObjectsEnv> {
  /** Pass publications on to every socket that has subscribed to the stream's channel. */
  async deliver(_delivery: Delivery): Promise<void> {}
}
