/** Playlists from the socket: the same text as the origin's but for the hold-back, at the same moments, or back to HTTP. */
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { mediaPlaylist } from "../../../../media/hls.ts";
import { end } from "../../../../media/timeline.ts";
import { PushedPlaylists } from "../../../../web/player/feed/pushed.ts";
import { begin, LOW, openParts, segments, timingOf } from "../../media/broadcast.ts";

const place = { base: "", stream: "demo" };
const url = (query = "", rendition = "v720"): string =>
  `https://edge.example/live/demo/${rendition}/index.m3u8${query}`;
/** Segment 40 is open with one part out. */
const one = openParts(segments(begin(timingOf("low")), 40, LOW), { duration: 0.5 });
const two = openParts(one, { duration: 0.5 });
const NEXT = "?_HLS_msn=40&_HLS_part=1&_HLS_skip=YES";

let pushed: PushedPlaylists;
let answers: (string | undefined)[];
const ask = (address: string): (() => void) | undefined => pushed.ask(address, (text) => answers.push(text));

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
  pushed = new PushedPlaylists(place);
  answers = [];
});
afterEach(() => {
  pushed.show(undefined);
  expect(vi.getTimerCount()).toBe(0);
  vi.useRealTimers();
});
const turn = (): Promise<void> => Promise.resolve();

describe("while the feed is up", () => {
  beforeEach(() => pushed.show(one));

  it("serves what is there, but not while it is asked", async () => {
    expect(ask(url("?_HLS_msn=40&_HLS_part=0"))).toBeDefined();
    expect(answers).toEqual([]);
    await turn();
    expect(answers).toEqual([mediaPlaylist(one, "v720", { partHoldBack: 1.02 })]);
    expect(answers[0]).toContain("PART-HOLD-BACK=1.02\n");
    expect(mediaPlaylist(one, "v720")).toContain("PART-HOLD-BACK=1.53\n");
  });

  it("keeps a blocking reload until its part is there, and answers video and audio with the same event", async () => {
    ask(url(NEXT));
    ask(url(NEXT, "audio"));
    await turn();
    expect(answers).toEqual([]);
    expect(pushed.waiting).toBe(2);
    pushed.show(two);
    const options = { skip: "YES", partHoldBack: 1.02 } as const;
    expect(answers).toEqual([mediaPlaylist(two, "v720", options), mediaPlaylist(two, "audio", options)]);
    expect(answers[0]).toContain("#EXT-X-SKIP:");
    expect(pushed.waiting).toBe(0);
  });

  it.each([
    ["too far ahead", url("?_HLS_msn=42")],
    ["a rendition that is not known", url("", "v9000")],
    ["the multivariant playlist", "https://edge.example/live/demo/index.m3u8"],
  ])("leaves to HTTP: %s", async (_name, address) => {
    expect(ask(address)).toBeUndefined();
    await turn();
    expect(answers).toEqual([]);
  });

  it("gives everything back in the same moment when the feed drops, and is there again with it", async () => {
    ask(url(NEXT));
    ask(url(NEXT, "audio"));
    pushed.show(undefined);
    expect(answers).toEqual([undefined, undefined]);
    expect(ask(url(NEXT))).toBeUndefined();
    pushed.show(two);
    expect(ask(url(NEXT))).toBeDefined();
    await turn();
    expect(answers).toHaveLength(3);
    expect(answers[2]).toContain("#EXTM3U");
  });

  it("answers nobody who took the question back", async () => {
    const takeBack = ask(url(NEXT));
    const served = ask(url());
    takeBack?.();
    served?.();
    pushed.show(two);
    await turn();
    expect(answers).toEqual([]);
    expect(pushed.waiting).toBe(0);
  });

  it("gives back what waits for a part that was due long ago, and takes over with the next event", async () => {
    ask(url(NEXT));
    vi.advanceTimersByTime(2_000);
    expect(answers).toEqual([]);
    vi.advanceTimersByTime(100);
    expect(answers).toEqual([undefined]);
    expect(pushed.isUp).toBe(false);
    expect(ask(url(NEXT))).toBeUndefined();
    pushed.show(two);
    expect(pushed.isUp).toBe(true);
  });

  it("gives back what has become too far: the timeline is another one", () => {
    ask(url(NEXT));
    pushed.show(segments(begin(timingOf("low")), 3, LOW));
    expect(answers).toEqual([undefined]);
  });

  it("tells who waits that the broadcast is over, and answers nobody after that: the next one may have begun", () => {
    ask(url(NEXT));
    ask(url(NEXT, "audio"));
    pushed.show(end(one));
    expect(answers).toEqual([
      mediaPlaylist(end(one), "v720", { skip: "YES", partHoldBack: 1.02 }),
      expect.any(String),
    ]);
    expect(answers[1]).toMatch(/#EXT-X-ENDLIST\n$/);
    expect(pushed.isUp).toBe(false);
    expect(ask(url())).toBeUndefined();
    expect(ask(url(NEXT))).toBeUndefined();
  });
});

it("knows nothing before the feed is up", () => {
  expect(ask(url())).toBeUndefined();
});

it("keeps the hold-back of streams without parts", async () => {
  const standard = segments(begin(timingOf("standard")), 8, 4);
  pushed.show(standard);
  ask(url());
  await turn();
  expect(answers).toEqual([mediaPlaylist(standard, "v720")]);
});
