/** Which events a broadcast's life means, as tables over a made-up clock. */
import { describe, expect, it } from "vitest";
import { closeSession, heard, type Live, restart, SILENCE_MS } from "../../../durable-objects/core/live.ts";
import { type Announced, isSame, isWanted, news } from "../../../durable-objects/core/webhooks/webhook.ts";
import type { BroadcastEvent } from "../../../wire/webhooks.ts";

const START = Date.UTC(2026, 10, 21, 12);
const SECOND = 1000;
const iso = (ms: number) => new Date(ms).toISOString();

const starting: Live = {
  broadcast: "show-a",
  settings: { id: "show", profile: "low", reconnectSeconds: 60, standby: "cold" },
  startedAt: START,
  session: { ordinal: 1, lease: "secret", lastHeardAt: START },
  visible: false,
};
const live: Live = { ...starting, visible: true };
const left = closeSession(live, START + 5 * SECOND);
const ended: Live = { ...left, endedAt: START + 65 * SECOND };

/** One moment of a stream, as `note` is told of it. */
type Moment = readonly [live: Live, now: number, failure?: string | undefined];

/** What a stream announces over some moments. */
function told(moments: readonly Moment[]): readonly BroadcastEvent[] {
  let announced: Announced | undefined;
  return moments.flatMap(([now, at, failure]) => {
    const found = news(announced, now, at, failure);
    announced = found.announced;
    return found.events.map(({ event }) => event);
  });
}

const names = (events: readonly BroadcastEvent[]) => events.map(({ type }) => type.replace("broadcast.", ""));

describe("a broadcast tells", () => {
  it.each<readonly [string, readonly Moment[], readonly string[]]>([
    ["nothing before it is shown", [[starting, START]], []],
    [
      "nothing of an encoder that is silent before it is shown",
      [
        [starting, START],
        [starting, START + SILENCE_MS],
      ],
      [],
    ],
    ["that it started, once", Array<Moment>(3).fill([live, START]), ["started"]],
    [
      "that it is interrupted by silence, which no write tells",
      [
        [live, START],
        [live, START + SILENCE_MS - 1],
        [live, START + SILENCE_MS],
        [live, START + SILENCE_MS + 1],
      ],
      ["started", "interrupted"],
    ],
    [
      "that it goes on, again and again",
      [
        [live, START],
        [left, START + 5 * SECOND],
        [heard(live, START + 8 * SECOND), START + 8 * SECOND],
        [closeSession(live, START + 9 * SECOND), START + 9 * SECOND],
        [heard(live, START + 10 * SECOND), START + 10 * SECOND],
      ],
      ["started", "interrupted", "resumed", "interrupted", "resumed"],
    ],
    [
      "nothing of an encoder that is replaced without a gap",
      [
        [live, START],
        [{ ...live, session: { ...live.session, ordinal: 2 } }, START],
      ],
      ["started"],
    ],
    [
      "its end, and nothing after it",
      [
        [live, START],
        [ended, START + 65 * SECOND],
        [ended, START + 66 * SECOND],
        [live, START + 66 * SECOND],
      ],
      ["started", "ended"],
    ],
    ["its beginning before its end, if both are news", [[ended, START + 65 * SECOND]], ["started", "ended"]],
    [
      "its beginning before an interruption, if both are news",
      [[left, START + 5 * SECOND]],
      ["started", "interrupted"],
    ],
    [
      "that it failed when it was never shown",
      [
        [starting, START],
        [{ ...starting, endedAt: START + 60 * SECOND }, START + 60 * SECOND],
      ],
      ["failed"],
    ],
    [
      "that it failed instead of that it ended when it was given up",
      [
        [live, START],
        [ended, START + 65 * SECOND, "encoder-crashed"],
      ],
      ["started", "failed"],
    ],
    [
      "the last word on one that another took the place of",
      [
        [live, START],
        [restart(live, "show-b", START + 20 * SECOND), START + 20 * SECOND],
        [{ ...restart(live, "show-b", START + 20 * SECOND), visible: true }, START + 20 * SECOND],
      ],
      ["started", "ended", "started"],
    ],
    [
      "that one failed which another took the place of before it was shown",
      [
        [starting, START],
        [restart(starting, "show-b", START + 20 * SECOND), START + 20 * SECOND],
      ],
      ["failed"],
    ],
    [
      "nothing more of one that had ended when the next begins",
      [
        [ended, START + 65 * SECOND],
        [heard({ ...live, broadcast: "show-b" }, START + 70 * SECOND), START + 70 * SECOND],
      ],
      ["started", "ended", "started"],
    ],
  ])("%s", (_what, moments, expected) => {
    expect(names(told(moments))).toEqual(expected);
  });

  it("says when each thing happened, not when it was noticed", () => {
    const events = told([
      [live, START + 1],
      [live, START + SILENCE_MS + 77],
      [heard(live, START + 12 * SECOND), START + 12 * SECOND],
      [{ ...ended, session: { ...live.session, ordinal: 2 } }, START + 99 * SECOND],
    ]);
    const common = { stream: "show", broadcast: "show-a", startedAt: iso(START) };
    expect(events).toEqual([
      {
        type: "broadcast.started",
        timestamp: iso(START),
        data: { ...common, session: 1, sequence: 1 },
      },
      {
        type: "broadcast.interrupted",
        timestamp: iso(START + SILENCE_MS),
        data: { ...common, session: 1, sequence: 2, endsAt: iso(START + 60 * SECOND) },
      },
      {
        type: "broadcast.resumed",
        timestamp: iso(START + 12 * SECOND),
        data: { ...common, session: 1, sequence: 3 },
      },
      {
        type: "broadcast.ended",
        timestamp: iso(START + 65 * SECOND),
        data: { ...common, session: 2, sequence: 4, endedAt: iso(START + 65 * SECOND), seconds: 65 },
      },
    ]);
  });

  it.each([
    ["never shown", { ...starting, endedAt: START + 9 * SECOND }, undefined, "never-shown", false],
    [
      "never shown, and why",
      { ...starting, endedAt: START + 9 * SECOND },
      "source-refused",
      "source-refused",
      false,
    ],
    ["given up", { ...live, endedAt: START + 9 * SECOND }, "encoder-crashed", "encoder-crashed", true],
  ] as const)("says why it failed: %s", (_what, over, failure, reason, shown) => {
    expect(told([[over, START + 9 * SECOND, failure]]).at(-1)).toMatchObject({
      type: "broadcast.failed",
      data: { reason, shown, seconds: 9, endedAt: iso(START + 9 * SECOND) },
    });
  });
});

describe("an announcement", () => {
  it("has a name of its own that a signature can hold, the same however often it is found", () => {
    const found = news(undefined, ended, START + 65 * SECOND);
    expect(found.events.map(({ id }) => id)).toEqual(["msg_show-a_1", "msg_show-a_2"]);
    expect(news(undefined, ended, START + 99 * SECOND).events).toEqual(found.events);
    for (const { id } of found.events) expect(id).not.toContain(".");
  });

  it("is stored when something changed, and only then", () => {
    const first = news(undefined, starting, START);
    expect(isSame(undefined, first)).toBe(false);
    expect(isSame(first.announced, news(first.announced, starting, START + 1))).toBe(true);
    const second = { ...starting, session: { ...starting.session, ordinal: 2 } };
    expect(isSame(first.announced, news(first.announced, second, START + 1))).toBe(false);
    expect(isSame(first.announced, news(first.announced, live, START + 1))).toBe(false);
  });
});

it.each([
  ["everything", [], [], true],
  ["this stream", ["radio", "show"], [], true],
  ["another stream", ["radio"], [], false],
  ["this event", [], ["broadcast.ended"], true],
  ["another event", [], ["broadcast.started"], false],
  ["this stream, another event", ["show"], ["broadcast.started"], false],
] as const)("a webhook for %s", (_what, streams, events, wanted) => {
  expect(isWanted({ streams, events }, "show", "broadcast.ended")).toBe(wanted);
});
