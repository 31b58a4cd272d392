/** A user's inbox, through sockets of several devices: each gets everything once and in order, whatever is evicted meanwhile. */
import { evictDurableObject, runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { Conversation } from "../../durable-objects/chat/conversation.ts";
import { MAX_ROOMS } from "../../wire/conversations.ts";
import {
  INBOX_DAYS,
  INBOX_EVENTS,
  type InboxEvents,
  type InboxState,
  inboxChannel,
} from "../../wire/inbox.ts";
import { Device, FakeRoom, inboxOf } from "./inbox-bench.ts";
import { passTime } from "./stream-object.ts";
import { until } from "./viewer-set-client.ts";

let users = 0;
let user = "";
beforeEach(() => {
  users += 1;
  user = `user-${users}`;
});
afterEach(() => {
  vi.restoreAllMocks();
});

const numbers = (from: number, to: number): readonly number[] =>
  Array.from({ length: to - from + 1 }, (_, index) => from + index);
const words = (from: number, to: number): readonly string[] => numbers(from, to).map((n) => `m${n}`);
const stateOf = (device: Device) => device.told<InboxState>("inbox.state");

describe("what comes", () => {
  it("reaches every device, in one order over all rooms", async () => {
    const devices = [await Device.open(user), await Device.open(user, "~people/any/2")];
    const [one, other] = [FakeRoom.group(), FakeRoom.group()];
    const inbox = inboxOf(user);
    await inbox.take(one.joined());
    expect(await inbox.take(one.says(["m1", "m2"]))).toEqual({ upTo: 3 });
    await inbox.take(other.says(["m3"]));
    await inbox.take(one.says(["m4"]));
    for (const device of devices) {
      await until(() => expect(device.texts).toEqual(["m1", "m2", "m3", "m4"]));
      expect(device.offsets).toEqual([1, 2, 3, 4, 5, 6]);
      // Of the second room nobody had heard.
      expect(device.events[3]).toMatchObject({ type: "room", summary: { room: other.room } });
      expect(device.events[1]).toMatchObject({ room: one.room, unread: 1 });
    }
  });

  it("is taken once, however often it is told", async () => {
    const device = await Device.open(user);
    const room = FakeRoom.group();
    const first = room.says(["m1", "m2"]);
    const second = room.says(["m3"]);
    const overlap = { ...second, events: [...first.events, ...second.events] };
    for (const delivery of [first, first, overlap, second, first]) await inboxOf(user).take(delivery);
    await inboxOf(user).take(room.says(["m4"]));
    await until(() => expect(device.texts).toEqual(["m1", "m2", "m3", "m4"]));
    expect(await inboxOf(user).take(first)).toEqual({ upTo: 4 });
    expect((await stateOf(device)).rooms[0]).toMatchObject({ newest: 4, unread: 4 });
  });

  it("shows cursors and titles that moved without a message", async () => {
    const device = await Device.open(user);
    const room = FakeRoom.group();
    await inboxOf(user).take(room.says(["m1", "m2"]));
    const before = room.summary;
    Object.assign(room, { read: 2, unread: 0 });
    const read = { summary: room.summary, events: [], upTo: 2 };
    for (const delivery of [read, read, { ...read, summary: before }]) await inboxOf(user).take(delivery);
    await until(() => expect(device.events).toHaveLength(4));
    expect(device.events[3]).toMatchObject({ type: "room", summary: { read: 2, unread: 0 } });
    expect((await stateOf(device)).rooms).toMatchObject([{ read: 2, unread: 0, muted: false }]);
    expect((await inboxOf(user).position).offset).toBe(4);
  });

  it("loses nothing and doubles nothing when the inbox and a shard are evicted", async () => {
    const shard = env.VIEWER_SET.getByName("~people/any/3");
    const device = await Device.open(user, "~people/any/3");
    const room = FakeRoom.group();
    for (const n of numbers(1, 9)) {
      const delivery = room.says([`m${n}`]);
      await inboxOf(user).take(delivery);
      if (n % 2 === 0) await evictDurableObject(inboxOf(user));
      if (n % 4 === 0) await inboxOf(user).take(delivery);
      if (n === 5) {
        await until(() => expect(device.texts).toEqual(words(1, 5)));
        await until(async () =>
          expect(
            await runInDurableObject(shard, (_object, { storage }) =>
              storage.kv.get(`position ${inboxChannel(user)}`),
            ),
          ).toMatchObject({ is: "clean" }),
        );
        await evictDurableObject(shard, { webSockets: "hibernate" });
      }
    }
    await until(() => expect(device.texts).toEqual(words(1, 9)));
    expect(device.offsets).toEqual(numbers(1, 10));
  });

  it("is taken whole or not at all", async () => {
    const room = FakeRoom.group();
    const delivery = room.says(["m1", "m2"]);
    // The last of its events cannot be stored.
    const unstorable = { seq: 3, event: { type: "left", room: 1n as never } } as const;
    const broken = { ...delivery, events: [...delivery.events, unstorable], upTo: 3 };
    await runInDurableObject(inboxOf(user), (inbox, { storage }) => {
      expect(() => inbox.take(broken)).toThrow();
      expect(storage.sql.exec("SELECT name FROM sqlite_master").toArray()).toEqual([]);
    });
    expect((await inboxOf(user).position).offset).toBe(0);
    await inboxOf(user).take(delivery);
    const device = await Device.connect(user);
    expect(await stateOf(device)).toMatchObject({ offset: 3, rooms: [{ newest: 2 }] });
  });
});

describe("who comes back", () => {
  const pick = ({ epoch, offset }: { epoch: string; offset: number }) => ({ epoch, offset });

  async function away(): Promise<{ device: Device; since: object; room: FakeRoom }> {
    const device = await Device.open(user);
    const room = FakeRoom.group();
    await inboxOf(user).take(room.joined());
    await until(() => expect(device.offsets).toEqual([1]));
    const { epoch, offset } = await inboxOf(user).position;
    await device.unsubscribe();
    return { device, since: { recover: true, epoch, offset }, room };
  }

  it("gets 300 that they missed, in order", async () => {
    const { device, since, room } = await away();
    for (const n of numbers(0, 5)) await inboxOf(user).take(room.says(words(1 + 50 * n, 50 + 50 * n)));
    await evictDurableObject(inboxOf(user));
    expect(await device.subscribe(since)).toMatchObject({ subscribe: { recovered: true } });
    expect(device.texts).toEqual(words(1, 300));
  });

  it("gets all from the beginning, also of an inbox that was empty when they left", async () => {
    const device = await Device.connect(user);
    const { subscribe } = (await device.subscribe()) as { subscribe: { epoch: string; offset: number } };
    await until(async () => expect((await inboxOf(user).position).epoch).toBe(subscribe.epoch));
    await device.unsubscribe();
    await evictDurableObject(inboxOf(user));
    await inboxOf(user).take(FakeRoom.group().says(["m1"]));
    expect(await device.subscribe({ recover: true, ...pick(subscribe) })).toMatchObject({
      subscribe: { recovered: true },
    });
    expect(device.texts).toEqual(["m1"]);
  });

  it("is told that there are more, and pages them", async () => {
    const { device, since, room } = await away();
    for (const n of numbers(0, 6)) await inboxOf(user).take(room.says(words(1 + 50 * n, 50 + 50 * n)));
    expect(await device.subscribe(since)).toMatchObject({ subscribe: { recovered: false } });
    const { epoch } = await stateOf(device);
    const texts: string[] = [];
    let after = 1;
    for (let more = true; more; ) {
      const page = await device.told<InboxEvents>("inbox.events", { after, epoch, limit: 120 });
      for (const { offset, event } of page.events) {
        expect(offset).toBe(after + 1);
        after = offset;
        if (event.type === "message") texts.push(event.message.text);
      }
      more = page.more;
    }
    expect(texts).toEqual(words(1, 350));
  });

  it.each([
    ["another epoch", { epoch: "other", after: 0 }],
    ["more than there is", { after: 9 }],
  ])("is told what is not kept: %s", async (_name, asked) => {
    const { device } = await away();
    const { epoch } = await stateOf(device);
    expect(await device.act("inbox.events", { epoch, ...asked })).toMatchObject({
      error: { code: 476, message: "not kept any more" },
    });
  });
});

describe("a log", () => {
  it("forgets what is old or too much, but never where it is", async () => {
    const device = await Device.connect(user);
    const room = FakeRoom.group();
    for (const n of numbers(0, INBOX_EVENTS / 500)) {
      await inboxOf(user).take(room.says(words(1 + 500 * n, 500 + 500 * n)));
    }
    const { offset, epoch } = await inboxOf(user).position;
    expect(offset).toBe(INBOX_EVENTS + 501);
    expect(await runDurableObjectAlarm(inboxOf(user))).toBe(true);
    const asked = { epoch, limit: 1 };
    expect(await device.act("inbox.events", { ...asked, after: 500 })).toMatchObject({
      error: { code: 476 },
    });
    const { events } = await device.told<InboxEvents>("inbox.events", { ...asked, after: 501 });
    expect(events).toMatchObject([{ offset: 502 }]);
    passTime(INBOX_DAYS * 86_400_000 + 60_000);
    expect(await runDurableObjectAlarm(inboxOf(user))).toBe(true);
    await runDurableObjectAlarm(inboxOf(user));
    await evictDurableObject(inboxOf(user));
    expect(await inboxOf(user).position).toEqual({ epoch, offset });
    expect(await runDurableObjectAlarm(inboxOf(user))).toBe(false);
    await inboxOf(user).take(room.says(["after"]));
    expect((await inboxOf(user).position).offset).toBe(offset + 1);
  });

  it("has nothing of a message that was deleted, nor what quotes it", async () => {
    // One stays, so that their shard goes on to keep what came.
    const [device, other] = [await Device.open(user), await Device.open(user)];
    const room = FakeRoom.group();
    const secret = room.says(["secret"]);
    const { id } = room.last ?? { id: "" };
    await inboxOf(user).take(secret);
    const answer = room.says(["answer"]);
    const [said] = answer.events;
    if (said?.event.type !== "message") throw new Error("no message");
    const replyTo = { id, user: "bob", text: "secret" };
    const event = { ...said.event, message: { ...said.event.message, replyTo } };
    await inboxOf(user).take({ ...answer, events: [{ ...said, event }] });
    await inboxOf(user).take(room.deletes(id));
    for (const heard of [device, other]) {
      expect(await heard.event("deleted")).toEqual({ type: "deleted", room: room.room, ids: [id] });
    }
    const { publications } = await inboxOf(user).since(undefined);
    expect(publications.map(({ offset }) => offset)).toEqual([1, 2, 3, 4]);
    expect(JSON.stringify(publications)).not.toContain("secret");
    expect(JSON.stringify(publications)).toContain("answer");
    // A shard that kept it has forgotten it, too.
    await device.unsubscribe();
    const { epoch } = await inboxOf(user).position;
    const back = await device.subscribe({ recover: true, epoch, offset: 0 });
    expect(back).toMatchObject({ subscribe: { recovered: true } });
    expect(JSON.stringify(back)).not.toContain("secret");
  });

  it("leaves nothing where only somebody looked", async () => {
    const device = await Device.connect(user);
    expect(await stateOf(device)).toMatchObject({ rooms: [], blocked: [], chosen: "online", offset: 0 });
    expect(await device.act("inbox.mute", { room: FakeRoom.group().room, muted: true })).toMatchObject({
      error: { code: 467 },
    });
    const left = await runInDurableObject(inboxOf(user), async (_object, { storage }) => ({
      tables: storage.sql.exec("SELECT name FROM sqlite_master").toArray(),
      keys: [...storage.kv.list()],
      alarm: await storage.getAlarm(),
    }));
    expect(left).toEqual({ tables: [], keys: [], alarm: null });
  });
});

describe("rooms", () => {
  it("are listed newest first, and those that were left are not", async () => {
    const device = await Device.open(user);
    const rooms = [FakeRoom.group(), FakeRoom.group(), FakeRoom.group()];
    const [one, two, three] = rooms as [FakeRoom, FakeRoom, FakeRoom];
    for (const [index, room] of rooms.entries()) await inboxOf(user).take(room.says(words(1, index + 1)));
    const listed = async () => (await stateOf(device)).rooms.map(({ room }) => room);
    expect(await listed()).toEqual([three.room, two.room, one.room]);
    const leaving = two.leaves();
    for (const _ of numbers(1, 2)) await inboxOf(user).take(leaving);
    expect(await device.event("left")).toEqual({ type: "left", room: two.room });
    expect(device.events.filter(({ type }) => type === "left")).toHaveLength(1);
    expect(await listed()).toEqual([three.room, one.room]);
    // They are asked in again, and only then it is back.
    await inboxOf(user).take({ ...leaving, left: undefined as never });
    expect(await listed()).toEqual([three.room, one.room]);
    await inboxOf(user).take(two.joined());
    expect(await listed()).toContain(two.room);
  });

  it("are the newest MAX_ROOMS", async () => {
    const rooms = numbers(1, MAX_ROOMS + 3).map(() => FakeRoom.group());
    for (const [index, room] of rooms.entries()) {
      const at = new Date(1_700_000_000_000 + index).toISOString();
      await inboxOf(user).take({ summary: { ...room.summary, at }, events: [], upTo: 0 });
    }
    const device = await Device.connect(user);
    const listed = (await stateOf(device)).rooms;
    expect(listed).toHaveLength(MAX_ROOMS);
    expect(listed[0]?.room).toBe(rooms.at(-1)?.room);
    expect(listed.at(-1)?.room).toBe(rooms[3]?.room);
  });

  it("are muted on every device, and still after an eviction", async () => {
    const [phone, laptop] = [await Device.open(user), await Device.open(user, "~people/any/2")];
    const room = FakeRoom.group();
    await inboxOf(user).take(room.joined());
    const muted = { room: room.room, muted: true };
    for (const _ of numbers(1, 2))
      expect(await phone.act("inbox.mute", muted)).toMatchObject({ rpc: { data: {} } });
    expect(await laptop.event("muted")).toEqual({ type: "muted", ...muted });
    await evictDurableObject(inboxOf(user));
    await inboxOf(user).take(room.says(["m1"]));
    expect((await stateOf(laptop)).rooms).toMatchObject([{ muted: true, newest: 2 }]);
    expect(laptop.events.filter(({ type }) => type === "muted")).toHaveLength(1);
    expect(await phone.act("inbox.mute", { room: FakeRoom.group().room, muted: true })).toMatchObject({
      error: { code: 467, message: "not a member" },
    });
  });
});

describe("a block", () => {
  /** What one-to-one rooms were told; `answer` is what they do. */
  function listen(answer: () => void = () => {}) {
    const heard: unknown[][] = [];
    vi.spyOn(Conversation.prototype, "block").mockImplementation((by, blocked) => {
      heard.push([by, blocked]);
      answer();
    });
    return heard;
  }

  it("is told to the one-to-one room, again until it was heard", async () => {
    let isDown = true;
    const heard = listen(() => {
      if (isDown) throw new Error("injected");
    });
    const [phone, laptop] = [await Device.open(user), await Device.open(user)];
    await inboxOf(user).take((await FakeRoom.direct(user, "bob")).joined());
    const blocked = { user: "bob", blocked: true };
    for (const _ of numbers(1, 2))
      expect(await phone.act("inbox.block", blocked)).toMatchObject({ rpc: { data: {} } });
    expect(await laptop.event("blocked")).toEqual({ type: "blocked", ...blocked });
    expect((await stateOf(phone)).blocked).toEqual(["bob"]);
    await until(() => expect(heard.length).toBeGreaterThan(0));
    await evictDurableObject(inboxOf(user));
    isDown = false;
    heard.length = 0;
    passTime(3_600_000);
    await until(async () => {
      await runDurableObjectAlarm(inboxOf(user));
      expect(heard).toEqual([[user, true]]);
    });
    await phone.act("inbox.block", { user: "bob", blocked: false });
    await until(() =>
      expect(heard).toEqual([
        [user, true],
        [user, false],
      ]),
    );
    expect((await stateOf(phone)).blocked).toEqual([]);
  });

  it("waits for a room that is not there yet", async () => {
    const heard = listen();
    const device = await Device.open(user);
    await device.act("inbox.block", { user: "bob", blocked: true });
    await device.act("inbox.block", { user: "carol", blocked: true });
    await until(async () => expect((await stateOf(device)).blocked).toEqual(["bob", "carol"]));
    expect(heard).toEqual([]);
    await inboxOf(user).take((await FakeRoom.direct(user, "bob")).joined());
    await until(() => expect(heard).toEqual([[user, true]]));
  });

  it("is not for oneself", async () => {
    const device = await Device.connect(user);
    expect(await device.act("inbox.block", { user, blocked: true })).toMatchObject({ error: { code: 103 } });
  });
});

describe("who may not", () => {
  it("listen to another's inbox, or ask it", async () => {
    const device = await Device.open(user);
    expect(await device.subscribe({}, "somebody-else")).toMatchObject({ error: { code: 103 } });
    const spy = { user: "spy", role: "member", badges: [], address: "a" } as const;
    const action = { name: "inbox.state", data: {} } as const;
    expect(await inboxOf(user).act(spy, action)).toEqual({ ok: false, error: "forbidden" });
  });

  it("have one: guests", async () => {
    const guest = await Device.connect("guest:1", "guest");
    expect(await guest.subscribe()).toMatchObject({ error: { code: 103 } });
    expect(await guest.act("inbox.state")).toMatchObject({ error: { code: 103 } });
  });

  it("come without a token where there is no stream", async () => {
    const client = await Device.socket();
    client.say({ id: 1, connect: {} });
    expect(await client.end()).toMatchObject({ code: 3500 });
  });

  it("write there", async () => {
    const device = await Device.open(user);
    const publish = { channel: inboxChannel(user), data: { text: "hi", nonce: "n" } };
    expect(await device.ask({ publish })).toMatchObject({ error: { code: 103 } });
  });
});

describe("bad input", () => {
  it.each([
    ["inbox.events", {}],
    ["inbox.events", { after: -1, epoch: "e" }],
    ["inbox.events", { after: 0, epoch: "e", limit: 201 }],
    ["inbox.mute", { room: "friends", muted: true }],
    ["inbox.mute", { room: "01ARYZ6S410000000000000000" }],
    ["inbox.block", { user: "", blocked: true }],
    ["inbox.block", { user: "a".repeat(129), blocked: true }],
  ])("%s %j", async (method, data) => {
    const device = await Device.connect(user);
    expect(await device.act(method, data)).toMatchObject({ error: { code: 107, message: "bad request" } });
  });

  // SQLite gives another name back, for which nothing would ever be done.
  it.each([
    ["friends.follow", {}],
    ["friends.unfollow", {}],
    ["friends.allow", { allowed: true }],
    ["inbox.block", { blocked: true }],
  ])("%s of a name that is no Unicode", async (method, more) => {
    const device = await Device.connect(user);
    expect(await device.act(method, { user: "\ud800", ...more })).toMatchObject({
      error: { code: 452, message: "malformed text" },
    });
  });
});
