/** Who may do what in a conversation, by the table of roles. */
import { describe, expect, it } from "vitest";
import {
  type Company,
  judgeInvitation,
  judgeLeaving,
  judgeRemoval,
  judgeRole,
  mayDelete,
  mayModerate,
} from "../../../durable-objects/core/chat/membership.ts";
import { MAX_MEMBERS, type MemberRole, type RoomKind } from "../../../wire/conversations.ts";

const company = (roles: Record<string, MemberRole>, kind: RoomKind = "group"): Company => ({
  kind,
  roles: new Map(Object.entries(roles)),
});
const staffed = company({ ann: "owner", max: "moderator", bob: "member", carol: "member" });
const pair = company({ ann: "member", bob: "member" }, "direct");
const last = { name: "lastOwner" };

describe("who may be asked in", () => {
  it.each([
    ["by an owner", staffed, "ann", ["dave", "eve"], { ok: true, value: ["dave", "eve"] }],
    [
      "by a moderator, twice, and who is there",
      staffed,
      "max",
      ["dave", "dave", "bob"],
      { ok: true, value: ["dave"] },
    ],
    ["by a member", staffed, "bob", ["dave"], { ok: false, error: "forbidden" }],
    ["by who is none", staffed, "eve", ["dave"], { ok: false, error: "forbidden" }],
    ["into a room of two", pair, "ann", ["dave"], { ok: false, error: "forbidden" }],
    [
      "who has no name that can be written",
      staffed,
      "ann",
      ["a\ud800"],
      { ok: false, error: { name: "malformedText" } },
    ],
  ] as const)("%s", (_name, of, by, users, verdict) => {
    expect(judgeInvitation(of, by, users)).toEqual(verdict);
  });

  it("as many as there is room for", () => {
    const crowd = Array.from({ length: MAX_MEMBERS - 4 }, (_, n) => `user-${n}`);
    expect(judgeInvitation(staffed, "ann", crowd)).toMatchObject({ ok: true });
    expect(judgeInvitation(staffed, "ann", [...crowd, "bob"])).toMatchObject({ ok: true });
    expect(judgeInvitation(staffed, "ann", [...crowd, "dave"])).toEqual({
      ok: false,
      error: { name: "tooManyMembers" },
    });
  });
});

describe("who may go, and be made to go", () => {
  it.each([
    ["an owner removes a moderator", staffed, "ann", "max", undefined],
    ["a moderator a member", staffed, "max", "bob", undefined],
    [
      "a moderator a moderator",
      company({ ann: "owner", max: "moderator", moe: "moderator" }),
      "max",
      "moe",
      "forbidden",
    ],
    ["a moderator an owner", staffed, "max", "ann", "forbidden"],
    ["an owner another", company({ ann: "owner", zoe: "owner" }), "ann", "zoe", undefined],
    ["a member a member", staffed, "bob", "carol", "forbidden"],
    ["an owner nobody", staffed, "ann", "eve", { name: "notAMember" }],
    ["a member themselves", staffed, "bob", "bob", undefined],
    ["the last owner themselves", staffed, "ann", "ann", last],
    ["somebody the other one of two", pair, "ann", "bob", "forbidden"],
  ] as const)("%s", (_name, of, by, user, verdict) => {
    expect(judgeRemoval(of, by, user)).toEqual(verdict);
  });

  it.each([
    ["a member", staffed, "bob", undefined],
    ["the last owner", staffed, "ann", last],
    ["one of two owners", company({ ann: "owner", zoe: "owner", bob: "member" }), "ann", undefined],
    ["an owner who is alone", company({ ann: "owner" }), "ann", undefined],
    ["one of two people", pair, "ann", "forbidden"],
  ] as const)("leaving: %s", (_name, of, user, verdict) => {
    expect(judgeLeaving(of, user)).toEqual(verdict);
  });
});

it.each([
  ["an owner makes another", staffed, "ann", "bob", "owner", undefined],
  ["a moderator makes nobody anything", staffed, "max", "bob", "moderator", "forbidden"],
  ["a member makes themselves nothing", staffed, "bob", "bob", "owner", "forbidden"],
  ["the last owner stays one", staffed, "ann", "ann", "moderator", last],
  ["and may be made what they are", staffed, "ann", "ann", "owner", undefined],
  ["one of two need not", company({ ann: "owner", zoe: "owner" }), "ann", "ann", "member", undefined],
  ["nobody who is not there", staffed, "ann", "eve", "member", { name: "notAMember" }],
  ["in a room of two there are none", pair, "ann", "bob", "owner", "forbidden"],
] as const)("roles: %s", (_name, of, by, user, role, verdict) => {
  expect(judgeRole(of, by, user, role)).toEqual(verdict);
});

it("moderating and deleting are for who runs a group; one's own is one's own", () => {
  expect(["ann", "max", "bob", "eve"].map((user) => mayModerate(staffed, user))).toEqual([
    true,
    true,
    false,
    false,
  ]);
  expect(["ann", "bob"].map((user) => mayModerate(pair, user))).toEqual([false, false]);
  expect(mayDelete(pair, "ann", "bob")).toBe(false);
  expect(mayDelete(pair, "ann", "ann")).toBe(true);
  expect(mayDelete(staffed, "max", "ann")).toBe(true);
});
