/** What people write: what is kept of it, and what is found in it. */
import { describe, expect, it } from "vitest";
import {
  excerpt,
  hasLink,
  hasWord,
  isBlank,
  isEmotes,
  lettersOf,
  tidy,
} from "../../../durable-objects/core/chat/text.ts";

describe("a text is tidied", () => {
  it.each([
    ["as it is", "Hello, world!", "Hello, world!"],
    ["spaces around it", "  hi \n", "hi"],
    ["lines", "a\r\nb\rc", "a\nb\nc"],
    ["empty lines", "a\n\n\n\n\nb", "a\n\nb"],
    ["a tab", "a\tb", "a b"],
    ["control characters", "a\u0000b\u0007c\u001b[31m", "abc[31m"],
    ["a flood without width", `x${"\u200b".repeat(1000)}y`, "xy"],
    ["a byte order mark", "\ufeffhi", "hi"],
    ["another writing direction", "\u202eevil\u2066", "evil"],
    ["piled-up marks", `z${"\u0301".repeat(50)}algo`, `ź${"\u0301".repeat(6)}algo`],
    ["Vietnamese", "Tiếng Việt", "Tiếng Việt"],
    ["Hebrew with points", "שָׁלוֹם", "שָׁלוֹם".normalize("NFC")],
    ["a family", "👨‍👩‍👧‍👦", "👨‍👩‍👧‍👦"],
    ["a flood of joiners", `a${"\u200d".repeat(500)}`, "a\u200d"],
    ["a letter in two pieces", "e\u0301", "é"],
    ["script", "<script>alert(1)</script>", "<script>alert(1)</script>"],
  ])("%s", (_name, text, kept) => {
    expect(tidy(text)).toBe(kept);
  });

  it.each(["\ud800", "a\udc00b", "\udc00\ud800"])("lone surrogates are no text: %j", (text) => {
    expect(tidy(text)).toBeUndefined();
  });

  it("has at most twenty lines", () => {
    const kept = tidy(Array.from({ length: 300 }, (_, i) => `line ${i}`).join("\n"));
    expect(kept?.split("\n")).toHaveLength(20);
    expect(kept?.endsWith("line 298 line 299")).toBe(true);
  });

  it("takes no longer for marks that are piled up out of order", () => {
    // Putting them in order takes four times as long for twice as many (Unicode UAX 15, canonical ordering).
    const text = `a${"\u0315".repeat(25_000)}${"\u0323".repeat(25_000)}`;
    const before = performance.now();
    expect(lettersOf(tidy(text) ?? "")).toBeLessThan(10);
    expect(performance.now() - before).toBeLessThan(100);
  });

  it("is the same when it is tidied again", () => {
    const pieces = ["a", " ", "\n", "\r", "\u200b", "\u0301", "\u200d", "👩", "\u202e", "é", "\t", "\u0000"];
    let state = 7;
    const random = (below: number) => {
      state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fffffff;
      return (state >>> 8) % below;
    };
    for (let run = 0; run < 20_000; run += 1) {
      const text = Array.from({ length: random(40) }, () => pieces[random(pieces.length)]).join("");
      const once = tidy(text) ?? "";
      expect(tidy(once), JSON.stringify(text)).toBe(once);
    }
  });
});

it.each([
  ["", true],
  [" \n\t", true],
  ["\u200d\ufe0f", true],
  ["\u3164", true],
  ["\u2800\u00ad", true],
  [".", false],
  ["👍", false],
])("knows a blank text: %j %s", (text, blank) => {
  expect(isBlank(text)).toBe(blank);
});

it("counts letters, not units", () => {
  expect(lettersOf("a👍é")).toBe(3);
});

it.each([
  ["short", 10, "short"],
  ["one two three", 8, "one two…"],
  ["👍👍👍👍", 3, "👍👍…"],
  ["a\n\nb", 10, "a b"],
])("quotes %j in %i letters", (text, letters, quoted) => {
  expect(excerpt(text, letters)).toBe(quoted);
});

it.each([
  ["see https://example.com/x", true],
  ["example.com", true],
  ["go to sub.example.co.uk now", true],
  ["(example.org)", true],
  ["example.com.", true],
  ["www.example", true],
  ["ftp://x", true],
  ["bücher.de", true],
  ["xn--bcher-kva.example/", true],
  ["example.com:8080", true],
  ["I like it... really", false],
  ["3.14 and 2.71", false],
  ["v1.2.3", false],
  ["end.Begin anew", false],
  ["a.b", false],
  ["no link", false],
] as const)("finds a link in %j: %s", (text, found) => {
  expect(hasLink(text)).toBe(found);
});

it.each([
  ["👍", true],
  ["👍 👨‍👩‍👧‍👦 🇩🇪 👋🏽", true],
  [":wave: :heart_eyes:", true],
  ["1️⃣", true],
  ["👍 nice", false],
  ["12", false],
  ["hello", false],
] as const)("knows emotes: %j %s", (text, only) => {
  expect(isEmotes(text)).toBe(only);
});

it.each([
  ["that is spam", ["spam"], true],
  ["SPAM!", ["spam"], true],
  ["sp4m", ["spam"], true],
  ["s\u0301pam", ["spam"], true],
  ["ｓｐａｍ", ["spam"], true],
  ["s\u200dpam", ["spam"], true],
  ["spammer", ["spam"], false],
  ["buy  now, friend", ["buy now"], true],
  ["classic", ["ass"], false],
  ["anything", [], false],
  ["anything", ["..."], false],
] as const)("finds a blocked word in %j of %j: %s", (text, words, found) => {
  expect(hasWord(text, words)).toBe(found);
});
