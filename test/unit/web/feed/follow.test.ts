/** Following the channel: the same timeline as at the origin, event by event, or a loss that is noticed. */
import { describe, expect, it } from "vitest";
import { type Entry, end, extend, type Timeline } from "../../../../media/timeline.ts";
import { type Following, follow, rejoinDelayMs, type Step } from "../../../../web/player/feed/follow.ts";
import {
  BROADCAST,
  begin,
  LOW,
  openParts,
  partEntries,
  segmentEntry,
  segments,
  timingOf,
} from "../../media/broadcast.ts";

const timeline = openParts(segments(begin(timingOf("low")), 8, LOW), { duration: 0.5 });
const here: Following = { epoch: "e", offset: 10, timeline };
const media = (entries: readonly Entry[], broadcast: string = BROADCAST, session = 1) => ({
  type: "media",
  broadcast,
  session,
  entries,
});
const next = partEntries(timeline, [{ duration: 0.5 }], 1);

const followed = (step: Step): Following => {
  if (step.type !== "followed") throw new Error(`lost: ${step.reason}`);
  return step.following;
};

it("grows as the origin's timeline does, part by part and over the end of a segment", () => {
  let origin: Timeline = timeline;
  let following = here;
  for (let i = 0; i < 40; i += 1) {
    const parts = origin.open?.parts.length ?? 0;
    const entries = parts === 4 ? [segmentEntry(origin, 2)] : partEntries(origin, [{ duration: 0.5 }], parts);
    const grown = extend(origin, 1, entries);
    if (!grown.ok) throw new Error(grown.error.reason);
    origin = grown.value.timeline;
    // As it comes over the wire.
    const data: unknown = JSON.parse(JSON.stringify(media(grown.value.added)));
    following = followed(follow(following, { data, offset: following.offset + 1 }));
  }
  expect(following.offset).toBe(50);
  expect(following.timeline).toEqual(origin);
});

describe("a publication", () => {
  const ended = { ...here, timeline: end(timeline) };
  it.each([
    ["with a hole before it", here, media(next), 12, "gap"],
    ["of another broadcast", here, media(next, "other"), 11, "replaced"],
    [
      "that says the timeline is another one",
      here,
      { type: "timeline", broadcast: BROADCAST },
      11,
      "replaced",
    ],
    ["that leaves out a part", here, media(partEntries(timeline, [{ duration: 0.5 }], 2)), 11, "unfit"],
    ["of a session that nobody described", here, media(next, BROADCAST, 2), 11, "unfit"],
    ["after the end", ended, media(next), 11, "unfit"],
    ["of media that cannot be read", here, { type: "media", broadcast: BROADCAST }, 11, "unreadable"],
  ] as const)("%s loses the thread", (_name, from, data, offset, reason) => {
    expect(follow(from, { data, offset })).toEqual({ type: "lost", reason });
  });

  it.each([
    ["known already", media(next), 10],
    ["of a kind that is not known here", { type: "poll", question: "?" }, 11],
    ["that is no object", "hello", 11],
  ])("%s changes nothing but the place", (_name, data, offset) => {
    expect(follow(here, { data, offset })).toEqual({ type: "followed", following: { ...here, offset } });
  });

  it.each([
    ["a status", { type: "status", state: "interrupted" }, 11],
    ["a title", { type: "title", title: "New" }, 11],
    ["the end of another broadcast", { type: "end", broadcast: "other" }, 11],
    ["an app's own", { type: "app", from: "al", data: { a: 1 } }, 11],
    ["viewers, which have no place", { type: "viewers", viewers: 3 }, undefined],
  ])("%s is for the page, and leaves the timeline", (_name, data, offset) => {
    const step = follow(here, { data, ...(offset !== undefined && { offset }) });
    expect(step).toEqual({ type: "followed", following: { ...here, offset: offset ?? 10 }, event: data });
  });

  it("of media is nothing to a viewer who may not have all of it", () => {
    const blind = { epoch: "e", offset: 10, withoutMedia: true };
    for (const data of [media(next), { type: "timeline", broadcast: BROADCAST }])
      expect(followed(follow(blind, { data, offset: 11 }))).toEqual({ ...blind, offset: 11 });
  });

  it("waits for the first segment of a show that begins, and asks for its timeline then", () => {
    const nothing: Following = { epoch: "e", offset: 10 };
    const part = follow(nothing, { data: media(partEntries(timeline, [{ duration: 0.5 }], 1)), offset: 11 });
    expect(followed(part)).toEqual({ epoch: "e", offset: 11 });
    expect(follow(nothing, { data: media([segmentEntry(timeline, 2)]), offset: 11 })).toEqual({
      type: "lost",
      reason: "replaced",
    });
  });

  it("ends the broadcast", () => {
    const step = follow(here, { data: { type: "end", broadcast: BROADCAST }, offset: 11 });
    expect(followed(step).timeline).toEqual(end(timeline));
  });
});

it("spreads the first questions after a loss, and asks ever more seldom", () => {
  expect([0, 0.5, 1].map((random) => rejoinDelayMs(1, random))).toEqual([0, 500, 1_000]);
  expect([2, 3, 4, 5, 6, 7, 30].map((losses) => rejoinDelayMs(losses, 1))).toEqual([
    2_000, 4_000, 8_000, 16_000, 30_000, 30_000, 30_000,
  ]);
  expect(rejoinDelayMs(7, 0)).toBe(15_000);
});
