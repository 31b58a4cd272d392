/** The Worker that holds the Durable Objects. It answers nothing itself: others reach the objects by binding. */
export { ChatRoom } from "./chat/chat-room.ts";
export { Conversation } from "./chat/conversation.ts";
export { Fleet } from "./fleet.ts";
export { Inbox } from "./inbox/inbox.ts";
export { LiveStream } from "./live-stream.ts";
export { PresenceChannel } from "./presence/presence-channel.ts";
export { Purges } from "./purging/purges.ts";
export { LiveRelay } from "./viewers/live-relay.ts";
export { ViewerSet } from "./viewers/viewer-set.ts";

export default {
  fetch(): Response {
    return new Response("Not found\n", { status: 404, headers: { "cache-control": "no-store" } });
  },
};
