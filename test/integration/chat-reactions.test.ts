/** Signs that people give in a live room: counted by the shards, added up by the room, told once a second, and kept nowhere. */
import { evictDurableObject, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { ChatRoom } from "../../durable-objects/chat/chat-room.ts";
import { REACTIONS_PER_SECOND } from "../../wire/chat.ts";
import { RoomPerson } from "./room-person.ts";
import { until } from "./viewer-set-client.ts";

let rooms = 0;
let room = "";
beforeEach(() => {
  rooms += 1;
  room = `react-${rooms}`;
});
afterEach(() => {
  vi.restoreAllMocks();
});

const roomOf = () => env.CHAT_ROOM.getByName(room);
/** What somebody has heard of a sign, over all publications. */
const countOf = (person: RoomPerson, emoji: string): number =>
  person
    .of("reactions")
    .reduce((sum, { counts }) => sum + ((counts as Record<string, number>)[emoji] ?? 0), 0);
describe("signs", () => {
  it("are added up over shards and told to everybody, without a place in the history", async () => {
    const alice = await RoomPerson.enter(room, "alice");
    const guest = await RoomPerson.enter(room, "guest:1", "guest", { shard: "weur/1" });
    const reader = await RoomPerson.enter(room, "", "guest", { shard: "weur/1" });
    for (const emoji of ["🔥", "🔥", "👏"]) {
      expect(await alice.act("chat.react", { emoji })).toMatchObject({ rpc: { data: {} } });
    }
    expect(await guest.act("chat.react", { emoji: "🔥" })).toMatchObject({ rpc: { data: {} } });
    for (const person of [alice, guest, reader]) {
      await until(() => expect([countOf(person, "🔥"), countOf(person, "👏")]).toEqual([3, 1]));
      expect(person.of("reactions").length).toBeLessThanOrEqual(2);
      expect(person.heard.every(({ offset }) => offset === undefined)).toBe(true);
    }
    expect(await roomOf().since(undefined)).toMatchObject({ publications: [], position: { offset: 0 } });
  });

  it("cost the room a call a second, however many there are", async () => {
    const people = await Promise.all(
      Array.from({ length: 20 }, (_, n) => RoomPerson.enter(room, `user-${n}`)),
    );
    const react = vi.spyOn(ChatRoom.prototype, "react");
    const given = people.flatMap((person) =>
      Array.from({ length: REACTIONS_PER_SECOND }, () => person.act("chat.react", { emoji: "🎉" })),
    );
    await Promise.all(given);
    await until(() => expect(countOf(people[0] as RoomPerson, "🎉")).toBe(20 * REACTIONS_PER_SECOND));
    expect(react.mock.calls.length).toBeLessThanOrEqual(2);
  });

  it("are five a second of one person at most, on all their sockets of a shard", async () => {
    const tabs = [await RoomPerson.enter(room, "alice"), await RoomPerson.enter(room, "alice")];
    const given = Array.from({ length: REACTIONS_PER_SECOND + 1 }, (_, n) =>
      tabs[n % 2]?.act("chat.react", { emoji: "😂" }),
    );
    const refused = (await Promise.all(given)).filter((answer) => answer && "error" in answer);
    expect(refused).toEqual([expect.objectContaining({ error: { code: 461, message: "too fast, 1 s" } })]);
    await until(() => expect(countOf(tabs[0] as RoomPerson, "😂")).toBe(REACTIONS_PER_SECOND));
    await until(async () =>
      expect(await tabs[0]?.act("chat.react", { emoji: "😂" })).toMatchObject({ rpc: { data: {} } }),
    );
  });

  it.each([
    ["nobody that is known", "", { emoji: "🔥" }, { code: 455, message: "read only" }],
    ["another sign", "alice", { emoji: "🦄" }, { code: 107, message: "bad request" }],
    ["a text", "alice", { emoji: "<script>" }, { code: 107, message: "bad request" }],
    ["no sign", "alice", {}, { code: 107, message: "bad request" }],
    ["another room", "alice", { emoji: "🔥", room: "another" }, { code: 103, message: "permission denied" }],
  ])("are not taken: %s", async (_name, sub, data, error) => {
    const person = await RoomPerson.enter(room, sub);
    expect(await person.act("chat.react", data)).toMatchObject({ error });
  });

  it("do not count of who may not write, nor while the chat is off", async () => {
    const mod = await RoomPerson.enter(room, "mod", "moderator");
    await mod.act("chat.settings", { settings: { guestsWrite: true } });
    const home = { address: "home" };
    const [bob, eve, alice] = [
      await RoomPerson.enter(room, "bob"),
      await RoomPerson.enter(room, "guest:eve", "guest", home),
      await RoomPerson.enter(room, "alice", "member", home),
    ];
    await bob.say("spam");
    await eve.say("more spam");
    await until(() => expect(mod.texts).toHaveLength(2));
    await mod.act("chat.timeout", { user: "bob", seconds: 60 });
    await mod.act("chat.ban", { user: "guest:eve" });
    const other = await RoomPerson.enter(room, "guest:again", "guest", home);
    for (const person of [bob, eve, other]) await person.act("chat.react", { emoji: "😮" });
    await alice.act("chat.react", { emoji: "😮" });
    await until(() => expect(countOf(mod, "😮")).toBe(1));

    await mod.act("chat.settings", { settings: { enabled: false } });
    const react = vi.spyOn(ChatRoom.prototype, "react");
    await alice.act("chat.react", { emoji: "😮" });
    await until(() => expect(react).toHaveBeenCalledTimes(1));
    await mod.act("chat.settings", { settings: { enabled: true } });
    await alice.act("chat.react", { emoji: "❤️" });
    await until(() => expect(countOf(mod, "❤️")).toBe(1));
    expect(countOf(mod, "😮")).toBe(1);
  });

  it("go on after the room was evicted", async () => {
    const alice = await RoomPerson.enter(room, "alice");
    await alice.act("chat.react", { emoji: "🔥" });
    await until(() => expect(countOf(alice, "🔥")).toBe(1));
    await evictDurableObject(roomOf());
    await alice.act("chat.react", { emoji: "🔥" });
    await until(() => expect(countOf(alice, "🔥")).toBe(2));
  });
});

describe("who may not write", () => {
  it("is told to moderators: how they were called, until when and why, newest first", async () => {
    const mod = await RoomPerson.enter(room, "mod", "moderator");
    const bob = await RoomPerson.enter(room, "bob");
    const eve = await RoomPerson.enter(room, "eve");
    await bob.say("hello");
    await eve.say("hi");
    await mod.act("chat.timeout", { user: "bob", seconds: 60, reason: "rude" });
    await mod.act("chat.ban", { user: "eve" });
    await mod.act("chat.ban", { user: "never-seen" });
    await runInDurableObject(roomOf(), (_object, { storage }) => {
      storage.sql.exec("UPDATE sanction SET at = at + 10 WHERE user = 'eve'");
      storage.sql.exec("UPDATE sanction SET at = at + 20 WHERE user = 'never-seen'");
    });
    await evictDurableObject(roomOf());
    const time = expect.stringMatching(/^\d{4}-.*Z$/);
    const all = [
      { user: "never-seen", at: time, by: "mod" },
      { user: "eve", name: "EVE", at: time, by: "mod" },
      { user: "bob", name: "BOB", until: time, at: time, by: "mod", reason: "rude" },
    ];
    const listed = async (data: object = {}) => {
      const answer = (await mod.act("chat.sanctions", data)) as { rpc: { data: { sanctions: unknown } } };
      return answer.rpc.data.sanctions;
    };
    expect(await listed()).toEqual(all);
    expect(await listed({ skip: 1, limit: 1 })).toEqual([all[1]]);
    expect(await bob.act("chat.sanctions")).toMatchObject({ error: { code: 103 } });
    await mod.act("chat.unban", { user: "eve" });
    expect(await listed()).toEqual([all[0], all[2]]);
    await runInDurableObject(roomOf(), (_object, { storage }) => {
      storage.sql.exec("UPDATE sanction SET until = 1 WHERE user = 'bob'");
    });
    expect(await listed()).toEqual([all[0]]);
    const log = JSON.stringify(await mod.act("chat.log"));
    expect(log).toContain('"target":"bob","name":"BOB"');
  });

  it("and which words are blocked, moderators see and nobody else", async () => {
    const mod = await RoomPerson.enter(room, "mod", "moderator");
    const bob = await RoomPerson.enter(room, "bob");
    await mod.act("chat.settings", { settings: { blockedWords: ["darn"] } });
    expect(JSON.stringify(await mod.act("chat.state"))).toContain('"blockedWords":["darn"]');
    expect(JSON.stringify(await bob.act("chat.state"))).not.toContain("darn");
  });
});
