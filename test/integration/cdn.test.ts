/** The edge as a cache: one read for many, bytes as they come, stale answers as far as directives go, and what it says of itself. */
import { env } from "cloudflare:workers";
import { beforeAll, beforeEach, describe, expect, it } from "vitest";
import { EdgeBench, freshObject, freshPath, liveStream, pass, slowObject, statusOf } from "./edge-bench.ts";
import { bytesOf, createStream, Encoder, textOf } from "./encoder.ts";

let encoder: Encoder;
let media: string;
let edge: EdgeBench;

beforeAll(async () => {
  encoder = await Encoder.open(await createStream("cdn"));
  await encoder.pushSegment();
  await encoder.pushSegment();
  await encoder.pushPart();
  media = `/media/${encoder.grant.broadcast}/1`;
});

beforeEach(() => {
  edge = new EdgeBench();
});

const bytes = async (answer: Response) => new Uint8Array(await answer.arrayBuffer());

describe("read-through", () => {
  it("reads once, keeps it, and says so", async () => {
    const path = await freshObject(media);
    const first = await edge.get(path);
    expect(await bytes(first)).toEqual(bytesOf("v720", "fresh"));
    expect(statusOf(first)).toEqual({
      fwd: "uri-miss",
      "fwd-status": "200",
      ttl: "2419200",
      stored: true,
      detail: "cold",
    });
    expect(first.headers.get("age")).toBe("0");
    await edge.cache(path);
    pass(100);
    const later = await edge.get(path);
    expect(statusOf(later)).toMatchObject({ hit: true });
    expect(Number(statusOf(later).ttl)).toBeLessThanOrEqual(2419100);
    expect(Number(later.headers.get("age"))).toBeGreaterThanOrEqual(100);
    expect(await bytes(later)).toEqual(bytesOf("v720", "fresh"));
    expect(edge.count("bucket get")).toBe(1);
  });

  it("reads once for all who come at the same time", async () => {
    const path = await freshObject(media);
    const answers = await Promise.all(Array.from({ length: 20 }, () => edge.get(path)));
    for (const answer of answers) expect(await bytes(answer)).toEqual(bytesOf("v720", "fresh"));
    expect(edge.calls.filter((call) => call.startsWith("bucket"))).toEqual([`bucket get ${path.slice(1)}`]);
    expect(answers.filter((answer) => statusOf(answer).collapsed).length).toBe(19);
  });

  it("sends the first byte before it has the last, to all who wait", async () => {
    const slow = slowObject("x", [new Uint8Array(1000).fill(1), new Uint8Array(500).fill(2)]);
    edge.object = async () => slow.object;
    const path = freshPath(media);
    const asked = Promise.all([edge.get(path), edge.get(path)]);
    void slow.next();
    const answers = await asked;
    const readers = answers.map((answer) => answer.body?.getReader());
    for (const reader of readers) expect((await reader?.read())?.value?.byteLength).toBe(1000);
    void slow.next();
    for (const reader of readers) expect((await reader?.read())?.value?.byteLength).toBe(500);
    for (const reader of readers) expect((await reader?.read())?.done).toBe(true);
    for (const answer of answers) expect(answer.headers.get("content-length")).toBe("1500");
    expect(edge.count("bucket get")).toBe(1);
  });

  it("goes on when the client that began goes away", async () => {
    const slow = slowObject("x", [new Uint8Array(1000).fill(1), new Uint8Array(500).fill(2)]);
    edge.object = async () => slow.object;
    const path = freshPath(media);
    const leading = edge.get(path);
    void slow.next();
    await (await leading).body?.cancel();
    const other = bytes(await edge.get(path));
    void slow.next();
    expect((await other).byteLength).toBe(1500);
    await edge.cache(path);
    expect(edge.count("bucket get")).toBe(1);
  });

  it("keeps nothing of a read that broke off", async () => {
    const path = await freshObject(media);
    const broken = slowObject("x", [new Uint8Array(10)]);
    edge.object = async () => ({ ...broken.object, size: 20 }) as R2ObjectBody;
    void broken.next();
    await expect(bytes(await edge.get(path))).rejects.toThrow();
    edge.object = undefined;
    expect(await bytes(await edge.get(path))).toEqual(bytesOf("v720", "fresh"));
  });

  it("fills the cache with the whole object when a range is missed, and asks R2 for nothing else", async () => {
    const path = await freshObject(media);
    const part = await edge.get(path, { headers: { range: "bytes=10-19" } });
    expect(part.status).toBe(206);
    expect(statusOf(part).detail).toBe("range");
    expect(await bytes(part)).toEqual(bytesOf("v720", "fresh").slice(10, 20));
    await edge.cache(path);
    const tail = await edge.get(path, { headers: { range: "bytes=-7" } });
    expect(tail.status).toBe(206);
    expect(statusOf(tail).hit).toBe(true);
    expect(await bytes(tail)).toEqual(bytesOf("v720", "fresh").slice(-7));
    expect(edge.calls.filter((call) => call.startsWith("bucket"))).toEqual([`bucket get ${path.slice(1)}`]);
  });
});

describe("playlists of one moment", () => {
  it("are drawn once for all who wait for the same part, and kept for plain requests too", async () => {
    const path = `/live/cdn/v720/index.m3u8?_HLS_msn=${encoder.msn}&_HLS_part=${encoder.part}`;
    const waiting = Array.from({ length: 30 }, () => edge.get(path));
    await expect.poll(() => edge.count("stream cdn playlist")).toBe(1);
    await encoder.pushPart();
    const texts = await Promise.all(waiting.map((answer) => textOf(answer)));
    expect(new Set(texts).size).toBe(1);
    expect(texts[0]).toContain(`part-${encoder.msn}.${encoder.part - 1}.m4s`);
    expect(edge.count("stream cdn playlist")).toBe(1);
    await edge.cache(path);
    expect(await textOf(edge.get("/live/cdn/v720/index.m3u8"))).toBe(texts[0]);
    expect(edge.count("stream cdn playlist")).toBe(1);
  });

  it("are the newest there is for a plain request too, while somebody waits for each", async () => {
    const { path, encoder } = await liveStream();
    const lifetime = (await edge.get(path)).headers.get("cache-control");
    for (const skip of ["", "&_HLS_skip=YES"]) {
      const { msn, part } = encoder;
      const waiting = edge.get(`${path}?_HLS_msn=${msn}&_HLS_part=${part}${skip}`);
      await encoder.pushPart();
      expect((await waiting).status).toBe(200);
      const plain = await edge.get(path);
      expect(plain.headers.get("cache-control")).toBe(lifetime);
      const text = await textOf(plain);
      expect(text).toContain(`part-${msn}.${part}.m4s`);
      expect(text).not.toContain("EXT-X-SKIP");
    }
  });

  it("have a strong tag of their own in each encoding", async () => {
    const plain = await edge.get("/live/cdn/v720/index.m3u8");
    const zipped = await edge.get("/live/cdn/v720/index.m3u8", { headers: { "accept-encoding": "gzip" } });
    const etag = plain.headers.get("etag") ?? "";
    expect(etag).toMatch(/^"[0-9a-f]{32}"$/);
    expect(zipped.headers.get("etag")).toBe(etag.replace(/"$/, '-gzip"'));
    const again = await edge.get("/live/cdn/v720/index.m3u8", { headers: { "if-none-match": etag } });
    expect([again.status, again.headers.get("etag")]).toEqual([304, etag]);
  });

  it("are served old while a newer one is fetched, for as long as half a target duration", async () => {
    const { path, encoder } = await liveStream();
    const before = await textOf(edge.get(path));
    await edge.cache(path);
    await encoder.pushPart();
    pass(1.2);
    const stale = await edge.get(path);
    expect(statusOf(stale)).toMatchObject({ hit: true, detail: "stale-while-revalidate" });
    expect(Number(statusOf(stale).ttl)).toBeLessThan(0);
    expect(await textOf(stale)).toBe(before);
    await expect.poll(() => textOf(edge.get(path))).not.toBe(before);
  });
});

describe("when the stream's object fails", () => {
  it.each(["fails", "hangs"] as const)(
    "%s: the last playlist is served for its window, then 503",
    async (how) => {
      const { path } = await liveStream();
      const last = await textOf(edge.get(path));
      await edge.cache(path);
      edge.streams = how;
      pass(30);
      const stale = await edge.get(path);
      expect(stale.status).toBe(200);
      expect(statusOf(stale)).toMatchObject({ fwd: "stale", "fwd-status": "503", detail: "stale-if-error" });
      expect(stale.headers.get("cache-control")).toBe("public, max-age=1");
      expect(await textOf(stale)).toBe(last);
      pass(40);
      const gone = await edge.get(path);
      expect(gone.status).toBe(503);
      expect(gone.headers.get("retry-after")).toBe("2");
      expect(gone.headers.get("cache-control")).toBe("no-store");
      expect(await gone.json()).toMatchObject({ type: "urn:millrace:problem:unavailable" });
      edge.streams = "well";
      await expect.poll(async () => (await edge.get(path)).status).toBe(200);
    },
  );

  it("answers who waits for a part with the newest playlist there is, and not at once", async () => {
    const { path, encoder } = await liveStream();
    const last = await textOf(edge.get(path));
    await edge.cache(path);
    edge.streams = "fails";
    const before = performance.now();
    const stale = await edge.get(`${path}?_HLS_msn=${encoder.msn}&_HLS_part=${encoder.part}`);
    expect(performance.now() - before).toBeGreaterThan(800);
    expect(statusOf(stale).detail).toBe("stale-if-error");
    expect(await textOf(stale)).toBe(last);
  });

  it("serves no old 404: nothing allows it", async () => {
    expect((await edge.get("/live/nobody/index.m3u8")).status).toBe(404);
    await createStream("silent");
    expect((await edge.get("/live/silent/index.m3u8")).status).toBe(404);
    edge.streams = "fails";
    pass(2);
    expect((await edge.get("/live/silent/index.m3u8")).status).toBe(503);
  });
});

describe("when R2 fails", () => {
  it("serves what it has, and says 503 for what it has not", async () => {
    const path = await freshObject(media);
    await edge.cache(path);
    edge.bucket = "fails";
    expect((await edge.get(path)).status).toBe(200);
    const cold = await edge.get(await freshObject(media));
    expect([cold.status, cold.headers.get("retry-after")]).toEqual([503, "2"]);
    expect(statusOf(cold)).toMatchObject({ fwd: "miss", detail: "error" });
  });

  it.each(["fails", "hangs"] as const)(
    "%s: serves what is past its time for a day, and no longer",
    async (how) => {
      const path = await freshObject(media);
      await edge.cache(path);
      edge.bucket = how;
      pass(28 * 86_400 + 3600);
      // Within a day it may be served while it is fetched again, too.
      expect(await bytes(await edge.get(path))).toEqual(bytesOf("v720", "fresh"));
      pass(86_400);
      expect((await edge.get(path)).status).toBe(503);
    },
  );

  it("does not wait for a bucket that hangs", async () => {
    edge.bucket = "hangs";
    const asked = performance.now();
    expect((await edge.get(await freshObject(media))).status).toBe(503);
    expect(performance.now() - asked).toBeLessThan(15_000);
  });
});

describe("what is not there", () => {
  it("is asked for again when it may come, and is there as soon as it came", async () => {
    const { encoder } = await liveStream();
    const next = `/media/${encoder.grant.broadcast}/1/v720/part-${encoder.msn}.${encoder.part + 1}.m4s`;
    const early = await edge.get(next);
    expect([early.status, early.headers.get("cache-control")]).toEqual([404, "no-store"]);
    expect(early.headers.get("cdn-cache-control")).toBe("no-store");
    await encoder.pushPart();
    await encoder.pushPart();
    expect((await edge.get(next)).status).toBe(200);
  });

  it("is forgotten after a second when it should be there", async () => {
    const { encoder } = await liveStream();
    const lost = `/media/${encoder.grant.broadcast}/1/v720/seg-0.m4s`;
    await env.MEDIA.delete(lost.slice(1));
    const absent = await edge.get(lost);
    expect([absent.status, absent.headers.get("cache-control")]).toEqual([404, "public, max-age=1"]);
    await edge.cache(lost);
    await encoder.put("v720", "seg-0.m4s");
    await env.MEDIA.put(lost.slice(1), bytesOf("v720", "seg-0.m4s"));
    pass(1.1);
    expect((await edge.get(lost)).status).toBe(200);
  });

  it("is remembered for a minute when no broadcast can bring it", async () => {
    const never = `/media/cdn-${"0".repeat(26)}/1/v720/seg-0.m4s`;
    const absent = await edge.get(never);
    expect([absent.status, absent.headers.get("cache-control")]).toEqual([404, "public, max-age=60"]);
    await edge.cache(never);
    const reads = edge.count("bucket get");
    pass(30);
    expect((await edge.get(never)).status).toBe(404);
    expect(edge.count("bucket get")).toBe(reads);
  });
});

describe("conditions", () => {
  const segment = () => `${media}/v720/seg-1.m4s`;

  it("If-Modified-Since counts only without If-None-Match", async () => {
    const modified = (await edge.get(segment())).headers.get("last-modified") ?? "";
    const ask = async (headers: Record<string, string>) => (await edge.get(segment(), { headers })).status;
    expect(await ask({ "if-modified-since": modified })).toBe(304);
    expect(await ask({ "if-modified-since": "Sun, 06 Nov 1994 08:49:37 GMT" })).toBe(200);
    expect(await ask({ "if-modified-since": "yesterday" })).toBe(200);
    expect(await ask({ "if-modified-since": modified, "if-none-match": '"other"' })).toBe(200);
  });

  it("HEAD says what GET would, and sends nothing", async () => {
    const head = await edge.get(segment(), { method: "HEAD", headers: { range: "bytes=0-1" } });
    expect(head.status).toBe(200);
    expect(head.headers.get("content-length")).toBe(String(bytesOf("v720", "seg-1.m4s").byteLength));
    expect((await bytes(head)).byteLength).toBe(0);
  });

  it.each([
    ["bytes=5-2", 200],
    ["bytes=0-1,4-5", 200],
    ["bytes=0-9,5-14", 200],
    ["bytes=-0", 416],
    ["bytes=99999999999999999999999-", 416],
    ["bytes=0-99999999999999999999999", 206],
    ["bytes=-99999999999999999999999", 206],
    ["items=0-1", 200],
    ["bytes=a-b", 200],
  ])("Range: %s is answered %i, from R2 and from the cache", async (range, status) => {
    const path = await freshObject(media);
    const size = bytesOf("v720", "fresh").byteLength;
    for (const from of ["R2", "the cache"]) {
      const answer = await edge.get(path, { headers: { range } });
      expect(answer.status, from).toBe(status);
      if (status === 416) expect(answer.headers.get("content-range")).toBe(`bytes */${size}`);
      else expect((await bytes(answer)).byteLength, from).toBe(size);
      await edge.cache(path);
    }
  });
});

describe("every answer", () => {
  const ASSETS = { fetch: async () => new Response("<!doctype html>") } as unknown as Fetcher;

  it.each([
    ["/", 200, "page"],
    ["/watch/cdn", 200, "page"],
    ["/messages", 200, "page"],
    ["/notifications.js", 200, "page"],
    ["/messages/", 404, "absent"],
    ["/p/x.y.z/messages", 403, "refused"],
    ["/nothing", 404, "absent"],
    ["/live/UPPER/index.m3u8", 404, "absent"],
    ["/live/cdn/v720/index.m3u8?_HLS_msn=x", 400, "refused"],
    ["/live/cdn/index.m3u8?max=x", 400, "refused"],
    [`/media/x?${"y".repeat(5000)}`, 414, "refused"],
  ])("says how it came about: %s", async (path, status, detail) => {
    const answer = await edge.get(path, {}, { ASSETS });
    expect(answer.status).toBe(status);
    expect(statusOf(answer).detail).toBe(detail);
    expect(answer.headers.get("cache-control")).not.toBeNull();
    await answer.body?.cancel();
  });

  it("counts nothing of a viewer into its key", async () => {
    const path = await freshObject(media);
    await bytes(await edge.get(`${path}?CMCD=br%3D3200&x=1`));
    await expect
      .poll(async () => statusOf(await edge.get(`${path}?x=2`, { headers: { cookie: "a=b" } })).hit)
      .toBe(true);
    expect(edge.count("bucket get")).toBe(1);
  });
});

describe("while purges cannot be learned", () => {
  it("an edge that knew them goes on with what it knew", async () => {
    const path = await freshObject(media);
    await edge.cache(path);
    edge.purges = "fails";
    pass(5);
    expect(statusOf(await edge.get(path)).hit).toBe(true);
  });

  it("for a minute; then it keeps nothing for longer than a second, and still reads once for many", async () => {
    const path = await freshObject(media);
    await edge.cache(path);
    await env.MEDIA.put(path.slice(1), bytesOf("v720", "newer"));
    edge.purges = "fails";
    pass(120);
    const before = edge.count("bucket get");
    const answers = await Promise.all(Array.from({ length: 20 }, () => edge.get(path)));
    for (const answer of answers) expect(await bytes(answer)).toEqual(bytesOf("v720", "newer"));
    // Two, if a second passed in the middle.
    expect(edge.count("bucket get") - before).toBeLessThanOrEqual(2);
    edge.purges = "well";
  });
});

describe("a part that is hinted", () => {
  it("is waited for and then read, not looked for in vain first", async () => {
    const { id, encoder, path } = await liveStream();
    // An edge where somebody watches knows how far the stream is.
    const { msn, part } = encoder;
    const waiting = edge.get(`${path}?_HLS_msn=${msn}&_HLS_part=${part}`);
    await encoder.pushPart();
    await textOf(waiting);
    const hinted = `/media/${encoder.grant.broadcast}/1/v720/part-${msn}.${part + 1}.m4s`;
    const asked = edge.get(hinted);
    await expect.poll(() => edge.count(`stream ${id} awaitObject`)).toBe(1);
    await encoder.pushPart();
    expect((await asked).status).toBe(200);
    expect(edge.count("bucket get")).toBe(1);
  });

  it("is read all the same when its stream cannot be asked", async () => {
    const { id, encoder, path } = await liveStream();
    const { msn, part } = encoder;
    const waiting = edge.get(`${path}?_HLS_msn=${msn}&_HLS_part=${part}`);
    await encoder.pushPart();
    await textOf(waiting);
    await encoder.pushPart();
    edge.streams = "fails";
    const next = await edge.get(`/media/${encoder.grant.broadcast}/1/v720/part-${msn}.${part + 1}.m4s`);
    expect([next.status, edge.count(`stream ${id} awaitObject`)]).toEqual([200, 1]);
  });
});
