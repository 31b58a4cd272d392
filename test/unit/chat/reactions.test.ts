/** Signs of one person, and of many. */
import { describe, expect, it } from "vitest";
import type { Speaker } from "../../../durable-objects/core/chat/judge.ts";
import { addUp, type Reacted, react } from "../../../durable-objects/core/chat/reactions.ts";
import type { LiveReaction } from "../../../wire/chat.ts";

const ALICE: Speaker = { user: "alice", name: "Alice", role: "member", badges: [], address: "home" };

/** One sign after the other. */
function give(signs: readonly LiveReaction[], speaker = ALICE): ReturnType<typeof react> | undefined {
  let before: Reacted | undefined;
  let last: ReturnType<typeof react> | undefined;
  for (const sign of signs) {
    last = react(before, speaker, sign);
    if (last.ok) before = last.value;
  }
  return last;
}

describe("signs of one person", () => {
  it.each([
    ["one", ["🔥"], { "🔥": 1 }],
    ["some", ["🔥", "👏", "🔥"], { "🔥": 2, "👏": 1 }],
    ["five", ["🔥", "👏", "🔥", "🎉", "😂"], { "🔥": 2, "👏": 1, "🎉": 1, "😂": 1 }],
  ] as const)("%s", (_name, signs, counts) => {
    expect(give(signs)).toEqual({
      ok: true,
      value: { user: "alice", role: "member", address: "home", counts },
    });
  });

  it("are five at most", () => {
    const refused = { ok: false, error: { name: "tooFast", seconds: 1 } };
    expect(give(["🔥", "👏", "🔥", "🎉", "😂", "❤️"])).toEqual(refused);
  });

  it("are none of nobody", () => {
    expect(give(["🔥"], { ...ALICE, user: "" })).toEqual({ ok: false, error: { name: "readOnly" } });
  });
});

it("are added up", () => {
  const one = { "🔥": 2, "👏": 1 };
  expect(addUp(one, { "🔥": 3, "🎉": 1 })).toEqual({ "🔥": 5, "👏": 1, "🎉": 1 });
  expect(one).toEqual({ "🔥": 2, "👏": 1 });
});
