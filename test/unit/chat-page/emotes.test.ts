/** Emotes: names between colons as signs, and which are offered while one is typed. */
import { describe, expect, it } from "vitest";
import { isEmotes } from "../../../durable-objects/core/chat/text.ts";
import { EMOTES, emoteAt, emotesIn } from "../../../web/chat/emotes.ts";

describe("emotes of a text", () => {
  it.each<[string, string, readonly (string | readonly [string, string])[]]>([
    ["none", "hello", ["hello"]],
    ["one alone", ":wave:", [[":wave:", "👋"]]],
    ["one among words", "hi :wave: you", ["hi ", [":wave:", "👋"], " you"]],
    [
      "two side by side",
      ":fire::tada:",
      [
        [":fire:", "🔥"],
        [":tada:", "🎉"],
      ],
    ],
    ["a name that nobody knows", "a :nope: b", ["a :nope: b"]],
    ["a time", "at 10:30:00", ["at 10:30:00"]],
    ["what every object has", ":constructor: :toString:", [":constructor: :toString:"]],
    ["nothing", "", []],
  ])("%s", (_name, text, pieces) => {
    const seen = emotesIn(text).map((piece) =>
      piece.sign === undefined ? piece.text : [piece.text, piece.sign],
    );
    expect(seen).toEqual(pieces);
  });

  it.each(Object.keys(EMOTES))(":%s: is shown, and an emote to a room for emotes only", (name) => {
    expect(emotesIn(`:${name}:`)).toEqual([{ text: `:${name}:`, sign: EMOTES[name] }]);
    expect(isEmotes(`:${name}:`)).toBe(true);
  });
});

describe("what is offered", () => {
  it.each<[string, string, number, readonly string[] | undefined]>([
    ["two letters", ":th", 3, ["think", "thumbsup", "thumbsdown"]],
    ["behind a word", "so :wa", 6, ["wave"]],
    ["behind another emote", ":fire::ta", 9, ["tada"]],
    ["a smiley", ":D", 2, undefined],
    ["one letter", ":t", 2, undefined],
    ["a time", "10:30", 5, undefined],
    ["a word with a colon", "note:wave", 9, undefined],
    ["the caret before it", ":wave", 1, undefined],
    ["nobody's", ":zzz", 4, undefined],
  ])("for %s", (_name, text, caret, names) => {
    expect(emoteAt(text, caret)?.names).toEqual(names);
  });
});
