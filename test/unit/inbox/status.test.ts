import { describe, expect, it } from "vitest";
import {
  AWAY_MS,
  active,
  chose,
  dueAt,
  heard,
  OFFLINE_GRACE_MS,
  passed,
  type Standing,
  shownOf,
  UNHEARD_MS,
  UNSEEN,
} from "../../../durable-objects/core/inbox/status.ts";
import type { ChosenStatus } from "../../../wire/inbox.ts";

const T = Date.parse("2026-11-21T12:00:00.000Z");
const MINUTE = 60_000;
const here = heard(UNSEEN, 1, T);
const iso = (at: number) => new Date(at).toISOString();
/** Shards say it again and again. */
const stays = (standing: Standing, now: number) => heard(standing, 1, now);

describe("how somebody is", () => {
  const cases: readonly (readonly [string, Standing, number, object])[] = [
    ["nobody has ever seen them", UNSEEN, T, { status: "offline" }],
    ["a device is here", here, T, { status: "online" }],
    ["nearly ten minutes without activity", here, T + AWAY_MS - 1, { status: "online" }],
    ["ten minutes without activity", here, T + AWAY_MS, { status: "away" }],
    ["activity on any device", active(here, T + 5 * MINUTE), T + AWAY_MS, { status: "online" }],
    ["a second device is no activity", stays(here, T + 9 * MINUTE), T + AWAY_MS, { status: "away" }],
    ["back after being away", active(here, T + 20 * MINUTE), T + 21 * MINUTE, { status: "online" }],
    ["do not disturb, for hours", chose(here, "dnd", T), T + 90 * MINUTE, { status: "dnd" }],
    ["away as they chose, and active", active(chose(here, "away", T), T + 1), T + 1, { status: "away" }],
    [
      "invisible",
      chose(here, "invisible", T + 1_000),
      T + 2_000,
      { status: "offline", lastActiveAt: iso(T + 1_000) },
    ],
    [
      "invisible after nobody was there for long",
      chose(here, "invisible", T + 30 * MINUTE),
      T + 31 * MINUTE,
      { status: "offline", lastActiveAt: iso(T) },
    ],
    ["visible again", chose(chose(here, "invisible", T), "online", T + 1), T + 2, { status: "online" }],
  ];
  it.each(cases)("%s", (_name, standing, now, shown) => {
    expect(shownOf(passed(standing, now > T + UNHEARD_MS ? T : now), now)).toEqual(shown);
  });

  it("is offline 15 s after the last device, with the moment when it went", () => {
    const gone = heard(heard(here, 0, T + MINUTE - 1), 0, T + MINUTE + 5_000);
    expect(dueAt(gone, T + MINUTE)).toBe(T + MINUTE - 1 + OFFLINE_GRACE_MS);
    expect(shownOf(passed(gone, T + MINUTE + 10_000), T + MINUTE + 10_000)).toEqual({ status: "online" });
    const over = passed(gone, T + MINUTE - 1 + OFFLINE_GRACE_MS);
    expect(shownOf(over, T + 9 * MINUTE)).toEqual({ status: "offline", lastActiveAt: iso(T + MINUTE - 1) });
    expect(dueAt(over, T + MINUTE)).toBeUndefined();
  });

  it("goes on when a device is back within that, and does not count that as activity", () => {
    const back = heard(heard(here, 0, T + MINUTE), 1, T + MINUTE + 14_000);
    expect(passed(back, T + 2 * MINUTE)).toMatchObject({ isHere: true, activeAt: T });
    expect(heard(passed(heard(here, 0, T), T + MINUTE), 1, T + MINUTE)).toMatchObject({
      activeAt: T + MINUTE,
    });
  });

  it("is offline when shards have not said for a minute that a device listens", () => {
    expect(passed(here, T + UNHEARD_MS - 1).isHere).toBe(true);
    expect(shownOf(passed(here, T + UNHEARD_MS), T)).toEqual({ status: "offline", lastActiveAt: iso(T) });
  });

  it("leaves those who hide as they were seen last, whatever they do", () => {
    const hidden = chose(here, "invisible", T + 1_000);
    const shown = shownOf(hidden, T + 1_000);
    const gone = passed(heard(hidden, 0, T + 20_000), T + MINUTE);
    expect(shownOf(gone, T + MINUTE)).toEqual(shown);
    expect(shownOf(heard(gone, 1, T + 2 * MINUTE), T + 2 * MINUTE)).toEqual(shown);
    // Chosen again, it hides nothing more than before.
    expect(shownOf(chose(hidden, "invisible", T + 9_000), T + 9_000)).toEqual(shown);
  });

  it.each([
    ["online", T + UNHEARD_MS],
    ["dnd", T + UNHEARD_MS],
  ] as const)("is looked at again: %s", (chosen: ChosenStatus, at) => {
    expect(dueAt(chose(here, chosen, T), T)).toBe(at);
    const kept = stays(chose(here, chosen, T), T + AWAY_MS - 1_000);
    const awayAt = chosen === "online" ? T + AWAY_MS : T + AWAY_MS - 1_000 + UNHEARD_MS;
    expect(dueAt(kept, T + AWAY_MS - 1_000)).toBe(awayAt);
    expect(dueAt(kept, T + AWAY_MS)).toBe(T + AWAY_MS - 1_000 + UNHEARD_MS);
  });
});
