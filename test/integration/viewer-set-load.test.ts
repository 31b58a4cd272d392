/** A shard that has too much to do, or the wrong people: who is sent away, and how a crowd or a flood is borne. */
import { evictDurableObject, runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { UPGRADE_BURST } from "../../durable-objects/core/viewers/admission.ts";
import { Seats } from "../../durable-objects/viewers/viewer-seats.ts";
import { liveChannel } from "../../wire/live-events.ts";
import { passTime } from "./stream-object.ts";
import { BareClient, knock, shardOf, until } from "./viewer-set-client.ts";
import { FakeStream } from "./viewer-set-stream.ts";

let streams = 0;
let name = "";
let stream: FakeStream;

beforeEach(() => {
  streams += 1;
  name = `load${streams}`;
  stream = new FakeStream(name);
  stream.install();
});
afterEach(() => {
  vi.restoreAllMocks();
  vi.useRealTimers();
});

const channel = () => `live:${name}`;
const deliver = (...texts: readonly string[]) => shardOf(name).deliver(stream.publish(...texts));
const sleep = () => evictDurableObject(shardOf(name), { webSockets: "hibernate" });
const subscribe = (id: number) => ({ id, subscribe: { channel: channel() } });
/** A client that is connected and subscribed. */
async function follower(): Promise<BareClient> {
  const client = await BareClient.connect(name);
  await client.ask(subscribe(2));
  return client;
}

describe("who may not watch any more", () => {
  const leave = (whom: "unsigned" | "all") =>
    shardOf(name).deliver({
      channel: liveChannel(name),
      position: stream.position,
      publications: [],
      leave: whom,
    });

  it("is sent away for good, and who has a token in the path stays", async () => {
    const open = await follower();
    const silent = await BareClient.open(name);
    const signed = await BareClient.connect(name, {}, { until: Date.now() + 3_600_000 });
    await signed.ask(subscribe(2));
    await sleep();
    await leave("unsigned");
    expect([await open.end(), await silent.end()]).toMatchObject([{ code: 3507 }, { code: 3507 }]);
    await deliver("for those who may");
    await until(() => expect(signed.offsets).toEqual([1]));
    expect(open.offsets).toEqual([]);
    await leave("all");
    expect(await signed.end()).toEqual({ code: 3507, reason: "permission denied" });
  });

  it("is sent away when the token of the path ends, also after a sleep", async () => {
    const soon = await BareClient.connect(name, {}, { until: Date.now() + 20_000 });
    const later = await BareClient.connect(name, {}, { until: Date.now() + 60_000 });
    await sleep();
    passTime(21_000);
    await runDurableObjectAlarm(shardOf(name));
    expect(await soon.end()).toMatchObject({ code: 3507 });
    await later.ask({ id: 999, ping: {} });
  });
});

describe("a shard that has too much to do", () => {
  it("takes a crowd by and by", async () => {
    passTime(0);
    const answers = [];
    for (let i = 0; i < UPGRADE_BURST + 20; i += 1) answers.push(await knock(name));
    expect(answers.map(({ status }) => status).indexOf(503)).toBe(UPGRADE_BURST);
    expect(answers.at(-1)?.headers.get("x-millrace-full")).toBe("1");
    passTime(100);
    expect((await knock(name)).status).toBe(101);
    for (const { webSocket } of answers) {
      webSocket?.accept();
      webSocket?.close();
    }
  });

  it("asks a stream that does not answer once a second, however much is missing", async () => {
    await follower();
    await deliver("one");
    stream.gate = () => Promise.reject(new Error("injected"));
    const timers = vi.spyOn(globalThis, "setTimeout");
    for (let i = 0; i < 20; i += 1) {
      stream.publish("lost");
      await deliver("behind");
    }
    const retries = timers.mock.calls.filter(([, ms]) => ms === 1_000);
    expect(retries.length).toBeGreaterThan(0);
    expect(retries.length).toBeLessThan(5);
    stream.gate = async () => {};
  });

  it("does not answer with the whole history over and over", async () => {
    const client = await BareClient.connect(name);
    await shardOf(name).deliver(stream.publish(...Array.from({ length: 300 }, () => "x".repeat(1_000))));
    passTime(0);
    const all = (id: number) => ({ id, history: { channel: channel(), limit: -1 } });
    const replies = [];
    for (let id = 2; id < 22; id += 1) replies.push(await client.ask(all(id)));
    expect(replies.filter((reply) => "history" in reply).length).toBeLessThan(6);
    expect(replies.at(-1)).toMatchObject({ error: { code: 111 } });
    passTime(5_000);
    expect(await client.ask(all(30))).toHaveProperty("history");
  });

  it("goes on with its rounds when one failed", async () => {
    await follower();
    vi.spyOn(Seats.prototype, "all").mockImplementationOnce(() => {
      throw new Error("injected");
    });
    await runDurableObjectAlarm(shardOf(name)).catch(() => undefined);
    const next = await runInDurableObject(shardOf(name), (_object, { storage }) => storage.getAlarm());
    expect(next).toBeGreaterThan(0);
  });
});
