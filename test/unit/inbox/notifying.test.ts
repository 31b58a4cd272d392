/** Notifications: what fits into one, and what the answers of push services mean. */
import { describe, expect, it } from "vitest";
import {
  authorOf,
  MAX_PAYLOAD_BYTES,
  payloadOf,
  retryAt,
  verdictOf,
} from "../../../durable-objects/core/inbox/notifying.ts";
import type { Attempt } from "../../../durable-objects/core/webhooks/webhook-retry.ts";
import type { InboxEvent, Notification } from "../../../wire/inbox.ts";

const ROOM = "01ARYZ6S410000000000000000";
const notification = (more: Partial<Notification> = {}): Notification => ({
  room: ROOM,
  title: "Friends",
  body: "Bob: see you at eight",
  unread: 3,
  id: ROOM,
  ...more,
});
const MINUTE = 60_000;

describe("a payload", () => {
  it("is the notification", () => {
    expect(JSON.parse(payloadOf(notification()))).toEqual(notification());
  });

  it.each([
    ["long", "word ".repeat(2_000)],
    ["long in another script", "слово ".repeat(2_000)],
    ["of emoji", "👩‍👩‍👧".repeat(2_000)],
    ["of quotes", '"'.repeat(5_000)],
    ["of controls", "\u0001".repeat(5_000)],
  ])("fits when the words are %s", (_name, text) => {
    const payload = payloadOf(notification({ body: text, title: text }));
    expect(Buffer.byteLength(payload)).toBeLessThanOrEqual(MAX_PAYLOAD_BYTES);
    const { body, title, ...rest } = JSON.parse(payload);
    const { body: _body, title: _title, ...same } = notification();
    expect(rest).toEqual(same);
    expect(body).toMatch(/….?$/u);
    expect(body.isWellFormed()).toBe(true);
    expect([...body].length).toBeGreaterThan(300);
    expect([...title].length).toBe(100);
  });
});

describe("who wrote it", () => {
  const message: InboxEvent = {
    type: "message",
    room: ROOM,
    unread: 1,
    message: {
      ...{ type: "message", id: ROOM, seq: 1, user: "bob", role: "member", text: "hi", nonce: "n" },
      at: "2026-11-21T20:00:00.000Z",
    },
  };
  it("is who wrote the message that is new", () => {
    expect(authorOf(notification(), [{ type: "left", room: ROOM }, message])).toBe("bob");
  });
  it("is nobody when that is not new", () => {
    expect(authorOf(notification(), [])).toBeUndefined();
    expect(authorOf(notification({ id: "01ARYZ6S410000000000000001" }), [message])).toBeUndefined();
  });
});

describe("an answer", () => {
  it.each<[Attempt, ReturnType<typeof verdictOf>]>([
    [{ kind: "answered", status: 201 }, "delivered"],
    [{ kind: "answered", status: 202 }, "delivered"],
    [{ kind: "answered", status: 204 }, "delivered"],
    [{ kind: "answered", status: 301 }, "refused"],
    [{ kind: "answered", status: 307 }, "refused"],
    [{ kind: "answered", status: 400 }, "refused"],
    [{ kind: "answered", status: 401 }, "refused"],
    [{ kind: "answered", status: 403 }, "refused"],
    [{ kind: "answered", status: 404 }, "gone"],
    [{ kind: "answered", status: 410 }, "gone"],
    [{ kind: "answered", status: 413 }, "refused"],
    [{ kind: "answered", status: 429 }, "later"],
    [{ kind: "answered", status: 500 }, "later"],
    [{ kind: "answered", status: 503 }, "later"],
    [{ kind: "timed-out", afterMs: 10_000 }, "later"],
    [{ kind: "unreachable", why: "no such host" }, "later"],
  ])("%j means %s", (attempt, verdict) => {
    expect(verdictOf(attempt)).toBe(verdict);
  });
});

describe("the next attempt", () => {
  const FAILED: Attempt = { kind: "answered", status: 503 };
  const at = 1_000_000;

  it.each([
    [1, 5],
    [2, 30],
    [3, 120],
    [4, 600],
    [5, 1_200],
    [9, 1_200],
  ])("after the %i. is in %i s", (attempts, seconds) => {
    expect(retryAt({ attempts, at }, FAILED, at, 0)).toBe(at + seconds * 1000);
    expect(retryAt({ attempts, at }, FAILED, at, 0.5)).toBe(at + seconds * 1100);
  });

  it("waits as long as it is asked to", () => {
    const patient: Attempt = { kind: "answered", status: 429, retryAfter: "900" };
    expect(retryAt({ attempts: 1, at }, patient, at, 0)).toBe(at + 15 * MINUTE);
  });

  it("is none after an hour", () => {
    expect(retryAt({ attempts: 5, at }, FAILED, at + 45 * MINUTE, 0)).toBeUndefined();
    const patient: Attempt = { kind: "answered", status: 429, retryAfter: "7200" };
    expect(retryAt({ attempts: 1, at }, patient, at, 0)).toBeUndefined();
  });
});
