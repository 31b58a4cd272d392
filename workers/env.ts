/** The bindings of each Worker (wrangler.toml). The bare Worker has them all. */
import type { Fleet } from "../durable-objects/fleet.ts";
import type { LiveStream } from "../durable-objects/live-stream.ts";
import type { Origin } from "./origin/index.ts";

/** What the edge reaches: viewers' requests. */
export interface EdgeEnv {
  readonly ASSETS: Fetcher;
  readonly MEDIA: R2Bucket;
  readonly LIVE_STREAM: DurableObjectNamespace<LiveStream>;
  readonly ORIGIN: Service<Origin>;
}

/** What origin reaches: transcoders' and operators' requests. */
export interface OriginEnv {
  readonly MEDIA: R2Bucket;
  readonly DB: D1Database;
  readonly LIVE_STREAM: DurableObjectNamespace<LiveStream>;
  readonly FLEET: DurableObjectNamespace<Fleet>;
  /** Bearer of the admin API; without it that API is closed. */
  readonly ADMIN_TOKEN?: string;
  readonly TOKEN_SECRET?: string;
  /** Bearer of transcoders that register; without it none can. */
  readonly TRANSCODER_TOKEN?: string;
}

/** What the Durable Objects reach. */
export interface ObjectsEnv {
  readonly MEDIA: R2Bucket;
  readonly DB: D1Database;
  readonly LIVE_STREAM: DurableObjectNamespace<LiveStream>;
}
