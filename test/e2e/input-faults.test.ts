/** What encoders and networks do wrong, through real RTMP, FFmpeg, origin and playlists: viewers get the rest of the show. */
import { afterAll, beforeAll, describe, expect, inject, it } from "vitest";
import { load, type Stretch, type Watched, watch } from "../support/hls-watch.ts";
import {
  beginAt,
  clip,
  followedBy,
  jump,
  RtmpPush,
  stall,
  type TimedTag,
  without,
} from "../support/rtmp-push.ts";
import { Stack, until } from "../support/stack.ts";

const HOUR_MS = 3_600_000;
const SECONDS = 10;
/** The test picture has a frame every 40 ms, its sound one every 21. */
const FRAME_SECONDS = 0.045;
const RENDITIONS = ["v180", "audio"];
/** Both cores may be busy with other tests; a session that starts anew has to see a keyframe or two first. */
const GOES_ON_MS = 6_000;
const STARTS_ANEW_MS = 10_000;

let stack: Stack;
beforeAll(() => {
  stack = Stack.attach(inject("millrace"));
});
afterAll(() => stack.stop());

const show = clip({ seconds: SECONDS });
const large = clip({ seconds: 5, size: "426x240" });
const fast = clip({ seconds: 5, rate: 50 });

interface Fault {
  readonly what: string;
  readonly tags: readonly TimedTag[];
  /** How often the show begins anew. */
  readonly discontinuities: number;
  /** Seconds that may be missing of the ten. */
  readonly missing?: number;
}

const FAULTS: readonly Fault[] = [
  {
    what: "a clock that jumps back an hour",
    tags: jump(beginAt(show, 2 * HOUR_MS, 32), 5000, -HOUR_MS),
    discontinuities: 1,
  },
  { what: "a clock that jumps forward a day", tags: jump(show, 5000, 24 * HOUR_MS), discontinuities: 1 },
  {
    what: "a clock that jumps while the source is being looked at",
    tags: jump(beginAt(show, 2 * HOUR_MS, 32), 520, -HOUR_MS),
    discontinuities: 0,
    missing: 1,
  },
  {
    what: "a clock of 24 bits that begins again at 4 h 39 min",
    tags: beginAt(show, 2 ** 24 - 5000, 24),
    discontinuities: 0,
  },
  {
    what: "timestamps that become extended at 4 h 39 min",
    tags: beginAt(show, 2 ** 24 - 5000, 32),
    discontinuities: 0,
  },
  { what: "a clock that wraps at 32 bits", tags: beginAt(show, 2 ** 32 - 5000, 32), discontinuities: 0 },
  { what: "sound that starts late", tags: without(show, "audio", 0, 4000), discontinuities: 0 },
  { what: "sound that stops", tags: without(show, "audio", 4000), discontinuities: 0 },
  { what: "sound that stops and comes back", tags: without(show, "audio", 3000, 6500), discontinuities: 0 },
  {
    what: "pictures that stop while the sound goes on",
    tags: without(show, "video", 4000),
    discontinuities: 0,
    missing: 1,
  },
  {
    what: "pictures that stop and come back between keyframes",
    tags: without(show, "video", 3500, 6400),
    discontinuities: 0,
  },
  { what: "another picture size", tags: followedBy(show, 5000, large), discontinuities: 1 },
  { what: "another frame rate", tags: followedBy(show, 5000, fast), discontinuities: 1 },
  { what: "a network that stalls for two seconds", tags: stall(show, 4000, 2000), discontinuities: 0 },
];

describe.concurrent("a broadcast survives", { timeout: 90_000 }, () => {
  it("a broadcaster who reconnects ten times in a minute", async () => {
    const stream = "fault-reconnects";
    const key = await stack.createStream(stream, { reconnectSeconds: 60 });
    let stop: (() => Promise<Watched>) | undefined;
    for (let i = 0; i <= 10; i += 1) {
      const push = await until("the stream to be free", async () => {
        const opened = await RtmpPush.open(stack.dev.rtmp, key);
        if (opened.code === "NetStream.Publish.Start") return opened.push;
        opened.push.drop();
        return undefined;
      });
      await push.send(show.filter(({ dueMs }) => dueMs < 2200));
      push.drop();
      if (!stop) {
        await stack.state(stream, "interrupted");
        stop = watch(stack.dev.edge, stream, RENDITIONS);
      }
    }
    await until("the last session to end", () =>
      stack.transcoderLog().filter((line) => line.event === "session-ended" && line.stream === stream)
        .length > 10
        ? true
        : undefined,
    );
    const watched = await stop?.();
    if (!watched) throw new Error("was never there");
    expect(watched.violations).toEqual([]);
    expectWhole(watched, 10);
    const [pictures = [], sound = []] = await loadAll(stream, watched);
    expect(pictures).toHaveLength(11);
    expectInStep(pictures, sound);
    expect(lengthOf(watched, "v180")).toBeGreaterThan(11 * 2.2 - 3);
    for (const { standstillMs } of watched.renditions.values())
      expect(standstillMs).toBeLessThan(STARTS_ANEW_MS);
  });

  it.each(FAULTS)("$what", async ({ what, tags, discontinuities, missing = 0 }) => {
    const stream = `fault-${what.replaceAll(/[^a-z0-9]+/g, "-")}`.slice(0, 60);
    const key = await stack.createStream(stream, { reconnectSeconds: 60 });
    const { push, code } = await RtmpPush.open(stack.dev.rtmp, key);
    expect(code).toBe("NetStream.Publish.Start");
    const sent = push.send(tags);
    await stack.state(stream, "live");
    const stop = watch(stack.dev.edge, stream, RENDITIONS);
    await sent;
    expect(push.over).toBe(false);
    push.drop();
    await stack.logged("session-ended", (line) => line.stream === stream);
    const watched = await stop();

    expect(watched.violations).toEqual([]);
    const [pictures = [], sound = []] = await loadAll(stream, watched);
    expect(pictures).toHaveLength(discontinuities + 1);
    expectWhole(watched, discontinuities);
    expectInStep(pictures, sound);
    const seconds = lengthOf(watched, "v180");
    expect(seconds).toBeGreaterThan(SECONDS - missing - 0.5);
    expect(seconds).toBeLessThan(SECONDS + 0.5);
    for (const { standstillMs, offClockMs } of watched.renditions.values()) {
      expect(standstillMs).toBeLessThan(discontinuities > 0 ? STARTS_ANEW_MS : GOES_ON_MS);
      // A segment is listed after it ends, and a stall or a probe comes on top.
      expect(offClockMs).toBeLessThan(STARTS_ANEW_MS);
    }
    expectBounded(stream);
  });
});

/** Pictures and sound, taken apart and decoded. */
const loadAll = (stream: string, { renditions }: Watched): Promise<Stretch[][]> =>
  Promise.all([...renditions].map(([name, { state }]) => load(stack.dev.edge, stream, name, state)));

/** No segment is missing in any rendition, and discontinuities are where init sections change, and nowhere else. */
function expectWhole({ renditions }: Watched, discontinuities: number): void {
  for (const { state } of renditions.values()) {
    const { segments } = state.playlist;
    expect(segments.filter(({ gap }) => gap)).toEqual([]);
    expect(segments.filter(({ discontinuity }) => discontinuity)).toHaveLength(discontinuities);
    for (const [i, { discontinuity, map }] of segments.entries())
      if (i > 0) expect(discontinuity).toBe(map !== segments[i - 1]?.map);
  }
}

/** Decodes without a word, and what belongs together begins together. */
function expectInStep(pictures: readonly Stretch[], sound: readonly Stretch[]): void {
  for (const { complaints, frames } of [...pictures, ...sound]) {
    expect(complaints).toBe("");
    expect(frames).toBeGreaterThan(0);
  }
  const starts = new Map(sound.flatMap(({ segments }) => segments.map(({ msn, start }) => [msn, start])));
  for (const { msn, start } of pictures.flatMap(({ segments }) => segments)) {
    expect(Math.abs((starts.get(msn) ?? Number.NaN) - start)).toBeLessThan(FRAME_SECONDS);
  }
}

const lengthOf = ({ renditions }: Watched, name: string): number =>
  (renditions.get(name)?.state.playlist.segments ?? []).reduce((sum, { duration = 0 }) => sum + duration, 0);

/** What waits inside the transcoder stays little. */
function expectBounded(stream: string): void {
  const samples = stack.transcoderLog().filter((line) => line.event === "input" && line.stream === stream);
  expect(samples.length).toBeGreaterThan(0);
  for (const { waitingBytes, queuedBytes } of samples)
    expect(Number(waitingBytes ?? 0) + Number(queuedBytes ?? 0)).toBeLessThan(4 * 1024 * 1024);
}
