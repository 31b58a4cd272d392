/** Notifications, with a push service in place of `fetch`: who is notified of what, when it is tried again, when it is given up. */
import {
  abortAllDurableObjects,
  evictDurableObject,
  runDurableObjectAlarm,
  runInDurableObject,
} from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { postNotification, vapidOf } from "../../durable-objects/inbox/push/push-post.ts";
import { MAX_PUSH_SUBSCRIPTIONS, type Notification } from "../../wire/inbox.ts";
import { claimsOf, PushReceiver, type PushRequest } from "../support/push-receiver.ts";
import { Device, FakeRoom, inboxOf } from "./inbox-bench.ts";
import { passTime } from "./stream-object.ts";
import { until } from "./viewer-set-client.ts";

const MINUTE = 60_000;
let users = 0;
let user = "";
let receiver: PushReceiver;
/** What the push service got, in order, and how it answers. */
let got: PushRequest[] = [];
let answer: (request: PushRequest, init: RequestInit) => Response | Promise<Response>;

beforeEach(async () => {
  users += 1;
  user = `asleep-${users}`;
  receiver = await PushReceiver.make();
  got = [];
  answer = () => new Response(null, { status: 201 });
  vi.spyOn(globalThis, "fetch").mockImplementation(async (url, init = {}) => {
    const body = new Uint8Array(init.body as Uint8Array<ArrayBuffer>);
    const request = { endpoint: String(url), headers: new Headers(init.headers), body };
    got.push(request);
    return answer(request, init);
  });
});
afterEach(() => {
  vi.restoreAllMocks();
});

const ENDPOINT = "https://push.millrace-tests.dev/d/1";

/** A user whose device is asleep. */
async function asleep(endpoint = ENDPOINT): Promise<Device> {
  const device = await Device.connect(user);
  expect(await subscribe(device, endpoint)).toMatchObject({ rpc: { data: {} } });
  return device;
}

const subscribe = (device: Device, endpoint = ENDPOINT) =>
  device.act("push.subscribe", { subscription: receiver.subscription(endpoint) });
const take = (delivery: Parameters<ReturnType<typeof inboxOf>["take"]>[0]) => inboxOf(user).take(delivery);
const said = async (request: PushRequest): Promise<Notification> =>
  JSON.parse(await receiver.decrypt(request));
const bodies = async () => Promise.all(got.map(async (request) => (await said(request)).body));

/** The rows that wait, and the devices. */
const rows = () =>
  runInDurableObject(inboxOf(user), (_inbox, { storage }) => ({
    waiting: storage.sql.exec("SELECT room, attempts, due_at AS dueAt FROM push_waiting").toArray(),
    devices: storage.sql.exec("SELECT endpoint, failures FROM push_subscription ORDER BY endpoint").toArray(),
  }));
const nothingWaits = () => until(async () => expect((await rows()).waiting).toEqual([]));

/** Let time pass for the inbox, and have its alarm ring. */
async function later(ms: number): Promise<void> {
  passTime(ms);
  await runDurableObjectAlarm(inboxOf(user));
}

describe("a device that is asleep", () => {
  it("is told of a message, so that only it can read it", async () => {
    await asleep();
    const room = await FakeRoom.direct(user, "bob");
    await take(room.joined());
    await take(room.says(["hi", "see you at eight"]));
    const [request] = await until(() => {
      expect(got).toHaveLength(1);
      return got as [PushRequest];
    });
    expect(await said(request)).toEqual({
      ...{ room: room.room, title: "bob", body: "bob: see you at eight", unread: 2, id: room.last?.id },
    });
    expect(request.endpoint).toBe(ENDPOINT);
    expect(Object.fromEntries(request.headers)).toMatchObject({
      ttl: "86400",
      urgency: "high",
      "content-encoding": "aes128gcm",
      topic: expect.stringMatching(/^[\w-]{32}$/),
    });
    const claims = await claimsOf(request, env.VAPID_PUBLIC_KEY ?? "");
    expect(claims).toMatchObject({ aud: "https://push.millrace-tests.dev", sub: "mailto:ops@millrace.test" });
    expect(claims.exp - Date.now() / 1000).toBeLessThan(86_400);
    // Its length says nothing of what is in it.
    expect(request.body.length).toBe(4_096);
    await nothingWaits();
  });

  it("is told with a topic for each room, and of groups less urgently", async () => {
    await asleep();
    const [one, other] = [FakeRoom.group(), FakeRoom.group()];
    await take(one.says(["a"]));
    await until(() => expect(got).toHaveLength(1));
    await take(other.says(["b"]));
    await until(() => expect(got).toHaveLength(2));
    await take(one.says(["c"]));
    await until(() => expect(got).toHaveLength(3));
    const [a, b, c] = got.map(({ headers }) => headers.get("topic"));
    expect(a).toBe(c);
    expect(a).not.toBe(b);
    expect(got[0]?.headers.get("urgency")).toBe("normal");
  });

  it("is told once of what is delivered twice", async () => {
    await asleep();
    const delivery = FakeRoom.group().says(["a"]);
    for (let n = 0; n < 3; n += 1) await take(delivery);
    await until(() => expect(got).toHaveLength(1));
    await nothingWaits();
    await evictDurableObject(inboxOf(user));
    await take(delivery);
    expect((await rows()).waiting).toEqual([]);
    expect(got).toHaveLength(1);
  });

  it("is told beside the others of its user", async () => {
    const device = await asleep();
    await subscribe(device, `${ENDPOINT}2`);
    await take(FakeRoom.group().says(["a"]));
    await until(() => expect(got.map(({ endpoint }) => endpoint).sort()).toEqual([ENDPOINT, `${ENDPOINT}2`]));
  });
});

describe("nobody is told", () => {
  /** A message comes that is worth no notification, and one that is. */
  async function onlyTheLastOf(delivery: Parameters<typeof take>[0]): Promise<void> {
    await take(delivery);
    await take(FakeRoom.group().says(["worth it"]));
    await until(async () => expect(await bodies()).toEqual(["bob: worth it"]));
  }

  it("of what has no notification", async () => {
    await asleep();
    const { notification: _, ...quiet } = FakeRoom.group().says(["mine"]);
    await onlyTheLastOf(quiet);
  });

  it("of a room that is muted", async () => {
    const device = await asleep();
    const room = FakeRoom.group();
    await take(room.joined());
    await device.act("inbox.mute", { room: room.room, muted: true });
    await onlyTheLastOf(room.says(["a"]));
    await device.act("inbox.mute", { room: room.room, muted: false });
    await take(room.says(["b"]));
    await until(async () => expect(await bodies()).toContain("bob: b"));
  });

  it("of what somebody says who is blocked", async () => {
    const device = await asleep();
    await device.act("inbox.block", { user: "carol", blocked: true });
    const room = FakeRoom.group();
    await onlyTheLastOf(room.says(["a"], "carol"));
    expect((await device.told<{ rooms: object[] }>("inbox.state")).rooms).toHaveLength(2);
  });

  it("who does not want to be disturbed", async () => {
    const device = await asleep();
    await device.act("status.set", { status: "dnd" });
    await take(FakeRoom.group().says(["a"]));
    await device.act("status.set", { status: "online" });
    await take(FakeRoom.group().says(["worth it"]));
    await until(async () => expect(await bodies()).toEqual(["bob: worth it"]));
  });

  it("while a device listens", async () => {
    const phone = await asleep();
    const laptop = await Device.open(user);
    await take(FakeRoom.group().says(["a"]));
    await until(() => expect(laptop.texts).toEqual(["a"]));
    await laptop.unsubscribe();
    await until(async () => {
      await take(FakeRoom.group().says(["worth it"]));
      expect(got.length).toBeGreaterThan(0);
    });
    expect(await bodies()).not.toContain("bob: a");
    expect(phone.texts).toEqual([]);
  });

  it("of what was read, muted or deleted before it could be sent", async () => {
    const device = await asleep();
    answer = () => new Response(null, { status: 503 });
    const [read, muted, deleted] = [FakeRoom.group(), FakeRoom.group(), FakeRoom.group()];
    for (const room of [read, muted, deleted]) await take(room.says(["a"]));
    await until(async () => expect((await rows()).waiting).toHaveLength(3));
    const { id = "" } = deleted.last ?? {};
    Object.assign(read, { read: read.seq, unread: 0 });
    await take({ summary: read.summary, events: [], upTo: read.seq });
    await device.act("inbox.mute", { room: muted.room, muted: true });
    await take(deleted.deletes(id));
    expect((await rows()).waiting).toEqual([]);
  });
});

describe("a push service that does not take it", () => {
  it("is asked again, with the newest of each room", async () => {
    await asleep();
    answer = () => new Response(null, { status: 503 });
    const room = FakeRoom.group();
    await take(room.says(["one"]));
    await until(async () => expect((await rows()).waiting).toMatchObject([{ attempts: 1 }]));
    await take(room.says(["two"]));
    await take(room.says(["three"]));
    // Not sooner for what came.
    expect(got).toHaveLength(1);
    await evictDurableObject(inboxOf(user));
    answer = () => new Response(null, { status: 201 });
    await later(10_000);
    await until(async () => expect(await bodies()).toEqual(["bob: one", "bob: three"]));
    await nothingWaits();
  });

  it.each([
    ["429, with seconds", () => new Response(null, { status: 429, headers: { "retry-after": "600" } })],
    [
      "503, with a date",
      () => {
        const date = new Date(Date.now() + 10 * MINUTE).toUTCString();
        return new Response(null, { status: 503, headers: { "retry-after": date } });
      },
    ],
  ])("is left alone for as long as it says: %s", async (_name, busy) => {
    await asleep();
    answer = busy;
    await take(FakeRoom.group().says(["a"]));
    await until(async () => expect((await rows()).waiting).toMatchObject([{ attempts: 1 }]));
    await take(FakeRoom.group().says(["b"]));
    answer = () => new Response(null, { status: 201 });
    await later(9 * MINUTE);
    expect((await rows()).waiting).toHaveLength(2);
    await later(2 * MINUTE);
    await nothingWaits();
    expect((await bodies()).slice(-2).sort()).toEqual(["bob: a", "bob: b"]);
  });

  it.each([
    ["it cannot be reached", () => Promise.reject(new Error("no route"))],
    ["it fails", () => new Response(null, { status: 500 })],
  ])("is given up within an hour: %s", async (_name, failing) => {
    await asleep();
    answer = failing;
    await take(FakeRoom.group().says(["a"]));
    await until(() => expect(got).toHaveLength(1));
    for (let n = 0; n < 12 && (await rows()).waiting.length > 0; n += 1) await later(25 * MINUTE);
    expect((await rows()).waiting).toEqual([]);
    expect(got.length).toBeGreaterThan(2);
    expect(got.length).toBeLessThan(8);
    // The device stays: it was not the device's fault.
    expect((await rows()).devices).toMatchObject([{ failures: 0 }]);
  });

  it.each([404, 410])("has no such device any more: %i", async (status) => {
    const device = await asleep();
    await subscribe(device, `${ENDPOINT}2`);
    answer = ({ endpoint }) => new Response(null, { status: endpoint === ENDPOINT ? status : 201 });
    await take(FakeRoom.group().says(["a"]));
    await until(async () => expect((await rows()).devices).toMatchObject([{ endpoint: `${ENDPOINT}2` }]));
    await nothingWaits();
    got = [];
    await take(FakeRoom.group().says(["b"]));
    await until(() => expect(got).toHaveLength(1));
    await nothingWaits();
    expect(got).toHaveLength(1);
  });

  it.each([400, 403, 413, 301, 307])("refuses it five times, and is asked no more: %i", async (status) => {
    await asleep();
    answer = (_request, { redirect }) => {
      expect(redirect).toBe("manual");
      return new Response(null, { status, headers: { location: "https://127.0.0.1/" } });
    };
    for (let n = 1; n <= 4; n += 1) {
      await take(FakeRoom.group().says(["a"]));
      await until(async () => expect((await rows()).devices).toMatchObject([{ failures: n }]));
    }
    await take(FakeRoom.group().says(["a"]));
    await until(async () => expect((await rows()).devices).toEqual([]));
    expect(got).toHaveLength(5);
  });

  it("is forgiven when it takes one", async () => {
    await asleep();
    answer = () => new Response(null, { status: got.length === 3 ? 201 : 400 });
    for (const failures of [1, 2, 0, 1]) {
      await take(FakeRoom.group().says(["a"]));
      await until(async () => expect((await rows()).devices).toMatchObject([{ failures }]));
    }
  });

  it("is told of what came while it was being told", async () => {
    await asleep();
    const hold = Promise.withResolvers<Response>();
    answer = () => (got.length === 1 ? hold.promise : new Response(null, { status: 201 }));
    const room = FakeRoom.group();
    await take(room.says(["one"]));
    await until(() => expect(got).toHaveLength(1));
    await take(room.says(["two"]));
    hold.resolve(new Response(null, { status: 201 }));
    await until(async () => expect(await bodies()).toEqual(["bob: one", "bob: two"]));
    await nothingWaits();
  });

  it("is waited for only so long", async () => {
    const vapid = vapidOf(env);
    if (vapid === undefined) throw new Error("no keys");
    const room = FakeRoom.group().room;
    const subscription = receiver.subscription(ENDPOINT);
    const letter = { subscription, payload: "{}", room, urgency: "high" } as const;
    const hang: typeof fetch = (_url, init) =>
      new Promise((_resolve, reject) => {
        init?.signal?.addEventListener("abort", () => reject(init.signal?.reason));
      });
    const attempt = await postNotification(letter, vapid, hang as never, 50);
    expect(attempt).toEqual({ kind: "timed-out", afterMs: 50 });
  });

  it("loses nothing when the inbox goes away in the middle", async () => {
    await asleep();
    const hold = Promise.withResolvers<Response>();
    answer = () => hold.promise;
    await take(FakeRoom.group().says(["a"]));
    await until(() => expect(got).toHaveLength(1));
    const rings = await runInDurableObject(inboxOf(user), (_inbox, { storage }) => storage.getAlarm());
    expect(rings).toBeLessThan(Date.now() + 2 * MINUTE);
    await abortAllDurableObjects();
    answer = () => new Response(null, { status: 201 });
    await later(2 * MINUTE);
    await until(async () => expect(await bodies()).toEqual(["bob: a", "bob: a"]));
    await nothingWaits();
    hold.resolve(new Response(null, { status: 201 }));
  });
});

describe("an inbox that has just woken up", () => {
  it("asks its shards whether somebody listens before it notifies", async () => {
    await asleep();
    await runInDurableObject(inboxOf(user), (_inbox, { storage }) =>
      storage.kv.put("shards", ["~people/any/9"]),
    );
    await evictDurableObject(inboxOf(user));
    await take(FakeRoom.group().says(["a"]));
    await take(FakeRoom.group().says(["b"]));
    await until(async () => {
      const { waiting } = await rows();
      for (const { dueAt } of waiting) expect(Number(dueAt)).toBeGreaterThan(Date.now() + 20_000);
    });
    expect(got).toEqual([]);
    // Nobody says so: the shard is no more.
    await later(40_000);
    await until(async () => expect((await bodies()).sort()).toEqual(["bob: a", "bob: b"]));
  });

  it("tells nobody when one says so", async () => {
    await asleep();
    await runInDurableObject(inboxOf(user), (_inbox, { storage }) =>
      storage.kv.put("shards", ["~people/any/9"]),
    );
    await evictDurableObject(inboxOf(user));
    await take(FakeRoom.group().says(["a"]));
    await inboxOf(user).report([{ shard: "~people/any/9", sockets: 1, playing: 0 }]);
    passTime(35_000);
    await inboxOf(user).report([{ shard: "~people/any/9", sockets: 1, playing: 0 }]);
    await runDurableObjectAlarm(inboxOf(user));
    await nothingWaits();
    expect(got).toEqual([]);
  });
});

describe("a subscription", () => {
  it("says with which key", async () => {
    const device = await Device.connect(user);
    expect(await device.told("push.key")).toEqual({ key: env.VAPID_PUBLIC_KEY });
  });

  it("can be taken back", async () => {
    const device = await asleep();
    expect(await device.act("push.unsubscribe", { endpoint: ENDPOINT })).toMatchObject({ rpc: { data: {} } });
    expect(await device.act("push.unsubscribe", { endpoint: ENDPOINT })).toMatchObject({ rpc: { data: {} } });
    expect((await rows()).devices).toEqual([]);
    await take(FakeRoom.group().says(["a"]));
    expect((await rows()).waiting).toEqual([]);
  });

  it("takes the place of the oldest when there are too many", async () => {
    const device = await asleep(`${ENDPOINT}/0`);
    for (let n = 1; n <= MAX_PUSH_SUBSCRIPTIONS; n += 1) {
      passTime(1000);
      await subscribe(device, `${ENDPOINT}/${n}`);
    }
    const { devices } = await rows();
    expect(devices).toHaveLength(MAX_PUSH_SUBSCRIPTIONS);
    expect(devices.map(({ endpoint }) => endpoint)).not.toContain(`${ENDPOINT}/0`);
  });

  it.each([
    ["http://push.millrace-tests.dev/d"],
    ["https://127.0.0.1/d"],
    ["https://[::1]/d"],
    ["https://2130706433/d"],
    ["https://localhost/d"],
    ["https://metadata.google.internal/d"],
    ["https://push/d"],
    ["https://user:password@push.millrace-tests.dev/d"],
    ["https://push.millrace-tests.dev:8443/d"],
    ["https://push.millrace-tests.dev./d"],
  ])("does not point inside the network: %s", async (endpoint) => {
    const device = await Device.connect(user);
    expect(await subscribe(device, endpoint)).toMatchObject({
      error: { code: 473, message: "bad endpoint" },
    });
  });

  it("has keys that something can be encrypted for", async () => {
    const device = await Device.connect(user);
    const subscription = receiver.subscription(ENDPOINT);
    const keys = { ...subscription.keys, p256dh: `B${"A".repeat(86)}` };
    expect(await device.act("push.subscribe", { subscription: { ...subscription, keys } })).toMatchObject({
      error: { code: 473 },
    });
  });

  it.each([
    ["no keys", { endpoint: ENDPOINT }],
    ["a short secret", { endpoint: ENDPOINT, keys: { p256dh: "B".repeat(87), auth: "AA" } }],
    ["a long address", { endpoint: `https://push.com/${"a".repeat(2_040)}`, keys: {} }],
  ])("is one: not with %s", async (_name, subscription) => {
    const device = await Device.connect(user);
    expect(await device.act("push.subscribe", { subscription })).toMatchObject({ error: { code: 107 } });
  });

  it("is checked again before anything is sent", async () => {
    await asleep();
    await runInDurableObject(inboxOf(user), (_inbox, { storage }) =>
      storage.sql.exec("UPDATE push_subscription SET endpoint = 'https://127.0.0.1/d'"),
    );
    await take(FakeRoom.group().says(["a"]));
    await until(async () => expect(await rows()).toEqual({ waiting: [], devices: [] }));
    expect(got).toEqual([]);
  });

  it("is not to be had without keys of the operator", async () => {
    const device = await Device.connect(user);
    await runInDurableObject(inboxOf(user), (inbox) => {
      const holder = inbox as unknown as { env: Record<string, unknown> };
      holder.env = { ...holder.env, VAPID_PRIVATE_KEY: undefined };
    });
    expect(await device.act("push.key")).toMatchObject({ error: { code: 108, message: "not available" } });
    expect(await subscribe(device)).toMatchObject({ error: { code: 108 } });
  });
});
