import { describe, expect, it } from "vitest";
import {
  type Feed,
  follow,
  type Kept,
  page,
  recover,
  take,
} from "../../../durable-objects/core/viewers/socket/feed.ts";
import { LIVE_HISTORY } from "../../../wire/live-events.ts";

const kept = (...offsets: readonly number[]): readonly Kept[] =>
  offsets.map((offset) => ({ offset, data: `"${offset}"` }));
const run = (first: number, last: number): readonly Kept[] =>
  kept(...Array.from({ length: last - first + 1 }, (_, i) => first + i));
const offsets = (publications: readonly Kept[]) => publications.map(({ offset }) => offset);
const at = (offset: number, epoch = "e") => ({ epoch, offset });

/** At 10, with 6 to 10 in memory. */
const feed: Feed = { position: at(10), kept: run(6, 10), whole: false };

it("hands on for whom a publication is, also when it was asked for", () => {
  const only = { user: "alice" };
  const feed: Feed = { position: { epoch: "e", offset: 0 }, kept: [], whole: true };
  const publications = [{ offset: 1, data: "1", only }];
  const position = { epoch: "e", offset: 1 };
  expect(take(feed, { position, publications }).fresh).toEqual(publications);
  expect(follow(feed, "rest", { position, publications }).fresh).toEqual(publications);
});

describe("a delivery", () => {
  it.each([
    ["the next", at(11), run(11, 11), [11], 11, false],
    ["several", at(13), run(11, 13), [11, 12, 13], 13, false],
    ["one that was here already", at(10), run(9, 10), [], 10, false],
    ["one that overlaps", at(12), run(9, 12), [11, 12], 12, false],
    ["one behind a gap", at(12), run(12, 12), [], 10, true],
    ["a gap in the middle", at(13), kept(11, 13), [11], 11, true],
    ["a position without what leads there", at(11), [], [], 10, true],
    ["the same twice in one", at(12), kept(11, 11, 12), [11, 12], 12, false],
    ["another epoch", at(3, "f"), run(1, 3), [], 10, true],
    ["an older position", at(8), run(8, 8), [], 10, false],
  ] as const)("takes %s", (_name, position, publications, fresh, offset, behind) => {
    const taken = take(feed, { position, publications });
    expect(offsets(taken.fresh)).toEqual(fresh);
    expect(taken.feed.position).toEqual(at(offset));
    expect(taken.behind).toBe(behind);
    expect(offsets(taken.feed.kept)).toEqual(offsets(run(6, offset)));
  });

  it("leaves the newest of a long history", () => {
    let long = feed;
    for (let offset = 11; offset <= 1000; offset += 1) {
      long = take(long, { position: at(offset), publications: run(offset, offset) }).feed;
    }
    expect(offsets(long.kept)).toEqual(offsets(run(1001 - LIVE_HISTORY, 1000)));
  });
});

describe("the stream's answer", () => {
  it.each([
    ["to who knew nothing", undefined, "all", at(10), run(3, 10), [], [3, 10], true, false],
    ["to who knew nothing, of an empty stream", undefined, "all", at(0), [], [], undefined, true, false],
    ["with what was missing", feed, "rest", at(12), run(11, 12), [11, 12], [6, 12], false, false],
    ["with all, and something new", feed, "all", at(12), run(3, 12), [11, 12], [3, 12], true, false],
    ["with what is older", feed, "all", at(10), run(3, 10), [], [3, 10], true, false],
    ["that deliveries have overtaken", feed, "all", at(8), run(3, 8), [], [3, 10], true, false],
    ["that was overtaken by far", feed, "all", at(4), run(3, 4), [], [6, 10], false, false],
    ["without what was missing", feed, "rest", at(400), [], [], undefined, false, true],
    ["with less than what was missing", feed, "all", at(400), run(101, 400), [], [101, 400], true, true],
    ["in another epoch", feed, "rest", at(2, "f"), [], [], undefined, false, true],
    ["in another epoch, with all", feed, "all", at(2, "f"), run(1, 2), [], [1, 2], true, true],
    ["of a stream whose history is gone", feed, "all", at(10), [], [], [6, 10], true, false],
  ] as const)("%s", (_name, before, asked, position, publications, fresh, range, whole, lost) => {
    const followed = follow(before, asked, { position, publications });
    expect(offsets(followed.fresh)).toEqual(fresh);
    expect(followed.lost).toBe(lost);
    expect(offsets(followed.feed.kept)).toEqual(range ? offsets(run(range[0], range[1])) : []);
    expect(followed.feed.whole).toBe(whole);
    const isOlder =
      before !== undefined && position.epoch === "e" && position.offset < before.position.offset;
    expect(followed.feed.position).toEqual(isOlder ? before.position : position);
  });

  it("believes no list with a gap before its end", () => {
    const followed = follow(undefined, "all", { position: at(10), publications: kept(6, 7, 9, 10) });
    expect(offsets(followed.feed.kept)).toEqual([9, 10]);
    expect(follow(undefined, "all", { position: at(10), publications: run(7, 9) }).feed.kept).toEqual([]);
  });
});

describe("a recovery", () => {
  const whole = { ...feed, whole: true };
  it.each([
    ["from where the feed is", feed, at(10), []],
    ["from a little before", feed, at(8), [9, 10]],
    ["from just before what is kept", feed, at(5), [6, 7, 8, 9, 10]],
    ["from before that", feed, at(4), "unknown"],
    ["from before that, when there is nothing older", whole, at(4), "lost"],
    ["from the future", whole, at(11), "unknown"],
    ["from another epoch", feed, at(10, "f"), "lost"],
    ["from any epoch", feed, at(9, ""), [10]],
    ["from the begin of a channel without anything", { position: at(0), kept: [], whole: true }, at(0), []],
  ] as const)("%s", (_name, from, want, expected) => {
    const recovered = recover(from, want);
    expect(typeof recovered === "string" ? recovered : offsets(recovered)).toEqual(expected);
  });
});

describe("the history", () => {
  it.each([
    [{ limit: 0, since: undefined, reverse: false }, []],
    [{ limit: 2, since: undefined, reverse: false }, [6, 7]],
    [{ limit: 2, since: undefined, reverse: true }, [10, 9]],
    [{ limit: -1, since: 7, reverse: false }, [8, 9, 10]],
    [{ limit: 2, since: 9, reverse: true }, [8, 7]],
    [{ limit: -1, since: 10, reverse: false }, []],
    [{ limit: 100, since: 2, reverse: false }, [6, 7, 8, 9, 10]],
  ])("gives a page for %o", (want, expected) => {
    expect(offsets(page(feed, want))).toEqual(expected);
  });
});

describe("any order of deliveries and answers", () => {
  /** A generator of numbers, so that a failure can be had again (Park and Miller). */
  const randomOf = (seed: number) => {
    let state = seed;
    return (below: number) => {
      state = (state * 48_271) % 2_147_483_647;
      return state % below;
    };
  };

  it.each(Array.from({ length: 200 }, (_, i) => i + 1))(
    "tells each once and in order, or says it is lost (%i)",
    (seed) => {
      const random = randomOf(seed);
      let published = 5;
      let here = follow(undefined, "all", { position: at(5), publications: run(1, 5) }).feed;
      const told: number[] = [];
      for (let step = 0; step < 60; step += 1) {
        published += random(4);
        const first = Math.max(1, published - random(8));
        if (random(3) > 0) {
          const taken = take(here, { position: at(published), publications: run(first, published) });
          here = taken.feed;
          told.push(...offsets(taken.fresh));
        } else {
          // An answer may be older than what was delivered meanwhile.
          const then = Math.max(5, published - random(6));
          const asked = random(2) === 0 ? "all" : "rest";
          const rest = run(Math.min(here.position.offset, then) + 1, then);
          const followed = follow(here, asked, {
            position: at(then),
            publications: asked === "all" ? run(1, then) : rest,
          });
          expect(followed.lost).toBe(false);
          here = followed.feed;
          told.push(...offsets(followed.fresh));
        }
      }
      expect(told).toEqual(offsets(run(6, here.position.offset)));
      expect(offsets(here.kept)).toEqual(
        offsets(run(here.position.offset - here.kept.length + 1, here.position.offset)),
      );
    },
  );
});
