/** The Worker that holds the Durable Objects. It answers nothing itself: others reach the objects by binding. */
export { Fleet } from "./fleet.ts";
export { LiveRelay } from "./live-relay.ts";
export { LiveStream } from "./live-stream.ts";
export { Purges } from "./purges.ts";
export { ViewerSet } from "./viewer-set.ts";

export default {
  fetch(): Response {
    return new Response("Not found\n", { status: 404, headers: { "cache-control": "no-store" } });
  },
};
