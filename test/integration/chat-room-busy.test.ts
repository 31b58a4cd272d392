/** A huge room that talks fast: most hear a sample, who runs it and who spoke hear all, and nothing else is ever left out. */
import { evictDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { beforeEach, describe, expect, it } from "vitest";
import type { Speaker } from "../../durable-objects/core/chat/judge.ts";
import { FULL_LANE_PER_SECOND, HUGE_LISTENERS } from "../../durable-objects/core/chat/sampling.ts";
import { MAX_BEHIND } from "../../durable-objects/core/viewers/socket/limits.ts";
import { chatChannel } from "../../wire/chat.ts";
import { liveChannel } from "../../wire/live-events.ts";
import { RoomPerson } from "./room-person.ts";
import { until } from "./viewer-set-client.ts";

let rooms = 0;
let room = "";
beforeEach(() => {
  rooms += 1;
  room = `busy-${rooms}`;
});

const roomOf = () => env.CHAT_ROOM.getByName(room);
/** A shard without a socket, of which the room believes that it has many. */
const crowd = (sockets: number) => roomOf().report([{ shard: `${room}/crowd/1`, sockets, playing: 0 }]);

let talkers = 0;
const speakerOf = (user: string, role: Speaker["role"] = "member"): Speaker => ({
  ...{ user, role, badges: [], address: user },
});
/** Somebody new says something. */
const talk = (text: string, user?: string, role?: Speaker["role"]) => {
  talkers += 1;
  const nonce = `${text} ${talkers}`;
  return roomOf().say(speakerOf(user ?? `talker-${talkers}`, role), { text, nonce });
};
/** So many messages as fast as they can be said; this machine needs far less than a second for a hundred. */
const talkAll = (count: number, word: string) =>
  Promise.all(Array.from({ length: count }, (_, n) => talk(`${word} ${n}`)));

describe("a huge room that talks fast", () => {
  it("tells most a sample, and all of it to moderators and to who said it", async () => {
    const reader = await RoomPerson.enter(room);
    const alice = await RoomPerson.enter(room, "alice");
    const phone = await RoomPerson.enter(room, "alice", "member", { shard: "weur/1" });
    const mod = await RoomPerson.enter(room, "mod", "moderator", { shard: "weur/1" });
    const owner = await RoomPerson.enter(room, "own", "owner");
    await crowd(HUGE_LISTENERS + 1);
    const before = FULL_LANE_PER_SECOND;
    await talkAll(before + 40, "much");
    await Promise.all(["a", "b", "c"].map((text) => talk(`alice ${text}`, "alice")));
    await talk("all listen", "boss", "moderator");
    for (const person of [mod, owner]) {
      await until(() => expect(person.messages).toHaveLength(before + 44));
      expect(person.heard.map(({ offset }) => offset)).toEqual(
        Array.from({ length: before + 44 }, (_, n) => n + 1),
      );
    }
    for (const person of [reader, alice, phone]) {
      await until(() => expect(person.texts.at(-1)).toBe("all listen"));
      const offsets = person.heard.map(({ offset }) => offset ?? 0);
      expect(offsets).toEqual(offsets.toSorted((a, b) => a - b));
    }
    // What a second and a half would let through besides what went before it was fast.
    expect(reader.messages.length).toBeLessThan(before + 36);
    expect(reader.messages.length).toBeGreaterThan(before);
    for (const own of [alice, phone]) {
      expect(own.texts).toEqual(expect.arrayContaining(["alice a", "alice b", "alice c"]));
    }
    // A shard that repairs itself is told the same.
    const { publications } = await roomOf().since(undefined);
    const isLeftOut = publications.filter(({ only }) => only !== undefined);
    expect(isLeftOut).toHaveLength(before + 44 - reader.messages.length);
    expect(isLeftOut.every(({ data, only }) => JSON.parse(data).user === only?.user)).toBe(true);
    // Those who lack some get all of it when they ask.
    const answer = await reader.ask({ history: { channel: chatChannel(room), limit: -1 } });
    const { history } = answer as { history: { publications: readonly unknown[] } };
    expect(history.publications).toHaveLength(before + 44);
  });

  it("never leaves out what is taken back, said to all, or how the room is run", async () => {
    const reader = await RoomPerson.enter(room);
    const mod = await RoomPerson.enter(room, "mod", "moderator");
    await crowd(HUGE_LISTENERS + 1);
    await talkAll(FULL_LANE_PER_SECOND + 10, "many");
    await until(() => expect(mod.messages).toHaveLength(FULL_LANE_PER_SECOND + 10));
    const last = mod.messages.at(-1);
    const more = talkAll(60, "meanwhile");
    await mod.act("chat.settings", { settings: { slowSeconds: 5 } });
    await mod.act("chat.announce", { text: "hear this", nonce: "a" });
    await mod.act("chat.pin", { id: mod.messages[0]?.id });
    await mod.act("chat.ban", { user: last?.user });
    await mod.act("chat.delete", { id: mod.messages[1]?.id });
    await mod.act("chat.clear");
    await more;
    await until(() => expect(reader.of("cleared")).toHaveLength(1));
    for (const type of ["settings", "sanction", "user-deleted", "deleted"]) {
      expect(reader.of(type), type).toHaveLength(1);
    }
    expect(reader.of("pinned")).toHaveLength(2);
    expect(reader.texts).toContain("hear this");
  });

  it("knows that it is huge after it was evicted, and recovers who comes back", async () => {
    const reader = await RoomPerson.enter(room);
    const mod = await RoomPerson.enter(room, "mod", "moderator", { shard: "weur/1" });
    await crowd(4 * HUGE_LISTENERS);
    await talk("before");
    await evictDurableObject(roomOf());
    const count = FULL_LANE_PER_SECOND + 60;
    await talkAll(count, "after");
    await until(() => expect(mod.messages).toHaveLength(count + 1));
    await talk("the end", "boss", "moderator");
    await until(() => expect(reader.texts.at(-1)).toBe("the end"));
    expect(reader.messages.length).toBeLessThan(count - 20);
    // It goes on from the newest that it has, and misses nothing of what comes after.
    await reader.ask({ unsubscribe: { channel: chatChannel(room) } });
    await talkAll(20, "later");
    const { epoch } = await roomOf().position;
    const offset = count + 2;
    const back = await reader.subscribe({ recover: true, epoch, offset });
    expect(back).toMatchObject({ subscribe: { recovered: true } });
    const { subscribe } = back as { subscribe: { publications: readonly { offset: number }[] } };
    expect(subscribe.publications.map((one) => one.offset)).toEqual(
      Array.from({ length: 20 }, (_, n) => offset + n + 1),
    );
  });

  it.each([
    ["is not huge", HUGE_LISTENERS - 10, 3 * FULL_LANE_PER_SECOND],
    ["is slow", 5 * HUGE_LISTENERS, FULL_LANE_PER_SECOND],
  ])("goes whole to everybody when it %s", async (_name, listeners, count) => {
    const reader = await RoomPerson.enter(room);
    await crowd(listeners);
    await talkAll(count, "all");
    await until(() => expect(reader.messages).toHaveLength(count));
  });
});

describe("who has more to read of the stream than they can", () => {
  it("gets no chat meanwhile, and recovers all of it when they are back", async () => {
    const stream = env.LIVE_STREAM.getByName(room);
    const slow = await RoomPerson.enter(room, "slow");
    const fast = await RoomPerson.enter(room, "fast");
    for (const person of [slow, fast]) {
      await person.ask({ subscribe: { channel: liveChannel(room) } });
    }
    slow.client.say({ send: { data: { progress: 0 } } });
    await slow.ask({ ping: {} });
    await talk("one");
    await until(() => expect(slow.texts).toEqual(["one"]));
    for (let n = 0; n < MAX_BEHIND + 2; n += 1) await stream.say("mod", n);
    const taken = (channel: string) => ({
      push: { channel, unsubscribe: { code: 2500, reason: "insufficient state" } },
    });
    await until(() => expect(slow.client.heard).toContainEqual(taken(liveChannel(room))));
    await talk("two");
    await until(() => expect(slow.client.heard).toContainEqual(taken(chatChannel(room))));
    await talk("three");
    await until(() => expect(fast.texts).toEqual(["one", "two", "three"]));
    expect(slow.texts).toEqual(["one"]);
    await slow.ask({ subscribe: { channel: liveChannel(room) } });
    const { epoch } = await roomOf().position;
    expect(await slow.subscribe({ recover: true, epoch, offset: 1 })).toMatchObject({
      subscribe: { recovered: true },
    });
    await talk("four");
    await until(() => expect(slow.texts).toEqual(["one", "two", "three", "four"]));
  });
});
