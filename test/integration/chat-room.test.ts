/** The live room of a stream, through sockets at two shards: who may say what, who hears it, what is left of it. */
import { evictDurableObject, runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { beforeEach, describe, expect, it } from "vitest";
import { type ChatEvent, type ChatMessage, chatChannel } from "../../wire/chat.ts";
import type { Role } from "../../wire/socket-token.ts";
import { ADMIN, json, origin } from "./encoder.ts";
import { BareClient, shardOf, until, type Visitor } from "./viewer-set-client.ts";

let rooms = 0;
let room = "";
beforeEach(() => {
  rooms += 1;
  room = `room-${rooms}`;
});

const roomOf = () => env.CHAT_ROOM.getByName(room);

/** Somebody in the room: what they hear of it, and what they may do there. */
class Person {
  readonly client: BareClient;
  #asked = 10;

  private constructor(client: BareClient) {
    this.client = client;
  }

  static async enter(sub: string, role: Role, more: object = {}, visitor: Visitor = {}): Promise<Person> {
    const answer = await origin("/admin/tokens", json("POST", { sub, role, name: sub, ...more }, ADMIN));
    const { token }: { token: string } = await answer.json();
    return Person.#with({ token }, visitor);
  }

  static anonymous = (): Promise<Person> => Person.#with({}, {});

  static async #with(connect: object, visitor: Visitor): Promise<Person> {
    const person = new Person(await BareClient.connect(room, connect, visitor));
    expect(await person.subscribe()).toMatchObject({ subscribe: { recoverable: true } });
    return person;
  }

  subscribe(more: object = {}) {
    return this.ask({ subscribe: { channel: chatChannel(room), ...more } });
  }

  ask(command: object): Promise<Record<string, unknown>> {
    this.#asked += 1;
    return this.client.ask({ id: this.#asked, ...command });
  }

  say(text: unknown, nonce: unknown = `${text}`, more: object = {}) {
    return this.ask({ publish: { channel: chatChannel(room), data: { text, nonce, ...more } } });
  }

  act(method: string, data: object = {}) {
    return this.ask({ rpc: { method, data: { room, ...data } } });
  }

  /** Publications of the room, in the order they came. */
  get heard(): readonly { readonly offset: number; readonly data: ChatEvent }[] {
    return this.client.heard.flatMap(
      (line: {
        push?: { channel: string; pub?: { offset: number; data: ChatEvent } };
        subscribe?: { publications?: { offset: number; data: ChatEvent }[] };
      }) => [...(line.push?.pub ? [line.push.pub] : []), ...(line.subscribe?.publications ?? [])],
    );
  }

  get messages(): readonly ChatMessage[] {
    return this.heard.flatMap(({ data }) => (data.type === "message" ? [data] : []));
  }

  get texts(): readonly string[] {
    return this.messages.map(({ text }) => text);
  }

  /** Wait until it was heard. */
  hears(...texts: readonly string[]): Promise<void> {
    return until(() => expect(this.texts).toEqual(texts));
  }

  event(type: ChatEvent["type"]): Promise<ChatEvent> {
    return until(() => {
      const found = this.heard.findLast(({ data }) => data.type === type);
      if (!found) throw new Error(`no ${type} in ${JSON.stringify(this.heard)}`);
      return found.data;
    });
  }
}

/** Everything that the room would tell who comes now. */
const history = async () => (await roomOf().since(undefined)).publications;

describe("a live room", () => {
  it("hands on what is said, to every shard, in one order and with the sender's name", async () => {
    const alice = await Person.enter("alice", "member");
    const bob = await Person.enter("bob", "member", {}, { shard: "weur/1" });
    const reader = await Person.anonymous();
    expect(await alice.say("hello")).toMatchObject({ publish: {} });
    expect(await bob.say("hi alice", "n2")).toMatchObject({ publish: {} });
    for (const person of [alice, bob, reader]) await person.hears("hello", "hi alice");
    expect(reader.heard.map(({ offset }) => offset)).toEqual([1, 2]);
    expect(reader.messages[1]).toMatchObject({
      seq: 2,
      user: "bob",
      name: "bob",
      role: "member",
      nonce: "n2",
    });
  });

  it("takes a message once, however often it is sent", async () => {
    const alice = await Person.enter("alice", "member");
    await Promise.all([alice.say("once", "n"), alice.say("once", "n"), alice.say("once", "n")]);
    expect(await alice.say("once", "n")).toMatchObject({ publish: {} });
    expect(await alice.say("another", "n")).toMatchObject({ error: { code: 453, message: "nonce reused" } });
    await alice.hears("once");
    // Another's nonce is theirs.
    const bob = await Person.enter("bob", "member");
    await bob.say("twice", "n");
    await alice.hears("once", "twice");
  });

  it("answers a reply with what it answers", async () => {
    const alice = await Person.enter("alice", "member");
    await alice.say(`a ${"long ".repeat(50)}story`, "n1");
    const [{ id } = { id: "" }] = await until(() => {
      expect(alice.messages).toHaveLength(1);
      return alice.messages;
    });
    await alice.say("indeed", "n2", { replyTo: id });
    await until(() => expect(alice.messages).toHaveLength(2));
    expect(alice.messages[1]?.replyTo).toMatchObject({ id, user: "alice" });
    expect(alice.messages[1]?.replyTo?.text).toMatch(/^a long .*…$/);
    expect(await alice.say("what?", "n3", { replyTo: "01ARYZ6S410000000000000000" })).toMatchObject({
      error: { code: 466 },
    });
  });

  it("loses nothing when it is evicted, and when a shard is", async () => {
    const alice = await Person.enter("alice", "member");
    const bob = await Person.enter("bob", "member", {}, { shard: "weur/1" });
    const said: string[] = [];
    for (let n = 1; n <= 6; n += 1) {
      said.push(`message ${n}`);
      await alice.say(`message ${n}`);
      if (n % 2 === 0) await evictDurableObject(roomOf());
      if (n === 3) {
        await bob.hears(...said);
        await until(async () =>
          expect(
            await runInDurableObject(shardOf(room, "weur/1"), (_object, { storage }) =>
              storage.kv.get(`position ${chatChannel(room)}`),
            ),
          ).toMatchObject({ is: "clean" }),
        );
        await evictDurableObject(shardOf(room, "weur/1"), { webSockets: "hibernate" });
      }
    }
    await bob.hears(...said);
    await alice.hears(...said);
    expect(bob.heard.map(({ offset }) => offset)).toEqual([1, 2, 3, 4, 5, 6]);
  });

  it("gives who comes back all that they missed, or says that it cannot", async () => {
    const alice = await Person.enter("alice", "member");
    await alice.say("one");
    const bob = await Person.enter("bob", "member");
    const { subscribe } = (await bob
      .ask({ unsubscribe: { channel: chatChannel(room) } })
      .then(() => bob.subscribe())) as { subscribe: { epoch: string; offset: number } };
    await bob.ask({ unsubscribe: { channel: chatChannel(room) } });
    for (const text of ["two", "three", "four"]) await alice.say(text);
    const since = { recover: true, epoch: subscribe.epoch, offset: subscribe.offset };
    expect(await bob.subscribe(since)).toMatchObject({ subscribe: { recovered: true } });
    await bob.hears("two", "three", "four");
    await bob.ask({ unsubscribe: { channel: chatChannel(room) } });
    expect(await bob.subscribe({ ...since, epoch: "another" })).toMatchObject({
      subscribe: { recovered: false },
    });
  });
});

describe("who may not", () => {
  it.each([
    ["nobody that is known", 455, "read only", undefined],
    ["a guest", 455, "read only", "guest"],
  ] as const)("write: %s", async (_name, code, message, role) => {
    const person = role ? await Person.enter("guest:1", role) : await Person.anonymous();
    expect(await person.say("hello")).toMatchObject({ error: { code, message } });
    expect(await history()).toEqual([]);
  });

  it.each([
    "chat.delete",
    "chat.deleteUser",
    "chat.clear",
    "chat.timeout",
    "chat.ban",
    "chat.unban",
    "chat.settings",
    "chat.pin",
    "chat.announce",
    "chat.log",
  ])("%s: a member", async (method) => {
    const data = {
      ...{ id: "01ARYZ6S410000000000000000", user: "bob", seconds: 60, settings: { slowSeconds: 9 } },
      ...{ text: "all hear this", nonce: "n" },
    };
    for (const person of [await Person.enter("alice", "member"), await Person.anonymous()]) {
      expect(await person.act(method, data)).toMatchObject({ error: { code: 103 } });
    }
    expect(await history()).toEqual([]);
  });

  it("reach another stream's room", async () => {
    const mod = await Person.enter("mod", "moderator");
    expect(await mod.ask({ subscribe: { channel: "chat:another" } })).toMatchObject({ error: { code: 103 } });
    expect(await mod.act("chat.clear", { room: "another" })).toMatchObject({ error: { code: 103 } });
  });
});

describe("bad input", () => {
  it.each([
    ["no text", { nonce: "n" }, 107, "bad request"],
    ["a text that is none", { text: 7, nonce: "n" }, 107, "bad request"],
    ["no nonce", { text: "hi" }, 107, "bad request"],
    ["a long nonce", { text: "hi", nonce: "n".repeat(65) }, 107, "bad request"],
    ["nothing", null, 107, "bad request"],
    ["an empty text", { text: "", nonce: "n" }, 450, "empty"],
    ["a flood without width", { text: "\u200b".repeat(400), nonce: "n" }, 450, "empty"],
    ["501 letters", { text: "a".repeat(501), nonce: "n" }, 451, "too long"],
    ["half a letter", { text: "a\ud83d", nonce: "n" }, 452, "malformed text"],
  ])("%s", async (_name, data, code, message) => {
    const alice = await Person.enter("alice", "member");
    const answer = await alice.ask({ publish: { channel: chatChannel(room), data } });
    expect(answer).toMatchObject({ error: { code, message } });
    expect(await history()).toEqual([]);
  });

  it("script is text", async () => {
    const alice = await Person.enter("<img src=x onerror=alert(1)>", "member");
    await alice.say("<script>alert(1)</script>");
    await alice.hears("<script>alert(1)</script>");
    expect(alice.messages[0]?.user).toBe("<img src=x onerror=alert(1)>");
  });
});

describe("a moderator", () => {
  async function talk() {
    const people = {
      alice: await Person.enter("alice", "member"),
      bob: await Person.enter("bob", "member", {}, { shard: "weur/1" }),
      mod: await Person.enter("mod", "moderator"),
    };
    await people.alice.say("first");
    await people.bob.say("second");
    await people.alice.hears("first", "second");
    await people.bob.say("you said?", "q", { replyTo: people.alice.messages[0]?.id });
    await people.mod.hears("first", "second", "you said?");
    return people;
  }
  /** What is left to read for who comes now. */
  async function left(): Promise<string> {
    return JSON.stringify(await history());
  }

  it("deletes a message: from screens, from history, from what quotes it", async () => {
    const { alice, bob, mod } = await talk();
    const id = alice.messages[0]?.id ?? "";
    expect(await mod.act("chat.delete", { id })).toMatchObject({ rpc: { data: {} } });
    expect(await bob.event("deleted")).toEqual({ type: "deleted", ids: [id] });
    expect(await left()).not.toContain("first");
    expect((await history()).map(({ offset }) => offset)).toEqual([1, 2, 3, 4]);
    expect(await mod.act("chat.delete", { id })).toMatchObject({ error: { code: 466 } });
    // It was said once: sent again it does not come back.
    await alice.say("first");
    expect(await left()).not.toContain("first");
  });

  it("deletes all of somebody, also what is left of it in quotes of what was forgotten since", async () => {
    const { alice, mod } = await talk();
    await runInDurableObject(roomOf(), (_object, { storage }) => {
      storage.sql.exec("DELETE FROM publication WHERE seq = 1");
    });
    expect(await left()).toContain("first");
    await mod.act("chat.deleteUser", { user: "alice" });
    await alice.event("user-deleted");
    expect(await left()).not.toContain("first");
    expect(await left()).toContain("you said?");
  });

  it("deletes all of somebody", async () => {
    const { alice, mod } = await talk();
    await mod.act("chat.deleteUser", { user: "bob" });
    expect(await alice.event("user-deleted")).toEqual({ type: "user-deleted", user: "bob" });
    expect(await left()).not.toContain("second");
    expect(await left()).toContain("first");
  });

  it("clears the room", async () => {
    const { alice, mod } = await talk();
    await mod.act("chat.clear");
    await alice.event("cleared");
    expect((await history()).map(({ data }) => JSON.parse(data).type)).toEqual(["cleared"]);
    await evictDurableObject(roomOf());
    await alice.say("anew");
    await until(() => expect(alice.heard.at(-1)).toMatchObject({ offset: 5, data: { text: "anew" } }));
  });

  it("bans: on every device, and what was said is gone", async () => {
    const { alice, bob, mod } = await talk();
    await mod.act("chat.ban", { user: "bob", reason: "rude" });
    expect(await alice.event("sanction")).toEqual({ type: "sanction", user: "bob" });
    const phone = await Person.enter("bob", "member", {}, { shard: "apac/1" });
    for (const device of [bob, phone]) {
      expect(await device.say("still here")).toMatchObject({ error: { code: 458, message: "banned" } });
    }
    expect(await phone.act("chat.state")).toMatchObject({
      rpc: { data: { you: { mayWrite: false, why: "banned" } } },
    });
    await evictDurableObject(roomOf());
    expect(await bob.say("now?")).toMatchObject({ error: { code: 458 } });
    await mod.act("chat.unban", { user: "bob" });
    expect(await bob.say("thanks")).toMatchObject({ publish: {} });
  });

  it("bans a guest by their address, and members there are not touched", async () => {
    const mod = await Person.enter("mod", "moderator");
    await mod.act("chat.settings", { settings: { guestsWrite: true } });
    const home = { address: "home" };
    const guest = await Person.enter("guest:1", "guest", {}, home);
    await guest.say("spam");
    await mod.hears("spam");
    await mod.act("chat.ban", { user: "guest:1" });
    const again = await Person.enter("guest:2", "guest", {}, home);
    expect(await again.say("spam again")).toMatchObject({ error: { code: 458 } });
    const member = await Person.enter("carol", "member", {}, home);
    expect(await member.say("hello")).toMatchObject({ publish: {} });
  });

  it.each([
    ["a time-out", (mod: Person) => mod.act("chat.timeout", { user: "guest:1", seconds: 1 })],
    ["their messages were deleted", (mod: Person) => mod.act("chat.deleteUser", { user: "guest:1" })],
    ["their message was deleted", (mod: Person) => mod.act("chat.delete", { id: mod.messages[0]?.id })],
    [
      "their time-out, and everything was cleared",
      async (mod: Person) => {
        await mod.act("chat.timeout", { user: "guest:1", seconds: 1 });
        await mod.act("chat.clear");
      },
    ],
  ])("bans a guest by their address after %s", async (_name, before) => {
    const mod = await Person.enter("mod", "moderator");
    await mod.act("chat.settings", { settings: { guestsWrite: true } });
    const home = { address: "home" };
    const guest = await Person.enter("guest:1", "guest", {}, home);
    await guest.say("spam");
    await mod.hears("spam");
    await before(mod);
    await mod.act("chat.ban", { user: "guest:1" });
    const again = await Person.enter("guest:2", "guest", {}, home);
    expect(await again.say("spam again")).toMatchObject({ error: { code: 458 } });
  });

  it("times out: says until when", async () => {
    const { bob, mod } = await talk();
    await mod.act("chat.timeout", { user: "bob", seconds: 60 });
    expect(await bob.say("what?")).toMatchObject({ error: { code: 459, message: "timed out, 60 s" } });
    const { until: end } = (await bob.event("sanction")) as { until?: string };
    expect(Date.parse(end ?? "") - Date.now()).toBeGreaterThan(50_000);
  });

  it("runs the room: settings reach everybody, but not which words are blocked", async () => {
    const { alice, bob, mod } = await talk();
    await mod.act("chat.settings", { settings: { slowSeconds: 30, blockedWords: ["darn"], links: false } });
    const event = await bob.event("settings");
    expect(event).toMatchObject({ settings: { slowSeconds: 30, links: false, access: "everyone" } });
    expect(JSON.stringify(event)).not.toContain("darn");
    expect(await alice.say("fast")).toMatchObject({ error: { code: 460 } });
    expect(await mod.act("chat.settings", { settings: { slowSeconds: -1 } })).toMatchObject({
      error: { code: 107 },
    });
    await mod.act("chat.settings", { settings: { slowSeconds: 0 } });
    expect(await alice.say("darn it")).toMatchObject({ error: { code: 465, message: "blocked word" } });
    expect(await alice.say("see example.com")).toMatchObject({ error: { code: 464, message: "no links" } });
  });

  it("lets only followers write, by the badges of their tokens", async () => {
    const { alice, mod } = await talk();
    await mod.act("chat.settings", { settings: { access: "followers" } });
    expect(await alice.say("me too?")).toMatchObject({ error: { code: 456, message: "followers only" } });
    const carol = await Person.enter("carol", "member", { badges: ["follower"] });
    expect(await carol.say("of course")).toMatchObject({ publish: {} });
    await mod.act("chat.settings", { settings: { access: "subscribers" } });
    expect(await carol.say("and now?")).toMatchObject({ error: { code: 457 } });
  });

  it("pins and announces; what is deleted is not pinned any more", async () => {
    const { alice, mod } = await talk();
    const id = alice.messages[0]?.id ?? "";
    await mod.act("chat.pin", { id });
    expect(await alice.event("pinned")).toMatchObject({ message: { text: "first" } });
    expect(await alice.act("chat.state")).toMatchObject({ rpc: { data: { pinned: { id } } } });
    await mod.act("chat.announce", { text: "Five minutes!", nonce: "a" });
    await until(() => expect(alice.messages.at(-1)).toMatchObject({ announcement: true, user: "mod" }));
    await mod.act("chat.delete", { id });
    await until(() =>
      expect(alice.heard.findLast(({ data }) => data.type === "pinned")?.data).toEqual({
        type: "pinned",
        message: null,
      }),
    );
  });

  it.each([
    ["chat.delete", (id: string) => ({ id })],
    ["chat.deleteUser", () => ({ user: "alice" })],
    ["chat.ban", () => ({ user: "alice" })],
    ["chat.timeout", () => ({ user: "alice", seconds: 60 })],
  ] as const)("%s takes it out of what pinned it and what is pinned", async (method, dataOf) => {
    const { alice, mod } = await talk();
    const [first, , reply] = mod.messages;
    await mod.act("chat.pin", { id: first?.id });
    await mod.act("chat.pin", { id: reply?.id });
    expect(await left()).toContain("first");
    await mod.act(method, dataOf(first?.id ?? ""));
    await until(() => expect(alice.heard.length).toBeGreaterThan(5));
    expect(await left()).not.toContain('"text":"first"');
    const state = JSON.stringify(await alice.act("chat.state"));
    expect(state).toContain("you said?");
    expect(state).not.toContain("first");
  });

  it("leaves a log", async () => {
    const { alice, mod } = await talk();
    await mod.act("chat.delete", { id: alice.messages[0]?.id });
    await mod.act("chat.timeout", { user: "bob", seconds: 60, reason: "rude" });
    expect(await mod.act("chat.log")).toMatchObject({
      rpc: {
        data: {
          entries: [
            { number: 2, by: "mod", action: "time out", target: "bob", detail: "60 s: rude" },
            { number: 1, by: "mod", action: "delete", target: alice.messages[0]?.id },
          ],
        },
      },
    });
  });
});

describe("history", () => {
  it("keeps what the retention says, and where the room is", async () => {
    const mod = await Person.enter("mod", "moderator");
    await mod.act("chat.settings", { settings: { retentionMinutes: 1 } });
    await mod.say("old");
    await mod.hears("old");
    await runInDurableObject(roomOf(), async (object, { storage }) => {
      storage.sql.exec("UPDATE publication SET at = at - 120000");
      await object.alarm();
    });
    expect((await history()).map(({ offset }) => offset)).toEqual([2]);
    await evictDurableObject(roomOf());
    await mod.say("new");
    await until(() => expect(mod.heard.at(-1)?.offset).toBe(3));
  });

  it("goes on to forget in a room that had fallen silent, and keeps no message for being the last", async () => {
    const mod = await Person.enter("mod", "moderator");
    await mod.act("chat.settings", { settings: { retentionMinutes: 1 } });
    const age = () =>
      runInDurableObject(roomOf(), (_object, { storage }) => {
        storage.sql.exec("UPDATE publication SET at = at - 120000");
      });
    for (const text of ["old", "new"]) {
      await mod.say(text);
      await age();
      expect(await runDurableObjectAlarm(roomOf())).toBe(true);
      expect(JSON.stringify(await history())).not.toContain(text);
      // Nothing is left to be forgotten.
      expect(await runDurableObjectAlarm(roomOf())).toBe(false);
      await evictDurableObject(roomOf());
    }
    expect((await history()).map(({ offset }) => offset)).toEqual([3]);
  });

  it("is read by the protocol's own command", async () => {
    const alice = await Person.enter("alice", "member");
    for (const text of ["one", "two", "three"]) await alice.say(text);
    await alice.hears("one", "two", "three");
    const answer = await alice.ask({ history: { channel: chatChannel(room), limit: 2, reverse: true } });
    expect(answer).toMatchObject({
      history: {
        publications: [
          { offset: 3, data: { text: "three" } },
          { offset: 2, data: { text: "two" } },
        ],
      },
    });
  });

  it("of a moment does not show what was deleted since to a shard that heard it before", async () => {
    const alice = await Person.enter("alice", "member");
    const mod = await Person.enter("mod", "moderator");
    await alice.say("secret");
    await mod.hears("secret");
    await mod.act("chat.delete", { id: mod.messages[0]?.id });
    await alice.event("deleted");
    const late = await Person.enter("late", "member");
    const answer = await late.ask({ history: { channel: chatChannel(room), limit: -1 } });
    expect(JSON.stringify(answer)).not.toContain("secret");
  });
});
