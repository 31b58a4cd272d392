/** The edge as a cache when reads hang, clocks jump and purges come at a bad moment: nothing sticks, and nothing purged comes back. */
import { env } from "cloudflare:workers";
import { beforeAll, beforeEach, describe, expect, it } from "vitest";
import { parseMediaPath } from "../../media/address.ts";
import { GenerationChangesSchema, placeOf } from "../../wire/generations.ts";
import { parse } from "../../wire/parse.ts";
import { scopesOfMedia, scopesOfPlaylist } from "../../wire/purge-prefix.ts";
import { EdgeBench, freshObject, liveStream, pass, slowObject, statusOf } from "./edge-bench.ts";
import { bytesOf, createStream, Encoder, textOf } from "./encoder.ts";

let media: string;
let edge: EdgeBench;

beforeAll(async () => {
  const encoder = await Encoder.open(await createStream("setbacks"));
  await encoder.pushSegment();
  media = `/media/${encoder.grant.broadcast}/1`;
});

beforeEach(() => {
  edge = new EdgeBench();
});

const purge = (scope: string, stream: string, soft: boolean) =>
  env.PURGES.getByName("purges").purge({ prefixes: [{ scope, stream }], soft, remove: false });

/** Begin a request, and wait until the stream's object is asked for its playlist. */
async function askStream(id: string, path: string): Promise<{ readonly answer: Promise<Response> }> {
  const before = edge.count(`stream ${id} playlist`);
  const answer = edge.get(path);
  await expect.poll(() => edge.count(`stream ${id} playlist`)).toBe(before + 1);
  return { answer };
}

/** Where the edge keeps a path now, by the scopes that it is purged with. */
async function keyOf(path: string, scopes: readonly string[]): Promise<string> {
  const told = parse(GenerationChangesSchema, await env.PURGES.getByName("purges").generations(0));
  const { number } = placeOf(new Map(told.ok ? told.value.changes : []), scopes);
  return `https://cache.millrace.invalid${path}?g=${number}`;
}

describe("a read that never ends", () => {
  it("is not waited for for ever by those who come later", async () => {
    const path = await freshObject(media);
    const stuck = slowObject("x", [new Uint8Array(10), new Uint8Array(10)]);
    edge.object = async () => stuck.object;
    void stuck.next();
    const first = await edge.get(path);
    expect(first.status).toBe(200);
    void first.body?.cancel();
    edge.object = undefined;
    // Its request is over by now, and nobody says so.
    pass(46);
    const answer = await edge.get(path);
    expect(answer.status).toBe(200);
    expect(new Uint8Array(await answer.arrayBuffer())).toEqual(bytesOf("v720", "fresh"));
  });

  it("breaks off when no byte comes for a while, and is done again", async () => {
    const path = await freshObject(media);
    const stuck = slowObject("x", [new Uint8Array(10), new Uint8Array(10)]);
    edge.object = async () => stuck.object;
    void stuck.next();
    const first = await edge.get(path);
    const began = performance.now();
    await expect(first.arrayBuffer()).rejects.toThrow();
    expect(performance.now() - began).toBeLessThan(12_000);
    edge.object = undefined;
    expect(new Uint8Array(await (await edge.get(path)).arrayBuffer())).toEqual(bytesOf("v720", "fresh"));
  });
});

describe("a stale playlist", () => {
  it("is fetched again once, however many get it while the limit of reads is asked", async () => {
    const { id, path } = await liveStream();
    await edge.cache(path);
    const before = edge.count(`stream ${id} playlist`);
    pass(1.2);
    const MISS_LIMIT = {
      limit: async () => {
        await scheduler.wait(50);
        return { success: true };
      },
    } as unknown as RateLimit;
    const answers = await Promise.all(Array.from({ length: 20 }, () => edge.get(path, {}, { MISS_LIMIT })));
    for (const answer of answers) await answer.body?.cancel();
    await expect.poll(() => edge.count(`stream ${id} playlist`)).toBe(before + 1);
  });

  it("is not waited for longer by those who come second, when its stream hangs", async () => {
    const { id, path } = await liveStream();
    await edge.cache(path);
    edge.streams = "hangs";
    pass(30);
    const { answer: first } = await askStream(id, path);
    const began = performance.now();
    const second = await edge.get(path);
    expect([second.status, statusOf(second).detail]).toEqual([200, "stale-if-error"]);
    expect(performance.now() - began).toBeLessThan(2_500);
    await first;
    // By now it is known to fail: nobody waits at all.
    const third = performance.now();
    expect((await edge.get(path)).status).toBe(200);
    expect(performance.now() - third).toBeLessThan(1_000);
  });
});

describe("a purge while a read hangs", () => {
  it("is of the stale copy that would be served in the end, too", async () => {
    const { id, path } = await liveStream();
    await edge.cache(path);
    edge.streams = "hangs";
    pass(30);
    const waiting = await askStream(id, path);
    await purge(`/live/${id}/`, id, false);
    pass(0.95);
    expect((await waiting.answer).status).toBe(503);
  });

  it("is of the playlist that would stand in for one to come", async () => {
    const { id, path, encoder } = await liveStream();
    await edge.cache(path);
    edge.streams = "fails";
    const waiting = await askStream(id, `${path}?_HLS_msn=${encoder.msn}&_HLS_part=${encoder.part}`);
    await purge(`/live/${id}/`, id, false);
    pass(0.95);
    expect((await waiting.answer).status).toBe(503);
  });
});

describe("a soft purge", () => {
  it("of something that is gone lets it be gone", async () => {
    const path = await freshObject(media, "old");
    await edge.cache(path);
    await env.MEDIA.delete(path.slice(1));
    await purge(path, "setbacks", true);
    pass(0.95);
    expect(await textOf(edge.get(path))).toBe("old");
    await expect.poll(async () => (await edge.get(path)).status).toBe(404);
    // The 404 is not kept for long; what was there before must not come back then.
    const address = parseMediaPath(path.slice("/media/".length));
    const key = await keyOf(path, address ? scopesOfMedia(address, "setbacks") : []);
    const isKept = async () => (await caches.default.match(key)) !== undefined;
    await expect.poll(async () => (await edge.get(path)).status === 404 && (await isKept())).toBe(true);
    await expect.poll(isKept, { timeout: 5_000 }).toBe(false);
    pass(1.2);
    expect((await edge.get(path)).status).toBe(404);
  });
});

describe("an object that arrives while it is asked for", () => {
  it("is there, and is not remembered as missing", async () => {
    const encoder = await Encoder.open(await createStream("setbacks-arrival"));
    await encoder.pushSegment();
    const path = `/media/${encoder.grant.broadcast}/1/v720/seg-${encoder.msn}.m4s`;
    let looks = 0;
    edge.object = async (key) => {
      looks += 1;
      if (looks > 1) return env.MEDIA.get(key);
      // The bucket had nothing; a moment later the segment is stored, and told.
      await encoder.pushSegment();
      return null;
    };
    expect((await edge.get(path)).status).toBe(200);
  });
});

describe("a clock that went back", () => {
  it("does not freeze a playlist", async () => {
    const { id, path, encoder } = await liveStream();
    const text = await textOf(edge.get(path));
    await edge.cache(path);
    const key = await keyOf(path, scopesOfPlaylist(id));
    const copy = await caches.default.match(key);
    expect(copy?.headers.get("x-millrace-at")).toBeDefined();
    await copy?.body?.cancel();
    const headers = new Headers(copy?.headers);
    headers.set("x-millrace-at", String(Date.now() + 3_600_000));
    await caches.default.put(key, new Response(text, { headers }));
    await encoder.pushPart();
    pass(3);
    await expect.poll(() => textOf(edge.get(path))).not.toBe(text);
  });
});

describe("while the purges cannot be learned", () => {
  it("requests are not held one after the other", async () => {
    const path = await freshObject(media);
    await edge.cache(path);
    edge.purges = "hangs";
    pass(5);
    expect((await edge.get(path)).status).toBe(200);
    for (let i = 0; i < 3; i += 1) {
      pass(1.1);
      const began = performance.now();
      expect((await edge.get(path)).status).toBe(200);
      expect(performance.now() - began).toBeLessThan(1_000);
    }
  });
});

describe("a plain request for a playlist", () => {
  it("is not given what somebody was given who asked for the distant past", async () => {
    const { path, encoder } = await liveStream();
    await edge.cache(`${path}?_HLS_msn=0`);
    const old = await textOf(edge.get(`${path}?_HLS_msn=0`));
    await encoder.pushPart();
    pass(4);
    expect(await textOf(edge.get(`${path}?_HLS_msn=0`))).toBe(old);
    expect(await textOf(edge.get(path))).not.toBe(old);
  });

  it("does not wait for a part, because somebody was given a stale playlist instead of it", async () => {
    const { path, encoder } = await liveStream();
    await edge.cache(path);
    edge.streams = "fails";
    const stale = await edge.get(`${path}?_HLS_msn=${encoder.msn}&_HLS_part=${encoder.part}`);
    expect(statusOf(stale).detail).toBe("stale-if-error");
    edge.streams = "well";
    pass(0.5);
    const began = performance.now();
    expect((await edge.get(path)).status).toBe(200);
    expect(performance.now() - began).toBeLessThan(900);
  });
});
