/** Sockets that end while their shard sleeps: who had been told that somebody listens is told that nobody does, and nothing of it stays. */
import { evictDurableObject, runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, expect, it, vi } from "vitest";
import { Inbox } from "../../durable-objects/inbox/inbox.ts";
import { ViewerSource } from "../../durable-objects/viewers/viewer-source.ts";
import { inboxChannel } from "../../wire/inbox.ts";
import { Device } from "./inbox-bench.ts";
import { until } from "./viewer-set-client.ts";

afterEach(() => {
  vi.restoreAllMocks();
});

let shards = 100;
let shard = "";
const shardOf = () => env.VIEWER_SET.getByName(shard);

/** Channels that the shard has stored its place in. */
const marked = () =>
  runInDurableObject(shardOf(), (_object, { storage }) =>
    [...storage.kv.list({ prefix: "position " })].map(([key]) => key.slice("position ".length)).sort(),
  );

/** Two users at a shard of their own that has nothing to do: it has stored where each is. */
async function quiet(): Promise<readonly [Device, Device]> {
  shards += 1;
  shard = `~people/any/${shards}`;
  const [alice, bob] = [
    await Device.open(`alice-${shards}`, shard),
    await Device.open(`bob-${shards}`, shard),
  ];
  const both = [alice, bob].map(({ user }) => inboxChannel(user));
  await until(async () => expect(await marked()).toEqual(both));
  return [alice, bob];
}

it.each([
  ["one of several", 1],
  ["the last", 2],
])(
  "whoever closes, %s, is not taken to listen any more, and nothing is kept of it",
  async (_which, closing) => {
    const devices = await quiet();
    const report = vi.spyOn(Inbox.prototype, "report");
    const gone = devices.slice(0, closing);
    for (const device of gone) {
      await evictDurableObject(shardOf(), { webSockets: "hibernate" });
      report.mockClear();
      device.client.socket.close(1000);
      await until(() =>
        expect(report.mock.calls.flat(2)).toContainEqual(expect.objectContaining({ shard, sockets: 0 })),
      );
    }
    expect(await marked()).toEqual(devices.slice(closing).map(({ user }) => inboxChannel(user)));
  },
);

it("whoever leaves while it is being told that they listen is not taken to listen", async () => {
  const [alice] = await quiet();
  const answer = Promise.withResolvers<void>();
  const heard: number[] = [];
  vi.spyOn(ViewerSource.prototype, "owner").mockImplementation((channel) => ({
    since: async () => ({ position: { epoch: "e", offset: 0 }, complete: true, publications: [] }),
    report: async ({ sockets }) => {
      if (channel === inboxChannel(alice.user)) heard.push(sockets);
      await answer.promise;
      return { position: { epoch: "e", offset: 0 }, viewers: 0, draining: [], parents: {} };
    },
  }));
  await evictDurableObject(shardOf(), { webSockets: "hibernate" });
  // The heartbeat.
  const round = runDurableObjectAlarm(shardOf());
  await until(() => expect(heard).toEqual([1]));
  await alice.unsubscribe();
  answer.resolve();
  await round;
  await until(() => expect(heard).toEqual([1, 0]));
});

it("nothing is kept of a channel whose sockets ended without a word", async () => {
  const [alice] = await quiet();
  await runInDurableObject(shardOf(), (_object, { storage }) => {
    storage.kv.put("position user:long-gone", { is: "clean", position: { epoch: "e", offset: 1 } });
  });
  await evictDurableObject(shardOf(), { webSockets: "hibernate" });
  await alice.act("inbox.state");
  expect(await marked()).not.toContain("user:long-gone");
});
