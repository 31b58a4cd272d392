/** Presence channels through real sockets at two shards: who is here, who came and went and when that is told, whatever is evicted. */
import { evictDurableObject, runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { beforeEach, describe, expect, it, vi } from "vitest";
import { GRACE_MS, SILENT_SHARD_MS } from "../../durable-objects/core/presence/roster.ts";
import { PresenceChannel } from "../../durable-objects/presence/presence-channel.ts";
import { type PresenceEvent, type PresenceState, presenceChannel } from "../../wire/presence.ts";
import type { Role } from "../../wire/socket-token.ts";
import { ADMIN, json, origin } from "./encoder.ts";
import { passTime } from "./stream-object.ts";
import { BareClient, shardOf, until, type Visitor } from "./viewer-set-client.ts";

let streams = 0;
let name = "";
beforeEach(() => {
  streams += 1;
  name = `presence-${streams}`;
});

const channelOf = () => env.PRESENCE.getByName(name);
const sleep = (shard?: string) => evictDurableObject(shardOf(name, shard), { webSockets: "hibernate" });
const round = (shard?: string) => runDurableObjectAlarm(shardOf(name, shard));

/** Somebody in the channel. */
class Person {
  readonly client: BareClient;
  #asked = 10;

  private constructor(client: BareClient) {
    this.client = client;
  }

  static async enter(sub: string, visitor: Visitor = {}, role: Role = "member"): Promise<Person> {
    const answer = await origin("/admin/tokens", json("POST", { sub, role, name: `Name ${sub}` }, ADMIN));
    const { token }: { token: string } = await answer.json();
    return Person.#with({ token }, visitor);
  }

  static anonymous = (): Promise<Person> => Person.#with({}, {});

  static async #with(connect: object, visitor: Visitor): Promise<Person> {
    const person = new Person(await BareClient.connect(name, connect, visitor));
    expect(await person.subscribe()).toMatchObject({ subscribe: { recoverable: true } });
    return person;
  }

  subscribe(more: object = {}) {
    return this.ask({ subscribe: { channel: presenceChannel(name), ...more } });
  }

  leave() {
    return this.ask({ unsubscribe: { channel: presenceChannel(name) } });
  }

  /** The connection breaks off: no code of somebody who meant it. */
  break(): void {
    this.client.socket.close(3001, "broken");
  }

  ask(command: object): Promise<Record<string, unknown>> {
    this.#asked += 1;
    return this.client.ask({ id: this.#asked, ...command });
  }

  async state(): Promise<PresenceState> {
    const answer = await this.ask({
      rpc: { method: "presence.state", data: { channel: presenceChannel(name) } },
    });
    return (answer as { rpc: { data: PresenceState } }).rpc.data;
  }

  /** Users who are here, sorted. */
  async present(): Promise<readonly string[]> {
    return ((await this.state()).present ?? []).map(({ user }) => user).sort();
  }

  /** Events in the order they came. */
  get events(): readonly PresenceEvent[] {
    return this.client.heard.flatMap(
      (line: {
        push?: { pub?: { data: PresenceEvent } };
        subscribe?: { publications?: { data: PresenceEvent }[] };
      }) => [
        ...(line.push?.pub ? [line.push.pub.data] : []),
        ...(line.subscribe?.publications ?? []).map(({ data }) => data),
      ],
    );
  }

  get offset(): number {
    return this.client.offsets.at(-1) ?? 0;
  }

  /** Who came (`+`) and went (`-`), as it was told. */
  get story(): string {
    return this.events
      .flatMap((event) =>
        event.type === "count"
          ? [`=${event.users}`]
          : [...event.came.map(({ user }) => `+${user}`), ...event.went.map((user) => `-${user}`)],
      )
      .join(" ");
  }

  hears(story: string): Promise<void> {
    return until(() => expect(this.story).toBe(story));
  }
}

/** Whoever listens hears nothing of what went before: something is told that would have come after it. */
async function nothingElse(listener: Person, story: string): Promise<void> {
  const marker = await Person.enter("marker");
  await listener.hears(`${story} +marker`.trim());
  await marker.leave();
  await listener.hears(`${story} +marker -marker`.trim());
}

describe("who is here", () => {
  it("is told to everybody, with name and role, and counts people with a name only", async () => {
    const viewer = await Person.anonymous();
    await Person.enter("alice", {}, "moderator");
    await Person.enter("guest:1", { shard: "weur/1" }, "guest");
    await viewer.hears("+alice +guest:1");
    expect(await viewer.state()).toMatchObject({
      users: 2,
      present: [
        { user: "alice", name: "Name alice", role: "moderator" },
        { user: "guest:1", name: "Name guest:1", role: "guest" },
      ],
      offset: 2,
    });
    const channel = presenceChannel(name);
    expect(await viewer.ask({ presence_stats: { channel } })).toMatchObject({
      presence_stats: { num_clients: 2, num_users: 2 },
    });
    expect(await viewer.ask({ presence: { channel } })).toMatchObject({
      presence: {
        presence: {
          alice: { client: "alice", user: "alice", conn_info: { name: "Name alice", role: "moderator" } },
        },
      },
    });
  });

  it("is one entry for each user, however many tabs and shards", async () => {
    const listener = await Person.enter("listener");
    const tabs = [
      await Person.enter("alice"),
      await Person.enter("alice"),
      await Person.enter("alice", { shard: "weur/1" }),
    ];
    await listener.hears("+listener +alice");
    expect(await listener.present()).toEqual(["alice", "listener"]);
    await tabs[0]?.leave();
    tabs[2]?.client.socket.close(1000);
    await nothingElse(listener, "+listener +alice");
    await tabs[1]?.leave();
    await listener.hears("+listener +alice +marker -marker -alice");
  });

  it("is refused to who is no member of the conversation, and elsewhere", async () => {
    const alice = await Person.enter("alice");
    for (const [channel, code] of [
      ["presence:another", 103],
      ["presence:01ARZ3NDEKTSV4RRFFQ69G5FAV", 103],
      ["presence:../x", 102],
    ] as const) {
      expect(await alice.ask({ subscribe: { channel } })).toMatchObject({ error: { code } });
      const asked = await alice.ask({ rpc: { method: "presence.state", data: { channel } } });
      expect(asked).toMatchObject({ error: { code: code === 102 ? 107 : 103 } });
    }
    expect(await alice.ask({ publish: { channel: presenceChannel(name), data: {} } })).toMatchObject({
      error: { code: 103 },
    });
  });
});

describe("leaving", () => {
  it.each([
    ["unsubscribing", (person: Person) => person.leave()],
    ["closing normally", (person: Person) => person.client.socket.close(1000)],
    ["closing without a code", (person: Person) => person.client.socket.close()],
  ])("on purpose is told at once: %s", async (_how, go) => {
    const listener = await Person.enter("listener");
    const alice = await Person.enter("alice", { shard: "weur/1" });
    await listener.hears("+listener +alice");
    await go(alice);
    await listener.hears("+listener +alice -alice");
    expect(await listener.present()).toEqual(["listener"]);
  });

  it("by a broken connection is told after 15 s", async () => {
    const listener = await Person.enter("listener");
    const alice = await Person.enter("alice");
    await listener.hears("+listener +alice");
    alice.break();
    await nothingElse(listener, "+listener +alice");
    expect(await listener.present()).toEqual(["alice", "listener"]);
    passTime(GRACE_MS - 1_000);
    await runDurableObjectAlarm(channelOf());
    expect(await listener.present()).toEqual(["alice", "listener"]);
    passTime(2_000);
    await runDurableObjectAlarm(channelOf());
    await listener.hears("+listener +alice +marker -marker -alice");
  });

  it("is never told of who is back within that, at another shard", async () => {
    const listener = await Person.enter("listener");
    const alice = await Person.enter("alice");
    await listener.hears("+listener +alice");
    alice.break();
    await until(async () => expect(await sparedUsers()).toEqual(["alice"]));
    await Person.enter("alice", { shard: "weur/1" });
    await until(async () => expect(await sparedUsers()).toEqual([]));
    passTime(GRACE_MS + 1_000);
    await round();
    await round("weur/1");
    await runDurableObjectAlarm(channelOf());
    await nothingElse(listener, "+listener +alice");
  });

  it("by silence of 60 s is told at once", async () => {
    const listener = await Person.enter("listener");
    const mute = await Person.enter("mute", { shard: "weur/1" });
    await listener.hears("+listener +mute");
    // Pings at 25 and 50 s.
    for (const ms of [25_000, 25_000]) {
      passTime(ms);
      await round("weur/1");
      await round();
      await listener.ask({ ping: {} });
      expect(mute.client.closed).toBeUndefined();
    }
    passTime(10_000);
    await round("weur/1");
    expect(await mute.client.end()).toMatchObject({ code: 3012 });
    await listener.hears("+listener +mute -mute");
  });

  it("of a whole shard, by silence of 60 s, takes its people with it", async () => {
    const listener = await Person.enter("listener");
    const lost = await Person.enter("lost", { shard: "weur/1" });
    const broken = await Person.enter("broken", { shard: "weur/1" });
    const both = await Person.enter("both", { shard: "weur/1" });
    await Person.enter("both");
    await listener.hears("+listener +lost +broken +both");
    passTime(SILENT_SHARD_MS - 1_000);
    broken.break();
    await until(async () => expect(await sparedUsers()).toEqual(["broken"]));
    passTime(SILENT_SHARD_MS - 1_000);
    await round();
    await runDurableObjectAlarm(channelOf());
    await listener.hears("+listener +lost +broken +both -broken");
    passTime(1_000);
    await runDurableObjectAlarm(channelOf());
    await listener.hears("+listener +lost +broken +both -broken -lost");
    expect(await listener.present()).toEqual(["both", "listener"]);
    // It was only slow: what it says with the next heartbeat is true again.
    await round("weur/1");
    await listener.hears("+listener +lost +broken +both -broken -lost +lost");
    expect([lost, both].map(({ client }) => client.closed)).toEqual([undefined, undefined]);
  });
});

describe("after an eviction", () => {
  it("of the channel everybody is still here, and nothing is told", async () => {
    const listener = await Person.enter("listener");
    const alice = await Person.enter("alice", { shard: "weur/1" });
    await listener.hears("+listener +alice");
    alice.break();
    await until(async () => expect(await sparedUsers()).toEqual(["alice"]));
    await Person.enter("bob", { shard: "weur/1" });
    await listener.hears("+listener +alice +bob");
    await evictDurableObject(channelOf());
    expect(await listener.present()).toEqual(["alice", "bob", "listener"]);
    await round();
    await round("weur/1");
    await nothingElse(listener, "+listener +alice +bob");
    passTime(GRACE_MS + 1_000);
    await evictDurableObject(channelOf());
    await runDurableObjectAlarm(channelOf());
    await listener.hears("+listener +alice +bob +marker -marker -alice");
  });

  it("of a shard everybody is still here, and who closes is gone at once", async () => {
    const listener = await Person.enter("listener");
    const alice = await Person.enter("alice", { shard: "weur/1" });
    const bob = await Person.enter("bob", { shard: "weur/1" });
    await listener.hears("+listener +alice +bob");
    await sleep("weur/1");
    await round("weur/1");
    await sleep("weur/1");
    bob.client.socket.close(1000);
    await listener.hears("+listener +alice +bob -bob");
    await sleep("weur/1");
    // The only one, who wakes the object by that.
    alice.client.socket.close(1000);
    await listener.hears("+listener +alice +bob -bob -alice");
  });

  it("that lost what the channel knew, shards say it again", async () => {
    const listener = await Person.enter("listener");
    await Person.enter("alice", { shard: "weur/1" });
    await listener.hears("+listener +alice");
    await runInDurableObject(channelOf(), (_object, state) => {
      state.storage.sql.exec("DELETE FROM entry WHERE user = 'alice'");
      state.storage.sql.exec("INSERT INTO entry VALUES (?, 'ghost', '{}')", `${name}/weur/1`);
    });
    await evictDurableObject(channelOf());
    await round("weur/1");
    await until(async () => expect(await listener.present()).toEqual(["alice", "ghost", "listener"]));
    passTime(GRACE_MS + 1_000);
    await round("weur/1");
    await round();
    expect(await listener.present()).toEqual(["alice", "listener"]);
  });

  it("between a change and its event, the event is told all the same", async () => {
    const listener = await Person.enter("listener");
    await listener.hears("+listener");
    // As it is stored when a shard has told it.
    await runInDurableObject(channelOf(), (_object, state) => {
      state.storage.sql.exec("INSERT INTO entry VALUES ('weur/9', 'alice', '{}'), ('weur/9', 'bob', '{}')");
    });
    await evictDurableObject(channelOf());
    await round();
    await listener.hears("+listener +alice +bob");
  });

  it("and another with each alarm, a shard that is silent takes its people along all the same", async () => {
    const listener = await Person.enter("listener");
    await Person.enter("lost", { shard: "weur/1" });
    await listener.hears("+listener +lost");
    for (let n = 0; n < 2; n += 1) {
      passTime(SILENT_SHARD_MS + 1_000);
      await evictDurableObject(channelOf());
      await runDurableObjectAlarm(channelOf());
    }
    const users = await runInDurableObject(channelOf(), (object) => object.state());
    expect(users).toMatchObject({ value: { users: 0 } });
  });

  it("of both at once nobody is lost who came in the moment before", async () => {
    const listener = await Person.enter("listener");
    for (let n = 0; n < 5; n += 1) {
      await Person.enter(`user${n}`, { shard: "weur/1" });
      await Promise.all([sleep("weur/1"), evictDurableObject(channelOf())]);
    }
    await round("weur/1");
    await until(async () =>
      expect(await listener.present()).toEqual(["listener", "user0", "user1", "user2", "user3", "user4"]),
    );
  });
});

describe("the channel", () => {
  it("recovers who was away by the offset", async () => {
    const listener = await Person.enter("listener");
    const away = await Person.enter("away");
    await listener.hears("+listener +away");
    const { epoch, offset } = await away.state();
    await away.leave();
    await listener.hears("+listener +away -away");
    await Person.enter("alice");
    await listener.hears("+listener +away -away +alice");
    const back = await away.subscribe({ recover: true, epoch, offset });
    expect(back).toMatchObject({ subscribe: { recovered: true } });
    await until(() => expect(away.story).toContain("-away +alice"));
  });

  it("tells of somebody who is another than they were", async () => {
    const listener = await Person.enter("listener");
    await Person.enter("alice");
    await listener.hears("+listener +alice");
    await Person.enter("alice", {}, "moderator");
    await listener.hears("+listener +alice +alice");
    expect((await listener.state()).present).toContainEqual({
      user: "alice",
      name: "Name alice",
      role: "moderator",
    });
  });

  it("forgets who was here, after a while", async () => {
    const alice = await Person.enter("alice");
    await alice.hears("+alice");
    await alice.leave();
    await until(async () => expect(await storedEvents()).toHaveLength(2));
    passTime(700_000);
    await runDurableObjectAlarm(channelOf());
    await until(async () => expect(await storedEvents()).toEqual([]));
    await evictDurableObject(channelOf());
    expect(await channelOf().position).toMatchObject({ offset: 2 });
    const back = await alice.subscribe({
      recover: true,
      epoch: (await channelOf().position).epoch,
      offset: 1,
    });
    expect(back).toMatchObject({ subscribe: { recovered: false, offset: 2 } });
    await until(() => expect(alice.offset).toBe(3));
  });

  it("is told again what it did not take", async () => {
    const listener = await Person.enter("listener");
    await listener.hears("+listener");
    vi.spyOn(console, "warn").mockImplementation(() => {});
    const attend = vi.spyOn(PresenceChannel.prototype, "attend");
    for (let n = 0; n < 2; n += 1) {
      attend.mockImplementationOnce(() => {
        throw new Error("injected");
      });
    }
    await Person.enter("alice", { shard: "weur/1" });
    await listener.hears("+listener +alice");
    expect(attend.mock.results.slice(0, 3).map(({ type }) => type)).toEqual(["throw", "throw", "return"]);
    vi.restoreAllMocks();
  });
});

const sparedUsers = (): Promise<readonly string[]> =>
  runInDurableObject(channelOf(), (_object, state) =>
    state.storage.sql
      .exec<{ user: string }>("SELECT user FROM spared")
      .toArray()
      .map(({ user }) => user),
  );
const storedEvents = (): Promise<readonly string[]> =>
  runInDurableObject(channelOf(), (_object, state) =>
    state.storage.sql
      .exec<{ data: string }>("SELECT data FROM event")
      .toArray()
      .map(({ data }) => data),
  );
