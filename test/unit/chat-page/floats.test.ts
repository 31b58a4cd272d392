/** Which signs rise for what was counted. */
import { describe, expect, it } from "vitest";
import { type Counts, floatsOf, MAX_FLOATS, withoutOwn } from "../../../web/chat/floats.ts";

const countOf = (signs: readonly string[]): Readonly<Record<string, number>> => {
  const counts: Record<string, number> = {};
  for (const sign of signs) counts[sign] = (counts[sign] ?? 0) + 1;
  return counts;
};

describe("signs that rise", () => {
  it.each([
    ["none", {}, {}],
    ["few: all of them", { "🔥": 3, "👏": 1 }, { "🔥": 3, "👏": 1 }],
    ["many: in their shares", { "🔥": 1_000, "👏": 500 }, { "🔥": 20, "👏": 10 }],
    ["very many: the rare ones too", { "🔥": 100_000, "😮": 1 }, { "🔥": 29, "😮": 1 }],
  ] as const)("%s", (_name, counts: Counts, shown) => {
    expect(countOf(floatsOf(counts, MAX_FLOATS))).toEqual(shown);
  });

  it.each([0, 1, 3, MAX_FLOATS])("are %i at most, when there is no more room", (room) => {
    const counts = { "❤️": 50, "🔥": 50, "😂": 50, "👏": 50, "😮": 50, "🎉": 50 };
    expect(floatsOf(counts, room)).toHaveLength(room);
    expect(floatsOf(counts, -5)).toEqual([]);
  });

  it("are mixed", () => {
    expect(floatsOf({ "🔥": 2, "👏": 2 }, 10).slice(0, 2).toSorted()).toEqual(["👏", "🔥"].toSorted());
  });
});

it.each([
  ["others' only", { "🔥": 3 }, {}, { "🔥": 3 }],
  ["some own", { "🔥": 3, "👏": 1 }, { "🔥": 1, "👏": 1 }, { "🔥": 2 }],
  ["own ones that come later", { "🔥": 1 }, { "🔥": 2 }, {}],
  ["signs that are not known here", { "🦄": 3, "<b>": 1 }, {}, {}],
] as const)("what is left of %s", (_name, counts, own: Counts, left) => {
  expect(withoutOwn({ counts }, own)).toEqual(left);
});
