/** Mentions: what is one, whose, and how one is completed. */
import { describe, expect, it } from "vitest";
import { complete, completionAt, isForMe, piecesOf } from "../../../web/chat/mentions.ts";
import { NOBODY, type Who } from "../../../web/chat/who.ts";
import { ALICE } from "./people.ts";

const spaced: Who = { ...ALICE, name: "Alice Lee (UK)" };

it.each<[string, Who, string, boolean]>([
  ["their name", ALICE, "hi @alice!", true],
  ["another's, longer", ALICE, "hi @alicette", false],
  ["another's, in their script", ALICE, "hi @aliceя", false],
  ["a name without a sign", ALICE, "alice", false],
  ["an address", ALICE, "bob@alice.example", false],
  ["a name of several words", spaced, "so @Alice Lee (UK), what now", true],
  ["half of it", spaced, "@Alice", false],
  ["who has no name, by their id", { user: "u.1", role: "member", badges: [] }, "@u.1 hello", true],
  ["another id", { user: "u.1", role: "member", badges: [] }, "@ux1 hello", false],
  ["nobody", NOBODY, "@ hello", false],
  ["brackets that would be a pattern", { ...ALICE, name: "a[b" }, "@a[b", true],
])("mentions %s", (_name, me, text, isMine) => {
  expect(isForMe(text, me)).toBe(isMine);
});

it.each([
  "",
  "plain",
  "@",
  "@@",
  "@alice",
  "x @alice y @bob.",
  "@alice@alice",
  "a\n@alice",
  "@alice 🎉 @bob",
])("leaves nothing of a text out: %j", (text) => {
  expect(
    piecesOf(text, ALICE)
      .map((piece) => piece.text)
      .join(""),
  ).toBe(text);
});

describe("completion", () => {
  const names = ["Bob", "Bobby", "Zoë", "Alice Lee", "Bob"];

  it.each([
    ["b", "@b", 2, ["Bob", "Bobby"]],
    ["nothing yet", "@", 1, ["Bob", "Bobby", "Zoë", "Alice Lee"]],
    ["other letters", "hi @zo", 6, ["Zoë"]],
    ["the second word", "@alice l", 8, ["Alice Lee"]],
    ["in the middle", "@bo you", 3, ["Bob", "Bobby"]],
    ["all of it, and there is a longer one", "@bob", 4, ["Bob", "Bobby"]],
    ["all of it", "@zoë", 4, undefined],
    ["nobody's", "@qq", 3, undefined],
    ["an address", "me@b", 4, undefined],
    ["no sign", "bob", 3, undefined],
    ["the caret before it", " @b", 0, undefined],
  ])("offers names for %s", (_name, text, caret, offered) => {
    expect(completionAt(text, caret, names)?.choices.map(({ shown }) => shown)).toEqual(offered);
  });

  it("puts the name in, and the caret behind it", () => {
    const found = completionAt("hi @bo, you", 6, names);
    expect(found && complete("hi @bo, you", found, "@Bobby")).toEqual({ text: "hi @Bobby , you", caret: 10 });
    const last = completionAt("@z", 2, names);
    expect(last && complete("@z", last, "@Zoë")).toEqual({ text: "@Zoë ", caret: 5 });
  });
});
