/** Who is sent which of the publications of a delivery. */
import { describe, expect, it } from "vitest";
import type { Who } from "../../../durable-objects/core/viewers/socket/connection.ts";
import { tellingOf } from "../../../durable-objects/core/viewers/socket/telling.ts";

const lines = (text: string): readonly unknown[] =>
  text === "" ? [] : text.split("\n").map((line) => JSON.parse(line).push.pub.data);
const publications = [
  { offset: 1, data: "1" },
  { offset: 2, data: "2", only: { user: "alice" } },
  { data: '"passing"' },
  { offset: 3, data: "3", only: { user: "bob" } },
  { offset: 4, data: "4", only: { user: "alice" } },
];

describe("a delivery of which some is left out", () => {
  it.each([
    ["nobody that is known", { user: "" }, [1, "passing"]],
    ["who has not said who they are", undefined, [1, "passing"]],
    ["somebody else", { user: "carol", role: "member" }, [1, "passing"]],
    ["who said it", { user: "alice", role: "member" }, [1, 2, "passing", 4]],
    ["another who did", { user: "bob", role: "guest" }, [1, "passing", 3]],
    ["a moderator", { user: "mod", role: "moderator" }, [1, 2, "passing", 3, 4]],
    ["an owner", { user: "own", role: "owner" }, [1, 2, "passing", 3, 4]],
  ] as const)("goes to %s", (_name, who: Who | undefined, expected) => {
    const textFor = tellingOf("chat:a", publications);
    // A second socket of the same person gets the same.
    for (let n = 0; n < 2; n += 1) expect(lines(textFor(who ? { who } : {}))).toEqual(expected);
  });

  it("is nothing for most when all of it is left out", () => {
    const textFor = tellingOf("chat:a", publications.slice(1, 2));
    expect(textFor({ who: { user: "carol" } })).toBe("");
    expect(lines(textFor({ who: { user: "alice" } }))).toEqual([2]);
  });

  it("is one text for all when nothing is", () => {
    const textFor = tellingOf("chat:a", publications.slice(0, 1));
    expect(textFor({ who: { user: "mod", role: "moderator" } })).toBe(textFor({}));
    expect(lines(textFor({}))).toEqual([1]);
  });
});
