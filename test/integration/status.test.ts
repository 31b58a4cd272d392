/** Status and friends through real sockets: devices that merge, who may see whom, what is told of it and what is not, whatever is evicted. */
import { evictDurableObject, runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { OFFLINE_GRACE_MS, UNHEARD_MS } from "../../durable-objects/core/inbox/status.ts";
import { Inbox } from "../../durable-objects/inbox/inbox.ts";
import { WATCH_MS } from "../../durable-objects/inbox/status/watching.ts";
import {
  AWAY_MINUTES,
  type FriendList,
  type InboxState,
  MAX_FRIENDS,
  type UserStatus,
} from "../../wire/inbox.ts";
import { Device, inboxOf } from "./inbox-bench.ts";
import { passTime } from "./stream-object.ts";
import { until } from "./viewer-set-client.ts";

let made = 0;
let [alice, bob] = ["", ""];
beforeEach(() => {
  made += 1;
  [alice, bob] = [`alice-${made}`, `bob-${made}`];
});
afterEach(() => {
  vi.restoreAllMocks();
});

/** Statuses of somebody as they were told to a device, one after the other. */
const told = (device: Device, user: string): readonly UserStatus[] =>
  device.events.flatMap((event) =>
    event.type === "statuses" ? event.statuses.filter((status) => status.user === user) : [],
  );
const story = (device: Device, user: string): string =>
  told(device, user)
    .map(({ status }) => status)
    .join(" ");
const hears = (device: Device, user: string, expected: string): Promise<void> =>
  until(() => expect(story(device, user)).toBe(expected));
const kinds = (device: Device): readonly string[] =>
  device.events.flatMap((event) => (event.type === "friend" ? [`${event.state}`] : []));
const list = (device: Device) => device.told<FriendList>("friends.list");

/** `follower` may see `user`, as both agreed. */
async function befriend(follower: Device, user: Device): Promise<void> {
  await follower.act("friends.follow", { user: user.user });
  await user.act("friends.allow", { user: follower.user, allowed: true });
}

describe("friends", () => {
  it("are asked, allowed and seen; one way", async () => {
    const [a, b] = [await Device.open(alice), await Device.open(bob)];
    expect(await a.told("friends.follow", { user: bob })).toEqual({ state: "asked" });
    expect(await b.event("friend-request")).toEqual({ type: "friend-request", user: alice, name: alice });
    expect(await list(b)).toEqual({
      following: [],
      followers: [{ user: alice, name: alice, allowed: false }],
    });
    expect(await list(a)).toEqual({ following: [{ user: bob, state: "asked" }], followers: [] });
    expect(told(a, bob)).toEqual([]);
    await b.act("friends.allow", { user: alice, allowed: true });
    await hears(a, bob, "online");
    expect(kinds(a)).toEqual(["asked", "allowed"]);
    expect(await list(a)).toEqual({
      following: [{ user: bob, state: "allowed", status: { user: bob, status: "online" } }],
      followers: [],
    });
    expect(told(b, alice)).toEqual([]);
    expect(await a.told("friends.follow", { user: bob })).toEqual({ state: "allowed" });
  });

  it("are asked once, however often, and may be allowed before they ask", async () => {
    const [a, b] = [await Device.open(alice), await Device.open(bob)];
    for (let n = 0; n < 3; n += 1) await a.act("friends.follow", { user: bob });
    await a.act("friends.unfollow", { user: bob });
    await a.act("friends.follow", { user: bob });
    await a.act("friends.allow", { user: bob, allowed: true });
    expect(await b.told("friends.follow", { user: alice })).toEqual({ state: "allowed" });
    await hears(b, alice, "online");
    expect(b.events.filter(({ type }) => type === "friend-request")).toHaveLength(1);
    expect((await list(b)).followers).toEqual([{ user: alice, name: alice, allowed: false }]);
  });

  it("see nothing from the moment in which it was withdrawn", async () => {
    const [a, b] = [await Device.open(alice), await Device.open(bob)];
    await befriend(a, b);
    await hears(a, bob, "online");
    await b.act("friends.allow", { user: alice, allowed: false });
    await hears(a, bob, "online offline");
    expect(told(a, bob)[1]).toEqual({ user: bob, status: "offline" });
    expect(kinds(a)).toEqual(["asked", "allowed", "none"]);
    await b.act("status.set", { status: "dnd" });
    await befriend(a, b);
    await hears(a, bob, "online offline dnd");
  });

  it("see nothing more of who they do not follow any more", async () => {
    const [a, b] = [await Device.open(alice), await Device.open(bob)];
    await befriend(a, b);
    await hears(a, bob, "online");
    await a.act("friends.unfollow", { user: bob });
    await hears(a, bob, "online offline");
    expect(await list(b)).toEqual({ following: [], followers: [] });
    expect(await list(a)).toEqual({ following: [], followers: [] });
  });

  it("who are blocked wait as if nobody answered, and see nobody", async () => {
    const [a, b] = [await Device.open(alice), await Device.open(bob)];
    await b.act("inbox.block", { user: alice, blocked: true });
    expect(await a.told("friends.follow", { user: bob })).toEqual({ state: "asked" });
    expect(await list(b)).toEqual({ following: [], followers: [] });
    await b.act("inbox.block", { user: alice, blocked: false });
    await befriend(a, b);
    await hears(a, bob, "online");
    await b.act("inbox.block", { user: alice, blocked: true });
    await hears(a, bob, "online offline");
    expect(told(a, bob)[1]).toEqual({ user: bob, status: "offline" });
    await b.act("status.set", { status: "dnd" });
    await b.act("inbox.block", { user: alice, blocked: false });
    await hears(a, bob, "online offline dnd");
    expect(kinds(a)).toEqual(["asked", "allowed"]);
    expect(b.events.filter(({ type }) => type === "friend-request")).toHaveLength(1);
  });

  it("are a thousand at most, both ways, and nobody is their own", async () => {
    const [a, b] = [await Device.open(alice), await Device.open(bob)];
    expect(await a.act("friends.follow", { user: alice })).toMatchObject({ error: { code: 103 } });
    await a.act("friends.follow", { user: "first" });
    const fill = (user: string, statement: string) =>
      runInDurableObject(inboxOf(user), (_object, state) => {
        for (let n = 1; n < MAX_FRIENDS; n += 1) state.storage.sql.exec(statement, `friend-${n}`);
      });
    await fill(alice, "INSERT INTO following VALUES (?, 'asked', NULL)");
    expect(await a.act("friends.follow", { user: bob })).toMatchObject({ error: { code: 474 } });
    expect(await a.told("friends.follow", { user: "first" })).toEqual({ state: "asked" });
    const c = await Device.open(`carol-${made}`);
    await c.act("friends.follow", { user: bob });
    await fill(bob, "INSERT INTO follower (user, state, at) VALUES (?, 'asked', 0)");
    const d = await Device.open(`dave-${made}`);
    expect(await d.act("friends.follow", { user: bob })).toMatchObject({ error: { code: 474 } });
    expect((await list(d)).following).toEqual([]);
    expect(await b.act("friends.allow", { user: d.user, allowed: true })).toMatchObject({
      error: { code: 474 },
    });
    await b.act("friends.allow", { user: "friend-1", allowed: false });
    expect(await d.told("friends.follow", { user: bob })).toEqual({ state: "asked" });
  });

  it("hear of it although the other did not answer at first", async () => {
    vi.spyOn(console, "warn").mockImplementation(() => {});
    const [a, b] = [await Device.open(alice), await Device.open(bob)];
    await a.act("friends.follow", { user: bob });
    const refuse = vi.spyOn(Inbox.prototype, "befriend").mockImplementation(() => {
      throw new Error("injected");
    });
    await b.act("friends.allow", { user: alice, allowed: true });
    expect(kinds(a)).toEqual(["asked"]);
    refuse.mockRestore();
    await evictDurableObject(inboxOf(bob));
    passTime(20_000);
    await runDurableObjectAlarm(inboxOf(bob));
    await until(() => expect(kinds(a)).toEqual(["asked", "allowed"]));
    await hears(a, bob, "online");
  });
});

describe("an inbox that may go away before the other has answered", () => {
  it.each([
    [
      "whom it allowed what",
      { rpc: { method: "friends.allow", data: { user: "ALICE", allowed: false } } },
      (storage: DurableObjectStorage) => storage.sql.exec("SELECT what FROM friend_owed").toArray(),
      [{ what: "allowing" }],
    ],
    [
      "how its user is",
      { rpc: { method: "status.set", data: { status: "dnd" } } },
      (storage: DurableObjectStorage) => storage.kv.get("telling status"),
      true,
    ],
  ] as const)(
    "has written down that it is to say, and comes back to it: %s",
    async (_name, asked, look, written) => {
      vi.spyOn(console, "warn").mockImplementation(() => {});
      const [a, b] = [await Device.open(alice), await Device.open(bob)];
      await befriend(a, b);
      await hears(a, bob, "online");
      const answers = Promise.withResolvers<never>();
      const hanging = vi
        .spyOn(Inbox.prototype, "befriend")
        .mockImplementation((() => answers.promise) as never);
      b.client.say({ id: 99, ...JSON.parse(JSON.stringify(asked).replace("ALICE", alice)) });
      await until(() => expect(hanging).toHaveBeenCalled());
      const seen = await runInDurableObject(inboxOf(bob), async (_object, { storage }) => ({
        written: look(storage),
        alarmAt: await storage.getAlarm(),
      }));
      expect(seen.written).toEqual(written);
      expect(seen.alarmAt ?? Number.POSITIVE_INFINITY).toBeLessThanOrEqual(Date.now() + 10_000);
      hanging.mockRestore();
      answers.reject(new Error("injected"));
    },
  );
});

describe("status", () => {
  it("is what the user chose, on all devices, until they choose another", async () => {
    const [a, b] = [await Device.open(alice), await Device.open(bob)];
    const phone = await Device.open(bob, "~people/any/2");
    await befriend(a, b);
    for (const status of ["dnd", "away", "invisible", "online"]) {
      await b.act("status.set", { status });
      await until(() =>
        expect(phone.events.findLast(({ type }) => type === "you")).toMatchObject({ chosen: status }),
      );
      await evictDurableObject(inboxOf(bob));
      expect((await phone.told<InboxState>("inbox.state")).chosen).toBe(status);
      const seen = status === "invisible" ? "offline" : status;
      await until(() => expect(told(a, bob).at(-1)?.status).toBe(seen));
    }
    expect(b.events.filter(({ type }) => type === "you")).toHaveLength(4);
    expect(told(a, bob).find(({ status }) => status === "offline")?.lastActiveAt).toBeDefined();
  });

  it("is online while any device is, and offline 15 s after the last", async () => {
    const a = await Device.open(alice);
    const [laptop, phone] = [await Device.open(bob), await Device.open(bob, "~people/any/2")];
    await befriend(a, laptop);
    await hears(a, bob, "online");
    laptop.client.socket.close(1000);
    await inboxHas(1);
    passTime(OFFLINE_GRACE_MS + 1_000);
    await runDurableObjectAlarm(inboxOf(bob));
    await phone.act("status.active");
    expect(story(a, bob)).toBe("online");
    const left = Date.now();
    phone.client.socket.close(1000);
    await inboxHas(0);
    passTime(OFFLINE_GRACE_MS - 1_000);
    await runDurableObjectAlarm(inboxOf(bob));
    expect(story(a, bob)).toBe("online");
    passTime(2_000);
    await runDurableObjectAlarm(inboxOf(bob));
    await hears(a, bob, "online offline");
    const seenAt = Date.parse(told(a, bob)[1]?.lastActiveAt ?? "");
    expect(seenAt - left).toBeGreaterThanOrEqual(0);
    expect(seenAt - left).toBeLessThan(OFFLINE_GRACE_MS - 1_000);
    await Device.open(bob);
    await hears(a, bob, "online offline online");
  });

  it("is away after ten minutes without activity on any device, and back with it", async () => {
    const a = await Device.open(alice);
    const [laptop, phone] = [await Device.open(bob), await Device.open(bob, "~people/any/2")];
    await befriend(a, laptop);
    await hears(a, bob, "online");
    const minutes = async (count: number): Promise<void> => {
      passTime(count * 60_000);
      await inboxOf(bob).report([{ shard: "~people/any/1", sockets: 1, playing: 0 }]);
      await runDurableObjectAlarm(inboxOf(bob));
    };
    await minutes(AWAY_MINUTES - 1);
    await phone.act("status.active");
    await minutes(AWAY_MINUTES - 1);
    expect(story(a, bob)).toBe("online");
    await minutes(1);
    await hears(a, bob, "online away");
    await evictDurableObject(inboxOf(bob));
    await minutes(1);
    await laptop.act("status.active");
    await hears(a, bob, "online away online");
  });

  it("is away after ten minutes although the inbox sleeps again and again, and not before", async () => {
    const [a, b] = [await Device.open(alice), await Device.open(bob)];
    await befriend(a, b);
    await hears(a, bob, "online");
    const sleepless = async (minutes: number): Promise<void> => {
      for (let n = 0; n < minutes; n += 1) {
        passTime(60_000);
        await evictDurableObject(inboxOf(bob));
        await inboxOf(bob).report([{ shard: "~people/any/1", sockets: 1, playing: 0 }]);
      }
      await runDurableObjectAlarm(inboxOf(bob));
    };
    await sleepless(AWAY_MINUTES - 1);
    await b.act("status.active");
    await sleepless(AWAY_MINUTES - 1);
    expect(story(a, bob)).toBe("online");
    await sleepless(1);
    await hears(a, bob, "online away");
  });

  it("is offline after the last device although the inbox sleeps meanwhile", async () => {
    const [a, b] = [await Device.open(alice), await Device.open(bob)];
    await befriend(a, b);
    await hears(a, bob, "online");
    b.client.socket.close(1000);
    await inboxHas(0);
    passTime(OFFLINE_GRACE_MS + 1_000);
    await evictDurableObject(inboxOf(bob));
    await runDurableObjectAlarm(inboxOf(bob));
    await hears(a, bob, "online offline");
  });

  it("ends although the inbox sleeps between its alarms", async () => {
    const [a, b] = [await Device.open(alice), await Device.open(bob, "~people/any/5")];
    await befriend(a, b);
    await hears(a, bob, "online");
    for (let n = 0; n < 2; n += 1) {
      passTime(UNHEARD_MS + 1_000);
      await evictDurableObject(inboxOf(bob));
      await inboxOf(alice).report([{ shard: "~people/any/1", sockets: 1, playing: 0 }]);
      await runDurableObjectAlarm(inboxOf(bob));
    }
    await hears(a, bob, "online offline");
    // It was only slow.
    await inboxOf(bob).report([{ shard: "~people/any/5", sockets: 1, playing: 0 }]);
    await hears(a, bob, "online offline online");
  });

  it("ends when the shard of the last device is not heard of for a minute", async () => {
    const [a, b] = [await Device.open(alice), await Device.open(bob, "~people/any/4")];
    await befriend(a, b);
    await hears(a, bob, "online");
    passTime(UNHEARD_MS + 1_000);
    await inboxOf(alice).report([{ shard: "~people/any/1", sockets: 1, playing: 0 }]);
    await runDurableObjectAlarm(inboxOf(bob));
    await hears(a, bob, "online offline");
  });

  it("reaches who comes online later, and no one who is not", async () => {
    const [a, b] = [await Device.open(alice), await Device.open(bob)];
    await befriend(a, b);
    await hears(a, bob, "online");
    a.client.socket.close(1000);
    await inboxHas(0, alice);
    passTime(OFFLINE_GRACE_MS + 1_000);
    await inboxOf(bob).report([{ shard: "~people/any/1", sockets: 1, playing: 0 }]);
    await runDurableObjectAlarm(inboxOf(alice));
    const heard = vi.spyOn(Inbox.prototype, "befriend");
    await b.act("status.set", { status: "dnd" });
    await until(() => expect(heard).toHaveBeenCalledTimes(1));
    await b.act("status.set", { status: "away" });
    const again = await Device.open(alice);
    await hears(again, bob, "away");
    // She was dropped with the first answer; then she asked.
    expect(heard.mock.calls.map(([call]) => call.type)).toEqual(["status", "watch"]);
    expect((await list(again)).following).toMatchObject([{ status: { status: "away" } }]);
  });

  it("is told although inboxes are evicted in between, and whoever watches asks again in time", async () => {
    const [a, b] = [await Device.open(alice), await Device.open(bob)];
    await befriend(a, b);
    await hears(a, bob, "online");
    await evictDurableObject(inboxOf(bob));
    await b.act("status.set", { status: "dnd" });
    await hears(a, bob, "online dnd");
    await evictDurableObject(inboxOf(alice));
    await b.act("status.set", { status: "online" });
    await hears(a, bob, "online dnd online");
    for (let n = 0; n < 5; n += 1) {
      passTime(WATCH_MS / 2 + 1_000);
      for (const user of [alice, bob]) {
        await inboxOf(user).report([{ shard: "~people/any/1", sockets: 1, playing: 0 }]);
        await runDurableObjectAlarm(inboxOf(user));
      }
    }
    await b.act("status.set", { status: "dnd" });
    await until(() => expect(told(a, bob).at(-1)?.status).toBe("dnd"));
  });

  it("is not asked for with each wake of an inbox, and known all the same to who asks", async () => {
    const [a, b] = [await Device.open(alice), await Device.open(bob)];
    await befriend(a, b);
    await hears(a, bob, "online");
    const befriended = vi.spyOn(Inbox.prototype, "befriend");
    const watches = () => befriended.mock.calls.filter(([call]) => call.type === "watch").length;
    for (let wakes = 0; wakes < 3; wakes += 1) {
      await evictDurableObject(inboxOf(alice));
      await inboxOf(alice).report([{ shard: "~people/any/1", sockets: 1, playing: 0 }]);
    }
    expect(watches()).toBe(0);
    await list(a);
    await until(async () =>
      expect((await list(a)).following).toMatchObject([{ status: { status: "online" } }]),
    );
    expect(watches()).toBe(1);
  });

  it("is told again to who did not take it", async () => {
    vi.spyOn(console, "warn").mockImplementation(() => {});
    const [a, b] = [await Device.open(alice), await Device.open(bob)];
    await befriend(a, b);
    await hears(a, bob, "online");
    const refuse = vi.spyOn(Inbox.prototype, "befriend").mockImplementation(() => {
      throw new Error("injected");
    });
    await b.act("status.set", { status: "dnd" });
    await until(() => expect(refuse).toHaveBeenCalled());
    await evictDurableObject(inboxOf(bob));
    refuse.mockRestore();
    await runDurableObjectAlarm(inboxOf(bob));
    await hears(a, bob, "online dnd");
  });

  it("of many goes to the devices in batches of one a second at most", async () => {
    const a = await Device.open(alice);
    const friends: Device[] = [];
    for (let n = 0; n < 12; n += 1) {
      const friend = await Device.open(`friend-${made}-${n}`, `~people/any/${(n % 3) + 1}`);
      await befriend(a, friend);
      friends.push(friend);
    }
    await until(() => expect(friends.every(({ user }) => story(a, user) === "online")).toBe(true));
    const began = Date.now();
    const before = a.events.filter(({ type }) => type === "statuses").length;
    for (const status of ["dnd", "away", "online", "dnd"]) {
      await Promise.all(friends.map((friend) => friend.act("status.set", { status })));
    }
    await until(() => expect(friends.every(({ user }) => told(a, user).at(-1)?.status === "dnd")).toBe(true));
    const events = a.events.filter(({ type }) => type === "statuses").length - before;
    expect(events).toBeLessThanOrEqual(2 + (Date.now() - began) / 1_000);
  });
});

/** So many sockets listen to an inbox, as far as it has heard. */
const inboxHas = (sockets: number, user = bob): Promise<void> =>
  until(() =>
    runInDurableObject(inboxOf(user), (_object, state) => {
      const shards = state.storage.kv.get<readonly string[]>("shards") ?? [];
      expect(shards).toHaveLength(sockets);
    }),
  );
