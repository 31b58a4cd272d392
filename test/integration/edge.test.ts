/** What viewers' players see over HTTP: headers, conditions, ranges, held parts, and nothing of origin. */
import { env } from "cloudflare:workers";
import { beforeAll, describe, expect, it } from "vitest";
import { edgeApp } from "../../workers/edge/app.ts";
import { EdgeBench, statusOf } from "./edge-bench.ts";
import { bytesOf, createStream, Encoder, get, textOf } from "./encoder.ts";

let encoder: Encoder;
let media: string;

beforeAll(async () => {
  encoder = await Encoder.open(await createStream("edge"));
  await encoder.pushSegment();
  await encoder.pushSegment();
  await encoder.pushPart();
  media = `/media/${encoder.grant.broadcast}/1`;
});

describe("playlists", () => {
  it("carry the server's clock", async () => {
    expect(
      Math.abs(Date.parse((await get("/live/edge/index.m3u8")).headers.get("date") ?? "") - Date.now()),
    ).toBeLessThan(5_000);
  });

  it("rule 24: are compressed for those who ask, with the right type", async () => {
    const plain = await get("/live/edge/v720/index.m3u8");
    expect(plain.headers.get("content-type")).toBe("application/vnd.apple.mpegurl");
    expect(plain.headers.get("vary")).toBe("Accept-Encoding");
    expect(plain.headers.get("content-encoding")).toBeNull();
    const zipped = await get("/live/edge/v720/index.m3u8", { headers: { "accept-encoding": "gzip" } });
    expect(zipped.headers.get("content-encoding")).toBe("gzip");
  });

  it("rule 25: live as long as the specification says", async () => {
    const lifetime = async (path: string) => (await get(path)).headers.get("cache-control");
    expect(await lifetime("/live/edge/v720/index.m3u8?_HLS_msn=1")).toBe("public, max-age=12");
    expect(await lifetime("/live/edge/v720/index.m3u8")).toBe("public, max-age=1");
    expect(await lifetime("/live/edge/index.m3u8")).toBe("public, max-age=1");
    expect(await lifetime(`${media}/v720/seg-0.m4s`)).toBe("public, max-age=31536000, immutable");
    expect(await lifetime(`${media}/v720/seg-99.m4s`)).toBe("public, max-age=1");
    expect(await lifetime("/live/nobody/index.m3u8")).toBe("public, max-age=1");
  });

  it("rule 30: may be read from any site, with the headers a player needs", async () => {
    for (const path of [
      "/live/edge/index.m3u8",
      "/live/edge/audio/index.m3u8",
      `${media}/v720/init.mp4`,
      "/nothing",
    ]) {
      const answer = await get(path);
      expect(answer.headers.get("access-control-allow-origin")).toBe("*");
      expect(answer.headers.get("access-control-expose-headers")).toMatch(/Age.*Date/);
    }
    const preflight = await get("/live/edge/index.m3u8", { method: "OPTIONS" });
    expect(preflight.status).toBe(204);
    expect(preflight.headers.get("access-control-allow-headers")).toContain("Range");
  });

  it.each([
    ["rule 18: three segments ahead", "?_HLS_msn=9", 400, "too-far"],
    ["rule 18: more parts ahead than the limit", "?_HLS_msn=2&_HLS_part=9", 400, "too-far"],
    ["rule 19: a part without a segment", "?_HLS_part=1", 400, "bad-directive"],
    ["a segment that is no number", "?_HLS_msn=abc", 400, "bad-directive"],
    ["a negative segment", "?_HLS_msn=-1", 400, "bad-directive"],
  ])("refuse %s", async (_what, query, status, name) => {
    const answer = await get(`/live/edge/v720/index.m3u8${query}`);
    expect(answer.status).toBe(status);
    expect(await answer.json()).toMatchObject({ type: `urn:millrace:problem:${name}` });
  });

  it("rule 17: come whole for a segment that left long ago", async () => {
    const whole = await textOf(get("/live/edge/v720/index.m3u8"));
    expect(await textOf(get("/live/edge/v720/index.m3u8?_HLS_msn=0&_HLS_part=7"))).toBe(whole);
  });

  it("rule 26: take their directives in any order", async () => {
    const asked = async (query: string) => textOf(get(`/live/edge/v720/index.m3u8?${query}`));
    expect(await asked("_HLS_skip=YES&_HLS_part=0&_HLS_msn=1")).toBe(
      await asked("_HLS_msn=1&_HLS_part=0&_HLS_skip=YES"),
    );
  });

  it.each([
    ["/live/nobody/index.m3u8", "not-live"],
    ["/live/UPPER/index.m3u8", "not-live"],
    ["/live/edge/v999/index.m3u8", "no-rendition"],
    ["/live/edge/..%2f/index.m3u8", "no-rendition"],
    ["/live/edge/audio/iframes.m3u8", "no-rendition"],
  ])("answer 404 for %s", async (path, name) => {
    const answer = await get(path);
    expect(answer.status).toBe(404);
    expect(await answer.json()).toMatchObject({ type: `urn:millrace:problem:${name}` });
  });

  it("answer HEAD like GET, without the body", async () => {
    const head = await get("/live/edge/v720/index.m3u8", { method: "HEAD" });
    expect(head.status).toBe(200);
    expect(head.headers.get("content-type")).toBe("application/vnd.apple.mpegurl");
    expect(await textOf(head)).toBe("");
  });
});

describe("media", () => {
  const whole = bytesOf("v720", "seg-0.m4s");
  const segment = () => `${media}/v720/seg-0.m4s`;

  it("comes with type, length and a strong tag, from R2 and then from the cache", async () => {
    for (const from of ["R2", "the cache"]) {
      const answer = await get(segment());
      expect(answer.status, from).toBe(200);
      expect(answer.headers.get("content-type")).toBe("video/iso.segment");
      expect(answer.headers.get("content-length")).toBe(String(whole.byteLength));
      expect(answer.headers.get("accept-ranges")).toBe("bytes");
      expect(answer.headers.get("etag")).toMatch(/^"[0-9a-f]{32}"$/);
      expect(new Uint8Array(await answer.arrayBuffer())).toEqual(whole);
      // The cache is filled behind the answer; then the bucket is not asked again.
      await expect.poll(async () => statusOf(await get(segment())).hit).toBe(true);
      await env.MEDIA.delete(segment().slice(1));
    }
    await encoder.put("v720", "seg-0.m4s");
    expect((await get(`${media}/audio/init.mp4`)).headers.get("content-type")).toBe("video/mp4");
  });

  it("is not sent to those who have it", async () => {
    const etag = (await get(segment())).headers.get("etag") ?? "";
    for (const tag of [etag, `W/${etag}`, `"other", ${etag}`, "*"]) {
      const answer = await get(segment(), { headers: { "if-none-match": tag } });
      expect(answer.status).toBe(304);
      expect(answer.headers.get("etag")).toBe(etag);
      expect(answer.headers.get("cache-control")).toContain("immutable");
    }
    expect((await get(segment(), { headers: { "if-none-match": '"other"' } })).status).toBe(200);
  });

  it.each([
    ["bytes=0-9", 0, 9],
    ["bytes=10-", 10, undefined],
    ["bytes=-5", -5, undefined],
    ["bytes=5-99999", 5, undefined],
  ])("serves %s", async (range, first, last) => {
    const answer = await get(segment(), { headers: { range } });
    expect(answer.status).toBe(206);
    const wanted = whole.slice(first, last === undefined ? undefined : last + 1);
    expect(new Uint8Array(await answer.arrayBuffer())).toEqual(wanted);
    const from = whole.byteLength + (first < 0 ? first : first - whole.byteLength);
    expect(answer.headers.get("content-range")).toBe(
      `bytes ${from}-${from + wanted.byteLength - 1}/${whole.byteLength}`,
    );
    expect(answer.headers.get("content-length")).toBe(String(wanted.byteLength));
  });

  it("says 416 past the end, and sends the whole for what it does not understand", async () => {
    const past = await get(segment(), { headers: { range: "bytes=99999-" } });
    expect(past.status).toBe(416);
    expect(past.headers.get("content-range")).toBe(`bytes */${whole.byteLength}`);
    for (const range of ["bytes=9-3", "lines=1-2", "bytes=0-1,3-4", "bytes=a-b"]) {
      expect((await get(segment(), { headers: { range } })).status).toBe(200);
    }
  });

  it("sends a range only of the object that If-Range means", async () => {
    const etag = (await get(segment())).headers.get("etag") ?? "";
    const ranged = (ifRange: string) =>
      get(segment(), { headers: { range: "bytes=0-1", "if-range": ifRange } });
    expect((await ranged(etag)).status).toBe(206);
    expect((await ranged('"other"')).status).toBe(200);
  });

  it("rule 22: holds a hinted part and sends no byte before it is complete", async () => {
    const text = await textOf(get("/live/edge/v720/index.m3u8"));
    const hinted =
      /#EXT-X-PRELOAD-HINT:TYPE=PART,URI="\.\.\/\.\.\/\.\.(\/media\/[^"]+)"/.exec(text)?.[1] ?? "none";
    let status: number | undefined;
    const bench = new EdgeBench();
    const held = bench.get(hinted).then((answer) => {
      status = answer.status;
      return answer;
    });
    await expect.poll(() => bench.count("stream edge awaitObject")).toBe(1);
    expect(status).toBeUndefined();
    await encoder.pushPart();
    const answer = await held;
    expect(answer.status).toBe(200);
    expect(new Uint8Array(await answer.arrayBuffer())).toEqual(
      bytesOf("v720", hinted.split("/").at(-1) ?? ""),
    );
    expect(await textOf(get("/live/edge/v720/index.m3u8"))).toContain(hinted);
  });

  it.each([
    ["a part that is not hinted", () => `${media}/v720/part-7.0.m4s`],
    ["a segment to come", () => `${media}/v720/seg-50.m4s`],
    ["a session to come", () => `${media.replace(/1$/, "2")}/v720/part-2.1.m4s`],
    ["a guess at the broadcast", () => `/media/edge-${"0".repeat(26)}/1/v720/seg-0.m4s`],
    ["a climb", () => `${media}/v720/..%2f..%2f1%2fv720%2fseg-0.m4s`],
    ["a backslash", () => `${media}/v720%5cseg-0.m4s`],
    ["nothing", () => "/media/"],
  ])("answers 404 at once for %s", async (_what, path) => {
    const asked = Date.now();
    const answer = await get(path());
    // A hinted part would have been held for six seconds.
    expect(Date.now() - asked).toBeLessThan(3_000);
    expect(answer.status).toBe(404);
    expect(answer.headers.get("content-type")).toBe("application/problem+json");
  });
});

describe("the messages page", () => {
  const asked: string[] = [];
  const ASSETS = {
    fetch: async (request: Request) => {
      asked.push(new URL(request.url).pathname);
      return new Response("built");
    },
  } as unknown as Fetcher;
  const page = (path: string, init?: RequestInit) =>
    edgeApp.fetch(new Request(`http://edge.test${path}`, init), { ...env, ASSETS }, {
      waitUntil() {},
      passThroughOnException() {},
    } as unknown as ExecutionContext);

  it("is there without a stream, runs our own scripts only, and is kept by nobody", async () => {
    const answer = await page("/messages");
    expect(answer.status).toBe(200);
    expect(asked.splice(0)).toEqual(["/messages.html"]);
    expect(answer.headers.get("content-security-policy")).toMatch(
      /default-src 'self';.*frame-ancestors 'none'/,
    );
    expect(answer.headers.get("cache-control")).toBe("public, max-age=0, must-revalidate");
    expect(answer.headers.get("set-cookie")).toBeNull();
    expect((await page("/messages", { method: "POST" })).status).toBe(405);
  });

  it("has a service worker that rules it and no other page", async () => {
    const answer = await page("/notifications.js");
    expect(answer.status).toBe(200);
    expect(asked.splice(0)).toEqual(["/notifications.js"]);
    expect(answer.headers.get("service-worker-allowed")).toBe("/messages");
    expect(answer.headers.get("cache-control")).toBe("public, max-age=0, must-revalidate");
  });
});

describe("the edge Worker by itself", () => {
  const edge = (path: string, init?: RequestInit) =>
    edgeApp.fetch(new Request(`http://edge.test${path}`, init), env, {
      waitUntil() {},
      passThroughOnException() {},
    } as unknown as ExecutionContext);

  it.each(["/_origin/healthz", "/_origin/admin/streams", "/admin/streams", "/ingest/sessions", "/healthz"])(
    "has nothing at %s",
    async (path) => {
      const answer = await edge(path);
      expect(answer.status).toBe(404);
      expect(answer.headers.get("content-type")).toBe("application/problem+json");
    },
  );

  it.each(["POST", "PUT", "DELETE", "PATCH"])("does not take %s", async (method) => {
    const answer = await edge("/live/edge/index.m3u8", { method });
    expect(answer.status).toBe(405);
    expect(answer.headers.get("allow")).toBe("GET, HEAD, OPTIONS");
  });
});

describe("the API", () => {
  it("lists who is live, and tells how a stream does", async () => {
    const live = await (await get("/api/streams")).json<{ streams: { id: string }[] }>();
    expect(live.streams.find(({ id }) => id === "edge")).toMatchObject({
      state: "live",
      profile: "low",
      playlist: "/live/edge/index.m3u8",
    });
    await createStream("idle", { title: "Not yet" });
    expect(await (await get("/api/streams/idle")).json()).toEqual({
      id: "idle",
      title: "Not yet",
      profile: "low",
      state: "offline",
    });
    expect((await get("/api/streams/nobody")).status).toBe(404);
    expect((await get("/api/nothing")).status).toBe(404);
  });
});
