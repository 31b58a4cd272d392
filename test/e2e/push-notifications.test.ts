/**
 * A member who is asleep is notified: real workerd sends over HTTP to a push service of this test, which decrypts what comes and checks
 * who signed it. No browser: what a service worker would show is what is decrypted here.
 */
import { Centrifuge } from "centrifuge";
import { afterAll, beforeAll, expect, it } from "vitest";
import { WebSocket } from "ws";
import { chatChannel } from "../../wire/chat.ts";
import { inboxChannel, type Notification } from "../../wire/inbox.ts";
import { claimsOf, PushReceiver, type PushRequest } from "../support/push-receiver.ts";
import { PushService } from "../support/push-service.ts";
import { Stack, until } from "../support/stack.ts";

let service: PushService;
let stack: Stack;
const clients: Centrifuge[] = [];

// A stack of its own: it is told at its start which push service there is.
beforeAll(async () => {
  service = await PushService.start();
  stack = await Stack.start(["--no-demo"], { MILLRACE_PUSH_ENDPOINTS: service.origin });
});
afterAll(async () => {
  for (const client of clients) client.disconnect();
  await stack?.stop();
  await service.stop();
});

async function enter(sub: string): Promise<Centrifuge> {
  const answer = await stack.admin("/tokens", { method: "POST", body: JSON.stringify({ sub, name: sub }) });
  const { token }: { token: string } = JSON.parse(await answer.text());
  const url = `${stack.dev.edge.replace("http", "ws")}/connection/websocket`;
  const client = new Centrifuge(url, { token, websocket: WebSocket });
  clients.push(client);
  client.connect();
  await client.ready(20_000);
  return client;
}

it("whoever is asleep is told, until their device is no more", async () => {
  const [phone, tablet] = [await PushReceiver.make(), await PushReceiver.make()];
  const alice = await enter("alice");
  const { key }: { key: string } = (await alice.rpc("push.key", {})).data;
  for (const [path, receiver] of [["/phone", phone] as const, ["/tablet", tablet] as const]) {
    const subscription = receiver.subscription(service.origin + path);
    expect((await alice.rpc("push.subscribe", { subscription })).data).toEqual({});
  }
  const inside = phone.subscription("http://127.0.0.1:1/phone");
  await expect(alice.rpc("push.subscribe", { subscription: inside })).rejects.toMatchObject({ code: 473 });
  alice.disconnect();

  const bob = await enter("bob");
  const { room }: { room: string } = (await bob.rpc("room.direct", { user: "alice" })).data;
  const say = (text: string) => bob.publish(chatChannel(room), { text, nonce: text });
  const said = async (receiver: PushReceiver, request: PushRequest): Promise<Notification> =>
    JSON.parse(await receiver.decrypt(request));
  const bodies = async () =>
    Promise.all(service.at("/tablet").map(async (request) => (await said(tablet, request)).body));
  const tabletHears = (count: number) =>
    until(`the tablet to be told ${count} times`, () =>
      service.at("/tablet").length === count ? true : undefined,
    );

  await say("see you at eight");
  const request = await until("the phone to be told", () => service.at("/phone")[0]);
  expect(await said(phone, request)).toMatchObject({
    ...{ room, title: "bob", body: "see you at eight", unread: 1 },
  });
  await expect(tablet.decrypt(request)).rejects.toThrow();
  const claims = await claimsOf(request, key);
  // The library knows no other scheme.
  expect(claims.aud).toBe(service.origin.replace("http:", "https:"));
  expect(claims.sub).toMatch(/^mailto:/);
  expect(claims.exp * 1000 - Date.now()).toBeGreaterThan(0);
  expect(claims.exp * 1000 - Date.now()).toBeLessThan(86_400_000);
  expect(request.headers.get("ttl")).toBe("86400");
  expect(request.headers.get("urgency")).toBe("high");
  expect(request.headers.get("topic")).toMatch(/^[\w-]{32}$/);
  await tabletHears(1);
  expect(service.at("/tablet")[0]?.headers.get("topic")).toBe(request.headers.get("topic"));

  // The phone is no more: it is asked once, and never again.
  service.answers.set("/phone", 410);
  await say("or nine");
  await tabletHears(2);
  await until("the phone to be asked", () => (service.at("/phone").length === 2 ? true : undefined));
  service.answers.delete("/phone");
  await say("or ten");
  await tabletHears(3);

  // Who listens shows it by itself.
  const awake = await enter("alice");
  const heard: string[] = [];
  const inbox = awake.newSubscription(inboxChannel("alice"));
  inbox.on("publication", ({ data }) => {
    if (data.type === "message") heard.push(data.message.text);
  });
  inbox.subscribe();
  await inbox.ready(20_000);
  await say("are you there?");
  await until("alice to hear it", () => (heard.includes("are you there?") ? true : undefined));
  awake.disconnect();
  // The shard says a moment later that nobody listens.
  let asked = 0;
  await until("the tablet to be told again", async () => {
    if (service.at("/tablet").length > 3) return true;
    asked += 1;
    // A room takes only so many in so long.
    await say(`hello? ${asked}`).catch(() => {});
    return undefined;
  });
  const told = await bodies();
  expect(told.slice(0, 3)).toEqual(["see you at eight", "or nine", "or ten"]);
  expect(told).not.toContain("are you there?");
  expect(service.at("/phone")).toHaveLength(2);
});
