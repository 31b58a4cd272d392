/** What a socket may not say, and who it may not be: each with its exact error or close code, and the shard goes on. */
import { runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { SocketClaims } from "../../wire/socket-token.ts";
import { signSocketToken } from "../../workers/socket-tokens.ts";
import { BareClient, knock, shardOf, stockClient, until } from "./viewer-set-client.ts";
import { FakeStream } from "./viewer-set-stream.ts";

const SECRET = "test-token-secret";
const name = "input";
const channel = "live:input";
let stream: FakeStream;

beforeEach(() => {
  stream = new FakeStream(name);
  stream.install();
});
afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

const sign = (claims: Partial<SocketClaims> & { readonly sub: string }, secret = SECRET) =>
  signSocketToken({ role: "member", ...claims }, secret);
const inSeconds = (seconds: number) => Math.floor(Date.now() / 1000) + seconds;
const commands = (count: number) =>
  Array.from({ length: count }, (_, i) => JSON.stringify({ id: i + 1, ping: {} })).join("\n");

describe("frames that end a connection", () => {
  const connect = '{"id":1,"connect":{}}';
  const long = (bytes: number, letter = "x") =>
    `{"id":2,"rpc":{"method":"x","data":"${letter.repeat(bytes / new TextEncoder().encode(letter).length)}"}}`;
  it.each([
    ["no JSON", "hello", 3501, "bad request"],
    ["JSON that is cut off", '{"id":2,"ping":', 3501, "bad request"],
    ["a number", "7", 3501, "bad request"],
    ["null", "null", 3501, "bad request"],
    ["a list", "[]", 3501, "bad request"],
    ["nothing", "", 3501, "bad request"],
    ["blank lines", "\n \n", 3501, "bad request"],
    ["no id", '{"ping":{}}', 3501, "bad request"],
    ["an id that is a text", '{"id":"2","ping":{}}', 3501, "bad request"],
    ["an id below 0", '{"id":-1,"ping":{}}', 3501, "bad request"],
    ["an id that is no integer", '{"id":1.5,"ping":{}}', 3501, "bad request"],
    ["an id of more than 32 bits", '{"id":4294967296,"ping":{}}', 3501, "bad request"],
    ["a good command before a bad line", '{"id":2,"ping":{}}\nhello', 3501, "bad request"],
    ["a send of nothing", '{"send":{}}', 3501, "bad request"],
    ["a second connect", '{"id":2,"connect":{}}', 3501, "bad request"],
    ["bytes", new TextEncoder().encode('{"id":2,"ping":{}}'), 3501, "bad request"],
    ["no bytes", new ArrayBuffer(0), 3501, "bad request"],
    ["10,000 commands", commands(10_000), 1009, "message size limit"],
    ["101 commands", commands(101), 3013, "too many requests"],
    ["more than 64 KB", long(65_536), 1009, "message size limit"],
    ["more than 64 KB in fewer letters", long(66_000, "€"), 1009, "message size limit"],
  ] as const)("%s", async (_name, frame, code, reason) => {
    const client = await BareClient.open(name);
    client.socket.send(connect);
    await until(() => expect(client.frames).toHaveLength(1));
    client.socket.send(frame);
    expect(await client.end()).toEqual({ code, reason });
  });

  it("long frames, one after the other", async () => {
    const client = await BareClient.connect(name);
    for (let i = 0; i < 60; i += 1) client.socket.send(long(60_000));
    expect(await client.end()).toEqual({ code: 3013, reason: "too many requests" });
    const refusals = client.heard.filter(
      ({ error }) => (error as { code?: number } | undefined)?.code === 111,
    );
    expect(refusals.length).toBeGreaterThan(0);
  });

  it("10,000 short commands in one frame", async () => {
    const client = await BareClient.connect(name);
    const frame = "{}\n".repeat(10_000);
    expect(frame.length).toBeLessThan(65_536);
    client.socket.send(frame);
    expect(await client.end()).toEqual({ code: 3013, reason: "too many requests" });
  });

  it.each([
    ["a command before connect", '{"id":1,"ping":{}}'],
    ["an unknown command before connect", '{"id":1,"nonsense":{}}'],
    ["a command and then connect", `{"id":1,"ping":{}}\n${connect}`],
    ["a send before connect", '{"send":{"data":1}}'],
  ])("%s", async (_name, frame) => {
    const client = await BareClient.open(name);
    client.socket.send(frame);
    expect(await client.end()).toEqual({ code: 3501, reason: "bad request" });
    expect(client.frames).toEqual([]);
  });
});

describe("commands that are refused, and the connection goes on", () => {
  it.each([
    ["an unknown command", '{"id":2,"nonsense":{}}', 104, "method not found"],
    ["a name of every object", '{"id":2,"constructor":{}}', 104, "method not found"],
    ["no command", '{"id":2}', 107, "bad request"],
    ["two commands in one", '{"id":2,"ping":{},"rpc":{}}', 107, "bad request"],
    ["parameters of another kind", '{"id":2,"subscribe":7}', 107, "bad request"],
    ["no channel", '{"id":2,"subscribe":{}}', 107, "bad request"],
    ["a channel that is a number", '{"id":2,"subscribe":{"channel":7}}', 107, "bad request"],
    ["a channel without a name", '{"id":2,"subscribe":{"channel":""}}', 107, "bad request"],
    ["a channel of 256 letters", `{"id":2,"subscribe":{"channel":"${"x".repeat(256)}"}}`, 107, "bad request"],
    [
      "an offset below 0",
      `{"id":2,"subscribe":{"channel":"${channel}","recover":true,"offset":-1}}`,
      107,
      "bad request",
    ],
    ["a channel that does not exist", '{"id":2,"subscribe":{"channel":"weather"}}', 102, "unknown channel"],
    [
      "a channel that is not allowed",
      '{"id":2,"subscribe":{"channel":"live:secret"}}',
      103,
      "permission denied",
    ],
    [
      "a channel by a trick",
      '{"id":2,"subscribe":{"channel":"live:input/../secret"}}',
      102,
      "unknown channel",
    ],
    ["publishing", `{"id":2,"publish":{"channel":"${channel}","data":{}}}`, 103, "permission denied"],
    ["publishing nothing", `{"id":2,"publish":{"channel":"${channel}"}}`, 107, "bad request"],
    ["an rpc that is none", '{"id":2,"rpc":{"method":"__proto__","data":{}}}', 104, "method not found"],
  ])("%s", async (_name, frame, code, message) => {
    const client = await BareClient.connect(name);
    client.socket.send(frame);
    await until(() => expect(client.heard[1]).toEqual({ id: 2, error: { code, message } }));
    expect(await client.ask({ id: 3, ping: {} })).toEqual({ id: 3, ping: {} });
  });

  it("answers both of two commands with one id", async () => {
    const client = await BareClient.connect(name);
    client.socket.send('{"id":2,"ping":{}}\n{"id":2,"rpc":{"method":"x"}}');
    await until(() =>
      expect(client.heard.slice(1)).toEqual([
        { id: 2, ping: {} },
        { id: 2, error: { code: 104, message: "method not found" } },
      ]),
    );
  });

  it("passes over a line that says nothing, and a send that nobody hears", async () => {
    const client = await BareClient.connect(name);
    client.socket.send('{}\n{"send":{"data":{"progress":-1}}}\n{"send":{"data":[1]}}\n{"id":2,"ping":{}}\n');
    await until(() => expect(client.heard.slice(1)).toEqual([{ id: 2, ping: {} }]));
  });
});

describe("too much", () => {
  it("is refused above 60 commands at once, and ended far above", async () => {
    const client = await BareClient.connect(name);
    client.socket.send(commands(100));
    await until(() => expect(client.heard).toHaveLength(101));
    const refused = client.heard.filter((line) => "error" in line);
    expect(refused.length).toBeGreaterThanOrEqual(38);
    expect(refused.length).toBeLessThanOrEqual(41);
    expect(refused[0]).toMatchObject({ error: { code: 111, message: "too many requests", temporary: true } });
    for (let i = 0; i < 7; i += 1) client.socket.send(commands(100));
    expect(await client.end()).toEqual({ code: 3013, reason: "too many requests" });
  });

  it("sockets of one address", async () => {
    const rebind = (settings: object) =>
      runInDurableObject(shardOf("few"), (object) => {
        const holder = object as unknown as { env: object };
        holder.env = { ...holder.env, ...settings };
      });
    await rebind({ ADDRESS_SOCKETS: "3", SHARD_SOCKETS: "5" });
    const clients = [];
    for (let i = 0; i < 3; i += 1) clients.push(await BareClient.connect("few", {}, { address: "one" }));
    const refused = await knock("few", { address: "one" });
    expect(refused.status).toBe(429);
    expect(refused.headers.get("x-millrace-full")).toBeNull();
    expect(await refused.json()).toMatchObject({ type: "urn:millrace:problem:too-many-sockets" });
    for (const address of ["two", "three"]) await BareClient.connect("few", {}, { address });
    const full = await knock("few", { address: "four" });
    expect([full.status, full.headers.get("x-millrace-full")]).toEqual([503, "1"]);
    clients[0]?.socket.close(1000, "");
    await clients[0]?.end();
    expect((await knock("few", { address: "one" })).status).toBe(101);
  });

  it("is not a request without an upgrade, nor one that the edge did not send", async () => {
    const plain = await shardOf(name).fetch("https://viewers.millrace.invalid/socket");
    expect(plain.status).toBe(426);
    const bare = await shardOf(name).fetch("https://viewers.millrace.invalid/socket", {
      headers: { upgrade: "websocket" },
    });
    expect(bare.status).toBe(400);
  });
});

describe("tokens", () => {
  it.each([
    ["no token at all", () => Promise.resolve("hello")],
    ["one of another secret", () => sign({ sub: "eve" }, "another-secret")],
    ["one for another audience", () => sign({ sub: "eve", aud: "watch" as "socket" })],
    ["one that is not for now", () => sign({ sub: "eve", nbf: inSeconds(600) })],
    ["one for nobody", () => sign({ sub: "" })],
    ["one with a role that is none", () => sign({ sub: "eve", role: "god" as "owner" })],
  ] as const)("%s is invalid", async (_name, token) => {
    const client = await BareClient.open(name);
    client.say({ id: 1, connect: { token: await token() } });
    expect(await client.end()).toEqual({ code: 3500, reason: "invalid token" });
  });

  it("one that is over can be replaced", async () => {
    const client = await BareClient.open(name);
    const reply = await client.ask({
      id: 1,
      connect: { token: await sign({ sub: "ann", exp: inSeconds(-1) }) },
    });
    expect(reply).toEqual({ id: 1, error: { code: 109, message: "token expired" } });
    const token = await sign({ sub: "ann", exp: inSeconds(60) });
    expect(await client.ask({ id: 2, connect: { token } })).toMatchObject({ connect: { expires: true } });
  });

  it("is refreshed before its end, or the connection ends some time after", async () => {
    const connect = async () =>
      BareClient.connect(name, { token: await sign({ sub: "ann", exp: inSeconds(60) }) });
    const [refreshed, lapsed, other] = [await connect(), await connect(), await connect()];
    const token = await sign({ sub: "ann", exp: inSeconds(600) });
    expect(await refreshed.ask({ id: 2, refresh: { token } })).toMatchObject({ refresh: { expires: true } });
    other.say({ id: 2, refresh: { token: await sign({ sub: "bob" }) } });
    expect(await other.end()).toEqual({ code: 3500, reason: "invalid token" });
    const now = Date.now();
    vi.useFakeTimers({ toFake: ["Date"] });
    vi.setSystemTime(now + 80_000);
    await runDurableObjectAlarm(shardOf(name));
    expect(lapsed.closed).toBeUndefined();
    vi.setSystemTime(now + 86_000);
    await runDurableObjectAlarm(shardOf(name));
    expect(await lapsed.end()).toEqual({ code: 3005, reason: "connection expired" });
    expect(refreshed.closed).toBeUndefined();
  });

  it("lets moderators publish, as who they are", async () => {
    const client = await BareClient.connect(name, { token: await sign({ sub: "mod", role: "moderator" }) });
    expect(await client.ask({ id: 2, publish: { channel, data: { poll: 1 } } })).toEqual({
      id: 2,
      publish: {},
    });
    expect(stream.said).toEqual([{ from: "mod", data: { poll: 1 } }]);
  });

  it("subscribes the stock client to what the token names, which recovers it", async () => {
    const token = await sign({ sub: "ann", channels: ["live:channels", "live:other"] });
    const own = new FakeStream("channels");
    own.install();
    const { client, drop } = stockClient("channels", { token });
    const heard: (number | undefined)[] = [];
    const recovered: boolean[] = [];
    client.on("publication", ({ offset }) => heard.push(offset));
    client.on("subscribed", ({ wasRecovering, recovered: all }) => {
      if (wasRecovering) recovered.push(all);
    });
    client.connect();
    await client.ready(5_000);
    await shardOf("channels").deliver(own.publish("one"));
    await until(() => expect(heard).toEqual([1]));
    drop();
    own.publish("two");
    await until(() => expect(heard).toEqual([1, 2]));
    own.forget();
    await shardOf("channels").deliver(own.publish("new"));
    await until(() => expect(recovered).toEqual([true, false]));
    client.disconnect();
  });

  it("is asked for again by the stock client when it is over", async () => {
    let asked = 0;
    const getToken = (): Promise<string> => {
      asked += 1;
      return sign({ sub: "ann", exp: inSeconds(asked === 1 ? -1 : 2) });
    };
    const { client } = stockClient(name, { getToken });
    client.connect();
    await client.ready(5_000);
    expect(asked).toBe(2);
    // And before its end, on the connection that is there.
    const refreshed = vi.fn();
    client.on("disconnected", refreshed);
    await until(() => expect(asked).toBeGreaterThanOrEqual(3));
    expect(client.state).toBe("connected");
    expect(refreshed).not.toHaveBeenCalled();
    client.disconnect();
  });
});
