/** What members' inboxes are told of a conversation: in order, once, and in the end, whatever fails meanwhile. */
import { evictDurableObject, runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { describe, expect, it } from "vitest";
import { directRoom } from "../../durable-objects/viewers/direct-room.ts";
import type { InboxState } from "../../wire/inbox.ts";
import { conversation, Device, FakeInboxes, groupOf } from "./conversation-people.ts";
import { passTime } from "./stream-object.ts";
import { until } from "./viewer-set-client.ts";

/** A group whose inboxes are ours. */
async function told<const N extends string>(names: readonly N[]) {
  const group = await groupOf(names);
  const inboxes = new FakeInboxes();
  // What the real ones were told of the beginning is not looked at.
  await inboxes.install(group.room);
  return { ...group, inboxes };
}

/** End the object at once, whatever it does. */
async function kill(room: string): Promise<void> {
  const killed = runInDurableObject(conversation(room), (_object, state) => state.abort("killed"));
  await expect(killed).rejects.toThrow("killed");
}

describe("an inbox", () => {
  it("is told of messages, with how many are unread, and who is asleep of what others wrote", async () => {
    const { room, alice, bob, inboxes } = await told(["alice", "bob"]);
    await alice.say(room, "hello");
    await alice.say(room, "are you there?");
    await until(() => expect(inboxes.of("bob").texts).toEqual(["hello", "are you there?"]));
    expect(inboxes.of("bob").events.map(({ event }) => event)).toMatchObject([
      { type: "message", room, unread: 1, message: { user: "alice", text: "hello" } },
      { type: "message", room, unread: 2 },
    ]);
    const delivery = inboxes.of("bob").deliveries.at(-1);
    expect(delivery).toMatchObject({
      summary: { room, kind: "group", title: "Friends", unread: 2, last: { text: "are you there?" } },
      notification: { room, title: "Friends", body: "alice: are you there?", unread: 2 },
    });
    await until(() => expect(inboxes.of("alice").texts).toEqual(["hello", "are you there?"]));
    for (const { notification, summary } of inboxes.of("alice").deliveries) {
      expect(notification).toBeUndefined();
      expect(summary.unread).toBe(0);
    }
    const seq = (await bob.state(room)).newest;
    await bob.get("room.read", { room, seq });
    await until(() =>
      expect(inboxes.of("bob").deliveries.at(-1)).toMatchObject({
        summary: { unread: 0, read: seq },
        events: [{ event: { type: "room", summary: { unread: 0 } } }],
      }),
    );
  });

  it("is told of deletions, titles, and that one is out", async () => {
    const { room, alice, bob, inboxes } = await told(["alice", "bob"]);
    await alice.say(room, "oops");
    await bob.hears(room, "oops");
    const id = bob.messages(room)[0]?.id;
    await alice.get("room.delete", { room, id });
    await alice.get("room.rename", { room, title: "Better friends" });
    await until(() =>
      expect(
        inboxes
          .of("bob")
          .events.map(({ event }) => event)
          .slice(-2),
      ).toMatchObject([
        { type: "deleted", ids: [id] },
        { type: "room", summary: { title: "Better friends" } },
      ]),
    );
    expect(inboxes.of("bob").deliveries.at(-1)?.summary).not.toHaveProperty("last");
    await alice.get("room.remove", { room, user: "bob" });
    await alice.get("room.rename", { room, title: "Without bob" });
    await until(() => expect(inboxes.of("bob").deliveries.at(-1)).toMatchObject({ left: true }));
    await until(() => expect(inboxes.of("alice").deliveries.at(-1)?.summary.title).toBe("Without bob"));
    expect(JSON.stringify(inboxes.of("bob").deliveries)).not.toContain("Without bob");
  });

  it("of somebody asked in knows nothing of what was before", async () => {
    const { room, alice, inboxes } = await told(["alice", "bob"]);
    await alice.say(room, "before carol");
    await until(() => expect(inboxes.of("bob").texts).toEqual(["before carol"]));
    await alice.get("room.invite", { room, users: ["carol"] });
    await alice.say(room, "after");
    await until(() => expect(inboxes.of("carol").texts).toEqual(["after"]));
    expect(inboxes.of("carol").deliveries.at(-1)?.summary).toMatchObject({ unread: 1 });
  });

  it("of the other one of a one-to-one room hears of it with the first message", async () => {
    const alice = await Device.of("t-alice");
    const room = await directRoom("t-alice", "t-bob");
    const inboxes = new FakeInboxes();
    await inboxes.install(room);
    await alice.get("room.direct", { user: "t-bob" });
    await until(() => expect(inboxes.of("t-alice").upTo).toBeGreaterThan(0));
    expect(inboxes.of("t-bob").deliveries).toEqual([]);
    await alice.say(room, "hi bob");
    await until(() =>
      expect(inboxes.of("t-bob").deliveries.at(-1)).toMatchObject({
        summary: { kind: "direct", peer: { user: "t-alice", name: "t-alice" }, unread: 1 },
        notification: { title: "t-alice", body: "hi bob" },
      }),
    );
    expect(inboxes.of("t-alice").deliveries.at(-1)?.summary).toMatchObject({ peer: { user: "t-bob" } });
  });
});

describe("the real inbox", () => {
  it("hears of a group, its messages and its cursor, on all devices; and blocks", async () => {
    const { room, alice, bob } = await groupOf(["r-alice", "r-bob"]).then((group) => ({
      room: group.room,
      alice: group["r-alice"],
      bob: group["r-bob"],
    }));
    const phone = await Device.of("r-bob", { shard: "weur/1" });
    expect(await phone.ask({ subscribe: { channel: "user:r-bob" } })).toMatchObject({ subscribe: {} });
    await alice.say(room, "hello");
    await bob.hears(room, "hello");
    const events = () => JSON.stringify(phone.client.heard);
    await until(() => expect(events()).toContain('"text":"hello"'));
    const { newest } = await bob.state(room);
    const rooms = async () => (await phone.get<InboxState>("inbox.state")).rooms;
    await until(async () => expect(await rooms()).toMatchObject([{ room, unread: 1, newest }]));
    await bob.get("room.read", { room, seq: newest });
    await until(async () => expect(await rooms()).toMatchObject([{ room, unread: 0, read: newest }]));
    const { room: two } = await alice.get<{ room: string }>("room.direct", { user: "r-bob" });
    await alice.say(two, "just you");
    await until(async () => expect((await rooms()).map((one) => one.room)).toContain(two));
    await phone.get("inbox.block", { user: "r-alice", blocked: true });
    await until(async () =>
      expect(await alice.say(two, "again", crypto.randomUUID())).toMatchObject({ error: { code: 468 } }),
    );
    await alice.get("room.remove", { room, user: "r-bob" });
    await until(async () => expect((await rooms()).map((one) => one.room)).not.toContain(room));
  });
});

describe("an inbox that cannot be told", () => {
  it.each(["failing", "hanging"] as const)(
    "(%s) holds up nobody else, and gets all of it in the end",
    async (health) => {
      const { room, alice, inboxes } = await told(["alice", "bob", "carol"]);
      inboxes.of("bob").health = health;
      const texts = ["one", "two", "three", "four"];
      for (const text of texts) {
        await alice.say(room, text);
        await until(() => expect(inboxes.of("carol").texts.at(-1)).toBe(text));
      }
      expect(inboxes.of("bob").texts).toEqual([]);
      inboxes.of("bob").health = "well";
      await evictDurableObject(conversation(room));
      await inboxes.install(room);
      passTime(600_000);
      await until(async () => {
        await runDurableObjectAlarm(conversation(room));
        expect(inboxes.of("bob").texts).toEqual(texts);
      });
      expect(inboxes.of("carol").texts).toEqual(texts);
      expect(inboxes.of("bob").deliveries.at(-1)?.summary.unread).toBe(4);
    },
  );

  it("is told after the object ended in the middle of it", async () => {
    const { room, alice, inboxes } = await told(["alice", "bob"]);
    await alice.say(room, "first");
    await until(() => expect(inboxes.of("bob").texts).toEqual(["first"]));
    for (const user of ["alice", "bob"]) inboxes.of(user).health = "hanging";
    await alice.say(room, "second");
    await kill(room);
    for (const user of ["alice", "bob"]) inboxes.of(user).health = "well";
    await inboxes.install(room);
    expect(await runDurableObjectAlarm(conversation(room))).toBe(true);
    await until(() => expect(inboxes.of("bob").texts).toEqual(["first", "second"]));
    await until(() => expect(inboxes.of("alice").texts).toEqual(["first", "second"]));
  });

  it("gets a long time's worth in several deliveries, in order", async () => {
    const { room, alice, bob, inboxes } = await told(["alice", "bob"]);
    inboxes.of("bob").health = "failing";
    const texts: string[] = [];
    for (let n = 0; n < 230; n += 1) {
      texts.push(`message ${n}`);
      // Three who write: nobody writes so fast alone.
      if (n % 35 === 34) passTime(11_000);
      expect(await (n % 2 ? alice : bob).say(room, `message ${n}`)).toMatchObject({ publish: {} });
    }
    inboxes.of("bob").health = "well";
    passTime(600_000);
    await until(async () => {
      await runDurableObjectAlarm(conversation(room));
      expect(inboxes.of("bob").texts).toHaveLength(230);
    });
    expect(inboxes.of("bob").texts).toEqual(texts);
  });

  it("is told in ticks when it is busy", async () => {
    const { room, alice, inboxes } = await told(["alice", "bob"]);
    for (let n = 0; n < 30; n += 1) await alice.say(room, `message ${n}`);
    await until(() => expect(inboxes.of("bob").texts).toHaveLength(30));
    expect(inboxes.of("bob").deliveries.length).toBeLessThan(15);
    // When all is told, nothing is told again.
    passTime(60_000);
    await runDurableObjectAlarm(conversation(room));
    expect(inboxes.of("bob").deliveries.flatMap(({ events }) => events)).toHaveLength(30);
    expect(await runDurableObjectAlarm(conversation(room))).toBe(false);
  });
});
