/** A shard of viewers: nothing lost and nothing told twice, whatever happens to the object; reports; rounds. */
import { evictDurableObject, runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { MAX_BEHIND } from "../../durable-objects/core/viewers/socket/limits.ts";
import { BareClient, knock, shardOf, stockClient, until } from "./viewer-set-client.ts";
import { FakeStream } from "./viewer-set-stream.ts";

let streams = 0;
let name = "";
let stream: FakeStream;

beforeEach(() => {
  streams += 1;
  name = `s${streams}`;
  stream = new FakeStream(name);
  stream.install();
});
afterEach(() => {
  vi.restoreAllMocks();
  vi.useRealTimers();
});

const channel = () => `live:${name}`;
/** Where the shard keeps its place in the channel. */
const mark = () => `position ${channel()}`;
const deliver = (...texts: readonly string[]) => shardOf(name).deliver(stream.publish(...texts));
const sleep = () => evictDurableObject(shardOf(name), { webSockets: "hibernate" });
/** An end that comes while deliveries are under way: `sleep` waits for the object's timers, so that it is always quiet then. */
async function fall(): Promise<void> {
  await settled();
  await runInDurableObject(shardOf(name), (_object, { storage }) => {
    storage.kv.put(mark(), { is: "dirty" });
  });
  await sleep();
}
const stored = (key: string) =>
  runInDurableObject(shardOf(name), (_object, { storage }) => storage.kv.get(key));
/** The shard has stored where it is. */
const settled = () => until(async () => expect(await stored(mark())).toMatchObject({ is: "clean" }));
/** The clock goes on, here and in the object. */
function pass(ms: number): void {
  const now = Date.now();
  vi.useFakeTimers({ toFake: ["Date"] });
  vi.setSystemTime(now + ms);
}
const subscribe = (id: number, more: object = {}) => ({ id, subscribe: { channel: channel(), ...more } });
const unsubscribed = () => ({
  push: { channel: channel(), unsubscribe: { code: 2500, reason: "insufficient state" } },
});
/** A client that is connected and subscribed. */
async function follower(): Promise<BareClient> {
  const client = await BareClient.connect(name);
  await client.ask(subscribe(2));
  return client;
}
/** Frames of a socket have come that were sent before this. */
const arrived = (client: BareClient) => client.ask({ id: 999, ping: {} });

describe("a shard", () => {
  it("does not take an old mark for its place, after a sleep in which nobody listened", async () => {
    const client = await follower();
    await settled();
    await client.ask({ id: 3, unsubscribe: { channel: channel() } });
    await sleep();
    stream.publish("meanwhile");
    await client.ask(subscribe(4));
    await deliver("then");
    // From where it was told that it begins.
    await until(() => expect(client.offsets).toEqual([1, 2]));
    expect(await stored(mark())).not.toMatchObject({ is: "clean", position: { offset: 0 } });
  });

  it("connects, subscribes and passes on what is delivered", async () => {
    const client = await BareClient.connect(name);
    expect(client.heard[0]).toMatchObject({ id: 1, connect: { ping: 25, pong: true } });
    stream.viewers = 7;
    await deliver("before");
    expect(await client.ask(subscribe(2))).toMatchObject({
      subscribe: { recoverable: true, positioned: true, epoch: "e1", offset: 1 },
    });
    await deliver("one", "two");
    await until(() => expect(client.offsets).toEqual([2, 3]));
    // Several publications are one frame.
    expect(client.frames.at(-1)?.split("\n")).toHaveLength(2);
  });

  it("tells who comes how many there are, and passes new counts on without an offset", async () => {
    stream.viewers = 7;
    const client = await follower();
    expect(client.heard.at(-1)).toMatchObject({ subscribe: { data: { viewers: 7 } } });
    const data = '{"type":"viewers","viewers":9}';
    await shardOf(name).deliver({ channel: channel(), position: stream.position, publications: [{ data }] });
    await until(() => {
      expect(client.frames.at(-1)).toBe(`{"push":{"channel":"${channel()}","pub":{"data":${data}}}}`);
    });
    const other = await follower();
    expect(other.heard.at(-1)).toMatchObject({ subscribe: { data: { viewers: 9 } } });
  });

  it("answers the commands of a frame in one frame, in order", async () => {
    const client = await BareClient.open(name);
    client.say({ id: 1, connect: {} }, subscribe(2), { id: 3, nonsense: {} }, { id: 4, ping: {} });
    await until(() => expect(client.heard.map(({ id }) => id)).toEqual([1, 2, 3, 4]));
    expect(client.frames).toHaveLength(1);
  });

  it("sends no publication before the reply of the subscription, nor between it and its position", async () => {
    const client = await BareClient.connect(name);
    await deliver("one");
    let isHeld = true;
    // A promise of this test would not be settled in the object.
    stream.gate = async () => {
      while (isHeld) await scheduler.wait(5);
    };
    client.say(subscribe(2, { recover: true, epoch: "e1", offset: 0 }), {
      id: 3,
      presence_stats: { channel: channel() },
    });
    await until(() => expect(stream.asked).toBe(1));
    await deliver("two");
    await deliver("three");
    isHeld = false;
    await until(() => expect(client.offsets).toEqual([1, 2, 3]));
    expect(client.heard[1]).toMatchObject({ id: 2, subscribe: { was_recovering: true } });
  });

  it("asks for what it missed", async () => {
    const client = await follower();
    await deliver("one");
    stream.publish("two");
    await deliver("three");
    await until(() => expect(client.offsets).toEqual([1, 2, 3]));
  });

  it("asks again after the stream did not answer", async () => {
    const client = await follower();
    await deliver("one");
    stream.gate = () => Promise.reject(new Error("injected"));
    stream.publish("two");
    await deliver("three");
    await deliver("four");
    stream.gate = async () => {};
    await until(() => expect(client.offsets).toEqual([1, 2, 3, 4]));
  });

  it("hears of what it missed by the answer to its report", async () => {
    const client = await follower();
    stream.publish("one");
    await runDurableObjectAlarm(shardOf(name));
    await until(() => expect(client.offsets).toEqual([1]));
  });

  it("passes a repeated delivery on once", async () => {
    const client = await follower();
    const delivery = stream.publish("one");
    await shardOf(name).deliver(delivery);
    await shardOf(name).deliver(delivery);
    await deliver("two");
    await until(() => expect(client.offsets).toEqual([1, 2]));
  });

  it("tells everyone when more was missed than the stream keeps", async () => {
    const client = await follower();
    await deliver("one");
    for (let i = 0; i < 400; i += 1) stream.publish(`missed ${i}`);
    await deliver("last");
    await until(() => expect(client.heard.at(-1)).toEqual(unsubscribed()));
    const again = await client.ask(subscribe(3, { recover: true, epoch: "e1", offset: 1 }));
    expect(again).toMatchObject({ subscribe: { was_recovering: true, recovered: false, offset: 402 } });
    expect(client.offsets).toEqual([1]);
  });

  it("tells everyone when the stream has another epoch", async () => {
    const client = await follower();
    await deliver("one");
    stream.forget();
    await deliver("new");
    await until(() => expect(client.heard.at(-1)).toEqual(unsubscribed()));
    const again = await client.ask(subscribe(3, { recover: true, epoch: "e1", offset: 1 }));
    expect(again).toMatchObject({ subscribe: { recovered: false, epoch: "e1x", offset: 1 } });
  });

  it("waits for what a client has seen elsewhere before it came here", async () => {
    const client = await follower();
    await deliver("one");
    const { offset } = stream.publish("on its way").position;
    const other = await BareClient.connect(name);
    const reply = await other.ask(subscribe(2, { recover: true, epoch: "e1", offset }));
    expect(reply).toMatchObject({ subscribe: { recovered: true, offset } });
    await until(() => expect(client.offsets).toEqual([1, 2]));
  });
});

describe("a shard that slept", () => {
  it("answers pongs without waking up", async () => {
    const client = await BareClient.connect(name);
    await sleep();
    client.socket.send("{}");
    await until(() => expect(client.frames.at(-1)).toBe("\n"));
  });

  it("goes on where it was, when it was quiet", async () => {
    const client = await follower();
    await deliver("one");
    await settled();
    const asked = stream.asked;
    await sleep();
    await deliver("two");
    await until(() => expect(client.offsets).toEqual([1, 2]));
    expect(stream.asked).toBe(asked);
  });

  it("has the clients come back when something was under way", async () => {
    const client = await follower();
    await deliver("one");
    await fall();
    await deliver("two");
    await until(() => expect(client.heard.at(-1)).toEqual(unsubscribed()));
    const again = await client.ask(subscribe(3, { recover: true, epoch: "e1", offset: 1 }));
    expect(again).toMatchObject({ subscribe: { recovered: true } });
    await deliver("three");
    await until(() => expect(client.offsets).toEqual([1, 2, 3]));
  });

  it("believes nothing that is stored when the sockets are gone", async () => {
    await runInDurableObject(shardOf(name), (_object, { storage }) => {
      storage.kv.put(mark(), { is: "clean", position: stream.position });
    });
    await sleep();
    for (let i = 0; i < 3; i += 1) stream.publish(`${i}`);
    const client = await BareClient.connect(name);
    expect(await stored(mark())).toBeUndefined();
    expect(await client.ask(subscribe(2))).toMatchObject({ subscribe: { offset: 3 } });
  });

  it("knows who everyone is", async () => {
    const client = await BareClient.connect(name);
    await client.ask({ id: 2, rpc: { method: "playing", data: { playing: true } } });
    await client.ask(subscribe(3));
    await settled();
    await sleep();
    expect(await client.ask({ id: 4, connect: {} }).catch(() => client.closed)).toMatchObject({ code: 3501 });
    const other = await follower();
    await sleep();
    await runDurableObjectAlarm(shardOf(name));
    expect(stream.reports.at(-1)).toMatchObject({ sockets: 1, playing: 0 });
    expect(other.closed).toBeUndefined();
  });

  it("keeps who plays", async () => {
    const client = await BareClient.connect(name);
    await client.ask({ id: 2, rpc: { method: "playing", data: { playing: true } } });
    await sleep();
    await runDurableObjectAlarm(shardOf(name));
    expect(stream.reports.at(-1)).toMatchObject({ sockets: 1, playing: 1 });
  });
});

describe("the stock client", () => {
  /** What a client of npm's `centrifuge` hears of the channel. */
  function listen(options = {}) {
    const { client, drop } = stockClient(name, options);
    const subscription = client.newSubscription(channel());
    const heard: number[] = [];
    const recoveries: (boolean | undefined)[] = [];
    subscription.on("publication", ({ offset }) => heard.push(offset ?? -1));
    subscription.on("subscribed", ({ wasRecovering, recovered }) => {
      recoveries.push(wasRecovering ? recovered : undefined);
    });
    subscription.subscribe();
    client.connect();
    return { client, drop, subscription, heard, recoveries };
  }
  const upTo = (offset: number) => Array.from({ length: offset }, (_, i) => i + 1);

  it("hears each publication once and in order through sleeps and drops", async () => {
    const { client, drop, subscription, heard, recoveries } = listen();
    await subscription.ready(5_000);
    for (let round = 0; round < 8; round += 1) {
      await deliver(`${round} a`, `${round} b`);
      if (round % 3 === 0) await (round % 2 === 0 ? fall() : sleep());
      if (round % 3 === 1) drop();
      await deliver(`${round} c`);
      await until(() => expect(heard).toEqual(upTo(stream.offset)));
    }
    expect(recoveries.length).toBeGreaterThan(4);
    expect(recoveries.slice(1).every((recovered) => recovered === true)).toBe(true);
    client.disconnect();
  });

  it("hears everything once whatever happens, and so do others beside it", async () => {
    // A generator of numbers, so that a failure can be had again (Park and Miller).
    let state = 4711;
    const random = (below: number) => {
      state = (state * 48_271) % 2_147_483_647;
      return state % below;
    };
    const listeners = Array.from({ length: 4 }, () =>
      listen({ minReconnectDelay: 1, maxReconnectDelay: 20 }),
    );
    for (const { subscription } of listeners) await subscription.ready(5_000);
    stream.gate = () => scheduler.wait(random(20));
    for (let step = 0; step < 150; step += 1) {
      const deed = random(40);
      if (deed === 0) await fall();
      else if (deed < 5) listeners[random(4)]?.drop();
      else if (deed < 10) stream.publish(`${step} lost on the way`);
      else if (deed < 20) deliver(`${step} not awaited`);
      else await deliver(`${step} a`, `${step} b`);
    }
    await deliver("last");
    for (const { client, heard, recoveries } of listeners) {
      await until(() => expect(heard).toEqual(upTo(stream.offset)));
      expect(recoveries.length).toBeGreaterThan(2);
      expect(recoveries.slice(1).every((recovered) => recovered === true)).toBe(true);
      client.disconnect();
    }
  });

  it("recovers what was published while it was away", async () => {
    const { client, drop, subscription, heard, recoveries } = listen({
      minReconnectDelay: 300,
      maxReconnectDelay: 300,
    });
    await subscription.ready(5_000);
    await deliver("one");
    await until(() => expect(heard).toEqual([1]));
    drop();
    for (let i = 0; i < 250; i += 1) stream.publish(`away ${i}`);
    await until(() => expect(heard).toEqual(upTo(251)));
    expect(recoveries).toEqual([undefined, true]);
    client.disconnect();
  });

  it("is told when it was away for longer than the history lasts", async () => {
    const { client, drop, subscription, heard, recoveries } = listen({
      minReconnectDelay: 300,
      maxReconnectDelay: 300,
    });
    await subscription.ready(5_000);
    await deliver("one");
    await until(() => expect(heard).toEqual([1]));
    drop();
    for (let i = 0; i < 301; i += 1) stream.publish(`away ${i}`);
    await until(() => expect(recoveries).toEqual([undefined, false]));
    await deliver("new");
    await until(() => expect(heard).toEqual([1, 303]));
    client.disconnect();
  });
});

describe("reports", () => {
  it("say how many sockets and people there are", async () => {
    const tabs = await Promise.all(
      ["ann", "ann", "bea"].map((viewer) => BareClient.connect(name, {}, { viewer })),
    );
    for (const tab of tabs) await tab.ask({ id: 2, rpc: { method: "playing", data: { playing: true } } });
    await until(() => expect(stream.reports.at(-1)).toMatchObject({ sockets: 3, playing: 2 }));
    await tabs[0]?.ask({ id: 3, rpc: { method: "playing", data: { playing: false } } });
    tabs[2]?.socket.close();
    await until(() => expect(stream.reports.at(-1)).toMatchObject({ sockets: 2, playing: 1 }));
    const [first, last] = [stream.reports.length, Date.now()];
    for (let i = 0; i < 10; i += 1) {
      await tabs[1]?.ask({ id: 10 + i, rpc: { method: "playing", data: { playing: i % 2 === 0 } } });
    }
    expect(stream.reports.length - first).toBeLessThanOrEqual(1 + (Date.now() - last) / 1000);
  });

  it("carry what players said, once", async () => {
    const client = await BareClient.connect(name);
    const data = { stalls: 2, stalledMs: 500, playedMs: 9500, droppedFrames: 1, shownFrames: 300 };
    await client.ask({ id: 2, rpc: { method: "qoe", data } });
    pass(10_000);
    await client.ask({ id: 3, rpc: { method: "qoe", data } });
    // It is answered, and not counted: nobody says more than others by saying it faster.
    for (let id = 4; id < 10; id += 1) await client.ask({ id, rpc: { method: "qoe", data } });
    const sum = () => stream.reports.reduce((stalls, { qoe }) => stalls + (qoe?.stalls ?? 0), 0);
    await until(() => expect(sum()).toBe(4));
    await runDurableObjectAlarm(shardOf(name));
    expect(sum()).toBe(4);
  });
});

describe("rounds", () => {
  it("ping, and close who does not answer twice", async () => {
    const mute = await BareClient.connect(name);
    const polite = await BareClient.connect(name);
    for (const closed of [undefined, undefined, 3012]) {
      pass(25_000);
      const pings = polite.frames.filter((frame) => frame === "{}").length;
      await runDurableObjectAlarm(shardOf(name));
      await until(() => expect(polite.frames.filter((frame) => frame === "{}")).toHaveLength(pings + 1));
      await polite.ask({ id: 5, ping: {} });
      if (closed === undefined) expect(mute.closed).toBeUndefined();
      else expect(await mute.end()).toEqual({ code: closed, reason: "no pong" });
    }
    expect(polite.closed).toBeUndefined();
  });

  it("close who never connects", async () => {
    const client = await BareClient.open(name);
    pass(9_000);
    await runDurableObjectAlarm(shardOf(name));
    expect(client.closed).toBeUndefined();
    pass(1_500);
    await runDurableObjectAlarm(shardOf(name));
    expect(await client.end()).toEqual({ code: 3502, reason: "stale" });
  });

  it("end with the last socket, and leave nothing behind", async () => {
    const client = await follower();
    await deliver("one");
    await settled();
    await runDurableObjectAlarm(shardOf(name));
    expect(await stored("pings")).toBeDefined();
    client.socket.close(1000, "bye");
    expect(await client.end()).toEqual({ code: 1000, reason: "bye" });
    await until(() => expect(stream.reports.at(-1)).toMatchObject({ sockets: 0, playing: 0 }));
    await deliver("two");
    const left = await runInDurableObject(shardOf(name), async (_object, { storage }) => [
      [...storage.kv.list()],
      await storage.getAlarm(),
    ]);
    expect(left).toEqual([[], null]);
  });

  it("send sockets home from a shard that is drained", async () => {
    const clients = await Promise.all(Array.from({ length: 60 }, () => BareClient.connect(name)));
    stream.draining = [`${name}/test/1`];
    await runDurableObjectAlarm(shardOf(name));
    const refused = await knock(name);
    expect([refused.status, refused.headers.get("x-millrace-full")]).toEqual([503, "1"]);
    await runDurableObjectAlarm(shardOf(name));
    const closed = () => clients.filter((client) => client.closed);
    await until(() => expect(closed().length).toBe(60));
    expect(closed()[0]?.closed).toEqual({ code: 3011, reason: "force reconnect" });
  });
});

describe("a slow reader", () => {
  it("gets only what is newest, and is sent away when that is not enough", async () => {
    const slow = await follower();
    const silent = await follower();
    slow.say({ send: { data: { progress: 0 } } });
    await arrived(slow);
    for (let i = 0; i < MAX_BEHIND + 2; i += 1) await deliver(`${i}`);
    await until(() => expect(slow.heard.at(-1)).toEqual(unsubscribed()));
    await deliver("more");
    await until(() => expect(silent.offsets).toHaveLength(MAX_BEHIND + 3));
    expect(slow.offsets).toHaveLength(MAX_BEHIND + 1);
    // It comes back for the rest in one piece.
    await slow.ask(subscribe(3, { recover: true, epoch: "e1", offset: MAX_BEHIND + 1 }));
    expect(slow.offsets).toHaveLength(MAX_BEHIND + 3);

    for (let i = 0; i < MAX_BEHIND + 2; i += 1) await deliver(`again ${i}`);
    await until(() => expect(slow.heard.at(-1)).toEqual(unsubscribed()));
    pass(10_500);
    await runDurableObjectAlarm(shardOf(name));
    expect(await slow.end()).toEqual({ code: 3008, reason: "slow" });
    expect(silent.closed).toBeUndefined();
  });
});
