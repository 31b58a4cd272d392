/** Everything in one Worker: the edge at `/`, origin's HTTP at `/_origin/`. For development and small installs. */
import { edgeApp } from "./edge/app.ts";
import type { EdgeEnv, ObjectsEnv, OriginEnv } from "./env.ts";
import { originApp } from "./origin/app.ts";

export { ChatRoom } from "../durable-objects/chat/chat-room.ts";
export { Conversation } from "../durable-objects/chat/conversation.ts";
export { Fleet } from "../durable-objects/fleet.ts";
export { Inbox } from "../durable-objects/inbox/inbox.ts";
export { LiveStream } from "../durable-objects/live-stream.ts";
export { PresenceChannel } from "../durable-objects/presence/presence-channel.ts";
export { Purges } from "../durable-objects/purging/purges.ts";
export { LiveRelay } from "../durable-objects/viewers/live-relay.ts";
export { ViewerSet } from "../durable-objects/viewers/viewer-set.ts";
export { CachedAnswers } from "./edge/platform-cache.ts";
export { Origin } from "./origin/index.ts";

const ORIGIN_PATH = "/_origin";

export default {
  fetch(request, env, ctx) {
    // Viewers' requests are many: their URL is not taken apart here.
    if (!request.url.includes(`${ORIGIN_PATH}/`)) return edgeApp.fetch(request, env, ctx);
    const url = new URL(request.url);
    if (!url.pathname.startsWith(`${ORIGIN_PATH}/`)) return edgeApp.fetch(request, env, ctx);
    url.pathname = url.pathname.slice(ORIGIN_PATH.length);
    return originApp.fetch(new Request(url, request), env, ctx);
  },
} satisfies ExportedHandler<EdgeEnv & OriginEnv & ObjectsEnv>;
