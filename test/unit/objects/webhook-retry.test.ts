/** Attempts to deliver a webhook: what each means, and when the next one is made. */
import { describe, expect, it } from "vitest";
import {
  type Attempt,
  attemptWords,
  GIVE_UP_MS,
  isGivenUp,
  judge,
  retry,
} from "../../../durable-objects/core/webhooks/webhook-retry.ts";

const NOW = Date.UTC(2026, 10, 21);
const SECOND = 1000;
const HOUR = 3600 * SECOND;
const answered = (status: number, retryAfter?: string): Attempt => ({
  kind: "answered",
  status,
  ...(retryAfter !== undefined && { retryAfter }),
});

it.each([
  [answered(200), "delivered", "answered 200"],
  [answered(204), "delivered", "answered 204"],
  [answered(299), "delivered", "answered 299"],
  [answered(301), "failed", "answered 301, and redirects are not followed"],
  [answered(400), "failed", "answered 400"],
  [answered(410), "gone", "answered 410 Gone, which disables the webhook"],
  [answered(429), "failed", "answered 429"],
  [answered(500), "failed", "answered 500"],
  [{ kind: "timed-out", afterMs: 10_000 }, "failed", "no answer within 10 s"],
  [{ kind: "unreachable", why: "refused" }, "failed", "not reached (refused)"],
] as const)("%j is %s", (attempt, verdict, words) => {
  expect(judge(attempt)).toBe(verdict);
  expect(attemptWords(attempt)).toBe(words);
});

describe("the next attempt", () => {
  it.each([
    [1, 5],
    [2, 20],
    [3, 80],
    [4, 300],
    [5, 1_200],
    [6, 3_600],
    [7, 3 * 3_600],
    [8, 6 * 3_600],
    [9, 6 * 3_600],
    [99, 6 * 3_600],
  ])("after %d failures comes in %d s, a fifth more or less", (failures, seconds) => {
    const dueIn = (random: number) => retry({ failures, since: NOW }, answered(500), NOW, random).dueAt - NOW;
    expect(dueIn(0.5)).toBe(seconds * SECOND);
    expect(dueIn(0)).toBe(0.8 * seconds * SECOND);
    expect(dueIn(1)).toBe(1.2 * seconds * SECOND);
  });

  it.each([
    ["a receiver that names seconds", "120", 120],
    ["a receiver that names a date", new Date(NOW + 90 * SECOND).toUTCString(), 90],
    ["a receiver that asks for less than is waited anyway", "1", 5],
    ["a receiver that asks for a date that is past", new Date(NOW - HOUR).toUTCString(), 5],
    ["a receiver that asks for days", "864000", 6 * 3600],
    ["a receiver that asks for nonsense", "soon", 5],
  ] as const)("heeds %s", (_what, header, seconds) => {
    const { dueAt, eagerAt } = retry({ failures: 1, since: NOW }, answered(429, header), NOW, 0.5);
    expect(dueAt).toBe(NOW + seconds * SECOND);
    expect(eagerAt, "a new event does not overrule the receiver").toBe(dueAt);
  });

  it("comes a minute after the last one when there is something new to say", () => {
    expect(retry({ failures: 8, since: NOW }, answered(500), NOW, 0.5).eagerAt).toBe(NOW + 60 * SECOND);
  });
});

describe("giving up", () => {
  it.each([
    ["in its day", NOW, NOW, NOW + GIVE_UP_MS, false],
    ["after its day", NOW, NOW, NOW + GIVE_UP_MS + 1, true],
    ["when the receiver has failed for longer than it is old", NOW, NOW - 50 * HOUR, NOW + 23 * HOUR, false],
    ["when it waited for our own side, and failed once", NOW - 50 * HOUR, NOW, NOW + HOUR, false],
  ] as const)("an event %s", (_what, at, since, next, given) => {
    expect(isGivenUp(at, { failures: 3, since }, next)).toBe(given);
  });

  it.each([0, 0.5, 0.999])("takes about a day and a dozen attempts (chance %d)", (random) => {
    let at = NOW;
    let attempts = 0;
    for (;;) {
      attempts += 1;
      const failing = { failures: attempts, since: NOW };
      const { dueAt } = retry(failing, answered(500), at, random);
      if (isGivenUp(NOW, failing, dueAt)) break;
      at = dueAt;
    }
    expect(attempts).toBeGreaterThanOrEqual(9);
    expect(attempts).toBeLessThanOrEqual(13);
    expect(at - NOW).toBeGreaterThan(17 * HOUR);
  });
});
