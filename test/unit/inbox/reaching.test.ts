/** How many people somebody reaches out to in a day. */
import { expect, it } from "vitest";
import { REACHED, REACHED_MS, reach } from "../../../durable-objects/core/inbox/reaching.ts";

const NOW = 1_800_000_000_000;

it.each([
  ["the first", undefined, 1, { since: NOW, people: 1 }],
  ["others", { since: NOW - 5, people: 7 }, 99, { since: NOW - 5, people: 106 }],
  ["as many as may be", { since: NOW, people: REACHED - 1 }, 1, { since: NOW, people: REACHED }],
  ["one too many", { since: NOW - 1_000, people: REACHED }, 1, undefined],
  ["nobody, when there were enough", { since: NOW, people: REACHED }, 0, { since: NOW, people: REACHED }],
  ["one more a day later", { since: NOW - REACHED_MS, people: REACHED }, 1, { since: NOW, people: 1 }],
  ["a moment sooner", { since: NOW - REACHED_MS + 1, people: REACHED }, 1, undefined],
])("counts %s", (_name, before, people, expected) => {
  expect(reach(before, people, NOW)).toEqual(expected);
});
