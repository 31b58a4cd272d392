/** The loader between hls.js, the page's early playlist, the feed and HTTP. hls.js's own loader is played by a stand-in. */
import type { HlsConfig, Loader, LoaderCallbacks, LoaderConfiguration, LoaderContext } from "hls.js";
import { beforeEach, expect, it, type Mock, vi } from "vitest";
import type { Settle } from "../../../web/player/feed/pushed.ts";
import { playlistLoader } from "../../../web/player/playlist-loader.ts";

const URL = "https://edge.example/live/demo/v720/index.m3u8?_HLS_msn=7";
const context = { url: URL, responseType: "text", type: "level" } as unknown as LoaderContext;
const config = {} as LoaderConfiguration;

/** What went over HTTP. */
let fetched: string[];
let ended: string[];
class HttpLoader {
  context: LoaderContext | null = null;
  stats = { aborted: false, loaded: 0, total: 0, loading: { start: 0, first: 0, end: 0 } };
  load(context: LoaderContext): void {
    // As hls.js's loader does.
    if (this.stats.loading.start !== 0) throw new Error("Loader can only be used once.");
    this.stats.loading.start = performance.now();
    fetched.push(context.url);
  }
  abort(): void {
    ended.push("abort");
  }
  destroy(): void {
    ended.push("destroy");
  }
}

/** A feed with one seat. */
let settle: Settle | undefined;
let isUp: boolean;
const pushed = {
  ask: (_url: string, answer: Settle) => {
    if (!isUp) return undefined;
    settle = answer;
    return () => {
      settle = undefined;
    };
  },
};

let onSuccess: Mock<LoaderCallbacks<LoaderContext>["onSuccess"]>;
let callbacks: LoaderCallbacks<LoaderContext>;
beforeEach(() => {
  [fetched, ended, isUp, settle] = [[], [], true, undefined];
  onSuccess = vi.fn();
  callbacks = { onSuccess, onError: vi.fn(), onTimeout: vi.fn() };
});

function makerOf(early?: Promise<string>): () => Loader<LoaderContext> {
  const Base = HttpLoader as unknown as HlsConfig["loader"];
  const Made = playlistLoader(Base, early, pushed) as unknown as new (
    config: unknown,
  ) => Loader<LoaderContext>;
  return () => new Made({});
}

it("answers from the feed, with times that say nothing of the line", () => {
  const loader = makerOf()();
  loader.load(context, config, callbacks);
  expect(loader.context).toBe(context);
  settle?.("#EXTM3U");
  expect(fetched).toEqual([]);
  const [response, stats, of, details] = onSuccess.mock.calls[0] ?? [];
  expect(response).toEqual({ url: URL, data: "#EXTM3U", code: 200 });
  expect(of).toBe(context);
  expect(details).toBeNull();
  if (!stats) throw new Error("no answer");
  expect(stats.loaded).toBe(7);
  expect(stats.loading.start).toBeGreaterThan(0);
  expect(stats.loading.first).toBeGreaterThanOrEqual(stats.loading.start);
  expect(stats.loading.end).toBe(stats.loading.first);
});

it("goes out over HTTP as it is when the feed gives it back, and when there is none", () => {
  const make = makerOf();
  make().load(context, config, callbacks);
  expect(fetched).toEqual([]);
  settle?.(undefined);
  isUp = false;
  make().load(context, config, callbacks);
  expect(fetched).toEqual([URL, URL]);
  expect(onSuccess).not.toHaveBeenCalled();
});

it.each(["abort", "destroy"] as const)("leaves nothing behind after %s", (way) => {
  const loader = makerOf()();
  loader.load(context, config, callbacks);
  const late = settle;
  loader[way]();
  expect(settle).toBeUndefined();
  expect(ended).toEqual([way]);
  expect(loader.stats.aborted).toBe(way === "abort");
  expect(late).toBeDefined();
  expect(fetched).toEqual([]);
});

it("answers the first request of all from what was fetched early, and no other", async () => {
  isUp = false;
  const make = makerOf(Promise.resolve("early"));
  make().load(context, config, callbacks);
  make().load(context, config, callbacks);
  await vi.waitFor(() => expect(onSuccess).toHaveBeenCalledTimes(1));
  expect(onSuccess.mock.calls[0]?.[0].data).toBe("early");
  expect(fetched).toEqual([URL]);
});

it("fetches what could not be fetched early, and forgets it when it is not wanted any more", async () => {
  isUp = false;
  const early = (): Promise<string> => Promise.reject(new Error("HTTP 503"));
  makerOf(early())().load(context, config, callbacks);
  await vi.waitFor(() => expect(fetched).toEqual([URL]));
  const loader = makerOf(early())();
  loader.load(context, config, callbacks);
  loader.abort();
  await new Promise((resolve) => setImmediate(resolve));
  expect(fetched).toEqual([URL]);
});
