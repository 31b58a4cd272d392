/** Shards and their stream together: what one says, all hear; who is where, all may ask. */
import { evictDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import { ViewerSource } from "../../durable-objects/viewers/viewer-source.ts";
import type { ObjectsEnv } from "../../workers/env.ts";
import { signSocketToken } from "../../workers/socket-tokens.ts";
import { BareClient, shardOf, stockClient, until } from "./viewer-set-client.ts";

const token = () => signSocketToken({ sub: "mod", role: "moderator", name: "Mo" }, "test-token-secret");

describe("two shards of a stream", () => {
  it("hear what a moderator says at either, each once", async () => {
    const channel = "live:talk";
    for (const region of ["weur", "enam"]) await env.LIVE_STREAM.getByName("talk").shards(region);
    const mod = await BareClient.connect("talk", { token: await token() }, { shard: "weur/1" });
    const { client } = stockClient("talk", {}, { shard: "enam/1" });
    const heard: unknown[] = [];
    const subscription = client.newSubscription(channel);
    subscription.on("publication", ({ data, offset }) => heard.push([offset, data]));
    subscription.subscribe();
    client.connect();
    await subscription.ready(5_000);
    await mod.ask({ id: 2, subscribe: { channel } });
    for (let i = 1; i <= 5; i += 1) {
      await mod.ask({ id: 10 + i, publish: { channel, data: { i } } });
      if (i === 3) await evictDurableObject(shardOf("talk", "enam/1"), { webSockets: "hibernate" });
    }
    const said = (i: number) => [i, { type: "app", from: "mod", data: { i } }];
    await until(() => expect(heard).toEqual([1, 2, 3, 4, 5].map(said)));
    expect(mod.offsets).toEqual([1, 2, 3, 4, 5]);

    const newest = await subscription.history({ limit: 2, reverse: true });
    expect(newest.publications.map(({ offset }) => offset)).toEqual([5, 4]);
    expect(newest.offset).toBe(5);
    expect(await mod.ask({ id: 30, presence_stats: { channel } })).toEqual({
      id: 30,
      presence_stats: { num_clients: 2, num_users: 2 },
    });
    const { presence } = await subscription
      .presence()
      .then(({ clients }) => ({ presence: Object.values(clients) }));
    expect(presence).toHaveLength(2);
    expect(presence).toContainEqual(
      expect.objectContaining({ user: "mod", connInfo: { name: "Mo", role: "moderator" } }),
    );
    client.disconnect();
  });

  it("count the people who play", async () => {
    const one = await BareClient.connect("count", {}, { shard: "weur/1", viewer: "ann" });
    const two = await BareClient.connect("count", {}, { shard: "enam/1", viewer: "bea" });
    for (const client of [one, two]) {
      await client.ask({ id: 2, subscribe: { channel: "live:count" } });
      await client.ask({ id: 3, rpc: { method: "playing", data: { playing: true } } });
    }
    const viewers = () =>
      one.heard.flatMap(
        (line: { push?: { pub?: { data?: { viewers?: number } } } }) => line.push?.pub?.data?.viewers ?? [],
      );
    await until(() => expect(viewers().at(-1)).toBe(2));
    two.socket.close(1000, "");
    await until(() => expect(viewers().at(-1)).toBe(1));
  });
});

describe("presence", () => {
  const nobody = { clients: 0, users: 0, list: [] };
  function source() {
    const asked: string[] = [];
    const directory = { regions: { weur: ["s/weur/1", "s/weur/2"] }, others: ["s/weur/3"] };
    const shards = async () => {
      asked.push("shards");
      return directory;
    };
    const shard = (name: string) => ({
      presence: async () => {
        asked.push(name);
        return { clients: 5, users: 4, list: [] };
      },
    });
    const env = { LIVE_STREAM: { getByName: () => ({ shards }) }, VIEWER_SET: { getByName: shard } };
    return { asked, source: new ViewerSource(env as unknown as ObjectsEnv, "s") };
  }

  it("counts those of shards that are full or drained, too", async () => {
    const { source: presences } = source();
    expect(await presences.presence("s/weur/1", "live:s", { presence: () => nobody })).toMatchObject({
      clients: 10,
      users: 8,
    });
  });

  it("is one question to the others when thousands ask at once", async () => {
    const { asked, source: presences } = source();
    await Promise.all(
      Array.from({ length: 50 }, () => presences.presence("s/weur/1", "live:s", { presence: () => nobody })),
    );
    expect(asked).toEqual(["shards", "s/weur/2", "s/weur/3"]);
  });
});
