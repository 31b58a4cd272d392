/** The page's socket against a small server of the protocol on loopback: the thread is never lost without being noticed. */
import { once } from "node:events";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { type WebSocket, WebSocketServer } from "ws";
import { type Entry, extend, type Timeline } from "../../../../media/timeline.ts";
import { LiveFeed } from "../../../../web/player/feed/live-feed.ts";
import type { LiveEvent } from "../../../../wire/live-events.ts";
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

interface Said {
  readonly id?: number;
  readonly connect?: unknown;
  readonly subscribe?: {
    readonly channel: string;
    readonly recover?: boolean;
    readonly offset?: number;
    readonly epoch?: string;
  };
  readonly unsubscribe?: unknown;
  readonly rpc?: { readonly method: string; readonly data: unknown };
  readonly send?: { readonly data: unknown };
}

/** An origin and a shard in one: numbers publications, keeps them, answers recoveries. */
class Shard {
  readonly server = new WebSocketServer({ port: 0, host: "127.0.0.1" });
  readonly sockets = new Set<WebSocket>();
  readonly said: Said[] = [];
  readonly paths: string[] = [];
  epoch = "e1";
  timeline: Timeline = openParts(segments(begin(timingOf("low")), 8, LOW), { duration: 0.5 });
  kept: { readonly offset: number; readonly data: unknown }[] = [];
  offset = 100;
  snapshots = 0;
  /** What the next snapshots answer instead. */
  answers: (() => Response)[] = [];
  isOpen = true;

  constructor() {
    this.server.on("connection", (socket, request) => {
      if (!this.isOpen) {
        socket.terminate();
        return;
      }
      this.sockets.add(socket);
      this.paths.push(request.url ?? "");
      socket.on("close", () => this.sockets.delete(socket));
      socket.on("message", (frame) => {
        for (const line of String(frame).split("\n")) this.#hear(socket, JSON.parse(line));
      });
    });
  }

  #hear(socket: WebSocket, said: Said): void {
    this.said.push(said);
    const reply = (result: object): void => socket.send(JSON.stringify({ id: said.id, ...result }));
    if (said.connect) reply({ connect: { client: "c", version: "1", ping: 25, pong: true } });
    if (said.unsubscribe) reply({ unsubscribe: {} });
    if (said.rpc) reply({ rpc: { data: {} } });
    if (!said.subscribe) return;
    const { recover = false, offset = 0, epoch } = said.subscribe;
    const missed = this.kept.filter((one) => one.offset > offset);
    const recovered = recover && epoch === this.epoch && missed.length === this.offset - offset;
    const position = {
      recoverable: true,
      positioned: true,
      epoch: this.epoch,
      offset: recovered ? offset : this.offset,
    };
    reply({
      subscribe: {
        ...position,
        was_recovering: recover,
        recovered,
        ...(recovered && { publications: missed }),
        data: { viewers: 5 },
      },
    });
  }

  /** Publish; `lost` on the way to the sockets. */
  publish(data: unknown, { lost = false } = {}): void {
    this.offset += 1;
    const pub = { offset: this.offset, data };
    this.kept.push(pub);
    if (!lost) this.push(pub);
  }

  push(pub: object): void {
    for (const socket of this.sockets) socket.send(JSON.stringify({ push: { channel: "live:demo", pub } }));
  }

  /** The next part, or the end of the segment. */
  grow(options?: { readonly lost?: boolean }): void {
    const parts = this.timeline.open?.parts.length ?? 0;
    const entries: Entry[] =
      parts === 4 ? [segmentEntry(this.timeline, 2)] : partEntries(this.timeline, [{ duration: 0.5 }], parts);
    const grown = extend(this.timeline, 1, entries);
    if (!grown.ok) throw new Error(grown.error.reason);
    this.timeline = grown.value.timeline;
    this.publish({ type: "media", broadcast: BROADCAST, session: 1, entries: grown.value.added }, options);
  }

  snapshot(): Response {
    this.snapshots += 1;
    const other = this.answers.shift();
    return other
      ? other()
      : Response.json({ epoch: this.epoch, offset: this.offset, timeline: this.timeline });
  }

  drop(): void {
    for (const socket of this.sockets) socket.terminate();
  }
}

let shard: Shard;
let feed: LiveFeed;
let timelines: (Timeline | undefined)[];
let events: LiveEvent[];
let isFollowed: boolean;
let isPlayable: boolean;
let missedSome: number;
const shown = (): Timeline | undefined => timelines.at(-1);
/** Starts the feed, the first time. */
const follows = () => {
  feed.start();
  return vi.waitFor(() => expect(shown()).toEqual(shard.timeline), { timeout: 8_000 });
};

beforeEach(async () => {
  shard = new Shard();
  await once(shard.server, "listening");
  const address = shard.server.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  vi.stubGlobal("location", { protocol: "http:", host: `127.0.0.1:${port}` });
  vi.stubGlobal("fetch", async () => shard.snapshot());
  [timelines, events, isFollowed, isPlayable, missedSome] = [[], [], false, true, 0];
  feed = new LiveFeed(
    { base: "/p/t", stream: "demo" },
    {
      timeline: (timeline) => timelines.push(timeline),
      event: (event) => events.push(event),
      followed: (is, missed) => {
        isFollowed = is;
        if (missed) missedSome += 1;
      },
      isPlayable: () => isPlayable,
    },
    3,
  );
  feed.setPlaying(true);
});
afterEach(async () => {
  feed.setConnected(false);
  shard.drop();
  shard.server.close();
  vi.unstubAllGlobals();
});

const subscriptions = () => shard.said.flatMap(({ subscribe }) => (subscribe ? [subscribe] : []));

it("goes on from the timeline that was asked for, through everything that was missed meanwhile", async () => {
  // Two parts come between the snapshot and the subscription.
  shard.answers.push(() => {
    const old = Response.json({ epoch: shard.epoch, offset: shard.offset, timeline: shard.timeline });
    shard.grow();
    shard.grow();
    return old;
  });
  await follows();
  expect(shard.paths).toEqual(["/p/t/connection/websocket?stream=demo"]);
  expect(subscriptions()).toMatchObject([{ channel: "live:demo", recover: true, offset: 100, epoch: "e1" }]);
  expect(isFollowed).toBe(true);
  // Nobody was shown what was old already.
  expect(timelines).toHaveLength(1);
  expect(events).toContainEqual({ type: "viewers", viewers: 5 });
  for (let i = 0; i < 9; i += 1) shard.grow();
  await follows();
  expect(feed.offset).toBe(111);
  expect(shard.snapshots).toBe(1);
});

it("brings the page's own events, those without a place too", async () => {
  await follows();
  shard.publish({ type: "title", title: "Encore" });
  shard.push({ data: { type: "viewers", viewers: 12 } });
  await vi.waitFor(() => expect(events).toContainEqual({ type: "viewers", viewers: 12 }));
  expect(events).toContainEqual({ type: "title", title: "Encore" });
  // They draw no playlist anew.
  expect(timelines).toHaveLength(1);
});

describe("a socket that drops", () => {
  it("gives playlists back at once, and takes them again with all that was missed, without another snapshot", async () => {
    await follows();
    shard.drop();
    await vi.waitFor(() => expect(shown()).toBeUndefined(), { timeout: 500 });
    expect(isFollowed).toBe(false);
    shard.grow();
    shard.grow();
    await follows();
    expect(shard.snapshots).toBe(1);
    expect(subscriptions().at(-1)).toMatchObject({ recover: true, offset: 100 });
    expect(missedSome).toBe(0);
  });

  it("asks for the timeline anew when the server cannot say what was missed", async () => {
    await follows();
    shard.isOpen = false;
    shard.drop();
    await vi.waitFor(() => expect(shown()).toBeUndefined());
    shard.epoch = "e2";
    [shard.offset, shard.kept] = [3, []];
    shard.isOpen = true;
    shard.grow();
    await follows();
    expect(shard.snapshots).toBe(2);
    expect(subscriptions().at(-1)).toMatchObject({ recover: true, epoch: "e2" });
  });
});

describe("the thread is lost, and found", () => {
  it("when a publication is missing", async () => {
    await follows();
    shard.grow({ lost: true });
    shard.grow();
    await vi.waitFor(() => expect(timelines).toContain(undefined));
    await follows();
    expect(shard.snapshots).toBe(2);
    shard.grow();
    await follows();
    expect(shard.snapshots).toBe(2);
    // The page has to ask what else it was not told.
    expect(missedSome).toBe(1);
  });

  it("when the timeline is another one", async () => {
    await follows();
    shard.publish({ type: "timeline", broadcast: BROADCAST });
    await vi.waitFor(() => expect(timelines).toContain(undefined));
    await follows();
  });

  it("after answers that are none", async () => {
    await follows();
    shard.answers.push(
      () => new Response("", { status: 503 }),
      () => Response.json({ epoch: "e1", offset: 1, timeline: { ...shard.timeline, stream: "other" } }),
    );
    shard.publish({ type: "timeline", broadcast: BROADCAST });
    await vi.waitFor(() => expect(shard.snapshots).toBe(2), { timeout: 3_000 });
    await follows();
    expect(shard.snapshots).toBe(4);
  });

  it("by a server that takes the subscription back for a moment", async () => {
    await follows();
    shard.grow({ lost: true });
    for (const socket of shard.sockets)
      socket.send(
        JSON.stringify({
          push: { channel: "live:demo", unsubscribe: { code: 2500, reason: "insufficient state" } },
        }),
      );
    await follows();
    expect(shard.snapshots).toBe(1);
  });
});

it("follows a stream that has nothing to play, and asks for its timeline when it has", async () => {
  isPlayable = false;
  feed.start();
  await vi.waitFor(() => expect(isFollowed).toBe(true));
  expect(shown()).toBeUndefined();
  expect(shard.snapshots).toBe(0);
  shard.publish({ type: "status", state: "starting" });
  await vi.waitFor(() => expect(events).toContainEqual({ type: "status", state: "starting" }));
  shard.publish({ type: "timeline", broadcast: BROADCAST });
  await follows();
});

it("is soon there when a show begins, however long its first segment takes", async () => {
  isPlayable = false;
  feed.start();
  await vi.waitFor(() => expect(isFollowed).toBe(true));
  for (let i = 0; i < 4; i += 1) shard.answers.push(() => new Response("", { status: 404 }));
  shard.publish({ type: "timeline", broadcast: BROADCAST });
  await vi.waitFor(() => expect(shard.snapshots).toBe(1), { timeout: 3_000 });
  await vi.waitFor(() => expect(isFollowed).toBe(true));
  // Parts of the first segment: nothing is asked for, and the thread is not lost.
  shard.grow();
  shard.grow();
  shard.push({ data: { type: "viewers", viewers: 77 } });
  await vi.waitFor(() => expect(events).toContainEqual({ type: "viewers", viewers: 77 }));
  expect(isFollowed).toBe(true);
  shard.answers = [];
  shard.grow();
  shard.grow();
  shard.grow();
  await follows();
  expect(shard.snapshots).toBe(2);
});

it("tells what somebody does: plays, how it goes, how far it got", async () => {
  await follows();
  const rpcs = () => shard.said.flatMap(({ rpc }) => (rpc ? [rpc] : []));
  expect(rpcs()).toEqual([{ method: "playing", data: { playing: true } }]);
  feed.setPlaying(false);
  feed.setPlaying(false);
  feed.report({ stalls: 0, stalledMs: 0, playedMs: 10_000, droppedFrames: 0, shownFrames: 300 });
  await vi.waitFor(() => expect(rpcs()).toHaveLength(3));
  expect(rpcs()[1]).toEqual({ method: "playing", data: { playing: false } });
  expect(rpcs()[2]).toMatchObject({ method: "qoe", data: { playedMs: 10_000 } });
  shard.drop();
  await vi.waitFor(() => expect(rpcs()).toHaveLength(4), { timeout: 5_000 });
  expect(rpcs()[3]).toEqual({ method: "playing", data: { playing: false } });
  await follows();
  const sent = () => shard.said.flatMap(({ send }) => (send ? [send.data] : []));
  // By what came, not by the clock: a tab that nobody sees has no timers worth the name.
  for (let i = 0; i < 7; i += 1) shard.grow();
  await vi.waitFor(() => expect(sent()).toEqual([{ progress: 103 }, { progress: 106 }]));
});
