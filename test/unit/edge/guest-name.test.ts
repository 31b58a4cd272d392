/** Names that guests may have. */
import { expect, it } from "vitest";
import { isGuestName } from "../../../workers/edge/core/guest-name.ts";

it.each([
  "Alice",
  "a",
  "7",
  "Zo\u00eb van der Berg",
  "\u674e\u96f7",
  "\u05d3\u05e0\u05d4",
  "\u0645\u0631\u064a\u0645",
  "\u0938\u0940\u0924\u093e",
  "\u{1f600}",
  // A family: people joined by what cannot be seen.
  "\u{1f468}\u200d\u{1f469}\u200d\u{1f467}",
  "<b>Bob</b>",
  "!",
])("%s is one", (name) => {
  expect(isGuestName(name)).toBe(true);
});

it.each([
  ["a newline", "a\nb"],
  ["a tab", "a\tb"],
  ["a NUL", "a\u0000"],
  ["an escape", "\u001b[31mred"],
  ["a C1 control", "a\u0085b"],
  ["a line separator", "a\u2028b"],
  ["a paragraph separator", "a\u2029b"],
  ["a left-to-right mark", "a\u200e"],
  ["a right-to-left mark", "a\u200f"],
  ["an Arabic letter mark", "a\u061c"],
  ["an embedding", "a\u202ab"],
  ["an override", "\u202eecilA"],
  ["an isolate", "\u2067Alice"],
  ["its end", "Alice\u2069"],
  ["half a surrogate", "a\ud83d"],
  ["the other half", "\ude00a"],
  ["only joiners", "\u200d\u200d"],
  ["only spaces without width", "\u200b\u2060"],
  ["only an accent", "\u0301"],
  ["only a filler of Hangul", "\u3164"],
  ["only an empty Braille cell", "\u2800"],
])("%s makes none", (_what, name) => {
  expect(isGuestName(name)).toBe(false);
});
