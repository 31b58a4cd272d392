/** What a screen reader hears of a room: never all of a busy one. */
import { expect, it } from "vitest";
import { type Announcing, hear, SAY_EVERY_MS, SILENT, speak } from "../../../web/chat/announcing.ts";

const plain = (text: string, isForMe = false) => ({ name: "Bob", text, isForMe });
const hearAll = (texts: readonly string[], everyMs = 100, from: Announcing = SILENT): Announcing =>
  texts.reduce((state, text, i) => hear(state, plain(text), i * everyMs), from);

it("says a message, and then nothing until the next", () => {
  const { announcing, said } = speak(hearAll(["hello"]), 0);
  expect(said).toBe("Bob: hello");
  expect(speak(announcing, SAY_EVERY_MS).said).toBeUndefined();
});

it("says one of a few, and how many more there were", () => {
  expect(speak(hearAll(["a", "b", "c"]), 1_000).said).toBe("2 more. Bob: c");
});

it("says at most one in a few seconds", () => {
  const first = speak(hearAll(["a"]), 0).announcing;
  const second = hear(first, plain("b"), 100);
  expect(speak(second, SAY_EVERY_MS - 1).said).toBeUndefined();
  expect(speak(second, SAY_EVERY_MS).said).toBe("Bob: b");
});

it("says of a busy room only what is meant for the listener", () => {
  const busy = hearAll(
    Array.from({ length: 250 }, (_, i) => `text ${i}`),
    20,
  );
  expect(speak(busy, 5_000).said).toBeUndefined();
  const mentioned = hear(busy, plain("@you", true), 5_000);
  expect(speak(hear(mentioned, plain("more"), 5_010), 5_020).said).toBe("Bob: @you");
});

it("reads no novel", () => {
  expect(speak(hear(SILENT, plain("x".repeat(2_000)), 0), 0).said?.length).toBeLessThan(300);
});
