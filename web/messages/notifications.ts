/**
 * Notifications of this browser: asked for by a click and never before, shown by the service worker (web/worker/notifications.ts).
 * What the server knows of this browser is said anew whenever the page begins.
 */
import * as v from "valibot";
import { PushSubscriptionSchema } from "../../wire/inbox.ts";
import { parse } from "../../wire/parse.ts";
import type { Connection } from "./connection.ts";

const WORKER = "/notifications.js";
const SCOPE = "/messages";
/** wire/centrifugo.ts, `notAvailable`: the operator has no key. */
const NOT_AVAILABLE = 108;
const KeySchema = v.object({ key: v.string() });

/** `blocked`: the browser was told not to ask; `impossible`: it cannot, or the site does not. */
export type Notifying = "on" | "off" | "blocked" | "impossible";

export class Notifications {
  readonly #connection: Connection;
  readonly #openRoom: (room: string) => void;
  readonly #changed: () => void;
  #state: Notifying = "off";
  /** Of the server; known before anybody is asked for anything. */
  #key: string | undefined;

  constructor(connection: Connection, openRoom: (room: string) => void, changed: () => void) {
    this.#connection = connection;
    this.#openRoom = openRoom;
    this.#changed = changed;
    if (!isPossible()) this.#state = "impossible";
    else if (Notification.permission === "denied") this.#state = "blocked";
    navigator.serviceWorker?.addEventListener("message", ({ data }) => this.#told(data));
  }

  get state(): Notifying {
    return this.#state;
  }

  /** The page has a socket: what the server knows may be old. */
  async refresh(): Promise<void> {
    if (!isPossible()) return;
    const key = await this.#connection.ask("push.key", {}, KeySchema);
    if (key.ok) this.#key = key.value.key;
    else if (key.error.code === NOT_AVAILABLE) this.#set("impossible");
    if (!key.ok || Notification.permission !== "granted") return;
    const registration = await navigator.serviceWorker.getRegistration(SCOPE);
    const subscription = await registration?.pushManager.getSubscription();
    if (subscription && (await this.#tell(subscription))) this.#set("on");
  }

  /** Ask the person, then the browser, then tell the server. What went wrong, for people; empty when nothing did. */
  async turnOn(): Promise<string> {
    if (this.#state === "impossible") return "This browser or this site cannot send notifications.";
    if (this.#key === undefined) return "There is no connection. Try again.";
    const permission = await Notification.requestPermission();
    if (permission !== "granted") {
      this.#set(permission === "denied" ? "blocked" : "off");
      return "The browser does not allow notifications of this site.";
    }
    try {
      const registration = await registered();
      const subscription = await subscribed(registration, this.#key);
      if (!(await this.#tell(subscription))) return "Notifications cannot be sent to this browser.";
    } catch {
      return "This browser could not be signed up for notifications.";
    }
    this.#set("on");
    return "";
  }

  /** No notifications of this browser any more. */
  async turnOff(): Promise<void> {
    const registration = await navigator.serviceWorker?.getRegistration(SCOPE);
    const subscription = await registration?.pushManager.getSubscription();
    if (subscription) {
      await this.#connection.act("push.unsubscribe", { endpoint: subscription.endpoint });
      await subscription.unsubscribe();
    }
    this.#set("off");
  }

  async #tell(subscription: PushSubscription): Promise<boolean> {
    const read = parse(PushSubscriptionSchema, subscription.toJSON());
    return read.ok && (await this.#connection.act("push.subscribe", { subscription: read.value })).ok;
  }

  #told(data: unknown): void {
    if (typeof data !== "object" || data === null || !("type" in data)) return;
    if (data.type === "open" && "room" in data && typeof data.room === "string") this.#openRoom(data.room);
    if (data.type === "subscription") void this.refresh();
  }

  #set(state: Notifying): void {
    this.#state = state;
    this.#changed();
  }
}

/** Nothing comes to this browser any more for whoever was here; their inbox learns it from the push service (RFC 8030 7.3). */
export async function endSubscription(): Promise<void> {
  try {
    const registration = await navigator.serviceWorker?.getRegistration(SCOPE);
    const subscription = await registration?.pushManager.getSubscription();
    await subscription?.unsubscribe();
  } catch (error) {
    console.warn("a subscription to notifications could not be ended", error);
  }
}

const isPossible = (): boolean =>
  "serviceWorker" in navigator && "PushManager" in window && "Notification" in window;

/** The worker when it runs: only then it can be subscribed. */
async function registered(): Promise<ServiceWorkerRegistration> {
  const registration = await navigator.serviceWorker.register(WORKER, { scope: SCOPE, type: "module" });
  const worker = registration.installing ?? registration.waiting;
  if (registration.active || !worker) return registration;
  await new Promise<void>((resolve) =>
    worker.addEventListener("statechange", () => {
      if (worker.state === "activated" || worker.state === "redundant") resolve();
    }),
  );
  return registration;
}

/** With this key; a subscription with another one, of a server that was set up anew, ends. */
async function subscribed(
  { pushManager }: ServiceWorkerRegistration,
  key: string,
): Promise<PushSubscription> {
  const options = { userVisibleOnly: true, applicationServerKey: key };
  try {
    return await pushManager.subscribe(options);
  } catch (error) {
    const old = await pushManager.getSubscription();
    if (!old) throw error;
    await old.unsubscribe();
    return pushManager.subscribe(options);
  }
}
