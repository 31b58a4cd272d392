/**
 * The bare Worker for `npm run bench -- --only fanout,recovery`: it has objects that can be told to die, and what the shards are
 * measured against, objects that do nothing but send. A test entry; no configuration of the product names it.
 */
import { DurableObject } from "cloudflare:workers";
import { Conversation as Room } from "../../durable-objects/chat/conversation.ts";
import { Inbox as Letters } from "../../durable-objects/inbox/inbox.ts";
import { LiveStream as Stream } from "../../durable-objects/live-stream.ts";
import { LiveRelay as Relay } from "../../durable-objects/viewers/live-relay.ts";
import { ViewerSet as Shard } from "../../durable-objects/viewers/viewer-set.ts";
import type { EdgeEnv, ObjectsEnv, OriginEnv } from "../../workers/env.ts";
import worker from "../../workers/index.ts";

export * from "../../workers/index.ts";

/** Relays and shards that passed something on, by their names; objects and Worker share an isolate here. */
const relays = new Set<string>();
const shards = new Set<string>();

/** The objects, which can be told to die. */
export class LiveRelay extends Relay {
  override deliver(...args: Parameters<Relay["deliver"]>): ReturnType<Relay["deliver"]> {
    relays.add(this.ctx.id.name ?? "");
    return super.deliver(...args);
  }

  die(): void {
    this.ctx.abort("the benchmark killed it");
  }
}
export class LiveStream extends Stream {
  die(): void {
    this.ctx.abort("the benchmark killed it");
  }
}
export class Conversation extends Room {
  die(): void {
    this.ctx.abort("the benchmark killed it");
  }
}
export class Inbox extends Letters {
  die(): void {
    this.ctx.abort("the benchmark killed it");
  }
}
export class ViewerSet extends Shard {
  override deliver(...args: Parameters<Shard["deliver"]>): ReturnType<Shard["deliver"]> {
    shards.add(this.ctx.id.name ?? "");
    return super.deliver(...args);
  }

  die(): void {
    this.ctx.abort("the benchmark killed it");
  }
}

interface Env extends EdgeEnv, OriginEnv, ObjectsEnv {
  readonly BARE_SOCKETS: DurableObjectNamespace<BareSockets>;
}
/** What can be told to die. */
interface Mortal {
  die(): Promise<void>;
}

/** `?object=<number>`: a socket at a bare object. A POST to it sends its body to all sockets of `?objects=<n>` objects. */
const BARE_PATH = "/_bench/bare";

/** `?class=relay|shard|stream|conversation|inbox&stream=<id>`: kills one that is at work, or the one that is named. */
const KILL_PATH = "/_bench/kill";

/** `?calls=<n>`: calls of a relay that has nobody to pass anything on to, one after the other. */
const HOPS_PATH = "/_bench/hops";

/** Holds sockets and loops `send`. */
export class BareSockets extends DurableObject {
  override fetch(): Response {
    const [client, server] = Object.values(new WebSocketPair());
    if (!client || !server) return new Response(null, { status: 500 });
    this.ctx.acceptWebSocket(server);
    return new Response(null, { status: 101, webSocket: client });
  }

  /** Send to all. */
  send(text: string): void {
    for (const socket of this.ctx.getWebSockets()) socket.send(text);
  }
}

async function bare(request: Request, url: URL, env: Env): Promise<Response> {
  const objectOf = (number: string) => env.BARE_SOCKETS.getByName(number);
  if (request.method !== "POST") return objectOf(url.searchParams.get("object") ?? "0").fetch(request);
  const text = await request.text();
  const count = Number(url.searchParams.get("objects"));
  await Promise.all(Array.from({ length: count }, (_, index) => objectOf(String(index)).send(text)));
  return new Response(null, { status: 204 });
}

async function hops(url: URL, env: Env): Promise<Response> {
  const delivery = { channel: "live:hops", position: { epoch: "", offset: 0 }, publications: [] };
  for (let left = Number(url.searchParams.get("calls")); left > 0; left -= 1) {
    using _lost = await env.LIVE_RELAY.getByName("hops/relay/0.0").deliver(delivery, []);
  }
  return new Response(null, { status: 204 });
}

async function kill(url: URL, env: Env): Promise<Response> {
  const victim = victimOf(url, env);
  if (!victim) return new Response("nobody is at work", { status: 404 });
  // Whoever dies answers with an error.
  await victim.die().catch(() => undefined);
  return new Response(null, { status: 204 });
}

function victimOf(url: URL, env: Env): Mortal | undefined {
  const kind = url.searchParams.get("class") ?? "";
  const [atWork] = kind === "relay" ? relays : shards;
  const name = kind === "relay" || kind === "shard" ? atWork : (url.searchParams.get("stream") ?? "");
  const namespace = {
    relay: env.LIVE_RELAY,
    shard: env.VIEWER_SET,
    stream: env.LIVE_STREAM,
    conversation: env.CONVERSATION,
    inbox: env.INBOX,
  }[kind];
  // The classes of this Worker are those above.
  return name === undefined ? undefined : (namespace?.getByName(name) as unknown as Mortal);
}

export default {
  fetch(request, env, ctx) {
    const url = new URL(request.url);
    if (url.pathname === KILL_PATH) return kill(url, env);
    if (url.pathname === HOPS_PATH) return hops(url, env);
    if (url.pathname === BARE_PATH) return bare(request, url, env);
    return worker.fetch(request, env, ctx);
  },
} satisfies ExportedHandler<Env>;
