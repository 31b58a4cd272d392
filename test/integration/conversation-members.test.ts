/** Who comes into a group, who goes, who runs it; and that who is out neither hears, reads nor writes, on any device. */
import { evictDurableObject, runDurableObjectAlarm } from "cloudflare:test";
import { describe, expect, it, vi } from "vitest";
import { ViewerSource } from "../../durable-objects/viewers/viewer-source.ts";
import { CHAT_ERROR, chatChannel } from "../../wire/chat.ts";
import { MAX_MEMBERS } from "../../wire/conversations.ts";
import { presenceChannel } from "../../wire/presence.ts";
import { conversation, Device, groupOf } from "./conversation-people.ts";
import { passTime } from "./stream-object.ts";
import { until } from "./viewer-set-client.ts";

const FORBIDDEN = { error: { code: 103, message: "permission denied" } };
const errorOf = (name: keyof typeof CHAT_ERROR) => ({ error: CHAT_ERROR[name] });

/** A group with somebody of each role: ann owns it, max moderates it, bob and carol are members. */
async function staffed() {
  const group = await groupOf(["ann", "max", "bob", "carol"]);
  await group.ann.get("room.role", { room: group.room, user: "max", role: "moderator" });
  return group;
}
const rolesIn = async (device: Device, room: string) =>
  Object.fromEntries((await device.state(room)).members.map(({ user, role }) => [user, role]));

describe("what a role may", () => {
  it.each([
    ["ann", "room.invite", { users: ["dave"] }, "done"],
    ["max", "room.invite", { users: ["dave"] }, "done"],
    ["bob", "room.invite", { users: ["dave"] }, "forbidden"],
    ["ann", "room.rename", { title: "Ours" }, "done"],
    ["max", "room.rename", { title: "Ours" }, "done"],
    ["bob", "room.rename", { title: "Ours" }, "forbidden"],
    ["ann", "room.remove", { user: "max" }, "done"],
    ["max", "room.remove", { user: "bob" }, "done"],
    ["max", "room.remove", { user: "ann" }, "forbidden"],
    ["max", "room.remove", { user: "max" }, "done"],
    ["bob", "room.remove", { user: "carol" }, "forbidden"],
    ["ann", "room.remove", { user: "nobody" }, "notAMember"],
    ["ann", "room.role", { user: "bob", role: "owner" }, "done"],
    ["ann", "room.role", { user: "ann", role: "member" }, "lastOwner"],
    ["ann", "room.role", { user: "nobody", role: "member" }, "notAMember"],
    ["max", "room.role", { user: "bob", role: "moderator" }, "forbidden"],
    ["bob", "room.role", { user: "bob", role: "owner" }, "forbidden"],
    ["ann", "room.leave", {}, "lastOwner"],
    ["max", "room.leave", {}, "done"],
    ["bob", "room.leave", {}, "done"],
  ] as const)("%s: %s %j is %s", async (who, method, data, outcome) => {
    const group = await staffed();
    const { room, carol } = group;
    const before = await rolesIn(carol, room);
    const answer = await group[who].act(method, { room, ...data });
    if (outcome === "done") expect(answer).toMatchObject({ rpc: { data: {} } });
    else {
      expect(answer).toMatchObject(outcome === "forbidden" ? FORBIDDEN : errorOf(outcome));
      expect(await rolesIn(carol, room)).toEqual(before);
      expect((await carol.state(room)).title).toBe("Friends");
    }
  });

  it.each([
    ["one's own", "bob", "bob", true],
    ["another member's, as an owner", "ann", "bob", true],
    ["an owner's, as a moderator", "max", "ann", true],
    ["another's, as a member", "bob", "carol", false],
  ] as const)("delete a message: %s", async (_name, who, author, isDone) => {
    const group = await staffed();
    const { room, carol } = group;
    await group[author].say(room, "something");
    await carol.hears(room, "something");
    const id = carol.messages(room)[0]?.id;
    const answer = await group[who].act("room.delete", { room, id });
    if (!isDone) expect(answer).toMatchObject(FORBIDDEN);
    else expect(await carol.event(room, "deleted")).toEqual({ type: "deleted", ids: [id] });
  });

  it("is told to everybody as it changes, and kept", async () => {
    const { room, ann, bob, carol } = await staffed();
    await ann.get("room.role", { room, user: "bob", role: "owner" });
    expect(await carol.event(room, "role")).toEqual({ type: "role", user: "bob", role: "owner", by: "ann" });
    await ann.get("room.leave", { room });
    expect(await carol.event(room, "left")).toEqual({ type: "left", user: "ann", by: "ann" });
    await bob.get("room.rename", { room, title: "Without ann" });
    expect(await carol.event(room, "title")).toEqual({ type: "title", title: "Without ann", by: "bob" });
    await evictDurableObject(conversation(room));
    expect(await carol.state(room)).toMatchObject({ title: "Without ann" });
    expect(await rolesIn(carol, room)).toEqual({ max: "moderator", bob: "owner", carol: "member" });
  });
});

describe("a group", () => {
  it("takes nobody in twice, and not more than it can hold", async () => {
    const { room, ann, bob } = await staffed();
    const { newest } = await ann.state(room);
    await ann.get("room.invite", { room, users: ["bob", "bob"] });
    expect((await ann.state(room)).newest).toBe(newest);
    const crowd = Array.from({ length: MAX_MEMBERS - 3 }, (_, n) => `user-${n}`);
    expect(await ann.act("room.invite", { room, users: crowd })).toMatchObject(errorOf("tooManyMembers"));
    expect((await ann.state(room)).members).toHaveLength(4);
    await ann.get("room.invite", { room, users: crowd.slice(1) });
    expect((await bob.state(room)).members).toHaveLength(MAX_MEMBERS);
  });

  it("may be left by its owner when nobody else is there, and then is nobody's", async () => {
    const { room, alice } = await groupOf(["alice"]);
    await alice.say(room, "hello?");
    await alice.get("room.leave", { room });
    expect(await alice.act("room.state", { room })).toMatchObject(FORBIDDEN);
    expect(await alice.act("room.create", { room, title: "again" })).toMatchObject(FORBIDDEN);
    expect(JSON.stringify((await conversation(room).since(undefined)).publications)).not.toContain("hello?");
  });
});

describe("who is out", () => {
  it.each(["left", "was removed"] as const)(
    "(%s) neither hears, reads nor writes, from any device",
    async (how) => {
      const { room, ann, bob } = await staffed();
      const phone = await Device.of("bob", { shard: "weur/1" });
      await phone.subscribe(room);
      await ann.say(room, "before");
      for (const device of [bob, phone]) await device.hears(room, "before");
      if (how === "left") await bob.get("room.leave", { room });
      else await ann.get("room.remove", { room, user: "bob" });
      for (const device of [bob, phone]) {
        await until(() =>
          expect(device.client.heard).toContainEqual(
            expect.objectContaining({
              push: { channel: chatChannel(room), unsubscribe: expect.objectContaining({ code: 2000 }) },
            }),
          ),
        );
      }
      await ann.say(room, "after");
      await ann.hears(room, "before", "after");
      for (const device of [bob, phone]) {
        expect(await device.subscribe(room)).toMatchObject(FORBIDDEN);
        expect(await device.say(room, "still here")).toMatchObject(FORBIDDEN);
        expect(await device.act("room.history", { room })).toMatchObject(FORBIDDEN);
        expect(await device.act("room.search", { room, text: "after" })).toMatchObject(FORBIDDEN);
        expect(device.texts(room)).toEqual(["before"]);
      }
      expect(ann.texts(room)).toEqual(["before", "after"]);
    },
  );

  it("no more hears who is there", async () => {
    const { room, ann, bob } = await staffed();
    const channel = presenceChannel(room);
    for (const device of [ann, bob])
      expect(await device.ask({ subscribe: { channel } })).toMatchObject({ subscribe: {} });
    await ann.get("room.remove", { room, user: "bob" });
    await until(() => {
      const ended = bob.client.heard.flatMap(
        ({ push }: { push?: { channel: string; unsubscribe?: object } }) =>
          push?.unsubscribe ? [push.channel] : [],
      );
      expect(ended.sort()).toEqual([chatChannel(room), channel]);
    });
    expect(await bob.ask({ subscribe: { channel } })).toMatchObject(FORBIDDEN);
  });

  it("and was about to listen just then is put out a moment later", async () => {
    const { room, ann } = await staffed();
    const late = await Device.of("bob", { shard: "apac/1" });
    // The room says that they are a member; before the shard hears it they are none.
    let isAsked = false;
    let isOpen = false;
    const real = ViewerSource.prototype.isMember;
    const spy = vi.spyOn(ViewerSource.prototype, "isMember").mockImplementationOnce(async function (
      this: ViewerSource,
      name,
      user,
    ) {
      const answer = await real.call(this, name, user);
      isAsked = true;
      // No promise of the test's may be awaited in an object.
      while (!isOpen) await new Promise((resolve) => setTimeout(resolve, 5));
      return answer;
    });
    const subscribing = late.subscribe(room);
    await until(() => expect(isAsked).toBe(true));
    await ann.get("room.remove", { room, user: "bob" });
    isOpen = true;
    expect(await subscribing).toMatchObject({ subscribe: {} });
    spy.mockRestore();
    passTime(3_000);
    await runDurableObjectAlarm(conversation(room));
    await until(() => expect(JSON.stringify(late.client.heard)).toContain('"unsubscribe"'));
    await ann.say(room, "after");
    await ann.hears(room, "after");
    expect(late.texts(room)).toEqual([]);
  });

  it("may be asked in again, and is in", async () => {
    const { room, ann, bob } = await staffed();
    await ann.get("room.remove", { room, user: "bob" });
    await until(async () => expect(await bob.subscribe(room)).toMatchObject(FORBIDDEN));
    await ann.get("room.invite", { room, users: ["bob"] });
    expect(await bob.subscribe(room)).toMatchObject({ subscribe: {} });
    passTime(60_000);
    await runDurableObjectAlarm(conversation(room));
    await ann.say(room, "welcome back");
    await bob.hears(room, "welcome back");
  });
});
