/** Conversations through real sockets: what members say and hear, what is kept, and that nobody else learns anything. */
import { evictDurableObject, runInDurableObject } from "cloudflare:test";
import { describe, expect, it } from "vitest";
import { directRoom } from "../../durable-objects/viewers/direct-room.ts";
import { CHAT_ERROR, chatChannel } from "../../wire/chat.ts";
import type { RoomHistory } from "../../wire/conversations.ts";
import { conversation, Device, groupOf, newUlid } from "./conversation-people.ts";
import { until } from "./viewer-set-client.ts";

const FORBIDDEN = { error: { code: 103 } };
const errorOf = (name: keyof typeof CHAT_ERROR) => ({ error: CHAT_ERROR[name] });

const history = (device: Device, room: string, more: object = {}) =>
  device.get<RoomHistory>("room.history", { room, ...more });

describe("a group", () => {
  it("hands on what is said, at every shard, in one order", async () => {
    const { room, alice } = await groupOf(["alice", "bob"]);
    const bob = await Device.of("bob", { shard: "weur/1" });
    await bob.subscribe(room);
    expect(await alice.say(room, "hello")).toMatchObject({ publish: {} });
    expect(await bob.say(room, "hi alice", "n2")).toMatchObject({ publish: {} });
    for (const device of [alice, bob]) await device.hears(room, "hello", "hi alice");
    const [first, second] = bob.messages(room);
    expect(first).toMatchObject({ user: "alice", name: "alice", role: "owner", nonce: "hello" });
    expect(second).toMatchObject({ user: "bob", role: "member", seq: (first?.seq ?? 0) + 1 });
    expect(bob.heard(room).map(({ offset }) => offset)).toEqual([first?.seq, second?.seq]);
  });

  it("is made once, however often it is asked for, and by nobody else", async () => {
    const room = newUlid();
    const alice = await Device.of("alice");
    const made = await alice.get("room.create", {
      room,
      title: "  Book\nclub ",
      users: ["bob", "bob", "alice"],
    });
    expect(made).toMatchObject({
      room,
      kind: "group",
      title: "Book club",
      you: { role: "owner", unread: 0 },
    });
    expect(made).toMatchObject({
      members: [
        { user: "alice", role: "owner" },
        { user: "bob", role: "member" },
      ],
    });
    expect(await alice.get("room.create", { room, title: "Another", users: [] })).toEqual(made);
    const bob = await Device.of("bob");
    expect(await bob.act("room.create", { room, title: "Mine" })).toMatchObject(FORBIDDEN);
    expect(await bob.state(room)).toMatchObject({ title: "Book club", you: { role: "member" } });
  });

  it("takes a message once, however often it is sent", async () => {
    const { room, alice, bob } = await groupOf(["alice", "bob"]);
    await Promise.all([alice.say(room, "once", "n"), alice.say(room, "once", "n")]);
    await evictDurableObject(conversation(room));
    expect(await alice.say(room, "once", "n")).toMatchObject({ publish: {} });
    expect(await alice.say(room, "other", "n")).toMatchObject(errorOf("nonceReused"));
    await bob.say(room, "mine", "n");
    await bob.hears(room, "once", "mine");
  });

  it("quotes what is answered, and forgets the quote with it", async () => {
    const { room, alice, bob } = await groupOf(["alice", "bob"]);
    await alice.say(room, `a ${"long ".repeat(50)}story`, "n1");
    const [{ id } = { id: "" }] = await until(() => {
      expect(bob.messages(room)).toHaveLength(1);
      return bob.messages(room);
    });
    await bob.say(room, "indeed", "n2", { replyTo: id });
    await until(() => expect(alice.messages(room)[1]?.replyTo?.text).toMatch(/^a long .*…$/));
    expect(await bob.say(room, "what?", "n3", { replyTo: newUlid() })).toMatchObject(
      errorOf("unknownMessage"),
    );
    await alice.get("room.delete", { room, id });
    expect(await bob.event(room, "deleted")).toEqual({ type: "deleted", ids: [id] });
    const { events } = await history(bob, room, { limit: 2 });
    expect(events[0]).toMatchObject({ event: { text: "indeed", replyTo: { id, text: "" } } });
    expect(events[1]?.event).toEqual({ type: "gone", seq: events[1]?.seq });
  });

  it("carries a long text as its beginning, and gives the whole of it", async () => {
    const { room, alice, bob } = await groupOf(["alice", "bob"]);
    const text = Array.from({ length: 9_000 }, (_, n) => (n % 90 === 89 ? "\n" : "ß"))
      .join("")
      .trim();
    await alice.say(room, text, "long");
    const [message] = await until(() => {
      expect(bob.messages(room)).toHaveLength(1);
      return bob.messages(room);
    });
    expect(message).toMatchObject({ more: true, text: text.slice(0, 1_000) });
    const whole = await bob.get<{ message: object }>("room.message", { room, id: message?.id });
    expect(whole.message).toMatchObject({ text, id: message?.id });
    expect(whole.message).not.toHaveProperty("more");
    const short = "x".repeat(8 * 1024);
    await alice.say(room, short, "inline");
    await until(() => expect(bob.messages(room)[1]?.text).toBe(short));
  });

  it("loses nothing when it is evicted", async () => {
    const { room, alice, bob } = await groupOf(["alice", "bob"]);
    const said: string[] = [];
    for (let n = 1; n <= 6; n += 1) {
      said.push(`message ${n}`);
      await (n % 2 === 0 ? alice : bob).say(room, `message ${n}`);
      if (n % 2 === 0) await evictDurableObject(conversation(room));
    }
    for (const device of [alice, bob]) await device.hears(room, ...said);
    expect((await alice.state(room)).members).toHaveLength(2);
  });

  it("gives who comes back all that they missed, or says that it cannot", async () => {
    const { room, alice, bob } = await groupOf(["alice", "bob"]);
    await alice.say(room, "one");
    await bob.hears(room, "one");
    await bob.ask({ unsubscribe: { channel: chatChannel(room) } });
    const { subscribe } = (await bob.subscribe(room)) as { subscribe: { epoch: string; offset: number } };
    await bob.ask({ unsubscribe: { channel: chatChannel(room) } });
    for (const text of ["two", "three", "four"]) await alice.say(room, text);
    const since = { recover: true, epoch: subscribe.epoch, offset: subscribe.offset };
    expect(await bob.subscribe(room, since)).toMatchObject({ subscribe: { recovered: true } });
    await bob.hears(room, "one", "two", "three", "four");
    await bob.ask({ unsubscribe: { channel: chatChannel(room) } });
    expect(await bob.subscribe(room, { ...since, epoch: "other" })).toMatchObject({
      subscribe: { recovered: false },
    });
  });
});

describe("a one-to-one room", () => {
  it("is the same whoever begins it", async () => {
    const alice = await Device.of("d-alice");
    const bob = await Device.of("d-bob");
    const [one, other] = await Promise.all([
      alice.get<{ room: string; kind: string }>("room.direct", { user: "d-bob" }),
      bob.get<{ room: string; kind: string }>("room.direct", { user: "d-alice" }),
    ]);
    expect(one).toMatchObject({ kind: "direct", members: [{ role: "member" }, { role: "member" }] });
    expect(other.room).toBe(one.room);
    expect(one).not.toHaveProperty("title");
    await bob.subscribe(one.room);
    await alice.say(one.room, "just us");
    await bob.hears(one.room, "just us");
  });

  it.each([
    ["with oneself", "room.direct", { user: "e-alice" }],
    ["taken by a group", "room.create", { title: "trap" }],
    ["invite", "room.invite", { users: ["carol"] }],
    ["leave", "room.leave", {}],
    ["remove", "room.remove", { user: "e-bob" }],
    ["remove oneself", "room.remove", { user: "e-alice" }],
    ["rename", "room.rename", { title: "we" }],
    ["role", "room.role", { user: "e-alice", role: "owner" }],
  ])("has no administration: %s", async (_name, method, data) => {
    const alice = await Device.of("e-alice");
    const { room } = await alice.get<{ room: string }>("room.direct", { user: "e-bob" });
    expect(await alice.act(method, { room, ...data })).toMatchObject(FORBIDDEN);
    expect((await alice.state(room)).members).toHaveLength(2);
  });

  it("keeps its id for those two: nobody makes a group of it before them", async () => {
    const eve = await Device.of("eve");
    const room = `7${newUlid().slice(1)}`;
    expect(await eve.act("room.create", { room, title: "trap" })).toMatchObject(FORBIDDEN);
  });

  it("is not betrayed by who else is to be in it", async () => {
    const [eve, mallory] = [await Device.of("h-eve"), await Device.of("h-mallory")];
    await mallory.get("inbox.block", { user: "h-eve", blocked: true });
    const room = await directRoom("h-alice", "h-bob");
    const trap = { room, title: "trap", users: ["h-mallory"] };
    expect(await eve.act("room.create", trap)).toMatchObject(FORBIDDEN);
    await (await Device.of("h-alice")).get("room.direct", { user: "h-bob" });
    expect(await eve.act("room.create", trap)).toMatchObject(FORBIDDEN);
  });

  it("is not begun by somebody whom the other one does not want to hear from", async () => {
    const alice = await Device.of("g-alice");
    const bob = await Device.of("g-bob");
    await conversation(await directRoom("g-alice", "g-bob")).block("g-alice", true);
    expect(await bob.act("room.direct", { user: "g-alice" })).toMatchObject(errorOf("blocked"));
    const { room } = await alice.get<{ room: string }>("room.direct", { user: "g-bob" });
    expect(await bob.say(room, "at last")).toMatchObject(errorOf("blocked"));
    expect(await bob.state(room)).toMatchObject({ you: { mayWrite: false } });
  });

  it("knows who does not want to hear from the other one", async () => {
    const alice = await Device.of("f-alice");
    const bob = await Device.of("f-bob");
    const { room } = await alice.get<{ room: string }>("room.direct", { user: "f-bob" });
    await alice.say(room, "hello");
    const [{ id } = { id: "" }] = (
      await bob.get<{ messages: { id: string }[] }>("room.search", { room, text: "hello" })
    ).messages;
    await conversation(room).block("f-alice", true);
    await evictDurableObject(conversation(room));
    expect(await bob.say(room, "why?")).toMatchObject(errorOf("blocked"));
    expect(await bob.act("room.typing", { room, typing: true })).toMatchObject(errorOf("blocked"));
    expect(await bob.act("room.react", { room, id, emoji: "👍", on: true })).toMatchObject(
      errorOf("blocked"),
    );
    expect(await bob.state(room)).toMatchObject({ you: { mayWrite: false } });
    expect(await alice.say(room, "I may")).toMatchObject({ publish: {} });
    await conversation(room).block("f-alice", false);
    expect(await bob.say(room, "thanks")).toMatchObject({ publish: {} });
  });
});

describe("who is no member", () => {
  it.each([
    ["room.state", {}],
    ["room.history", {}],
    ["room.search", { text: "secret" }],
    ["room.message", { id: newUlid() }],
    ["room.read", { seq: 1 }],
    ["room.typing", { typing: true }],
    ["room.react", { id: newUlid(), emoji: "👍", on: true }],
    ["room.delete", { id: newUlid() }],
    ["room.photo", { type: "image/png", bytes: 100, width: 10, height: 10 }],
    ["room.invite", { users: ["eve"] }],
    ["room.leave", {}],
    ["room.remove", { user: "alice" }],
    ["room.rename", { title: "mine" }],
    ["room.role", { user: "eve", role: "owner" }],
  ])("%s: the same answer whether the room is there or not", async (method, data) => {
    const { room } = await groupOf(["alice", "bob"]);
    const eve = await Device.of("eve");
    for (const one of [room, newUlid()])
      expect(await eve.act(method, { room: one, ...data })).toMatchObject({
        error: { code: 103, message: "permission denied" },
      });
  });

  it("neither hears nor writes, and leaves nothing behind", async () => {
    const { room } = await groupOf(["alice", "bob"]);
    const eve = await Device.of("eve");
    const nowhere = newUlid();
    for (const one of [room, nowhere]) {
      expect(await eve.subscribe(one)).toMatchObject(FORBIDDEN);
      expect(await eve.say(one, "let me in")).toMatchObject(FORBIDDEN);
      expect(await eve.ask({ history: { channel: chatChannel(one), limit: 10 } })).toMatchObject(FORBIDDEN);
    }
    await conversation(nowhere).since(undefined);
    await conversation(nowhere).report([{ shard: "s", sockets: 1, playing: 0 }]);
    expect(
      await runInDurableObject(conversation(nowhere), (_object, { storage }) => ({
        tables: storage.sql
          .exec("SELECT name FROM sqlite_master WHERE name NOT LIKE '\\_cf%' ESCAPE '\\'")
          .toArray(),
        keys: [...storage.kv.list()],
      })),
    ).toEqual({ tables: [], keys: [] });
  });

  it("is a guest, or nobody that is known", async () => {
    const guest = await Device.of("guest:1", { role: "guest" });
    expect(await guest.act("room.create", { room: newUlid(), title: "t" })).toMatchObject(FORBIDDEN);
  });
});
