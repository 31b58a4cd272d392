/** Numbers between two names in the order of letters, against a plain sort. */
import { expect, it } from "vitest";
import { numbersBetween, type Range } from "../../../durable-objects/core/name-ranges.ts";

const expand = (ranges: readonly Range[]): number[] =>
  ranges.flatMap(({ from, to }) => Array.from({ length: to - from + 1 }, (_, i) => from + i));
const names = (bounds: Range) =>
  expand([bounds])
    .map(String)
    .sort((a, b) => (a < b ? -1 : 1));

it.each([
  { from: 0, to: 1234 },
  { from: 95, to: 1105 },
  { from: 7, to: 7 },
  { from: 5, to: 4 },
])("cuts $from to $to into pages that are those of a sorted list", (bounds) => {
  const sorted = names(bounds);
  for (const size of [1, 7, 100, 5000]) {
    let after: number | undefined;
    for (let at = 0; at < sorted.length; at += size) {
      const page = sorted.slice(at, at + size);
      const isLast = at + size >= sorted.length;
      const upTo = isLast ? undefined : Number(page.at(-1));
      expect(expand(numbersBetween(after, upTo, bounds))).toEqual(page.map(Number).toSorted((a, b) => a - b));
      after = upTo;
    }
  }
});

it("agrees with the order of letters between any two names, also names that are not there", () => {
  const bounds = { from: 3, to: 240 };
  for (let after = 0; after < 300; after += 7) {
    for (let upTo = 0; upTo < 3000; upTo += 37) {
      const wanted = names(bounds).filter((name) => name > String(after) && name <= String(upTo));
      expect(expand(numbersBetween(after, upTo, bounds)).toSorted()).toEqual(wanted.map(Number).toSorted());
    }
  }
});

it("reaches the largest number there is", () => {
  expect(numbersBetween(undefined, undefined, { from: 0, to: 4_294_967_295 }).at(-1)).toEqual({
    from: 1_000_000_000,
    to: 4_294_967_295,
  });
  expect(numbersBetween(4_294_967_294, undefined, { from: 4_294_967_290, to: 4_294_967_295 })).toEqual([
    { from: 4_294_967_295, to: 4_294_967_295 },
  ]);
});
