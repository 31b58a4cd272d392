/** The watch page's decisions: what each state shows, and that every way down leads up again. */
import { describe, expect, it } from "vitest";
import {
  type Decision,
  decide,
  type Effect,
  INITIAL,
  isReplay,
  type Phase,
  type PlayerEvent,
  type PlayerState,
  phaseOf,
} from "../../../web/player/state.ts";
import type { StreamState, StreamStatus } from "../../../wire/public.ts";

const random = 0.5;
const playlist = "/live/jam/index.m3u8";
const FIRST = "2026-11-21T10:00:00Z";
const SECOND = "2026-11-21T12:00:00Z";

function status(state: StreamState, startedAt = FIRST): PlayerEvent {
  const base: StreamStatus = { id: "jam", title: "Jam", profile: "low", state };
  return {
    type: "status",
    random,
    status: state === "offline" ? base : { ...base, playlist, startedAt },
  };
}
const bare = (state: StreamState): PlayerEvent => ({
  type: "status",
  random,
  status: { id: "jam", title: "Jam", profile: "low", state },
});
const networkError: PlayerEvent = { type: "network-error", random };

/** Run events from the beginning; effects are those of the last one. */
function story(...events: readonly PlayerEvent[]): Decision {
  let decision: Decision = { state: INITIAL, effects: [] };
  for (const event of events) decision = decide(decision.state, event);
  return decision;
}
const kinds = (effects: readonly Effect[]): readonly string[] => effects.map((effect) => effect.type);
const live: readonly PlayerEvent[] = [status("live"), { type: "playing" }];

describe("what is shown", () => {
  const table: readonly (readonly [string, readonly PlayerEvent[], Phase])[] = [
    ["nothing known", [], "loading"],
    ["no answer yet", [{ type: "unanswered", random }], "trouble"],
    ["no such stream", [{ type: "missing", random }], "unknown"],
    ["offline", [status("offline")], "offline"],
    ["starting without a playlist", [bare("starting")], "starting"],
    ["live without a playlist", [bare("live")], "starting"],
    ["live, no frame yet", [status("live")], "loading"],
    ["live, frames move", live, "playing"],
    ["buffer dry", [...live, { type: "stalled" }], "buffering"],
    ["encoder gone, buffer left", [...live, status("interrupted")], "playing"],
    ["encoder gone, buffer dry", [...live, status("interrupted"), { type: "stalled" }], "interrupted"],
    [
      "encoder gone and reloads fail",
      [...live, status("interrupted"), { type: "stalled" }, networkError],
      "interrupted",
    ],
    ["came while the encoder is gone", [status("interrupted")], "interrupted"],
    ["server away, buffer left", [...live, { type: "unanswered", random }], "playing"],
    ["server away, buffer dry", [...live, { type: "unanswered", random }, { type: "stalled" }], "trouble"],
    ["playlist away, buffer dry", [...live, { type: "stalled" }, networkError], "trouble"],
    ["autoplay refused", [status("live"), { type: "refused" }], "blocked"],
    ["paused", [...live, { type: "paused" }], "paused"],
    ["paused while the encoder is gone", [...live, { type: "paused" }, status("interrupted")], "paused"],
    ["came after the end", [status("ended")], "ended"],
    ["end reached", [...live, { type: "finished" }], "ended"],
    ["end reached, then said", [...live, { type: "finished" }, status("ended")], "ended"],
    ["over while waiting for more", [...live, { type: "stalled" }, networkError, status("ended")], "ended"],
    ["replay", [status("ended"), { type: "replay" }, { type: "playing" }], "playing"],
  ];
  it.each(table)("%s", (_name, events, phase) => {
    expect(phaseOf(story(...events).state)).toBe(phase);
  });
});

describe("coming back by itself", () => {
  it.each<readonly [string, readonly PlayerEvent[]]>([
    ["offline", [status("offline")]],
    ["unknown", [{ type: "missing", random }]],
    ["starting", [bare("starting")]],
    ["ended before the page came", [status("ended")]],
    ["server away", [{ type: "unanswered", random }]],
  ])("opens at the live edge after %s", (_name, events) => {
    const { effects } = story(...events, status("live", SECOND));
    expect(effects[0]).toMatchObject({ type: "open", from: "live" });
  });

  it("goes on without opening anything when the encoder reconnects", () => {
    const { state, effects } = story(...live, status("interrupted"), { type: "stalled" }, status("live"));
    expect(kinds(effects)).toEqual(["ask-later"]);
    expect(phaseOf(decide(state, { type: "playing" }).state)).toBe("playing");
  });

  it("resumes at once when the encoder is back and loading had given up", () => {
    const { effects } = story(
      ...live,
      status("interrupted"),
      { type: "stalled" },
      networkError,
      status("live"),
    );
    expect(kinds(effects)).toContain("resume");
  });

  it("opens the next broadcast over the end of the last", () => {
    const { state, effects } = story(...live, { type: "finished" }, status("ended"), status("live", SECOND));
    expect(kinds(effects)).toContain("open");
    expect(state.source).toBe(SECOND);
  });

  it("opens the next broadcast over a replay of the last", () => {
    const replay = story(status("ended"), { type: "replay" }, { type: "playing" });
    expect(isReplay(replay.state)).toBe(true);
    expect(kinds(decide(replay.state, status("live", SECOND)).effects)).toContain("open");
  });

  it("does not open the end of a broadcast again while the status is still old", () => {
    expect(kinds(story(...live, { type: "finished" }, status("live")).effects)).not.toContain("open");
  });

  it("tells broadcasts apart by their end when the server gives no dates", () => {
    const undated = (state: StreamState): PlayerEvent => ({
      type: "status",
      random,
      status: { id: "jam", title: "Jam", profile: "low", state, playlist },
    });
    const { effects } = story(
      undated("live"),
      { type: "playing" },
      { type: "finished" },
      undated("ended"),
      undated("live"),
    );
    expect(kinds(effects)).toContain("open");
  });

  it("closes what waits for frames of a stream that went offline, and keeps what is watched", () => {
    expect(kinds(story(...live, { type: "stalled" }, status("offline")).effects)).toContain("close");
    expect(kinds(story(...live, status("offline")).effects)).not.toContain("close");
  });

  it("asks when a tab is looked at again, and when the network is back", () => {
    expect(kinds(story(...live, { type: "visibility", hidden: false }).effects)).toEqual(["ask"]);
    expect(kinds(story(...live, { type: "connected" }).effects)).toEqual(["ask"]);
    expect(kinds(story(...live, networkError, { type: "connected" }).effects)).toEqual(["ask", "resume"]);
  });
});

describe("errors", () => {
  it("tries to go on twice, then opens anew, for as long as it takes", () => {
    const round: readonly PlayerEvent[] = [networkError, { type: "retry-due" }];
    const tried = [1, 2, 3, 4].map((n) => {
      const events: PlayerEvent[] = [...live];
      for (let i = 0; i < n; i += 1) events.push(...round);
      return kinds(story(...events).effects)[0];
    });
    expect(tried).toEqual(["resume", "resume", "open", "open"]);
  });

  it("waits longer each time, and forgets when frames move", () => {
    const waits = (events: readonly PlayerEvent[]): number[] =>
      story(...events).effects.flatMap((effect) => (effect.type === "retry" ? [effect.afterMs] : []));
    const [first = 0] = waits([...live, networkError]);
    const [second = 0] = waits([...live, networkError, networkError]);
    expect(second).toBeGreaterThan(first);
    expect(waits([...live, networkError, networkError, { type: "playing" }, networkError])).toEqual([first]);
  });

  it("recovers a media error, opens anew after a second, slows down after a third", () => {
    const error = (atMs: number): PlayerEvent => ({ type: "media-error", atMs });
    expect(kinds(story(...live, error(1_000)).effects)).toEqual(["recover"]);
    expect(kinds(story(...live, error(1_000), error(2_000)).effects)).toEqual(["open"]);
    const third = story(...live, error(1_000), error(2_000), error(3_000));
    expect(kinds(third.effects)).toEqual(["retry"]);
    expect(kinds(decide(third.state, { type: "retry-due" }).effects)).toEqual(["open"]);
  });

  it("takes media errors far apart one by one", () => {
    const error = (atMs: number): PlayerEvent => ({ type: "media-error", atMs });
    expect(kinds(story(...live, error(1_000), error(60_000)).effects)).toEqual(["recover"]);
  });

  it("opens a replay from its start again", () => {
    const error: PlayerEvent = { type: "media-error", atMs: 1 };
    const { effects } = story(status("ended"), { type: "replay" }, { type: "playing" }, error, error);
    expect(effects[0]).toMatchObject({ type: "open", from: "start" });
  });
});

describe("a source that gives nothing any more", () => {
  it.each<readonly [string, readonly PlayerEvent[], readonly string[]]>([
    ["is opened anew before the first frame", [status("live"), { type: "starved" }], ["open"]],
    ["is opened anew in a stall", [...live, { type: "stalled" }, { type: "starved" }], ["open"]],
    ["is left alone while frames move", [...live, { type: "starved" }], []],
    ["is left alone in a pause", [...live, { type: "paused" }, { type: "starved" }], []],
  ])("%s", (_name, events, effects) => {
    expect(kinds(story(...events).effects)).toEqual(effects);
  });
});

describe("the viewer's wishes", () => {
  it.each<readonly [string, readonly PlayerEvent[], readonly string[]]>([
    ["pauses what plays", [...live, { type: "toggle" }], ["pause"]],
    ["plays what is paused", [...live, { type: "paused" }, { type: "toggle" }], ["play"]],
    ["plays what was refused", [status("live"), { type: "refused" }, { type: "toggle" }], ["play"]],
    ["shows an ended show again", [status("ended"), { type: "toggle" }], ["open"]],
    ["has nothing to show when offline", [status("offline"), { type: "toggle" }], []],
    ["goes live and plays", [...live, { type: "paused" }, { type: "go-live" }], ["go-live", "play"]],
    ["cannot go live after the end", [...live, { type: "finished" }, { type: "go-live" }], []],
  ])("%s", (_name, events, effects) => {
    expect(kinds(story(...events).effects)).toEqual(effects);
  });
});

describe("what the socket tells", () => {
  const told = (state: StreamState, startedAt?: string): PlayerEvent => ({
    type: "told",
    state,
    random,
    ...(startedAt !== undefined && { startedAt }),
  });
  const fed: PlayerEvent = { type: "fed", fed: true, missed: false, random };
  const askedAfterMs = (...events: readonly PlayerEvent[]): number => {
    const ask = story(...events).effects.find((effect) => effect.type === "ask-later");
    return ask?.type === "ask-later" ? ask.afterMs : Number.NaN;
  };

  it("is shown at once, for the broadcast that is open", () => {
    const away = story(...live, told("interrupted", FIRST), { type: "stalled" });
    expect(phaseOf(away.state)).toBe("interrupted");
    expect(phaseOf(decide(away.state, told("live")).state)).toBe("buffering");
    expect(phaseOf(story(...live, { type: "finished" }, told("ended")).state)).toBe("ended");
  });

  it.each<readonly [string, readonly PlayerEvent[], PlayerEvent]>([
    ["a show that begins", [status("offline")], told("live", FIRST)],
    ["another show", [status("ended")], told("live", SECOND)],
    ["a stream that was taken away", [...live], told("offline")],
    ["a state of nobody knows what", [{ type: "unanswered", random }], told("live", FIRST)],
  ])("makes the page ask, within half a second, about %s", (_name, before, event) => {
    expect(story(...before, event).effects).toEqual([{ type: "ask-later", afterMs: 250 }]);
    expect(story(...before, event).state.playback).toBe(story(...before).state.playback);
  });

  it("changes the title", () => {
    const { stream } = story(...live, { type: "titled", title: "Encore" }).state;
    expect(stream).toMatchObject({ title: "Encore", state: "live" });
    expect(story({ type: "titled", title: "Encore" }).state.stream).toBe("unasked");
  });

  it("saves most questions, while it tells", () => {
    expect(askedAfterMs(...live, fed)).toBe(60_000);
    expect(askedAfterMs(...live, fed, status("live"))).toBe(60_000);
    expect(askedAfterMs(status("offline"), fed)).toBe(10_000);
    expect(askedAfterMs(...live, fed, { type: "fed", fed: false, missed: false, random })).toBe(12_000);
    expect(askedAfterMs(...live, fed, { type: "unanswered", random })).toBe(2_000);
  });

  it.each<readonly [string, readonly PlayerEvent[], number]>([
    [
      "an old answer does not say what was told",
      [status("offline"), fed, told("live", FIRST), status("offline")],
      2_000,
    ],
    ["an answer says it", [status("offline"), fed, told("ended", FIRST), status("ended")], 10_000],
    ["the first frames are on their way", [fed, bare("starting")], 2_000],
    ["changes may have been missed", [...live, { ...fed, missed: true }], 250],
  ])("asks as often as ever, or not, when %s", (_name, events, afterMs) => {
    expect(askedAfterMs(...events)).toBe(afterMs);
  });

  it("opens a show whose first answer was too old", () => {
    const { effects, state } = story(
      status("offline"),
      fed,
      told("live", FIRST),
      status("offline"),
      status("live"),
    );
    expect(effects[0]).toMatchObject({ type: "open", from: "live" });
    expect(state.told).toBeUndefined();
  });
});

describe("whatever happens", () => {
  const events: readonly PlayerEvent[] = [
    status("offline"),
    bare("starting"),
    status("live"),
    status("interrupted"),
    status("ended"),
    status("live", SECOND),
    { type: "missing", random },
    { type: "unanswered", random },
    { type: "playing" },
    { type: "stalled" },
    { type: "paused" },
    { type: "refused" },
    { type: "finished" },
    networkError,
    { type: "media-error", atMs: 5 },
    { type: "source-changed" },
    { type: "starved" },
    { type: "retry-due" },
    { type: "toggle" },
    { type: "go-live" },
    { type: "replay" },
    { type: "connected" },
    { type: "visibility", hidden: true },
    { type: "fed", fed: true, missed: true, random },
    { type: "told", state: "ended", random },
    { type: "told", state: "live", startedAt: SECOND, random },
    { type: "titled", title: "Encore" },
  ];
  /** Deterministic pseudo-random numbers (mulberry32). */
  function numbers(seed: number): () => number {
    let a = seed;
    return () => {
      a = (a + 0x6d2b79f5) | 0;
      let t = Math.imul(a ^ (a >>> 15), 1 | a);
      t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
      return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
    };
  }
  it("every answer sets the next question, and a new live broadcast always plays", () => {
    const next = numbers(7);
    for (let run = 0; run < 500; run += 1) {
      let state: PlayerState = INITIAL;
      for (let i = 0; i < 30; i += 1) {
        const event = events[Math.floor(next() * events.length)];
        if (!event) continue;
        const decision = decide(state, event);
        state = decision.state;
        if (["status", "missing", "unanswered"].includes(event.type))
          expect(kinds(decision.effects)).toContain("ask-later");
        expect(state.playback === "none" ? state.source : undefined).toBeUndefined();
      }
      const opened = decide(state, status("live", "2030-01-01T00:00:00Z"));
      expect(kinds(opened.effects)).toContain("open");
      expect(phaseOf(decide(opened.state, { type: "playing" }).state)).toBe("playing");
    }
  });
});
