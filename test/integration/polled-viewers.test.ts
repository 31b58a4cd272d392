/** Viewers without a socket, from their requests for playlists to the number that everybody is told. */
import { env } from "cloudflare:workers";
import { beforeEach, describe, expect, it } from "vitest";
import { parse } from "../../wire/parse.ts";
import { countPolled, type PolledViewers, PolledViewersSchema } from "../../wire/polled-viewers.ts";
import type { StreamStatus } from "../../wire/public.ts";
import { tellPolledViewers } from "../../workers/edge/polled-viewers.ts";
import { newViewerCookie } from "../../workers/edge/viewer.ts";
import type { EdgeEnv } from "../../workers/env.ts";
import { EdgeBench, liveStream, pass } from "./edge-bench.ts";
import { fresh, sign, textOf } from "./encoder.ts";

interface Told {
  readonly stream: string;
  readonly edge: string;
  readonly viewers: PolledViewers;
}

/** Streams as they are, and what they are told; `polled` may fail. */
class Listening {
  readonly told: Told[] = [];
  fails = false;

  readonly namespace = {
    getByName: (stream: string) =>
      new Proxy(env.LIVE_STREAM.getByName(stream), {
        get: (stub, name) => {
          if (name !== "polled") return Reflect.get(stub, name);
          return async (edge: string, viewers: PolledViewers) => {
            if (this.fails) throw new Error("injected");
            this.told.push({ stream, edge, viewers });
            await stub.polled(edge, viewers);
          };
        },
      }),
  } as unknown as EdgeEnv["LIVE_STREAM"];

  /** How many the newest report of a stream tells of; `undefined`: nothing was told. */
  newest(stream: string): number | undefined {
    const report = this.told.findLast((its) => its.stream === stream);
    if (!report) return undefined;
    expect(parse(PolledViewersSchema, report.viewers)).toMatchObject({ ok: true });
    return countPolled([report.viewers]);
  }
}

let edge: EdgeBench;
let listening: Listening;

beforeEach(async () => {
  // Whoever an earlier test left is gone.
  pass(61);
  await tellPolledViewers(env);
  edge = new EdgeBench();
  listening = new Listening();
});

const tell = () => tellPolledViewers({ LIVE_STREAM: listening.namespace });

/** Ask as somebody, by the name of a player that nobody else has. */
async function ask(path: string, who: string, init: RequestInit = {}): Promise<number> {
  const headers = { "user-agent": who, "cf-connecting-ip": "192.0.2.7", ...init.headers };
  const answer = await edge.get(path, { ...init, headers }, { LIVE_STREAM: listening.namespace });
  await answer.arrayBuffer();
  return answer.status;
}

/** What is told of a stream, when what its requests left behind has been done. */
const toldOf = (id: string) =>
  expect.poll(async () => {
    await tell();
    return listening.newest(id);
  });

const statusOf = async (id: string): Promise<StreamStatus> => (await fresh(`/api/streams/${id}`)).json();

describe("a viewer without a socket", () => {
  it("is counted by each media playlist that it is given, once", async () => {
    const { id, path, encoder } = await liveStream();
    const blocking = `${path}?_HLS_msn=${encoder.msn}&_HLS_part=0`;
    for (const one of [path, path, blocking, `/live/${id}/audio/index.m3u8`])
      expect(await ask(one, "one")).toBe(200);
    await toldOf(id).toBe(1);
    await ask(path, "two");
    await ask(path, "one", { headers: { "cf-connecting-ip": "192.0.2.8" } });
    await toldOf(id).toBe(3);
  });

  it("is counted when it has the playlist already, and below a signed path", async () => {
    const { id, path } = await liveStream();
    const first = await edge.get(path);
    const etag = first.headers.get("etag") ?? "";
    await first.body?.cancel();
    expect(await ask(path, "one", { headers: { "if-none-match": etag } })).toBe(304);
    expect(await ask(`/p/${await sign(id)}${path}`, "two")).toBe(200);
    // And the request that was not listened to.
    await toldOf(id).toBe(3);
  });

  it("is known by its cookie, whatever its address", async () => {
    const { id, path } = await liveStream();
    const request = new Request("https://watch.example/");
    const cookie = (await newViewerCookie(env, request))?.split(";")[0] ?? "";
    for (const address of ["192.0.2.1", "192.0.2.2", "2001:db8::1"])
      await ask(path, `agent at ${address}`, { headers: { cookie, "cf-connecting-ip": address } });
    await ask(path, "another");
    await toldOf(id).toBe(2);
  });

  it("is not who asks for anything else, or for what is not there", async () => {
    const { id, path, media } = await liveStream();
    const other = await liveStream();
    await ask(path, "watches");
    const others: readonly (readonly [string, number, RequestInit?])[] = [
      [path, 200, { method: "HEAD" }],
      // A page whose socket counts its viewer.
      [`${path}?counted=socket`, 200],
      [`/live/${id}/index.m3u8`, 200],
      [`/live/${id}/timeline.json`, 200],
      [`/live/${id}/v720/iframes.m3u8`, 200],
      [`${media}/v720/seg-0.m4s`, 200],
      [`/api/streams/${id}`, 200],
      [`/live/${id}/none/index.m3u8`, 404],
      [`${path}?_HLS_msn=9999`, 400],
      [`${path}?_HLS_msn=x`, 400],
      [`/p/${await sign(id, { maxHeight: 480 })}${path}`, 403],
      [`/p/${await sign(other.id)}${path}`, 403],
    ];
    for (const [i, [asked, status, init]] of others.entries())
      expect([asked, await ask(asked, `no viewer ${i}`, init)]).toEqual([asked, status]);
    await toldOf(id).toBe(1);
    // They have had their time by now.
    await ask(path, "watches too");
    await toldOf(id).toBe(2);
    expect(listening.newest(other.id)).toBeUndefined();
  });
});

describe("an edge", () => {
  it("tells by itself about ten seconds after the first request", async () => {
    const { id, path } = await liveStream();
    const began = performance.now();
    await ask(path, "one");
    await ask(path, "two");
    await expect.poll(() => listening.newest(id), { timeout: 20_000 }).toBe(2);
    expect(performance.now() - began).toBeGreaterThan(8_000);
    // The next one only when somebody asks again.
    expect(listening.told.filter(({ stream }) => stream === id)).toHaveLength(1);
  });

  it("tells all streams under one name, and nothing but hashes", async () => {
    const [one, two] = [await liveStream(), await liveStream()];
    for (const { path } of [one, two]) await ask(path, "same");
    await toldOf(one.id).toBe(1);
    await toldOf(two.id).toBe(1);
    const [first, second] = [one, two].map(({ id }) =>
      listening.told.findLast(({ stream }) => stream === id),
    );
    expect(first?.edge).toMatch(/^[0-9a-f-]{36}$/);
    expect(second?.edge).toBe(first?.edge);
    // Nobody can see that it is the same person.
    expect(first?.viewers).toEqual({ hashes: [expect.stringMatching(/^[0-9a-f]{16}$/)] });
    expect(second?.viewers).not.toEqual(first?.viewers);
  });

  it("says once that nobody watches any more, and then nothing", async () => {
    const { id, path } = await liveStream();
    await ask(path, "one");
    await toldOf(id).toBe(1);
    pass(29);
    await tell();
    expect(listening.newest(id)).toBe(1);
    pass(2);
    await tell();
    expect(listening.newest(id)).toBe(0);
    const { length } = listening.told;
    await tell();
    expect(listening.told).toHaveLength(length);
  });

  it("answers players while streams take no reports, and tells everything with the next one", async () => {
    const { id, path } = await liveStream();
    listening.fails = true;
    expect(await ask(path, "one")).toBe(200);
    await tell();
    expect(await ask(path, "two")).toBe(200);
    await tell();
    expect(listening.told).toEqual([]);
    listening.fails = false;
    await toldOf(id).toBe(2);
  });
});

describe("viewers in the public API", () => {
  it("are those without a socket too, until they have left", async () => {
    const { id, path } = await liveStream();
    expect(await statusOf(id)).toMatchObject({ state: "live", viewers: 0 });
    for (const who of ["one", "two", "three"]) await ask(path, who);
    await toldOf(id).toBe(3);
    pass(1.1);
    expect(await statusOf(id)).toMatchObject({ state: "live", viewers: 3 });
    const { streams } = await (await fresh("/api/streams")).json<{ streams: StreamStatus[] }>();
    expect(streams.find((stream) => stream.id === id)).toMatchObject({ viewers: 3 });
    // No edge says anything any more: its reports run out by themselves.
    pass(90);
    expect(await statusOf(id)).toMatchObject({ viewers: 0 });
  });

  it("are counted once by two edges that saw the same people", async () => {
    const { id } = await liveStream();
    const stub = env.LIVE_STREAM.getByName(id);
    const hashes = ["0123456789abcdef", "123456789abcdef0"];
    await stub.polled("edge-a", { hashes });
    await stub.polled("edge-b", { hashes: [...hashes, "23456789abcdef01"] });
    await stub.polled("edge-a", { hashes });
    // A stream counts at most once a second.
    pass(1.1);
    expect(await statusOf(id)).toMatchObject({ viewers: 3 });
    await stub.polled("edge-b", { hashes: [] });
    pass(1.1);
    expect(await statusOf(id)).toMatchObject({ viewers: 2 });
  });

  it("are not there when nothing is live", async () => {
    const { id, path, encoder } = await liveStream();
    await ask(path, "one");
    await toldOf(id).toBe(1);
    await encoder.close("broadcast");
    const status = await statusOf(id);
    expect(status).toMatchObject({ state: "ended" });
    expect(status).not.toHaveProperty("viewers");
    expect(await textOf(fresh("/api/streams"))).not.toContain(id);
  });
});
