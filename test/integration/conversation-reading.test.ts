/** What members read of a conversation: history both ways, words, reactions, how far each has read, who is typing. */
import { evictDurableObject, runInDurableObject } from "cloudflare:test";
import { describe, expect, it } from "vitest";
import { CHAT_ERROR } from "../../wire/chat.ts";
import { type ConversationMessage, MAX_REACTIONS, type RoomHistory } from "../../wire/conversations.ts";
import { conversation, Device, groupOf } from "./conversation-people.ts";
import { until } from "./viewer-set-client.ts";

const errorOf = (name: keyof typeof CHAT_ERROR) => ({ error: CHAT_ERROR[name] });
const history = (device: Device, room: string, more: object = {}) =>
  device.get<RoomHistory>("room.history", { room, ...more });
const textsOf = ({ events }: RoomHistory) =>
  events.flatMap(({ event }) => (event.type === "message" ? [event.text] : []));
const search = async (device: Device, room: string, text: string, more: object = {}) => {
  const found = await device.get<{ messages: ConversationMessage[]; more: boolean }>("room.search", {
    room,
    text,
    ...more,
  });
  return { texts: found.messages.map((message) => message.text), more: found.more };
};

/** A group in which this was said; the ids of it. */
async function said(...texts: readonly string[]) {
  const group = await groupOf(["alice", "bob", "carol"]);
  const { room, alice, bob } = group;
  for (const text of texts) await alice.say(room, text);
  await bob.hears(room, ...texts);
  const ids = bob.messages(room).map(({ id }) => id);
  return { ...group, ids, idOf: (text: string) => ids[texts.indexOf(text)] ?? "" };
}

describe("history", () => {
  const texts = Array.from({ length: 12 }, (_, n) => `message ${n}`);

  it("is paged both ways, to its ends", async () => {
    const { room, bob } = await said(...texts);
    const newest = await history(bob, room, { limit: 5 });
    expect(textsOf(newest)).toEqual(texts.toReversed().slice(0, 5));
    expect(newest.more).toBe(true);
    const older = await history(bob, room, { before: newest.events.at(-1)?.seq, limit: 100 });
    expect(textsOf(older)).toEqual(texts.toReversed().slice(5));
    expect(older.more).toBe(false);
    // The room began with its title and its members.
    expect(older.events.slice(-4).map(({ event }) => event.type)).toEqual([
      "joined",
      "joined",
      "joined",
      "title",
    ]);
    expect(older.events.at(-1)?.seq).toBe(1);
    const forward = await history(bob, room, { after: 0, limit: 6 });
    expect(forward.events.map(({ seq }) => seq)).toEqual([1, 2, 3, 4, 5, 6]);
    expect(forward.more).toBe(true);
    const rest = await history(bob, room, { after: 6, limit: 100 });
    expect(textsOf(rest)).toEqual(texts.slice(2));
    expect(rest.more).toBe(false);
  });

  it("of much that was reacted to comes in smaller pages, with all of it", async () => {
    const { room, alice, bob } = await said(...texts);
    await runInDurableObject(conversation(room), (_object, { storage: { sql } }) => {
      const [seqs, crowd] = [sql.exec("SELECT seq FROM publication WHERE id IS NOT NULL").toArray(), 400];
      for (const { seq } of seqs)
        for (let n = 0; n < crowd; n += 1)
          sql.exec("INSERT INTO reaction VALUES (?, '👍', ?, ?)", seq ?? 0, `${n}`.padEnd(100, "x"), n);
    });
    const read: string[] = [];
    let page: RoomHistory | undefined;
    while (page === undefined || page.more) {
      page = await history(bob, room, { before: page?.events.at(-1)?.seq ?? 1_000, limit: 100 });
      expect(JSON.stringify(page).length).toBeLessThan(200_000);
      read.push(...textsOf(page));
    }
    expect(read).toEqual(texts.toReversed());
    const found = await search(alice, room, "message");
    expect(found.more).toBe(true);
    expect(found.texts.length).toBeLessThan(5);
  });

  it("has reactions with their messages, and nothing of what was deleted", async () => {
    const { room, alice, bob, idOf } = await said("onerous", "twofold");
    await bob.get("room.react", { room, id: idOf("onerous"), emoji: "👍", on: true });
    await alice.get("room.react", { room, id: idOf("onerous"), emoji: "👍", on: true });
    await alice.get("room.react", { room, id: idOf("twofold"), emoji: "🎉", on: true });
    await alice.get("room.delete", { room, id: idOf("twofold") });
    const { events } = await history(bob, room, { limit: 2 });
    expect(events.map(({ event }) => event)).toMatchObject([
      { type: "gone" },
      { type: "message", text: "onerous", reactions: { "👍": ["bob", "alice"] } },
    ]);
    const stored = await runInDurableObject(conversation(room), (_object, { storage: { sql } }) => [
      ...sql.exec("SELECT data, text FROM publication").toArray(),
      // The index itself: FTS5 would keep the words of what is deleted for a while.
      ...sql
        .exec<{ block: ArrayBuffer }>("SELECT block FROM word_data")
        .toArray()
        .map(({ block }) => new TextDecoder("latin1").decode(block)),
    ]);
    expect(JSON.stringify(stored)).not.toMatch(/twofold|wofold/);
    expect(JSON.stringify(stored)).toContain("onerous");
  });

  it("has pages of a size that can be sent", async () => {
    const { room, alice, bob } = await groupOf(["alice", "bob"]);
    const long = "y".repeat(8_000);
    for (let n = 0; n < 30; n += 1) await alice.say(room, `${n} ${long}`);
    const { events, more } = await history(bob, room, { limit: 100 });
    expect(events.length).toBeGreaterThan(10);
    expect(JSON.stringify(events).length).toBeLessThan(150_000);
    expect(more).toBe(true);
  });

  it("is all there for who comes later", async () => {
    const { room, alice } = await said("before dave");
    await alice.get("room.invite", { room, users: ["dave"] });
    const dave = await Device.of("dave");
    expect(textsOf(await history(dave, room))).toEqual(["before dave"]);
    expect(await dave.state(room)).toMatchObject({ you: { role: "member", unread: 0 } });
  });
});

describe("search", () => {
  it.each([
    ["a word", "café", ["Un CAFÉ au lait"]],
    ["without its marks", "cafe", ["Un CAFÉ au lait"]],
    ["several words, anywhere", "lait un", ["Un CAFÉ au lait"]],
    ["the beginning of the last one", "hello wor", ["hello world", "hello, worldly person"]],
    ["quotes", '"hello" world"', ["hello world", "hello, worldly person"]],
    ["words of FTS5", "NOT AND OR NEAR", []],
    ["a column of FTS5", "text: hello", []],
    ["an asterisk and brackets", "* ( ) ^ -hello", ["hello world", "hello, worldly person"]],
    ["no word at all", "!!! ***", []],
    ["another script", "привет", ["Привет, мир"]],
  ])("finds %s", async (_name, text, found) => {
    const { room, bob } = await said(
      "hello, worldly person",
      "Un CAFÉ au lait",
      "hello world",
      "Привет, мир",
    );
    expect(await search(bob, room, text)).toEqual({ texts: found, more: false });
  });

  it("goes on, and forgets what is deleted", async () => {
    const { room, alice, bob, ids } = await said("apple 1", "apple 2", "apple 3");
    const first = await bob.get<{ messages: ConversationMessage[]; more: boolean }>("room.search", {
      room,
      text: "apple",
      limit: 2,
    });
    expect(first.messages.map(({ text }) => text)).toEqual(["apple 3", "apple 2"]);
    expect(first.more).toBe(true);
    const before = first.messages.at(-1)?.seq;
    expect(await search(bob, room, "apple", { before })).toEqual({ texts: ["apple 1"], more: false });
    await alice.get("room.delete", { room, id: ids[1] });
    expect((await search(bob, room, "apple")).texts).toEqual(["apple 3", "apple 1"]);
    expect(await bob.act("room.search", { room, text: "a\ud800" })).toMatchObject(errorOf("malformedText"));
  });
});

describe("reactions", () => {
  it("are told once each, and taken back", async () => {
    const { room, alice, bob, carol, idOf } = await said("nice");
    const id = idOf("nice");
    for (let n = 0; n < 3; n += 1) await bob.get("room.react", { room, id, emoji: "👍", on: true });
    await carol.get("room.react", { room, id, emoji: ":party:", on: true });
    await bob.get("room.react", { room, id, emoji: "👍", on: false });
    await bob.get("room.react", { room, id, emoji: "👍", on: false });
    await until(() =>
      expect(alice.heard(room).flatMap(({ data }) => (data.type === "reaction" ? [data] : []))).toEqual([
        { type: "reaction", id, user: "bob", emoji: "👍", on: true },
        { type: "reaction", id, user: "carol", emoji: ":party:", on: true },
        { type: "reaction", id, user: "bob", emoji: "👍", on: false },
      ]),
    );
    const { message } = await bob.get<{ message: ConversationMessage }>("room.message", { room, id });
    expect(message.reactions).toEqual({ ":party:": ["carol"] });
  });

  it("are not more than a message can bear", async () => {
    const { room, bob, carol, idOf } = await said("nice");
    const id = idOf("nice");
    for (let n = 0; n < MAX_REACTIONS; n += 1)
      await bob.get("room.react", { room, id, emoji: `:emote${n}:`, on: true });
    expect(await carol.act("room.react", { room, id, emoji: "👍", on: true })).toMatchObject(
      errorOf("tooManyReactions"),
    );
    await carol.get("room.react", { room, id, emoji: ":emote3:", on: true });
  });
});

describe("how far somebody has read", () => {
  it("never goes back, counts the others' messages, and survives an eviction", async () => {
    const { room, alice, bob } = await said("one", "two", "three");
    const seqs = bob.messages(room).map(({ seq }) => seq);
    expect(await bob.state(room)).toMatchObject({ you: { unread: 3 } });
    expect(await alice.state(room)).toMatchObject({ you: { unread: 0 } });
    await bob.get("room.read", { room, seq: seqs[1] });
    expect(await alice.event(room, "read")).toEqual({ type: "read", user: "bob", seq: seqs[1] });
    await bob.get("room.read", { room, seq: seqs[0] });
    await evictDurableObject(conversation(room));
    expect(await bob.state(room)).toMatchObject({ you: { unread: 1, read: seqs[1] } });
    await alice.get("room.delete", { room, id: bob.messages(room)[2]?.id });
    expect(await bob.state(room)).toMatchObject({ you: { unread: 0 } });
    // Who says something has read what was before it.
    await alice.say(room, "four");
    await bob.say(room, "five");
    expect(await bob.state(room)).toMatchObject({ you: { unread: 0 } });
    await bob.get("room.read", { room, seq: 1_000_000 });
    const { newest, you } = await bob.state(room);
    expect(you.read).toBe(newest);
  });

  it("is told of each without taking another's place", async () => {
    const { room, alice, bob, carol } = await said("one");
    const seq = bob.messages(room)[0]?.seq;
    await Promise.all([
      bob.get("room.read", { room, seq }),
      carol.get("room.read", { room, seq }),
      bob.get("room.typing", { room, typing: true }),
      carol.get("room.typing", { room, typing: true }),
    ]);
    await until(() => {
      const passing = alice.heard(room).filter(({ offset }) => offset === undefined);
      expect(passing.map(({ data }) => `${data.type} ${"user" in data ? data.user : ""}`).sort()).toEqual([
        "read bob",
        "read carol",
        "typing bob",
        "typing carol",
      ]);
    });
  });

  it("typing is told when it begins and when it ends", async () => {
    const { room, alice, bob } = await said("one");
    for (const typing of [true, true, false, false, true]) await bob.get("room.typing", { room, typing });
    await until(() =>
      expect(alice.heard(room).flatMap(({ data }) => (data.type === "typing" ? [data.typing] : []))).toEqual([
        true,
        false,
        true,
      ]),
    );
  });
});
