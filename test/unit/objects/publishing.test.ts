/**
 * What followers are told of a timeline: whoever has a copy of it and hears the events draws the same playlists, to the byte,
 * as the server does. Random broadcasts, with followers that begin anywhere.
 */
import { describe, expect, it } from "vitest";
import {
  copyOf,
  eventsOf,
  MAX_MEDIA_LETTERS,
  type Told,
} from "../../../durable-objects/core/viewers/publishing.ts";
import { mediaPlaylist } from "../../../media/hls.ts";
import { PROFILE_NAMES, type ProfileName } from "../../../media/profile.ts";
import { sealingEntry } from "../../../media/seal.ts";
import {
  type Entry,
  emptyTimeline,
  end,
  extend,
  positionOf,
  type Timeline,
} from "../../../media/timeline.ts";
import { withoutParts } from "../../../media/trim.ts";
import { LiveEventSchema } from "../../../wire/live-events.ts";
import { parse, parseJson } from "../../../wire/parse.ts";
import { TimelineSchema } from "../../../wire/timeline-snapshot.ts";
import {
  BROADCAST,
  begin,
  grow,
  LOW,
  nextAt,
  openParts,
  partEntries,
  segmentEntry,
  segments,
  TRIO,
  timingOf,
  tracks,
} from "../media/broadcast.ts";

/** A server's timeline, and what it told. */
class Server {
  readonly events: Told[] = [];
  timeline: Timeline;

  constructor(timeline: Timeline) {
    this.timeline = timeline;
  }

  append(session: number, entries: readonly Entry[]): void {
    const extended = extend(this.timeline, session, entries);
    if (!extended.ok) throw new Error(JSON.stringify(extended.error));
    this.change(extended.value.timeline, extended.value.added);
  }

  change(timeline: Timeline, added: readonly Entry[] = []): void {
    this.events.push(...eventsOf(this.timeline, timeline, added));
    this.timeline = timeline;
  }
}

/** What a player has: a copy, and how many events it has heard. Everything goes through JSON and the schemas. */
class Follower {
  readonly #server: Server;
  timeline: Timeline;
  heard: number;
  copies = 1;

  constructor(server: Server) {
    this.#server = server;
    this.timeline = this.#copy();
    this.heard = server.events.length;
  }

  catchUp(): void {
    while (this.heard < this.#server.events.length) {
      const event = parseJson(LiveEventSchema, JSON.stringify(this.#server.events[this.heard]));
      if (!event.ok) throw new Error(event.error.detail);
      this.heard += 1;
      if (event.value.type === "end") this.timeline = end(this.timeline);
      else if (event.value.type === "media") {
        expect(event.value.broadcast).toBe(this.timeline.broadcast);
        this.timeline = grow(this.timeline, event.value.session, event.value.entries);
      } else {
        this.timeline = this.#copy();
        this.heard = this.#server.events.length;
        this.copies += 1;
      }
    }
  }

  #copy(): Timeline {
    const read = parse(TimelineSchema, JSON.parse(JSON.stringify(copyOf(this.#server.timeline))));
    if (!read.ok) throw new Error(read.error.detail);
    return read.value;
  }
}

const drawn = (timeline: Timeline): readonly string[] =>
  timeline.renditions.flatMap(({ name }) => [
    mediaPlaylist(timeline, name),
    mediaPlaylist(timeline, name, { skip: "YES" }),
  ]);

/** Numbers in [0, 1) from a seed: mulberry32. */
function generator(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

/** One thing that happens to a broadcast. */
function step(server: Server, random: () => number): void {
  const { timeline } = server;
  const { session, timing } = timeline;
  const missing = random() < 0.1 ? ["v480"] : [];
  const dice = random();
  if (dice < 0.06) {
    const seal = sealingEntry(timeline);
    if (seal && random() < 0.5) server.append(session, [seal]);
    // A segment that nobody sealed is closed by the next session's description, and media may come in the same append.
    const renditions = random() < 0.3 ? TRIO.slice(0, 2) : TRIO;
    server.append(session + 1, [{ type: "init", renditions }]);
  } else if (dice < 0.08) {
    server.append(session, [{ type: "init", renditions: TRIO }]);
  } else if (timing.partTarget === undefined) {
    const at = nextAt(timeline) + (random() < 0.1 ? 5000 * random() : 0);
    server.append(session, [
      segmentEntry(timeline, timing.targetDuration * (0.3 + random() * 0.7), missing, at),
    ]);
  } else if (timeline.open && (timeline.open.parts.length > 3 || random() < 0.2)) {
    const { open } = timeline;
    const duration = open.parts.reduce((sum, part) => sum + part.duration, 0);
    const entry = { type: "segment", msn: open.msn, at: open.at, duration } as const;
    const close = { ...entry, tracks: tracks(timeline, duration, "whole", missing) };
    // Often with the first part of the next one.
    const next = { type: "part", msn: open.msn + 1, part: 0, at: open.at + 1000 * duration } as const;
    const part = { ...next, duration: timing.partTarget * 0.9, tracks: tracks(timeline, 0.2, 0) };
    server.append(session, random() < 0.5 ? [close] : [close, part]);
  } else {
    const duration = timing.partTarget * (0.5 + random() * 0.5);
    server.append(session, partEntries(timeline, [{ duration, missing }], positionOf(timeline).part));
  }
}

describe("a follower", () => {
  it.each(PROFILE_NAMES.flatMap((profile) => [1, 2, 3, 4, 5, 6].map((seed) => [profile, seed] as const)))(
    "draws what the server draws (%s, seed %i)",
    (profile: ProfileName, seed) => {
      const random = generator(seed);
      const server = new Server(begin(timingOf(profile, 20)));
      const followers: Follower[] = [new Follower(server)];
      for (let count = 0; count < 250; count += 1) {
        step(server, random);
        if (random() < 0.03) followers.push(new Follower(server));
        for (const follower of followers) {
          // Not all of them after each event: some hear several at once.
          if (random() < 0.4) continue;
          follower.catchUp();
          expect(drawn(follower.timeline)).toEqual(drawn(server.timeline));
        }
      }
      server.change(end(server.timeline));
      for (const follower of followers) {
        follower.catchUp();
        expect(drawn(follower.timeline)).toEqual(drawn(server.timeline));
        expect(follower.timeline.ended).toBe(true);
        expect(follower.copies, "nothing of this asks for another copy").toBe(1);
      }
    },
  );
});

const low = openParts(segments(begin(timingOf("low")), 3, LOW), { duration: 0.5 });

describe("a copy", () => {
  it("says nothing that no media playlist says", () => {
    const text = JSON.stringify(copyOf(low));
    expect(JSON.stringify(low)).toContain("iframeBytes");
    expect(text).not.toContain("iframeBytes");
    const summed = grow(low, 1, [
      {
        ...segmentEntry(low, 0.5),
        tracks: { v720: { bytes: 1, independent: true, md5: "0".repeat(32) } },
      } as Entry,
    ]);
    expect(JSON.stringify(copyOf(summed))).not.toContain("md5");
  });
});

describe("events of a change", () => {
  const types = (before: Timeline | undefined, after: Timeline, added: readonly Entry[] = []) =>
    eventsOf(before, after, added).map((event) =>
      event.type === "media" ? [event.type, event.session, event.entries.length] : event.type,
    );
  const part = partEntries(low, [{ duration: 0.5 }], 1);
  const joined = extend(low, 2, [{ type: "init", renditions: TRIO }]);
  const next = emptyTimeline(`${BROADCAST}x`, "demo", timingOf("low"), low);

  it.each<[string, Timeline | undefined, Timeline, readonly Entry[], unknown]>([
    ["nothing of a repeat", low, low, [], []],
    ["a part", low, grow(low, 1, part), part, [["media", 1, 1]]],
    [
      "a session that closes what another left open",
      low,
      joined.ok ? joined.value.timeline : low,
      joined.ok ? joined.value.added : [],
      [
        ["media", 1, 1],
        ["media", 2, 1],
      ],
    ],
    ["the end", low, end(low), [], ["end"]],
    ["the first broadcast", undefined, low, [], ["timeline"]],
    ["the next broadcast", end(low), next, [], ["timeline"]],
    ["parts that are forgotten", end(low), withoutParts(end(low)), [], ["timeline"]],
    ["a broadcast that is forgotten", end(low), { ...end(low), segments: [] }, [], ["timeline"]],
  ])("says %s", (_name, before, after, added, expected) => {
    expect(types(before, after, added)).toEqual(expected);
  });

  it("asks for another copy where the events would be long", () => {
    let timeline = begin(timingOf("standard", 600));
    const before = timeline;
    const added: Entry[] = [];
    while (JSON.stringify(added).length <= 2 * MAX_MEDIA_LETTERS) {
      const entry = segmentEntry(timeline, 4);
      added.push(entry);
      timeline = grow(timeline, 1, [entry]);
    }
    expect(types(before, timeline, added)).toEqual(["timeline"]);
  });
});
