/** The edge over Workers Cache, which exists only in production: its entrypoint without a cache in front, and a made-up cache. */
import { createExecutionContext } from "cloudflare:test";
import { env, exports } from "cloudflare:workers";
import { beforeAll, describe, expect, it } from "vitest";
import { edgeApp } from "../../workers/edge/app.ts";
import type { CachedProps } from "../../workers/edge/platform-cache.ts";
import { pass, statusOf } from "./edge-bench.ts";
import { bytesOf, createStream, Encoder, textOf } from "./encoder.ts";

type Entrypoint = (options: { readonly props: CachedProps }) => {
  readonly fetch: (url: string, init?: RequestInit) => Promise<Response>;
};

let encoder: Encoder;
let media: string;

beforeAll(async () => {
  encoder = await Encoder.open(await createStream("platform"));
  await encoder.pushSegment();
  await encoder.pushPart();
  media = `/media/${encoder.grant.broadcast}/1`;
});

/** The entrypoint itself, as `ctx.exports` has it. */
const real = (exports as unknown as { readonly CachedAnswers: Entrypoint }).CachedAnswers;

/** Ask an edge whose platform has Workers Cache. */
async function get(
  path: string,
  init: RequestInit = {},
  CachedAnswers: Entrypoint = real,
): Promise<Response> {
  const ctx = createExecutionContext();
  Object.defineProperty(ctx, "cache", { value: {} });
  Object.defineProperty(ctx, "exports", { value: { CachedAnswers } });
  return edgeApp.fetch(new Request(`https://watch.example${path}`, init), env, ctx);
}

describe("the cached entrypoint", () => {
  it("gives media and playlists whole, with what the platform has to know", async () => {
    const target = {
      kind: "media",
      stream: "platform",
      address: {
        broadcast: encoder.grant.broadcast,
        session: 1,
        rendition: "v720",
        file: { kind: "segment", msn: 0 },
      },
    } as const;
    const answer = await real({ props: { target, number: 0 } }).fetch("https://millrace.invalid/", {
      headers: { range: "bytes=0-1" },
    });
    expect(answer.status).toBe(200);
    expect(answer.headers.get("cache-control")).toBe("public, max-age=31536000, immutable");
    expect(answer.headers.get("cdn-cache-control")).toMatch(
      /^max-age=\d+, stale-while-revalidate=\d+, stale-if-error=\d+$/,
    );
    expect(new Uint8Array(await answer.arrayBuffer())).toEqual(bytesOf("v720", "seg-0.m4s"));
  });

  it("is what viewers get, ranges and conditions included", async () => {
    const whole = bytesOf("v720", "seg-0.m4s");
    const path = `${media}/v720/seg-0.m4s`;
    const answer = await get(path);
    expect(new Uint8Array(await answer.arrayBuffer())).toEqual(whole);
    const part = await get(path, { headers: { range: "bytes=5-9" } });
    expect([part.status, part.headers.get("content-range")]).toEqual([206, `bytes 5-9/${whole.byteLength}`]);
    expect(new Uint8Array(await part.arrayBuffer())).toEqual(whole.slice(5, 10));
    const etag = answer.headers.get("etag") ?? "";
    expect((await get(path, { headers: { "if-none-match": etag } })).status).toBe(304);
    expect(await textOf(get("/live/platform/v720/index.m3u8"))).toContain("#EXTM3U");
    expect((await get(`${media}/v720/seg-99.m4s`)).status).toBe(404);
    expect([...answer.headers.keys()].filter((name) => name.startsWith("x-millrace"))).toEqual([]);
  });
});

describe("a platform that says how it did", () => {
  const says =
    (status: string, age = 0): Entrypoint =>
    (options) => ({
      fetch: async (url, init) => {
        const answer = await real(options).fetch(url, init);
        const headers = new Headers(answer.headers);
        headers.set("cf-cache-status", status);
        headers.set("x-millrace-at", String(Date.now() - 1000 * age));
        return new Response(answer.body, { status: answer.status, headers });
      },
    });

  it.each([
    ["HIT", 10, { hit: true, ttl: "2419190" }],
    ["MISS", 0, { fwd: "uri-miss", stored: true, detail: "cold" }],
    ["EXPIRED", 0, { fwd: "stale", detail: "expired" }],
    ["UPDATING", 2419210, { hit: true, ttl: "-10", detail: "stale-while-revalidate" }],
    ["STALE", 2419210, { fwd: "stale", detail: "stale-if-error" }],
    ["BYPASS", 0, { fwd: "uri-miss" }],
  ])("%s", async (said, age, status) => {
    const answer = await get(`${media}/v720/seg-0.m4s`, {}, says(said, age));
    expect(statusOf(answer)).toMatchObject(status);
    expect(answer.headers.get("age")).toBe(String(age));
    await answer.body?.cancel();
  });

  it("fails: who waits for a part gets the newest playlist, who wants media 503", async () => {
    const failing: Entrypoint = (options) => ({
      fetch: async (url, init) => {
        const { target } = options.props;
        if (target.kind === "playlist" && target.reload === undefined)
          return says("STALE", 3)(options).fetch(url, init);
        throw new Error("injected");
      },
    });
    const stale = await get(
      `/live/platform/v720/index.m3u8?_HLS_msn=${encoder.msn}&_HLS_part=1`,
      {},
      failing,
    );
    expect([stale.status, statusOf(stale).detail]).toEqual([200, "stale-if-error"]);
    const media503 = await get(`${media}/v720/seg-0.m4s`, {}, failing);
    expect([media503.status, media503.headers.get("retry-after")]).toEqual([503, "2"]);
  });

  it("is asked under another key after a purge, and after a soft one gives what it had once more", async () => {
    const path = `${media}/audio/seg-0.m4s`;
    const asked: number[] = [];
    const counting: Entrypoint = (options) => {
      asked.push(options.props.number);
      return says(asked.length === 1 ? "MISS" : "HIT")(options);
    };
    await textOf(get(path, {}, counting));
    const purges = env.PURGES.getByName("purges");
    await purges.purge({ prefixes: [{ scope: path, stream: "platform" }], soft: true, remove: false });
    pass(1);
    const soft = await get(path, {}, counting);
    expect(statusOf(soft)).toMatchObject({ hit: true, detail: "soft-purged" });
    await expect.poll(() => asked.length).toBe(3);
    await expect.poll(async () => statusOf(await get(path, {}, counting)).detail).toBeUndefined();
    expect(asked[1]).toBe(asked[0]);
    expect(asked[2]).toBeGreaterThan(asked[0] ?? Number.NaN);
    expect(asked.at(-1)).toBe(asked[2]);
  });
});
