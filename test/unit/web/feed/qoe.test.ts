/** What a player reports is what was seen of it, and each second is reported once. */
import { expect, it } from "vitest";
import {
  addLook,
  isWatching,
  NOTHING_SEEN,
  type QoeLook,
  takeReport,
} from "../../../../web/player/feed/qoe.ts";
import type { Phase } from "../../../../web/player/state.ts";
import { parse } from "../../../../wire/parse.ts";
import { QoeSchema } from "../../../../wire/player-report.ts";

/** Looks, a second apart, 30 frames in each second that plays, two of them dropped. */
function looks(phases: readonly Phase[], from = 0): readonly QoeLook[] {
  let shown = 1_000;
  return phases.map((phase, i) => {
    if (phase === "playing") shown += 30;
    return {
      atMs: from + 1_000 * i,
      phase,
      startupMs: 412.6,
      latencyMs: 1_512.4,
      height: 720,
      shownFrames: shown,
      droppedFrames: Math.floor((shown - 1_000) / 15),
    };
  });
}
const seen = (phases: readonly Phase[]) => looks(phases).reduce(addLook, NOTHING_SEEN);

it("adds up time, stalls and frames, and says the start once", () => {
  const { tally, report } = takeReport(
    seen(["loading", "playing", "playing", "buffering", "buffering", "playing", "playing"]),
  );
  expect(report).toEqual({
    startupMs: 413,
    stalls: 1,
    stalledMs: 2_000,
    playedMs: 3_000,
    latencyMs: 1_512,
    height: 720,
    droppedFrames: 8,
    shownFrames: 1_120,
  });
  expect(parse(QoeSchema, report).ok).toBe(true);
  expect(takeReport(tally).report).toBeUndefined();
  const later = looks(["playing", "playing"], 7_000).reduce(addLook, tally);
  const second = takeReport(later).report;
  expect(second).toMatchObject({ stalls: 0, playedMs: 2_000 });
  expect(second).not.toHaveProperty("startupMs");
});

it.each<readonly [string, readonly Phase[], number | undefined, number | undefined]>([
  ["nothing before the first frame", ["loading", "buffering", "buffering"], undefined, undefined],
  ["nothing of a pause", ["paused", "paused", "paused"], undefined, undefined],
  ["no stall of an encoder that is away", ["playing", "interrupted", "interrupted", "playing"], 1_000, 0],
  ["no stall of a pause that ends", ["playing", "paused", "buffering", "playing"], 1_000, 0],
  ["trouble as a stall", ["playing", "trouble", "playing"], 1_000, 1],
])("says %s", (_name, phases, playedMs, stalls) => {
  const { report } = takeReport(seen(phases));
  expect(report?.playedMs).toBe(playedMs);
  expect(report?.stalls).toBe(stalls);
});

it("does not count the sleep of a machine, and takes a counter that fell for a new one", () => {
  const [first, second] = looks(["playing", "playing"]);
  if (!first || !second) throw new Error("two looks");
  const asleep = [first, { ...second, atMs: 3_600_000, shownFrames: 12, droppedFrames: 0 }];
  const tally = asleep.reduce(addLook, NOTHING_SEEN);
  expect(tally).toMatchObject({ playedMs: 0, shownFrames: first.shownFrames + 12 });
});

it.each<readonly [string, Parameters<typeof isWatching>[0], boolean]>([
  ["plays", { phase: "playing", paused: false, hidden: false, audible: false }, true],
  ["waits for its buffer", { phase: "buffering", paused: false, hidden: false, audible: true }, true],
  ["waits for the encoder", { phase: "interrupted", paused: false, hidden: false, audible: true }, true],
  ["is heard in a hidden tab", { phase: "playing", paused: false, hidden: true, audible: true }, true],
  ["plays for nobody", { phase: "playing", paused: false, hidden: true, audible: false }, false],
  ["is paused", { phase: "paused", paused: true, hidden: false, audible: true }, false],
  ["is paused while it waits", { phase: "buffering", paused: true, hidden: false, audible: true }, false],
  ["has not begun", { phase: "loading", paused: false, hidden: false, audible: true }, false],
  ["is over", { phase: "ended", paused: false, hidden: false, audible: true }, false],
])("a player that %s is watched: %j", (_name, look, watched) => {
  expect(isWatching(look)).toBe(watched);
});
