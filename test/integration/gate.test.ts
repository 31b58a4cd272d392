/** The gate, through the whole edge: limits, methods, tokens, what every answer says, and origin in trouble. */
import { afterEach, beforeAll, describe, expect, it } from "vitest";
import type { EdgeAnswer } from "../../wire/admin-edge.ts";
import { policies } from "../../workers/edge/access.ts";
import { flush } from "../../workers/edge/counting.ts";
import {
  EdgeBench,
  freshObject,
  freshPath,
  type LiveStream,
  liveStream,
  pass,
  slowObject,
  statusOf,
} from "./edge-bench.ts";
import { ADMIN, bytesOf, get, origin, sign, textOf } from "./encoder.ts";

const edge = new EdgeBench();
let live: LiveStream;
let token: string;

beforeAll(async () => {
  live = await liveStream();
  token = await sign(live.id);
});
afterEach(() => {
  // What was counted is reported behind the tests, too.
  Object.assign(edge, { origin: "well", streams: "well", object: undefined });
});

/** Reads of what is behind the cache; the purges and origin are asked behind the answers, too. */
const reads = (): number => edge.count("bucket") + edge.count("stream");

/** The name of the problem that an answer is. */
async function problemOf(answer: Response): Promise<string | undefined> {
  return /urn:millrace:problem:([a-z-]+)/.exec(await textOf(answer))?.[1];
}

const LIMITS = ["PLAYLIST_LIMIT", "MISS_LIMIT", "API_LIMIT"] as const;

/** A limit that is reached, and the clients that it was asked about. */
function reached(): RateLimit & { readonly keys: string[] } {
  const keys: string[] = [];
  return {
    keys,
    limit: async ({ key }) => {
      keys.push(key);
      return { success: false };
    },
  };
}

describe("a limit that is reached", () => {
  it.each<readonly [(typeof LIMITS)[number], string, () => string]>([
    ["PLAYLIST_LIMIT", "a media playlist", () => live.path],
    ["PLAYLIST_LIMIT", "a multivariant playlist", () => `/live/${live.id}/index.m3u8`],
    ["PLAYLIST_LIMIT", "a signed playlist", () => `/p/${token}${live.path}`],
    ["MISS_LIMIT", "an object that is not cached", () => freshPath(live.media)],
    ["MISS_LIMIT", "a playlist that is not cached", () => `${live.path}?_HLS_msn=0`],
    ["API_LIMIT", "the list of streams", () => "/api/streams"],
    ["API_LIMIT", "a stream's state", () => `/api/streams/${live.id}`],
  ])("%s: refuses %s", async (name, _what, path) => {
    const limit = reached();
    const headers = { "cf-connecting-ip": "2001:db8:1:2:3:4:5:6" };
    const answer = await edge.get(path(), { headers }, { [name]: limit });
    expect([answer.status, answer.headers.get("retry-after")]).toEqual([429, "10"]);
    expect(answer.headers.get("cache-control")).toBe("no-store");
    expect(answer.headers.get("cdn-cache-control")).toBe("no-store");
    expect(await problemOf(answer)).toBe("too-many-requests");
    expect(limit.keys).toEqual(["2001:db8:1:2::/64"]);
  });

  it("counts an IPv4 client by its address", async () => {
    const API_LIMIT = reached();
    await edge.get("/api/streams", { headers: { "cf-connecting-ip": "192.0.2.7" } }, { API_LIMIT });
    expect(API_LIMIT.keys).toEqual(["192.0.2.7"]);
  });

  it.each<readonly [string, (typeof LIMITS)[number], () => string]>([
    ["media", "PLAYLIST_LIMIT", () => freshPath(live.media)],
    ["the API", "PLAYLIST_LIMIT", () => "/api/streams"],
    ["playlists", "API_LIMIT", () => live.path],
  ])("leaves %s to others than %s", async (_what, name, path) => {
    const limit = reached();
    await textOf(edge.get(path(), {}, { [name]: limit }));
    expect(limit.keys).toEqual([]);
  });

  it("of misses is not asked about a hit", async () => {
    const path = await freshObject(live.media);
    await edge.cache(path);
    const MISS_LIMIT = reached();
    const answer = await edge.get(path, {}, { MISS_LIMIT });
    expect([answer.status, statusOf(answer).hit, MISS_LIMIT.keys]).toEqual([200, true, []]);
  });

  it("of misses is not asked about a read that somebody else began", async () => {
    const slow = slowObject("x", [new Uint8Array(10)]);
    edge.object = async () => slow.object;
    const path = freshPath(live.media);
    const first = await edge.get(path);
    const MISS_LIMIT = reached();
    const second = await edge.get(path, {}, { MISS_LIMIT });
    expect([second.status, statusOf(second).collapsed, MISS_LIMIT.keys]).toEqual([200, true, []]);
    void slow.next();
    for (const answer of [first, second]) expect((await answer.arrayBuffer()).byteLength).toBe(10);
  });

  it("cannot be told from one that does not answer: everybody is let through", async () => {
    let asked = 0;
    const broken = {
      limit: () => {
        asked += 1;
        return Promise.reject(new Error("injected"));
      },
    };
    const all = Object.fromEntries(LIMITS.map((name) => [name, broken]));
    for (const path of [live.path, await freshObject(live.media), "/api/streams"])
      expect((await edge.get(path, {}, all)).status).toBe(200);
    expect(asked).toBeGreaterThanOrEqual(3);
  });
});

describe("the limit of reads", () => {
  /** A limit that takes its time, and refuses some addresses. */
  const slowLimit = (refused: readonly string[] = []) => {
    const keys: string[] = [];
    const limit = async ({ key }: { key: string }) => {
      keys.push(key);
      await scheduler.wait(5);
      return { success: !refused.includes(key) };
    };
    return { keys, limit } as unknown as RateLimit & { readonly keys: readonly string[] };
  };
  const from = (address: string): RequestInit => ({ headers: { "cf-connecting-ip": address } });

  it("is asked once for a read that many wait for, and lets it be one", async () => {
    const path = await freshObject(live.media);
    const MISS_LIMIT = slowLimit();
    const before = edge.count("bucket get");
    const answers = await Promise.all(Array.from({ length: 20 }, () => edge.get(path, {}, { MISS_LIMIT })));
    for (const answer of answers) expect((await answer.arrayBuffer()).byteLength).toBeGreaterThan(0);
    expect([edge.count("bucket get") - before, MISS_LIMIT.keys.length]).toEqual([1, 1]);
  });

  it("refuses who reached it, and not those who came to wait for the same", async () => {
    const path = await freshObject(live.media);
    const MISS_LIMIT = slowLimit(["192.0.2.1"]);
    const [refused, ...others] = await Promise.all(
      ["192.0.2.1", "192.0.2.2", "192.0.2.3"].map((address) => edge.get(path, from(address), { MISS_LIMIT })),
    );
    expect(refused?.status).toBe(429);
    expect(others.map(({ status }) => status)).toEqual([200, 200]);
    for (const answer of others) await answer.body?.cancel();
  });
});

describe("a request that cannot be taken", () => {
  it.each<readonly [string, string, RequestInit, number, string]>([
    ["a long address", `/media/x?${"y".repeat(4096)}`, {}, 414, "uri-too-long"],
    ["long headers", "/api/streams", { headers: { "x-long": "y".repeat(16_500) } }, 431, "headers-too-large"],
  ])("has %s", async (_what, path, init, status, name) => {
    const answer = await edge.get(path, init);
    expect([answer.status, await problemOf(answer)]).toEqual([status, name]);
    expect(answer.headers.get("cache-control")).toBe("no-store");
  });

  it.each(["POST", "PUT", "DELETE", "PATCH"])("has the method %s", async (method) => {
    const before = reads();
    const paths = [
      "/",
      live.path,
      `${live.media}/v720/seg-0.m4s`,
      "/api/streams",
      `/p/${token}${live.path}`,
      "/nothing",
    ];
    for (const path of paths) {
      const answer = await edge.get(path, { method });
      expect([path, answer.status, answer.headers.get("allow")]).toEqual([path, 405, "GET, HEAD, OPTIONS"]);
      expect(await problemOf(answer)).toBe("method-not-allowed");
    }
    expect(reads()).toBe(before);
  });
});

const ASSETS = { fetch: async () => new Response("<!doctype html>") } as unknown as Fetcher;
const IMMUTABLE = "max-age=31536000, immutable";
const EDGE_MEDIA = "max-age=2419200, stale-while-revalidate=3600, stale-if-error=86400";
const EDGE_PLAYLIST = "max-age=1, stale-while-revalidate=1, stale-if-error=60";

describe("every answer", () => {
  const segment = () => `${live.media}/v720/seg-0.m4s`;

  it.each<readonly [string, () => string, RequestInit, number, string, string]>([
    ["a playlist", () => live.path, {}, 200, "public, max-age=1", EDGE_PLAYLIST],
    ["media", segment, {}, 200, `public, ${IMMUTABLE}`, EDGE_MEDIA],
    ["a range", segment, { headers: { range: "bytes=0-1" } }, 206, `public, ${IMMUTABLE}`, EDGE_MEDIA],
    [
      "what is known",
      segment,
      { headers: { "if-none-match": "*" } },
      304,
      `public, ${IMMUTABLE}`,
      EDGE_MEDIA,
    ],
    ["no such bytes", segment, { headers: { range: "bytes=99999-" } }, 416, "no-store", "no-store"],
    [
      "media that is not there",
      () => freshPath(live.media),
      {},
      404,
      "public, max-age=1",
      "max-age=1, stale-while-revalidate=0, stale-if-error=0",
    ],
    ["no such path", () => "/nothing", {}, 404, "public, max-age=1", "no-store"],
    [
      "the API",
      () => `/api/streams/${live.id}`,
      {},
      200,
      "public, max-age=1",
      "max-age=1, stale-while-revalidate=1, stale-if-error=60",
    ],
    ["wrong directives", () => `${live.path}?_HLS_msn=x`, {}, 400, "public, max-age=1", "no-store"],
    ["a wrong token", () => `/p/x${live.path}`, {}, 403, "no-store", "no-store"],
    ["another method", () => live.path, { method: "POST" }, 405, "no-store", "no-store"],
    ["a long address", () => `/?${"y".repeat(5000)}`, {}, 414, "no-store", "no-store"],
    ["a preflight", () => live.path, { method: "OPTIONS" }, 204, "public, max-age=86400", "no-store"],
  ])("says who may read it and how long it may be kept: %s", async (_what, path, init, status, own, cdn) => {
    const { status: answered, headers } = await edge.get(path(), init);
    expect(answered).toBe(status);
    expect(headers.get("cache-control")).toBe(own);
    expect(headers.get("cdn-cache-control")).toBe(cdn);
    expect(headers.get("cache-status")).toMatch(/^Millrace; ./);
    expect(headers.get("access-control-allow-origin")).toBe("*");
    expect(headers.get("timing-allow-origin")).toBe("*");
  });

  it("says so of a page, which other sites cannot read", async () => {
    const { status, headers } = await edge.get("/", {}, { ASSETS });
    expect(status).toBe(200);
    expect(headers.get("cache-control")).toBe("public, max-age=0, must-revalidate");
    expect(headers.get("cdn-cache-control")).toBe("no-store");
    expect(headers.get("cache-status")).toBe("Millrace; fwd=bypass; fwd-status=200; detail=page");
    expect(headers.get("access-control-allow-origin")).toBeNull();
  });
});

describe("what a token opens", () => {
  it.each<readonly [string, (own: LiveStream) => string, Record<string, string>, number]>([
    ["a playlist", ({ path }) => path, {}, 200],
    ["media", ({ media }) => `${media}/v720/seg-0.m4s`, {}, 200],
    ["a range of media", ({ media }) => `${media}/v720/seg-0.m4s`, { range: "bytes=0-1" }, 206],
    ["media that is known", ({ media }) => `${media}/v720/seg-0.m4s`, { "if-none-match": "*" }, 304],
    ["a stream's state", ({ id }) => `/api/streams/${id}`, {}, 200],
  ])("is for its bearer alone, and cached for all: %s", async (_what, pathOf, headers, status) => {
    const own = await liveStream();
    const path = pathOf(own);
    const below = `/p/${await sign(own.id)}${path}`;
    const signed = await edge.get(below, { headers });
    await signed.body?.cancel();
    expect(signed.status).toBe(status);
    expect(signed.headers.get("cache-control")).toMatch(/^private, max-age=/);
    expect(signed.headers.get("cdn-cache-control")).toBe("no-store");
    expect(signed.headers.get("x-robots-tag")).toBe("noindex");
    await edge.cache(below);
    // Nobody has asked for it without a token before.
    const open = await edge.get(path, { headers });
    await open.body?.cancel();
    expect([open.status, statusOf(open).hit]).toEqual([status, true]);
    expect(open.headers.get("cache-control")).toMatch(/^public, max-age=/);
    expect(open.headers.get("cdn-cache-control")).toMatch(/^max-age=/);
    expect(open.headers.get("x-robots-tag")).toBeNull();
  });
});

describe("origin's HTTP", () => {
  it("has nothing to read for viewers, nor for operators", async () => {
    const object = `${live.media}/v720/seg-0.m4s`;
    const paths = [
      object,
      object.slice("/media".length),
      `/${encodeURIComponent(object.slice(1))}`,
      live.path,
      `/live/${live.id}/index.m3u8`,
      `/api/streams/${live.id}`,
      `/p/${token}${object}`,
    ];
    for (const path of paths)
      for (const headers of [{}, ADMIN])
        for (const method of ["GET", "HEAD"]) {
          const answer = await get(`/_origin${path}`, { method, headers });
          expect([path, method, answer.status]).toEqual([path, method, 404]);
          if (method === "GET") expect(await problemOf(answer)).toBe("not-found");
        }
    expect((await get(object)).status).toBe(200);
  });
});

describe.each(["fails", "hangs"] as const)("while origin %s", (how) => {
  it("a stream that is known goes on", async () => {
    const own = await liveStream();
    await edge.cache(own.path);
    edge.origin = how;
    await own.encoder.pushPart();
    pass(3);
    await expect.poll(() => textOf(edge.get(own.path))).toContain(`part-${own.encoder.msn}.1.m4s`);
    expect((await edge.get(`${own.media}/v720/seg-0.m4s`)).status).toBe(200);
  });

  it("its state is told as it was for a minute, and then not", async () => {
    const own = await liveStream();
    const path = `/api/streams/${own.id}`;
    await edge.cache(path);
    edge.origin = how;
    pass(50);
    const old = await edge.get(path);
    expect([old.status, statusOf(old).detail]).toEqual([200, "stale-if-error"]);
    expect(old.headers.get("cache-control")).toBe("public, max-age=1");
    expect(await old.json()).toMatchObject({ id: own.id, state: "live" });
    pass(20);
    const gone = await edge.get(path);
    expect([gone.status, await problemOf(gone)]).toEqual([503, "unavailable"]);
  });

  it("an edge that has just started opens what was open at its location, and hides what was hidden", async () => {
    const [open, shut, never] = [
      await liveStream(),
      await liveStream({ access: "private" }),
      await liveStream(),
    ];
    expect((await edge.get(open.path)).status).toBe(200);
    expect((await edge.get(shut.path)).status).toBe(404);
    edge.origin = how;
    const afresh = async (path: string) => {
      policies.forget();
      return edge.get(path);
    };
    // What was learned is kept behind the answer.
    await expect.poll(async () => (await afresh(open.path)).status, { timeout: 15_000 }).toBe(200);
    expect((await edge.get(`${open.media}/v720/seg-0.m4s`)).status).toBe(200);
    const hidden = await afresh(shut.path);
    expect([hidden.status, await problemOf(hidden)]).toEqual([404, "not-live"]);
    const undecided = await afresh(never.path);
    expect([undecided.status, await problemOf(undecided)]).toEqual([503, "undecided"]);
    expect(undecided.headers.get("cache-control")).toBe("no-store");
  });
});

describe("a broadcast that has ended", () => {
  it("will never bring what is missing: that is remembered for a minute", async () => {
    const { encoder, media } = await liveStream();
    await encoder.close("broadcast");
    const missing = freshPath(media);
    const answer = await edge.get(missing);
    expect([answer.status, answer.headers.get("cache-control")]).toEqual([404, "public, max-age=60"]);
    await edge.cache(missing);
    const before = reads();
    pass(50);
    const later = await edge.get(missing);
    expect([later.status, statusOf(later).hit]).toEqual([404, true]);
    expect(reads()).toBe(before);
    pass(20);
    expect(statusOf(await edge.get(missing)).hit).toBeUndefined();
  });
});

describe("what was counted", () => {
  it("is all reported, also after somebody asked for the list of streams", async () => {
    const own = await liveStream();
    const path = await freshObject(own.media, bytesOf("v720", "counted"));
    await edge.cache(path);
    await textOf(edge.get(own.path));
    await textOf(edge.get("/api/streams"));
    await flush(edge.env());
    await expect
      .poll(async () => {
        const answer = await origin("/admin/edge", { headers: ADMIN });
        const { streams } = await answer.json<EdgeAnswer>();
        return streams.find(({ stream }) => stream === own.id);
      })
      .toMatchObject({
        media: { outcomes: { cold: 1 } },
        playlists: { requests: 1 },
        bucketReads: 1,
        // Its playlist, and its state for the list.
        streamCalls: 2,
      });
  });
});
