/** The process of `Listeners` (listeners.ts): stock clients, and whether each of them got every offset once. Runs by itself. */
import { setTimeout } from "node:timers/promises";
import { Centrifuge } from "centrifuge";
import { WebSocket } from "ws";
import type { Heard, ListenOrder } from "./listeners.ts";

/** Clients that are connecting at once. */
const CONNECTING = 50;

/** Each is another person: without a cookie people are told apart by their agents. */
class Person extends WebSocket {
  static #people = 0;

  constructor(url: string, protocols?: string[]) {
    Person.#people += 1;
    super(url, protocols ?? [], {
      perMessageDeflate: false,
      headers: { "user-agent": `viewer ${Person.#people}` },
    });
  }
}

/** One client's ear. */
class Listener {
  readonly #client: Centrifuge;
  offset: number | undefined;
  isSubscribed = false;
  lost = 0;
  doubled = 0;
  unrecovered = 0;
  connects = 0;

  constructor(url: string, channel: string) {
    this.#client = new Centrifuge(url, { websocket: Person, maxReconnectDelay: 3_000 });
    this.#client.on("connected", () => {
      this.connects += 1;
    });
    const subscription = this.#client.newSubscription(channel, { recoverable: true, positioned: true });
    subscription.on("subscribed", ({ wasRecovering, recovered, streamPosition }) => {
      this.isSubscribed = true;
      if (wasRecovering && !recovered) this.unrecovered += 1;
      // The first time: from here on everything has to come.
      this.offset ??= streamPosition?.offset;
    });
    for (const event of ["subscribing", "unsubscribed"] as const)
      subscription.on(event, () => {
        this.isSubscribed = false;
      });
    subscription.on("publication", ({ offset }) => {
      if (offset === undefined || this.offset === undefined) return;
      if (offset <= this.offset) this.doubled += 1;
      else this.lost += offset - this.offset - 1;
      this.offset = Math.max(this.offset, offset);
    });
    subscription.subscribe();
    this.#client.connect();
  }

  close(): void {
    this.#client.disconnect();
  }
}

const listeners: Listener[] = [];

async function listen({ url, channel, clients }: ListenOrder & { readonly type: "listen" }): Promise<void> {
  while (listeners.length < clients) {
    const open = listeners.filter(({ isSubscribed }) => !isSubscribed).length;
    if (open < CONNECTING) listeners.push(new Listener(url, channel));
    else await setTimeout(5);
  }
  while (listeners.some(({ isSubscribed }) => !isSubscribed)) await setTimeout(20);
}

const sum = (of: (listener: Listener) => number): number =>
  listeners.reduce((total, listener) => total + of(listener), 0);

function heard(): Heard {
  const offsets = listeners.map(({ offset }) => offset ?? 0);
  return {
    subscribed: sum(({ isSubscribed }) => (isSubscribed ? 1 : 0)),
    least: Math.min(...offsets),
    most: Math.max(...offsets),
    lost: sum(({ lost }) => lost),
    doubled: sum(({ doubled }) => doubled),
    unrecovered: sum(({ unrecovered }) => unrecovered),
    reconnects: sum(({ connects }) => connects - 1),
  };
}

process.on("message", (order: ListenOrder) => {
  switch (order.type) {
    case "listen":
      void listen(order).then(() => process.send?.(heard()));
      return;
    case "ask":
      process.send?.(heard());
      return;
    case "close":
      for (const listener of listeners) listener.close();
      process.exit(0);
  }
});
