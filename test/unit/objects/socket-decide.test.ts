import { describe, expect, it } from "vitest";
import type { Connection } from "../../../durable-objects/core/viewers/socket/connection.ts";
import { decide } from "../../../durable-objects/core/viewers/socket/decide.ts";
import type { Outcome, Scene, Supplied } from "../../../durable-objects/core/viewers/socket/decision.ts";
import type { Feed } from "../../../durable-objects/core/viewers/socket/feed.ts";
import { fail, ok } from "../../../media/result.ts";
import { parseFrame } from "../../../wire/centrifugo.ts";

const NOW = 1_800_000_000_000;
const fresh: Connection = {
  client: "c1",
  stream: "radio",
  shard: "radio/eu/1",
  viewer: "v1",
  address: "a1",
  openedAt: NOW,
  channels: [],
  playing: false,
};
const anonymous: Connection = { ...fresh, who: { user: "" } };
const member: Connection = { ...fresh, who: { user: "alice", role: "member" } };
const moderator: Connection = { ...fresh, who: { user: "mod", role: "moderator" } };
const inChannel: Connection = { ...anonymous, channels: [{ channel: "live:radio" }] };
const feed: Feed = {
  position: { epoch: "e", offset: 10 },
  kept: [8, 9, 10].map((offset) => ({ offset, data: `{"n":${offset}}` })),
  whole: true,
};
const sceneWith = (live: Feed | undefined): Scene => ({
  now: NOW,
  viewers: 3,
  feedOf: (channel) => (channel === "live:radio" ? live : undefined),
});
const scene = sceneWith(feed);

/** Decide a command as it came in a frame. */
function say(connection: Connection, text: object, supplied: Supplied = {}, at = scene) {
  const lines = parseFrame(JSON.stringify(text));
  const line = lines.ok ? lines.value[0] : undefined;
  if (line?.type !== "command") throw new Error("no command");
  return decide(connection, line.command, at, supplied);
}
function outcome(...args: Parameters<typeof say>): Outcome {
  const decision = say(...args);
  if (!("outcome" in decision)) throw new Error(`needs ${decision.need.type}`);
  return decision.outcome;
}
const replyOf = (...args: Parameters<typeof say>) => JSON.parse(outcome(...args).reply ?? "null");

describe("errors of commands", () => {
  const full = { ...anonymous, channels: Array.from({ length: 32 }, (_, i) => ({ channel: `chat:${i}` })) };
  it.each([
    ["a channel that no kind knows", anonymous, { subscribe: { channel: "weather" } }, 102],
    ["a stream's name that cannot be", anonymous, { subscribe: { channel: "live:../x" } }, 102],
    ["another stream", anonymous, { subscribe: { channel: "live:secret" } }, 103],
    ["a channel twice", inChannel, { subscribe: { channel: "live:radio" } }, 105],
    ["one channel too many", full, { subscribe: { channel: "live:radio" } }, 106],
    ["publishing without a role", member, { publish: { channel: "live:radio", data: 1 } }, 103],
    ["publishing without a token", anonymous, { publish: { channel: "live:radio", data: 1 } }, 103],
    ["publishing elsewhere", moderator, { publish: { channel: "live:other", data: 1 } }, 103],
    ["publishing too much", moderator, { publish: { channel: "live:radio", data: "x".repeat(4095) } }, 106],
    ["a history elsewhere", anonymous, { history: { channel: "live:other" } }, 103],
    ["a history of nothing", anonymous, { history: { channel: "nothing" } }, 102],
    ["a history with a limit below -1", anonymous, { history: { channel: "live:radio", limit: -2 } }, 107],
    [
      "a history since another epoch",
      anonymous,
      { history: { channel: "live:radio", limit: 1, since: { epoch: "f", offset: 1 } } },
      112,
    ],
    ["presence elsewhere", anonymous, { presence: { channel: "live:other" } }, 103],
    ["counts of nothing", anonymous, { presence_stats: { channel: "nothing" } }, 102],
    ["a token for a channel", inChannel, { sub_refresh: { channel: "live:radio", token: "t" } }, 108],
    [
      "a token for a channel elsewhere",
      inChannel,
      { sub_refresh: { channel: "live:other", token: "t" } },
      103,
    ],
    ["an rpc without a name", anonymous, { rpc: { data: {} } }, 104],
    ["an rpc that is none", anonymous, { rpc: { method: "shutdown", data: {} } }, 104],
    ["playing that says nothing", anonymous, { rpc: { method: "playing", data: {} } }, 107],
    ["qoe that cannot be", anonymous, { rpc: { method: "qoe", data: { stalls: -1 } } }, 107],
  ] as const)("%s", (_name, connection, command, code) => {
    const decided = outcome(connection, { id: 5, ...command });
    expect(JSON.parse(decided.reply ?? "")).toMatchObject({ id: 5, error: { code } });
    expect(decided.connection).toBeUndefined();
  });
});

describe("what ends a connection", () => {
  const invalid = { token: fail("invalid" as const) };
  const bob = { token: ok({ sub: "bob", role: "member" as const }) };
  it.each([
    ["anything before connect", fresh, { subscribe: { channel: "live:radio" } }, {}, 3501],
    ["a ping before connect", fresh, { ping: {} }, {}, 3501],
    ["a refresh before connect", fresh, { refresh: { token: "t" } }, {}, 3501],
    ["a second connect", anonymous, { connect: {} }, {}, 3501],
    ["a token that nobody signed", fresh, { connect: { token: "t" } }, invalid, 3500],
    ["a refresh that nobody signed", member, { refresh: { token: "t" } }, invalid, 3500],
    ["a refresh with nothing", member, { refresh: { token: "" } }, {}, 3501],
    ["a refresh as somebody else", member, { refresh: { token: "t" } }, bob, 3500],
    ["a refresh of nobody", anonymous, { refresh: { token: "t" } }, bob, 3500],
    [
      "a refresh that is over",
      member,
      { refresh: { token: "t" } },
      { token: fail("expired" as const) },
      3005,
    ],
  ] as const)("%s", (_name, connection, command, supplied, code) => {
    const decided = outcome(connection, { id: 5, ...command }, supplied);
    expect(decided.close?.code).toBe(code);
    expect(decided.reply).toBeUndefined();
    expect(decided.connection).toBeUndefined();
  });
});

describe("connect", () => {
  it("needs no token", () => {
    const { connection } = outcome(fresh, { id: 1, connect: {} });
    expect(connection?.who).toEqual({ user: "" });
    expect(replyOf(fresh, { id: 1, connect: {} })).toEqual({
      id: 1,
      connect: { client: "c1", version: "millrace", ping: 25, pong: true },
    });
  });

  it("has a token verified first", () => {
    expect(say(fresh, { id: 1, connect: { token: "t" } })).toEqual({ need: { type: "token", token: "t" } });
  });

  it("asks for another token when it is over", () => {
    const expired = { token: fail("expired" as const) };
    expect(replyOf(fresh, { id: 1, connect: { token: "t" } }, expired)).toEqual({
      id: 1,
      error: { code: 109, message: "token expired" },
    });
  });

  it("knows who it is, and for how long", () => {
    const claims = {
      sub: "alice",
      role: "owner" as const,
      name: "Alice",
      exp: NOW / 1000 + 90,
      info: { a: 1 },
    };
    const decided = outcome(fresh, { id: 1, connect: { token: "t" } }, { token: ok(claims) });
    expect(JSON.parse(decided.reply ?? "")).toMatchObject({ connect: { expires: true, ttl: 90 } });
    expect(decided.connection?.who).toEqual({
      user: "alice",
      role: "owner",
      info: '{"name":"Alice","role":"owner","info":{"a":1}}',
      expiresAt: NOW + 90_000,
    });
  });

  const channels = ["live:radio", "live:other", "weather", "live:radio"];
  const withChannels = { token: ok({ sub: "alice", role: "member" as const, channels }) };

  it("subscribes to what the token names, as far as it is here", () => {
    const decided = outcome(fresh, { id: 1, connect: { token: "t" } }, withChannels);
    expect(JSON.parse(decided.reply ?? "").connect.subs).toEqual({
      "live:radio": { recoverable: true, positioned: true, epoch: "e", offset: 10, data: { viewers: 3 } },
    });
    expect(decided.connection?.channels).toEqual([{ channel: "live:radio", byServer: true }]);
    expect(decided.from).toBe(10);
  });

  it("recovers what the token names", () => {
    const subs = { "live:radio": { recover: true, epoch: "e", offset: 8 } };
    const { connect } = replyOf(fresh, { id: 1, connect: { token: "t", subs } }, withChannels);
    expect(connect.subs["live:radio"]).toMatchObject({
      recovered: true,
      offset: 8,
      publications: [
        { data: { n: 9 }, offset: 9 },
        { data: { n: 10 }, offset: 10 },
      ],
    });
  });

  it("waits for the feed only when the token names a channel", () => {
    const blind = sceneWith(undefined);
    expect(say(fresh, { id: 1, connect: { token: "t" } }, withChannels, blind)).toEqual({
      need: { type: "feed", channel: "live:radio" },
    });
    expect(say(fresh, { id: 1, connect: {} }, {}, blind)).toHaveProperty("outcome");
  });
});

describe("refresh", () => {
  const guest = { token: ok({ sub: "alice", role: "guest" as const }) };

  it.each(["user:alice", "chat:01HZY3V5T1QK8ZJ4M6N7P8R9S0", "presence:01HZY3V5T1QK8ZJ4M6N7P8R9S0"])(
    "of a member who is only a guest now ends what is for members: %s",
    (channel) => {
      const connection = { ...member, channels: [{ channel: "live:radio" }, { channel }] };
      expect(outcome(connection, { id: 1, refresh: { token: "t" } }, guest).close?.code).toBe(3011);
    },
  );

  it("as a guest goes on where guests may be", () => {
    const connection = { ...member, channels: [{ channel: "live:radio" }, { channel: "chat:radio" }] };
    const { connection: after } = outcome(connection, { id: 1, refresh: { token: "t" } }, guest);
    expect(after).toMatchObject({ who: { role: "guest" }, channels: connection.channels });
  });

  it("takes a new token of the same user", () => {
    const claims = { token: ok({ sub: "alice", role: "owner" as const, exp: NOW / 1000 + 60 }) };
    const decided = outcome(member, { id: 2, refresh: { token: "t" } }, claims);
    expect(JSON.parse(decided.reply ?? "")).toEqual({
      id: 2,
      refresh: { client: "c1", version: "millrace", expires: true, ttl: 60 },
    });
    expect(decided.connection?.who).toMatchObject({ role: "owner", expiresAt: NOW + 60_000 });
  });
});

describe("subscribe", () => {
  const subscribe = (params: object) => ({ id: 3, subscribe: { channel: "live:radio", ...params } });
  const position = { recoverable: true, positioned: true, data: { viewers: 3 } };
  it.each([
    ["anew", {}, { epoch: "e", offset: 10 }],
    [
      "where it was",
      { recover: true, epoch: "e", offset: 10 },
      { epoch: "e", offset: 10, was_recovering: true, recovered: true },
    ],
    [
      "from before the history",
      { recover: true, epoch: "e", offset: 2 },
      { epoch: "e", offset: 10, was_recovering: true, recovered: false },
    ],
    [
      "from another epoch",
      { recover: true, epoch: "f", offset: 10 },
      { epoch: "e", offset: 10, was_recovering: true, recovered: false },
    ],
    [
      "with what is missing",
      { recover: true, epoch: "e", offset: 9 },
      {
        epoch: "e",
        offset: 9,
        was_recovering: true,
        recovered: true,
        publications: [{ data: { n: 10 }, offset: 10 }],
      },
    ],
  ] as const)("%s", (_name, params, expected) => {
    const decided = outcome(anonymous, subscribe(params));
    expect(JSON.parse(decided.reply ?? "")).toEqual({ id: 3, subscribe: { ...position, ...expected } });
    expect(decided.from).toBe(10);
    expect(decided.connection?.channels).toEqual([{ channel: "live:radio" }]);
  });

  it.each([
    ["the feed is not known", undefined, {}],
    ["the client knows more", feed, { recover: true, epoch: "e", offset: 11 }],
    ["there may be older ones", { ...feed, whole: false }, { recover: true, epoch: "e", offset: 2 }],
  ])("asks the stream when %s", (_name, known, params) => {
    expect(say(anonymous, subscribe(params), {}, sceneWith(known))).toEqual({
      need: { type: "feed", channel: "live:radio" },
    });
  });

  it("asks once: then what is not there is lost", () => {
    const ahead = subscribe({ recover: true, epoch: "e", offset: 11 });
    expect(replyOf(anonymous, ahead, { asked: ["live:radio"] })).toMatchObject({
      subscribe: { recovered: false, offset: 10 },
    });
  });
});

describe("other commands", () => {
  it("unsubscribes, also from what was never subscribed to", () => {
    expect(
      outcome(inChannel, { id: 4, unsubscribe: { channel: "live:radio" } }).connection?.channels,
    ).toEqual([]);
    const other = outcome(inChannel, { id: 4, unsubscribe: { channel: "weather" } });
    expect(other).toEqual({ reply: '{"id":4,"unsubscribe":{}}' });
  });

  it("publishes for moderators and owners", () => {
    const publish = { id: 4, publish: { channel: "live:radio", data: { poll: 1 } } };
    expect(say(moderator, publish)).toEqual({ need: { type: "say", from: "mod", data: { poll: 1 } } });
    expect(replyOf(moderator, publish, { said: true })).toEqual({ id: 4, publish: {} });
    expect(replyOf(moderator, publish, { said: false })).toMatchObject({ error: { code: 108 } });
  });

  it("gives the history", () => {
    expect(
      replyOf(anonymous, { id: 4, history: { channel: "live:radio", limit: 1, reverse: true } }),
    ).toEqual({
      id: 4,
      history: { epoch: "e", offset: 10, publications: [{ data: { n: 10 }, offset: 10 }] },
    });
    expect(replyOf(anonymous, { id: 4, history: { channel: "live:radio" } })).toEqual({
      id: 4,
      history: { epoch: "e", offset: 10, publications: [] },
    });
  });

  it("lists who is there, while they are few", () => {
    const info = { client: "c9", user: "zoe" };
    const few = { presence: { clients: 1, users: 1, list: [info] } };
    const many = { presence: { clients: 201, users: 150 } };
    const presence = { id: 4, presence: { channel: "live:radio" } };
    const stats = { id: 4, presence_stats: { channel: "live:radio" } };
    expect(replyOf(anonymous, presence, few)).toEqual({ id: 4, presence: { presence: { c9: info } } });
    expect(replyOf(anonymous, presence, many)).toMatchObject({ error: { code: 108 } });
    expect(replyOf(anonymous, stats, many)).toEqual({
      id: 4,
      presence_stats: { num_clients: 201, num_users: 150 },
    });
  });

  it("hears players", () => {
    const playing = { id: 4, rpc: { method: "playing", data: { playing: true } } };
    expect(outcome(anonymous, playing).connection?.playing).toBe(true);
    expect(outcome({ ...anonymous, playing: true }, playing)).toEqual({
      reply: '{"id":4,"rpc":{"data":{}}}',
    });
    const qoe = { stalls: 1, stalledMs: 200, playedMs: 9800, droppedFrames: 0, shownFrames: 300 };
    expect(outcome(anonymous, { id: 4, rpc: { method: "qoe", data: qoe } }).qoe).toEqual(qoe);
    expect(outcome(anonymous, { send: { data: { progress: 9 } } })).toEqual({ progress: 9 });
    expect(outcome(anonymous, { send: { data: "hello" } })).toEqual({});
    expect(replyOf(anonymous, { id: 4, ping: {} })).toEqual({ id: 4, ping: {} });
  });
});
