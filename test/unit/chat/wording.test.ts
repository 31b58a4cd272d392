/** Titles, reactions, what is searched for, and how much of a text goes where; how fast one may write; ids of rooms of two. */
import { describe, expect, it } from "vitest";
import { CONVERSATION_PACE, CONVERSATION_PACE_MS, Pace } from "../../../durable-objects/core/chat/pace.ts";
import {
  beginning,
  inlined,
  queryOf,
  readReaction,
  readTitle,
} from "../../../durable-objects/core/chat/wording.ts";
import { directRoom } from "../../../durable-objects/viewers/direct-room.ts";
import { ULID } from "../../../wire/chat.ts";
import { isDirectRoom } from "../../../wire/conversations.ts";

const value = <T>(ok: T) => ({ ok: true, value: ok });
const refused = (name: string) => ({ ok: false, error: { name } });

it.each([
  ["Book club", value("Book club")],
  ["  two\n lines\t ", value("two lines")],
  ["x".repeat(80), value("x".repeat(80))],
  ["📚".repeat(80), value("📚".repeat(80))],
  ["x".repeat(81), refused("tooLong")],
  ["\u200b", refused("empty")],
  ["a\ud800", refused("malformedText")],
])("title %j", (written, read) => {
  expect(readTitle(written)).toEqual(read);
});

it.each([
  ["👍", value("👍")],
  ["👩‍👩‍👧", value("👩‍👩‍👧")],
  [":party:", value(":party:")],
  ["no", refused("emotesOnly")],
  ["👍 👍", refused("emotesOnly")],
  ["\u200b", refused("empty")],
  ["\ud83d", refused("malformedText")],
])("reaction %j", (written, read) => {
  expect(readReaction(written)).toEqual(read);
});

it.each([
  ["hello", '"hello"*'],
  ["hello world", '"hello" "world"*'],
  ['say "hi" NOT * (a OR b) text:c ^d -e', '"say" "hi" "NOT" "a" "OR" "b" "text" "c" "d" "e"*'],
  ["don't", '"don" "t"*'],
  ["мир café", '"мир" "café"*'],
  ["!!! --", undefined],
])("a query for %j", (written, query) => {
  expect(queryOf(written)).toEqual(value(query));
});

describe("the beginning of a text", () => {
  it.each([
    ["abc", 3, { text: "abc" }],
    ["abcd", 3, { text: "abc", more: true }],
    ["👍👍👍", 2, { text: "👍👍", more: true }],
    ["", 3, { text: "" }],
  ])("%j, %i letters", (text, letters, found) => {
    expect(beginning(text, letters)).toEqual(found);
  });

  it("is what a publication carries of one with more than 8 KB", () => {
    expect(inlined("x".repeat(8 * 1024))).toEqual({ text: "x".repeat(8 * 1024) });
    expect(inlined("x".repeat(8 * 1024 + 1))).toEqual({ text: "x".repeat(1_000), more: true });
    expect(inlined("ß".repeat(4 * 1024 + 1))).toMatchObject({ more: true });
  });
});

it("a pace is one person's, and what was too fast is not counted", () => {
  const pace = new Pace();
  for (let n = 0; n < CONVERSATION_PACE; n += 1) expect(pace.take("alice", 1_000 + n)).toBeUndefined();
  expect(pace.take("alice", 2_000)).toBe(9);
  expect(pace.take("bob", 2_000)).toBeUndefined();
  expect(pace.take("alice", 1_000 + CONVERSATION_PACE_MS - 1)).toBe(1);
  expect(pace.take("alice", 1_000 + CONVERSATION_PACE_MS)).toBeUndefined();
  expect(pace.take("alice", 1_000 + CONVERSATION_PACE_MS)).toBe(1);
});

it("a room of two has an id that no group can have, whoever asks", async () => {
  const room = await directRoom("alice", "bob");
  expect(room).toMatch(ULID);
  expect(await directRoom("bob", "alice")).toBe(room);
  expect(await directRoom("alice", "bobby")).not.toBe(room);
  expect(await directRoom('alice","bob', "")).not.toBe(room);
  expect(isDirectRoom(room)).toBe(true);
  expect(isDirectRoom("01ARYZ6S410000000000000000")).toBe(false);
});
