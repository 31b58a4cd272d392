/** The bindings of each Worker (wrangler.toml). The bare Worker has them all. */
import type { ChatRoom } from "../durable-objects/chat/chat-room.ts";
import type { Conversation } from "../durable-objects/chat/conversation.ts";
import type { Fleet } from "../durable-objects/fleet.ts";
import type { Inbox } from "../durable-objects/inbox/inbox.ts";
import type { LiveStream } from "../durable-objects/live-stream.ts";
import type { PresenceChannel } from "../durable-objects/presence/presence-channel.ts";
import type { Purges } from "../durable-objects/purging/purges.ts";
import type { LiveRelay } from "../durable-objects/viewers/live-relay.ts";
import type { ViewerSet } from "../durable-objects/viewers/viewer-set.ts";
import type { Origin } from "./origin/index.ts";

/** What the edge reaches: viewers' requests. */
export interface EdgeEnv {
  readonly ASSETS: Fetcher;
  readonly MEDIA: R2Bucket;
  readonly LIVE_STREAM: DurableObjectNamespace<LiveStream>;
  readonly PURGES: DurableObjectNamespace<Purges>;
  readonly VIEWER_SET: DurableObjectNamespace<ViewerSet>;
  readonly ORIGIN: Service<Origin>;
  /** Signs watch tokens; without it no signed path opens. */
  readonly TOKEN_SECRET?: string;
  /** The secret before that one: what it signed is still good. */
  readonly TOKEN_SECRET_PREVIOUS?: string;
  /** Origins whose pages may open a socket beside this host's own, with commas; `*` is all of them. */
  readonly SOCKET_ORIGINS?: string;
  /** Requests of one client; without a binding there is no limit. */
  readonly PLAYLIST_LIMIT?: RateLimit;
  readonly MISS_LIMIT?: RateLimit;
  readonly API_LIMIT?: RateLimit;
  /** What players report, one point a report. Does nothing locally. */
  readonly QOE?: AnalyticsEngineDataset;
}

/** What origin reaches: transcoders' and operators' requests. */
export interface OriginEnv {
  readonly MEDIA: R2Bucket;
  readonly DB: D1Database;
  readonly LIVE_STREAM: DurableObjectNamespace<LiveStream>;
  readonly FLEET: DurableObjectNamespace<Fleet>;
  readonly PURGES: DurableObjectNamespace<Purges>;
  /** Bearer of the admin API; without it that API is closed. */
  readonly ADMIN_TOKEN?: string;
  /** Signs watch tokens. */
  readonly TOKEN_SECRET?: string;
  /** Bearer of transcoders that register; without it none can. */
  readonly TRANSCODER_TOKEN?: string;
}

/** What the Durable Objects reach. */
export interface ObjectsEnv {
  readonly MEDIA: R2Bucket;
  readonly DB: D1Database;
  readonly LIVE_STREAM: DurableObjectNamespace<LiveStream>;
  readonly PURGES: DurableObjectNamespace<Purges>;
  readonly VIEWER_SET: DurableObjectNamespace<ViewerSet>;
  readonly LIVE_RELAY: DurableObjectNamespace<LiveRelay>;
  readonly CHAT_ROOM: DurableObjectNamespace<ChatRoom>;
  readonly CONVERSATION: DurableObjectNamespace<Conversation>;
  readonly INBOX: DurableObjectNamespace<Inbox>;
  readonly PRESENCE: DurableObjectNamespace<PresenceChannel>;
  /** Signs what viewers carry: here, the tokens of the socket. */
  readonly TOKEN_SECRET?: string;
  readonly TOKEN_SECRET_PREVIOUS?: string;
  /** Sockets of a shard (4,000), and of one address at a shard (200). */
  readonly SHARD_SOCKETS?: string;
  readonly ADDRESS_SOCKETS?: string;
  /** How push services know this server (`npm run millrace -- push-keys`); all three, or nobody is notified. */
  readonly VAPID_PUBLIC_KEY?: string;
  readonly VAPID_PRIVATE_KEY?: string;
  /** `mailto:` or `https:`. */
  readonly VAPID_SUBJECT?: string;
  /** Origins of push services beside those with public names, with commas: for tests and development. */
  readonly PUSH_ENDPOINTS?: string;
  /** The zone whose own cache is purged as well; all three or none (docs/operations.md). */
  readonly CLOUDFLARE_ZONE_ID?: string;
  readonly CLOUDFLARE_API_TOKEN?: string;
  /** Host that viewers use: prefixes of the zone's cache begin with it. */
  readonly PUBLIC_HOST?: string;
  /** Cloudflare's API, when it is not Cloudflare's: for tests. */
  readonly CLOUDFLARE_API?: string;
}
