/** Bad input to conversations, case by case: what is refused with which error, and what is text and nothing else. */
import { describe, expect, it } from "vitest";
import { CONVERSATION_PACE } from "../../durable-objects/core/chat/pace.ts";
import { CHAT_ERROR, CONVERSATION_BYTES, chatChannel } from "../../wire/chat.ts";
import { Device, groupOf, newUlid } from "./conversation-people.ts";
import { passTime } from "./stream-object.ts";
import { until } from "./viewer-set-client.ts";

const BAD_REQUEST = { code: 107, message: "bad request" };
const FORBIDDEN = { code: 103, message: "permission denied" };
const SCRIPT = "<script>alert(1)</script>";

it.each([
  ["renames", "room.rename", (n: number) => ({ title: `Title ${n}` })],
  ["searches", "room.search", () => ({ text: "a" })],
  ["gives roles", "room.role", (n: number) => ({ user: "bob", role: n % 2 === 0 ? "moderator" : "member" })],
  ["removes", "room.remove", () => ({ user: "nobody" })],
])("nobody %s without end", async (_name, method, data) => {
  const { room, alice, bob } = await groupOf(["alice", "bob"]);
  const answers = await Promise.all(
    Array.from({ length: CONVERSATION_PACE + 1 }, (_, n) => alice.act(method, { room, ...data(n) })),
  );
  expect(answers.at(-1)).toMatchObject({ error: { code: CHAT_ERROR.tooFast.code } });
  expect(answers.at(-2)).not.toMatchObject({ error: { code: CHAT_ERROR.tooFast.code } });
  expect(await bob.act("room.search", { room, text: "b" })).toHaveProperty("rpc");
  expect(await alice.say(room, "something else")).toMatchObject({ publish: {} });
});

describe("a message", () => {
  it.each([
    ["no text", { nonce: "n" }, BAD_REQUEST],
    ["a text that is none", { text: 7, nonce: "n" }, BAD_REQUEST],
    ["no nonce", { text: "hi" }, BAD_REQUEST],
    ["an empty nonce", { text: "hi", nonce: "" }, BAD_REQUEST],
    ["a long nonce", { text: "hi", nonce: "n".repeat(65) }, BAD_REQUEST],
    ["nothing", null, BAD_REQUEST],
    ["an answer to no ULID", { text: "hi", nonce: "n", replyTo: "x" }, BAD_REQUEST],
    ["an answer to nothing", { text: "hi", nonce: "n", replyTo: newUlid() }, CHAT_ERROR.unknownMessage],
    ["a photo that has no such id", { text: "hi", nonce: "n", photo: "../secret" }, BAD_REQUEST],
    ["a photo that is none", { text: "hi", nonce: "n", photo: "A".repeat(22) }, CHAT_ERROR.badPhoto],
    ["an empty text", { text: "", nonce: "n" }, CHAT_ERROR.empty],
    ["blanks", { text: " \n\t ", nonce: "n" }, CHAT_ERROR.empty],
    ["a flood without width", { text: "\u200b\u2060\ufeff".repeat(9_000), nonce: "n" }, CHAT_ERROR.empty],
    ["a lone surrogate", { text: "a\ud83d", nonce: "n" }, CHAT_ERROR.malformedText],
    ["half a letter in the middle", { text: "a\udc00b", nonce: "n" }, CHAT_ERROR.malformedText],
    ["a byte too many", { text: "a".repeat(CONVERSATION_BYTES + 1), nonce: "n" }, CHAT_ERROR.tooLong],
    ["two bytes a letter", { text: "ß".repeat(CONVERSATION_BYTES / 2 + 1), nonce: "n" }, CHAT_ERROR.tooLong],
  ])("%s", async (_name, data, error) => {
    const { room, alice, bob } = await groupOf(["alice", "bob"]);
    const { newest } = await alice.state(room);
    expect(await alice.ask({ publish: { channel: chatChannel(room), data } })).toMatchObject({ error });
    expect((await bob.state(room)).newest).toBe(newest);
  });

  it("may have 100 KB, and lines", async () => {
    const { room, alice, bob } = await groupOf(["alice", "bob"]);
    const text = `${"a line\n".repeat(1_000)}${"ü".repeat(40_000)}`.padEnd(CONVERSATION_BYTES - 40_000, "x");
    expect(await alice.say(room, text, "n")).toMatchObject({ publish: {} });
    await until(() => expect(bob.messages(room)).toHaveLength(1));
    const { message } = await bob.get<{ message: { text: string } }>("room.message", {
      room,
      id: bob.messages(room)[0]?.id,
    });
    expect(message.text).toBe(text);
  });

  it("of 1 MB closes the socket", async () => {
    const { room, alice } = await groupOf(["alice", "bob"]);
    alice.client.say({
      id: 99,
      publish: { channel: chatChannel(room), data: { text: "x".repeat(2 ** 20), nonce: "n" } },
    });
    expect((await alice.client.end()).code).toBe(1009);
  });

  it("of bytes that are no UTF-8 closes the socket", async () => {
    const { alice } = await groupOf(["alice", "bob"]);
    alice.client.socket.send(Uint8Array.from([0x7b, 0xc3, 0x28, 0x7d]));
    expect((await alice.client.end()).code).toBe(3501);
  });

  it("loses piled-up marks, controls and turns of the writing direction", async () => {
    const { room, alice, bob } = await groupOf(["alice", "bob"]);
    await alice.say(room, `a${"\u0301".repeat(400)}\u0000b\u202Ec`, "n");
    await until(() => expect(bob.texts(room)).toHaveLength(1));
    const [text = ""] = bob.texts(room);
    expect([...text].length).toBeLessThan(12);
    expect(text).not.toMatch(/\u202E|\0/);
  });

  it("comes too fast, and then not any more", async () => {
    const { room, alice, bob } = await groupOf(["alice", "bob"]);
    const answers: unknown[] = [];
    for (let n = 0; n < 41; n += 1) answers.push(await alice.say(room, `m${n}`));
    expect(answers.slice(0, 40).every((answer) => JSON.stringify(answer).includes('"publish"'))).toBe(true);
    expect(answers[40]).toMatchObject({
      error: { code: 461, message: expect.stringMatching(/^too fast, \d+ s$/) },
    });
    // A resend is no message more, and nobody else is held up.
    expect(await alice.say(room, "m0")).toMatchObject({ publish: {} });
    expect(await bob.say(room, "I may")).toMatchObject({ publish: {} });
    passTime(11_000);
    expect(await alice.say(room, "me too")).toMatchObject({ publish: {} });
  });
});

describe("script is text", () => {
  it("in messages, titles, names, ids, nonces; and no reaction", async () => {
    const room = newUlid();
    const mallory = await Device.of(SCRIPT, { name: SCRIPT });
    const bob = await Device.of("bob");
    const state = await mallory.get("room.create", { room, title: SCRIPT, users: ["bob"] });
    expect(state).toMatchObject({
      title: SCRIPT,
      members: [{ user: SCRIPT, name: SCRIPT }, { user: "bob" }],
    });
    await bob.subscribe(room);
    await mallory.say(room, SCRIPT, SCRIPT);
    await bob.hears(room, SCRIPT);
    expect(bob.messages(room)[0]).toMatchObject({ user: SCRIPT, name: SCRIPT, nonce: SCRIPT });
    const id = bob.messages(room)[0]?.id;
    expect(await bob.act("room.react", { room, id, emoji: SCRIPT })).toMatchObject({ error: BAD_REQUEST });
    expect(await bob.act("room.react", { room, id, emoji: SCRIPT, on: true })).toMatchObject({
      error: CHAT_ERROR.emotesOnly,
    });
    expect(await bob.get("room.search", { room, text: SCRIPT })).toMatchObject({
      messages: [{ text: SCRIPT }],
    });
  });
});

describe("what is asked for", () => {
  it.each([
    ["room.create", { title: "" }, BAD_REQUEST],
    ["room.create", { title: "   " }, BAD_REQUEST],
    ["room.create", { title: "\u200b\u200b" }, CHAT_ERROR.empty],
    ["room.create", { title: "x".repeat(81) }, CHAT_ERROR.tooLong],
    ["room.create", { title: "a\ud800" }, CHAT_ERROR.malformedText],
    ["room.create", { title: "t", room: "stream" }, BAD_REQUEST],
    ["room.create", { title: "t", users: ["a\ud800"] }, CHAT_ERROR.malformedText],
    ["room.create", { title: "t", users: [""] }, BAD_REQUEST],
    ["room.create", { title: "t", users: Array.from({ length: 100 }, (_, n) => `u${n}`) }, BAD_REQUEST],
    ["room.direct", { user: "" }, BAD_REQUEST],
    ["room.direct", { user: "u".repeat(129) }, BAD_REQUEST],
    ["room.direct", { user: "a\ud800" }, CHAT_ERROR.malformedText],
    ["room.direct", { user: "alice" }, FORBIDDEN],
  ])("%s %j", async (method, data, error) => {
    const alice = await Device.of("alice");
    expect(await alice.act(method, { room: newUlid(), ...data })).toMatchObject({ error });
  });

  it.each([
    ["room.history", { limit: 101 }, BAD_REQUEST],
    ["room.history", { before: -1 }, BAD_REQUEST],
    ["room.history", { before: "1 OR 1" }, BAD_REQUEST],
    ["room.search", { text: "" }, BAD_REQUEST],
    ["room.search", { text: "x".repeat(201) }, BAD_REQUEST],
    ["room.message", { id: newUlid() }, CHAT_ERROR.unknownMessage],
    ["room.message", { id: "x" }, BAD_REQUEST],
    ["room.read", { seq: 1.5 }, BAD_REQUEST],
    ["room.typing", { typing: "yes" }, BAD_REQUEST],
    ["room.react", { id: newUlid(), emoji: "👍", on: true }, CHAT_ERROR.unknownMessage],
    ["room.react", { id: newUlid(), emoji: "two words", on: true }, CHAT_ERROR.emotesOnly],
    ["room.react", { id: newUlid(), emoji: "👍 👍", on: true }, CHAT_ERROR.emotesOnly],
    ["room.react", { id: newUlid(), emoji: "\u200b", on: true }, CHAT_ERROR.empty],
    ["room.react", { id: newUlid(), emoji: "\ud83d", on: true }, CHAT_ERROR.malformedText],
    ["room.react", { id: newUlid(), emoji: "👍".repeat(17), on: true }, BAD_REQUEST],
    ["room.delete", { id: newUlid() }, CHAT_ERROR.unknownMessage],
    ["room.invite", { users: [] }, BAD_REQUEST],
    ["room.invite", { users: ["a\ud800"] }, CHAT_ERROR.malformedText],
    ["room.rename", { title: "x".repeat(81) }, CHAT_ERROR.tooLong],
    ["room.role", { user: "alice", role: "emperor" }, BAD_REQUEST],
    ["room.everything", {}, { code: 104 }],
  ])("%s %j, of a room of one's own", async (method, data, error) => {
    const { room, alice } = await groupOf(["alice"]);
    const { newest } = await alice.state(room);
    expect(await alice.act(method, { room, ...data })).toMatchObject({ error });
    expect((await alice.state(room)).newest).toBe(newest);
  });
});
