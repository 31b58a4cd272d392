/** What the chat says: errors, waits, obstacles, counters. */
import { describe, expect, it } from "vitest";
import { type Obstacle, obstacleOf, type Standing, silenceOf } from "../../../web/chat/standing.ts";
import { NOBODY, takeToken, type Who, whoOf } from "../../../web/chat/who.ts";
import {
  badgeWords,
  confirmWords,
  counterWords,
  guestRefusalWords,
  modeWords,
  obstacleWords,
  refusalWords,
  secondsOf,
  unreadWords,
  waitWords,
} from "../../../web/chat/words.ts";
import { CHAT_ERROR } from "../../../wire/chat.ts";
import { ALICE, SETTINGS } from "./people.ts";

describe("why a message is not taken", () => {
  it.each(Object.values(CHAT_ERROR))("has words for $code, $message", (error) => {
    const words = refusalWords(error);
    expect(words).toMatch(/^[A-Z].*\.$/);
    expect(words).not.toBe(refusalWords({ code: 999, message: "" }));
  });

  it.each([
    [{ code: 460, message: "slow mode, 12 s" }, "Slow mode. You can write in 12 s."],
    [{ code: 459, message: "timed out, 600 s" }, "You are timed out. You can write in 10 min."],
    [{ code: 462, message: "said already" }, "You said the same a moment ago."],
    [{ code: 103, message: "permission denied" }, "It could not be sent."],
  ])("%j", (error, words) => {
    expect(refusalWords(error)).toBe(words);
  });

  it.each([
    ["slow mode, 12 s", 12],
    ["slow mode", undefined],
    ["slow mode, many s", undefined],
    ["too fast, 10 s", 10],
  ])("%s says how long: %s", (message, seconds) => {
    expect(secondsOf(message)).toBe(seconds);
  });
});

it.each([
  [0.2, "1 s"],
  [-3, "0 s"],
  [59, "59 s"],
  [60, "1 min"],
  [61, "2 min"],
  [3_600, "1 h"],
  [3_900, "1 h 5 min"],
  [200_000, "3 days"],
])("%d s is a wait of %s", (seconds, words) => {
  expect(waitWords(seconds)).toBe(words);
});

it.each([
  [0, 500, ""],
  [449, 500, ""],
  [450, 500, "50 left"],
  [500, 500, "0 left"],
  [503, 500, "3 too many"],
  [5, 20, ""],
  [15, 20, "5 left"],
])("of %d letters, %d at most, it says %j", (letters, most, words) => {
  expect(counterWords(letters, most)).toBe(words);
});

it.each([
  [0, "To the newest"],
  [1, "1 new message"],
  [12, "12 new messages"],
  [5_000, "999+ new messages"],
])("%d unread", (unread, words) => {
  expect(unreadWords(unread)).toBe(words);
});

it("names how the room is run", () => {
  expect(modeWords(SETTINGS)).toBe("");
  expect(modeWords({ ...SETTINGS, slowSeconds: 30, access: "followers", links: false })).toBe(
    "Slow mode, 30 s · Followers only · No links",
  );
});

it("names roles, deeds and what became of a guest", () => {
  expect((["guest", "member", "moderator", "owner"] as const).map(badgeWords)).toEqual([
    "Guest",
    "",
    "Mod",
    "Host",
  ]);
  expect(confirmWords("ban", "Eve")).toMatchObject({ question: "Ban Eve?", action: "Ban" });
  expect(confirmWords("timeout", "Eve").detail).toContain("10 minutes");
  expect(new Set([400, 429, 503, 0].map(guestRefusalWords)).size).toBe(3);
});

describe("what keeps somebody from writing", () => {
  const guest: Who = { user: "guest:1", name: "Gus", role: "guest", badges: [] };
  const standing = (more: Partial<Standing> = {}): Standing => ({ who: ALICE, mayModerate: false, ...more });
  const moderator = standing({ mayModerate: true });

  it.each<[string, Standing, Partial<typeof SETTINGS>, Obstacle["type"] | undefined]>([
    ["nothing", standing(), {}, undefined],
    ["no token", standing({ who: NOBODY }), {}, "signed-out"],
    ["no token, where guests write", standing({ who: NOBODY }), { guestsWrite: true }, "nobody"],
    [
      "no token, where nobody writes",
      standing({ who: NOBODY }),
      { enabled: false, guestsWrite: true },
      "chat-off",
    ],
    [
      "no token, among followers",
      standing({ who: NOBODY }),
      { access: "followers", guestsWrite: true },
      "followers",
    ],
    ["a guest", standing({ who: guest }), {}, "guests-read"],
    ["a guest, where guests write", standing({ who: guest }), { guestsWrite: true }, undefined],
    ["chat is off", standing(), { enabled: false }, "chat-off"],
    ["chat is off, a moderator", moderator, { enabled: false, access: "subscribers" }, undefined],
    ["among followers", standing(), { access: "followers" }, "followers"],
    ["a follower", standing({ who: { ...ALICE, badges: ["follower"] } }), { access: "followers" }, undefined],
    [
      "a subscriber is one",
      standing({ who: { ...ALICE, badges: ["subscriber"] } }),
      { access: "followers" },
      undefined,
    ],
    [
      "among subscribers",
      standing({ who: { ...ALICE, badges: ["follower"] } }),
      { access: "subscribers" },
      "subscribers",
    ],
    ["a ban", standing({ silence: "ever" }), {}, "banned"],
    ["a ban of a moderator", { ...moderator, silence: "ever" }, {}, "banned"],
    ["a time-out", standing({ silence: 1_001 }), {}, "timed-out"],
    ["a time-out that is over", standing({ silence: 1_000 }), {}, undefined],
  ])("%s", (_name, who, settings, type) => {
    const obstacle = obstacleOf(who, { ...SETTINGS, ...settings }, 1_000);
    expect(obstacle?.type).toBe(type);
    if (obstacle) expect(obstacleWords(obstacle, 1_000)).toMatch(/^[A-Z].*\.$/);
  });

  it("says for how long, and that a token has ended", () => {
    expect(obstacleWords({ type: "timed-out", untilMs: 600_000 }, 0)).toBe(
      "You are timed out. You can write again in 10 min.",
    );
    expect(obstacleWords({ type: "signed-out" }, 0, true)).toContain("any more");
  });

  it("is told by the room's answer", () => {
    const no = { mayWrite: false, mayModerate: false };
    expect(silenceOf({ ...no, why: "banned" })).toBe("ever");
    expect(silenceOf({ ...no, why: "timed out", until: "1970-01-01T00:00:05Z" })).toBe(5_000);
    expect(silenceOf({ ...no, why: "followers only" })).toBeUndefined();
    expect(silenceOf({ mayWrite: true, mayModerate: false })).toBeUndefined();
  });
});

describe("a token", () => {
  const tokenOf = (claims: unknown): string =>
    `x.${Buffer.from(JSON.stringify(claims)).toString("base64url")}.y`;

  it("says who somebody is", () => {
    expect(
      whoOf(tokenOf({ sub: "u", name: "Zoë 🎉", role: "moderator", badges: ["follower"], exp: 5 })),
    ).toEqual({
      user: "u",
      name: "Zoë 🎉",
      role: "moderator",
      badges: ["follower"],
    });
    expect(whoOf(tokenOf({ sub: "u" }))).toEqual({ user: "u", role: "member", badges: [] });
  });

  it.each([
    "",
    "abc",
    "a.b",
    "a.%%%.c",
    tokenOf(null),
    tokenOf({ sub: "" }),
    tokenOf({ sub: "u", role: "king" }),
    `${tokenOf({ sub: "u" })}.z`,
  ])("is none: %s", (text) => {
    expect(whoOf(text)).toBeUndefined();
  });

  it.each([
    ["", undefined],
    ["#", undefined],
    ["#chat", undefined],
    ["#token=", undefined],
    ["#token=a.b-c_.d", { token: "a.b-c_.d", rest: "" }],
    ["#t=5&token=a.b.c", { token: "a.b.c", rest: "#t=5" }],
  ])("is taken out of %j", (hash, taken) => {
    expect(takeToken(hash)).toEqual(taken);
  });
});
