/**
 * The service worker of /messages: shows what is pushed to this browser, and opens the room on a click. It keeps nothing and answers no
 * request of the page.
 */
import { NotificationSchema } from "../../wire/inbox.ts";
import { parse } from "../../wire/parse.ts";
import { pathOfRoom, roomOfHash } from "../messages/address.ts";

declare const self: ServiceWorkerGlobalScope;

self.addEventListener("install", () => void self.skipWaiting());
self.addEventListener("activate", (event) => event.waitUntil(self.clients.claim()));

self.addEventListener("push", (event) => event.waitUntil(show(event.data)));
self.addEventListener("notificationclick", (event) => {
  event.notification.close();
  const room: unknown = event.notification.data?.room;
  if (typeof room === "string") event.waitUntil(open(room));
});
self.addEventListener("pushsubscriptionchange", (event) => event.waitUntil(renew(event)));

const pages = async (): Promise<readonly WindowClient[]> => {
  const all = await self.clients.matchAll({ type: "window", includeUncontrolled: true });
  return all.filter(({ url }) => new URL(url).pathname === "/messages");
};

/** Show it, unless somebody looks at that room now. A newer one of the same room takes its place. */
async function show(data: PushMessageData | null): Promise<void> {
  const read = parse(NotificationSchema, jsonOf(data));
  if (!read.ok) return;
  const { room, title, body, id } = read.value;
  const isSeen = (await pages()).some(
    ({ url, focused }) => focused && roomOfHash(new URL(url).hash) === room,
  );
  if (isSeen) return;
  await self.registration.showNotification(title, { body, tag: room, data: { room, id } });
}

function jsonOf(data: PushMessageData | null): unknown {
  try {
    return data?.json();
  } catch {
    return undefined;
  }
}

/** The page that is open goes there; else one is opened. */
async function open(room: string): Promise<void> {
  const [page] = await pages();
  if (page === undefined) {
    await self.clients.openWindow(pathOfRoom(room));
    return;
  }
  page.postMessage({ type: "open", room });
  // Where it may not come to the front, it has gone there all the same.
  await page.focus().catch(() => undefined);
}

/** The browser took its subscription back: a new one goes to the server with the pages, which know who they are. */
async function renew(event: Event): Promise<void> {
  const old = "oldSubscription" in event ? (event.oldSubscription as PushSubscription | null) : null;
  if (old) await self.registration.pushManager.subscribe(old.options);
  for (const page of await pages()) page.postMessage({ type: "subscription" });
}
