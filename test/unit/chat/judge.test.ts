/** Who may say what in a live room. */
import { describe, expect, it } from "vitest";
import {
  judgeText,
  PACE_MESSAGES,
  PACE_MS,
  type Past,
  readText,
  type Speaker,
} from "../../../durable-objects/core/chat/judge.ts";
import {
  type ChatSettings,
  CONVERSATION_BYTES,
  DEFAULT_SETTINGS,
  roomOfChannel,
} from "../../../wire/chat.ts";
import { ulid } from "../../../wire/ulid.ts";

const NOW = Date.UTC(2026, 10, 21);
const member: Speaker = { user: "alice", role: "member", badges: [], address: "a" };
const guest: Speaker = { ...member, user: "guest:1", role: "guest" };
const nobody: Speaker = { ...member, user: "", role: "guest" };
const follower: Speaker = { ...member, badges: ["follower"] };
const subscriber: Speaker = { ...member, badges: ["subscriber"] };
const moderator: Speaker = { ...member, user: "mod", role: "moderator" };
const fresh: Past = { lately: 0, isRepeated: false };

const judge = (
  speaker: Speaker,
  settings: Partial<ChatSettings> = {},
  past: Partial<Past> = {},
  text = "hello there",
) => judgeText(speaker, text, { ...fresh, ...past }, { ...DEFAULT_SETTINGS, ...settings }, NOW);

describe("somebody who wants to write", () => {
  it.each([
    ["a member", member, {}, {}, undefined],
    ["nobody that is known", nobody, {}, {}, { name: "readOnly" }],
    ["a guest", guest, {}, {}, { name: "readOnly" }],
    ["a guest where guests write", guest, { guestsWrite: true }, {}, undefined],
    ["a member when the room is closed", member, { enabled: false }, {}, { name: "chatOff" }],
    ["a moderator when the room is closed", moderator, { enabled: false }, {}, undefined],
    ["a member among followers", member, { access: "followers" }, {}, { name: "followersOnly" }],
    ["a follower among followers", follower, { access: "followers" }, {}, undefined],
    ["a subscriber among followers", subscriber, { access: "followers" }, {}, undefined],
    ["a follower among subscribers", follower, { access: "subscribers" }, {}, { name: "subscribersOnly" }],
    ["a subscriber among subscribers", subscriber, { access: "subscribers" }, {}, undefined],
    ["a moderator among subscribers", moderator, { access: "subscribers" }, {}, undefined],
    ["who is banned", member, {}, { silencedUntil: "ever" }, { name: "banned" }],
    ["a moderator who is banned", moderator, {}, { silencedUntil: "ever" }, { name: "banned" }],
    ["who is timed out", member, {}, { silencedUntil: NOW + 1500 }, { name: "timedOut", seconds: 2 }],
    ["whose time-out is over", member, {}, { silencedUntil: NOW }, undefined],
    ["who is too fast", member, {}, { lately: PACE_MESSAGES }, { name: "tooFast", seconds: PACE_MS / 1000 }],
    [
      "a moderator who is too fast",
      moderator,
      {},
      { lately: PACE_MESSAGES },
      { name: "tooFast", seconds: 10 },
    ],
    [
      "in slow mode",
      member,
      { slowSeconds: 30 },
      { spokeAt: NOW - 10_000 },
      { name: "slowMode", seconds: 20 },
    ],
    ["in slow mode, after a while", member, { slowSeconds: 30 }, { spokeAt: NOW - 30_000 }, undefined],
    ["in slow mode, a moderator", moderator, { slowSeconds: 30 }, { spokeAt: NOW }, undefined],
    ["who repeats themselves", member, {}, { isRepeated: true }, { name: "repeated" }],
  ] as const)("%s", (_name, speaker, settings, past, refusal) => {
    expect(judge(speaker, settings, past)).toEqual(refusal);
  });

  it.each([
    ["words where emotes are", { emotesOnly: true }, "hello", { name: "emotesOnly" }],
    ["emotes where emotes are", { emotesOnly: true }, "👍 :wave:", undefined],
    ["a link where there are none", { links: false }, "see example.com", { name: "noLinks" }],
    ["a blocked word", { blockedWords: ["spam"] }, "SPAM here", { name: "blockedWord" }],
  ] as const)("says %s", (_name, settings, text, refusal) => {
    expect(judge(member, settings as Partial<ChatSettings>, {}, text)).toEqual(refusal);
    expect(judge(moderator, settings as Partial<ChatSettings>, {}, text)).toBeUndefined();
  });
});

describe("a text", () => {
  it.each([
    ["at its limit", "a".repeat(500), { letters: 500 }, { ok: true, value: "a".repeat(500) }],
    ["one letter too long", "a".repeat(501), { letters: 500 }, { ok: false, error: { name: "tooLong" } }],
    ["of emoji at its limit", "👍".repeat(500), { letters: 500 }, { ok: true, value: "👍".repeat(500) }],
    ["of a megabyte", "a".repeat(1_000_000), { letters: 500 }, { ok: false, error: { name: "tooLong" } }],
    ["of nothing", " \u200b\n", { letters: 500 }, { ok: false, error: { name: "empty" } }],
    ["with half a letter", "a\ud800", { letters: 500 }, { ok: false, error: { name: "malformedText" } }],
    [
      "of a conversation, too many bytes",
      "é".repeat(CONVERSATION_BYTES / 2 + 1),
      { bytes: CONVERSATION_BYTES },
      { ok: false, error: { name: "tooLong" } },
    ],
  ] as const)("%s", (_name, text, limit, read) => {
    expect(readText(text, limit)).toEqual(read);
  });
});

it("makes ids that sort by time (github.com/ulid/spec)", () => {
  const none = new Uint8Array(10);
  expect(ulid(1_469_918_176_385, none)).toBe("01ARYZ6S410000000000000000");
  expect(ulid(0, new Uint8Array(10).fill(255))).toBe("0000000000ZZZZZZZZZZZZZZZZ");
  expect(ulid(NOW, none) < ulid(NOW + 1, none)).toBe(true);
  expect(roomOfChannel(`chat:${ulid(NOW, none)}`)).toBe(ulid(NOW, none));
});

it.each([
  ["chat:radio", "radio"],
  ["chat:", undefined],
  ["chat:Radio", undefined],
  ["live:radio", undefined],
  ["chat:01ARYZ6S41000000000000000", undefined],
])("finds the room of %s", (channel, room) => {
  expect(roomOfChannel(channel)).toBe(room);
});
