/** What the viewer sends: in order, once, and not lost when the line breaks. */
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { Sending } from "../../../web/chat/sending.ts";
import type { Say } from "../../../wire/chat.ts";

const CUT = { code: 11, message: "connection closed" };
const BUSY = { code: 111, message: "too many requests" };
const SLOW = { code: 460, message: "slow mode, 12 s" };

/** A room that answers as it is told to. */
class Fake {
  readonly asked: Say[] = [];
  readonly accepted: string[] = [];
  readonly failed: (readonly [string, number | undefined])[] = [];
  answers: (object | undefined)[] = [];
  readonly sending = new Sending("demo", {
    publish: async (channel, say) => {
      expect(channel).toBe("chat:demo");
      this.asked.push(say);
      const error = this.answers.shift();
      if (error) throw error;
    },
    accepted: (nonce) => this.accepted.push(nonce),
    failed: ({ nonce }, error) => this.failed.push([nonce, error?.code]),
  });

  send(...nonces: readonly string[]): void {
    for (const nonce of nonces) this.sending.send({ text: nonce, nonce });
  }
}

let fake: Fake;
beforeEach(() => {
  vi.useFakeTimers();
  fake = new Fake();
  fake.sending.setJoined(true);
});
afterEach(() => vi.useRealTimers());

describe("a message", () => {
  it("goes out, one after the other", async () => {
    fake.send("a", "b", "c");
    await vi.advanceTimersByTimeAsync(0);
    expect(fake.accepted).toEqual(["a", "b", "c"]);
  });

  it.each([CUT, BUSY, {}])("goes out again as the same message after %j", async (error) => {
    fake.answers = [error];
    fake.send("a", "b");
    await vi.advanceTimersByTimeAsync(5_000);
    expect(fake.asked.map(({ nonce }) => nonce)).toEqual(["a", "a", "b"]);
    expect(fake.accepted).toEqual(["a", "b"]);
  });

  it("waits for the line, and goes out when that is back", async () => {
    fake.sending.setJoined(false);
    fake.send("a");
    await vi.advanceTimersByTimeAsync(20_000);
    expect(fake.asked).toEqual([]);
    fake.sending.setJoined(true);
    await vi.advanceTimersByTimeAsync(0);
    expect(fake.accepted).toEqual(["a"]);
  });

  it("is given up when the line stays away", async () => {
    fake.sending.setJoined(false);
    fake.send("a");
    await vi.advanceTimersByTimeAsync(70_000);
    expect(fake.failed).toEqual([["a", undefined]]);
    fake.sending.setJoined(true);
    await vi.advanceTimersByTimeAsync(10_000);
    expect(fake.asked).toEqual([]);
  });

  it("that the room does not take is not sent again", async () => {
    fake.answers = [SLOW];
    fake.send("a", "b");
    await vi.advanceTimersByTimeAsync(10_000);
    expect(fake.failed).toEqual([["a", 460]]);
    expect(fake.accepted).toEqual(["b"]);
    expect(fake.asked).toHaveLength(2);
  });
});
