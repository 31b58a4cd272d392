/** The way to a socket, through the whole edge: who is turned away and how, which shard is asked, and what it is told. */
import { env } from "cloudflare:workers";
import { afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { ringOf, shardFor } from "../../durable-objects/core/viewers/ring.ts";
import type { ShardDirectory } from "../../durable-objects/core/viewers/viewer-messages.ts";
import type { Guest } from "../../wire/socket-token.ts";
import { directories, SOCKET_HEADERS } from "../../workers/edge/socket.ts";
import { newViewerCookie, viewerKey } from "../../workers/edge/viewer.ts";
import type { EdgeEnv } from "../../workers/env.ts";
import { EdgeBench, pass } from "./edge-bench.ts";
import { createStream, get, json, sign, textOf } from "./encoder.ts";

const STREAM = "stage";
const edge = new EdgeBench();
let token: string;

/** What was asked of a shard. */
interface Visit {
  readonly shard: string;
  readonly hint: string | undefined;
  readonly headers: Headers;
  readonly url: string;
}
let visits: Visit[];
/** How shards answer; those that are not named open a socket. */
let shards: Record<string, (visit: Visit) => Response | Promise<Response>>;
let directory: ShardDirectory;
/** What the stream says to one that is full. */
let whenFull: (shard: string) => ShardDirectory;
let asked: string[];
/** Stubs that were made. */
let stubs: string[];
let breaks: number;

beforeAll(async () => {
  // Nothing is live on it: who waits for a broadcast has a socket, too.
  await createStream(STREAM);
  token = await sign(STREAM);
  await createStream("hall", { access: "private" });
});

beforeEach(() => {
  directories.forget();
  // What the location's cache knows of shards is too old now.
  pass(2);
  visits = [];
  shards = {};
  directory = { regions: { any: [`${STREAM}/any/1`] } };
  whenFull = () => directory;
  asked = [];
  stubs = [];
  breaks = 0;
});

afterEach(() => {
  edge.origin = "well";
});

/** A shard's yes: the other end stays with the test. */
function opened(): Response {
  const [client, server] = Object.values(new WebSocketPair());
  server?.accept();
  server?.send("hello");
  return new Response(null, { status: 101, webSocket: client ?? null, headers: { "x-from-shard": "1" } });
}
const fullShard = () => new Response(null, { status: 503, headers: { [SOCKET_HEADERS.full]: "1" } });

const VIEWER_SET = {
  getByName: (shard: string, options: DurableObjectNamespaceGetDurableObjectOptions = {}) => ({
    fetch: async (url: string, init: RequestInit) => {
      const visit = { shard, hint: options.locationHint, headers: new Headers(init.headers), url };
      visits.push(visit);
      return shards[shard]?.(visit) ?? opened();
    },
  }),
} as unknown as EdgeEnv["VIEWER_SET"];

/** It takes its time, so that others come meanwhile. */
const aWhile = () => new Promise((resolve) => setTimeout(resolve, 20));
const stream = {
  shards: async (region: string) => {
    asked.push(`shards ${region}`);
    await aWhile();
    if (breaks > 0) {
      breaks -= 1;
      throw new Error("injected");
    }
    return directory;
  },
  full: async (shard: string) => {
    asked.push(`full ${shard}`);
    await aWhile();
    return whenFull(shard);
  },
};
const LIVE_STREAM = {
  getByName: (name: string) => {
    stubs.push(name);
    return stream;
  },
} as unknown as EdgeEnv["LIVE_STREAM"];

const UPGRADE = { upgrade: "websocket" };
const OPEN = { VIEWER_SET, LIVE_STREAM };
const address = (base = "") => `${base}/connection/websocket?stream=${STREAM}`;

/** Ask for a socket. */
function open(
  headers: Record<string, string> = {},
  others: Partial<EdgeEnv> = {},
  path = address(),
  cf?: Record<string, string>,
): Promise<Response> {
  const init = { headers: { ...UPGRADE, ...headers }, ...(cf && { cf }) };
  return edge.get(path, init, { ...OPEN, ...others });
}

/** All of a refusal that is the edge's to say. */
async function seen(answer: Response): Promise<unknown> {
  return [answer.status, Object.fromEntries(answer.headers), await textOf(answer)].map((one) =>
    typeof one === "object" ? { ...one, date: "" } : one,
  );
}

const problemOf = async (answer: Response): Promise<string | undefined> =>
  /urn:millrace:problem:([a-z-]+)/.exec(await textOf(answer))?.[1];

describe("who is turned away", () => {
  it.each<[string, string, Record<string, string>, number, string]>([
    ["no upgrade", address(), { upgrade: "" }, 426, "upgrade-required"],
    ["an upgrade to something else", address(), { upgrade: "h2c" }, 426, "upgrade-required"],
    ["an empty stream", "/connection/websocket?stream=", {}, 400, "bad-stream"],
    ["a stream that can be none", "/connection/websocket?stream=Radio", {}, 400, "bad-stream"],
    ["a stream that is a path", "/connection/websocket?stream=..%2Fradio", {}, 400, "bad-stream"],
    ["two streams", "/connection/websocket?stream=radio&stream=tv", {}, 400, "bad-stream"],
    ["a foreign page", address(), { origin: "https://evil.example" }, 403, "foreign-origin"],
    ["a page of nobody", address(), { origin: "null" }, 403, "foreign-origin"],
    ["a token that is none", address("/p/x.y.z"), {}, 403, "forbidden"],
    ["a path below it", "/connection/websocket/x?stream=radio", {}, 404, "not-found"],
  ])("%s", async (_what, path, headers, status, name) => {
    const answer = await open(headers, {}, path);
    expect([answer.status, answer.headers.get("access-control-allow-origin")]).toEqual([status, "*"]);
    expect(answer.headers.get("upgrade")).toBe(status === 426 ? "websocket" : null);
    expect(answer.headers.get("cdn-cache-control")).toBe("no-store");
    expect(await problemOf(answer)).toBe(name);
    expect([asked, visits]).toEqual([[], []]);
  });

  it("HEAD, which nothing can be upgraded from", async () => {
    const answer = await edge.get(address(), { method: "HEAD", headers: UPGRADE }, OPEN);
    expect([answer.status, visits]).toEqual([426, []]);
  });

  it("too many, as many as ask too much of the API", async () => {
    const keys: string[] = [];
    const API_LIMIT: RateLimit = {
      limit: async ({ key }) => {
        keys.push(key);
        return { success: false };
      },
    };
    const answer = await open({ "cf-connecting-ip": "192.0.2.7" }, { API_LIMIT });
    expect([answer.status, await problemOf(answer), keys, visits]).toEqual([
      429,
      "too-many-requests",
      ["192.0.2.7"],
      [],
    ]);
  });

  it.each<[string, () => Promise<string> | string, () => Promise<string> | string]>([
    ["of a private stream, without a token", () => "", () => "hall"],
    ["of a stream that there is not", () => "", () => "nothing"],
    ["of another stream than the token's", () => `/p/${token}`, () => "hall"],
  ])("exactly as from its playlist: %s", async (_what, base, id) => {
    const [before, name] = [await base(), await id()];
    const socket = await open({}, {}, `${before}/connection/websocket?stream=${name}`);
    const playlist = await edge.get(`${before}/live/${name}/index.m3u8`);
    expect(socket.status).toBe(before === "" ? 404 : 403);
    expect(await seen(socket)).toEqual(await seen(playlist));
    expect([asked, visits]).toEqual([[], []]);
  });

  it("below a signed path without a stream: it is for one", async () => {
    const answer = await open({}, {}, `/p/${token}/connection/websocket`);
    expect([answer.status, await problemOf(answer), visits]).toEqual([400, "bad-stream", []]);
  });

  it("whose token limits the height: events name every rendition", async () => {
    const short = await sign(STREAM, { maxHeight: 720 });
    const socket = await open({}, {}, `/p/${short}/connection/websocket?stream=${STREAM}`);
    const playlist = await edge.get(`/p/${short}/live/${STREAM}/v1080/index.m3u8`);
    expect(socket.status).toBe(403);
    expect(await seen(socket)).toEqual(await seen(playlist));
    expect([asked, visits]).toEqual([[], []]);
  });

  it("while nobody knows who may watch, exactly as from its playlist", async () => {
    edge.origin = "fails";
    const socket = await open({}, {}, "/connection/websocket?stream=never-heard-of");
    const playlist = await edge.get("/live/never-heard-of/index.m3u8");
    expect(socket.status).toBe(503);
    expect(await seen(socket)).toEqual(await seen(playlist));
  });
});

describe("who gets a socket", () => {
  it("without a stream: at a shard that is no stream's", async () => {
    const answer = await open({}, {}, "/connection/websocket");
    expect([answer.status, asked]).toEqual([101, []]);
    expect(visits).toHaveLength(1);
    expect(JSON.stringify(visits)).toMatch(/~people\/[a-z-]+\/[1-8]/);
  });

  it.each<[string, Record<string, string>, Partial<EdgeEnv>, () => string]>([
    ["what is no browser", {}, {}, () => address()],
    ["our own page", { origin: "https://watch.example" }, {}, () => address()],
    [
      "a page that was named",
      { origin: "https://shop.example" },
      { SOCKET_ORIGINS: "https://shop.example" },
      () => address(),
    ],
    ["any page where all may", { origin: "null" }, { SOCKET_ORIGINS: "*" }, () => address()],
    ["who has a token", {}, {}, () => address(`/p/${token}`)],
    ["who writes it in capitals", { upgrade: "WebSocket" }, {}, () => address()],
  ])("%s", async (_what, headers, others, path) => {
    const answer = await open(headers, others, path());
    const { webSocket: socket } = answer;
    if (!socket) throw new Error(`no socket, but ${answer.status}`);
    const message = new Promise((resolve) => socket.addEventListener("message", ({ data }) => resolve(data)));
    socket.accept();
    // The answer is the shard's, as it was.
    expect([await message, [...answer.headers]]).toEqual(["hello", [["x-from-shard", "1"]]]);
    socket.close();
    expect(visits.map(({ shard }) => shard)).toEqual([`${STREAM}/any/1`]);
  });

  it("the bearer of a token for a private stream", async () => {
    directory = { regions: { any: ["hall/any/1"] } };
    const answer = await open({}, {}, `/p/${await sign("hall")}/connection/websocket?stream=hall`);
    expect([answer.status, stubs]).toEqual([101, ["hall"]]);
  });
});

describe("what a shard is told", () => {
  const from = { "cf-connecting-ip": "2001:db8:1:2:3:4:5:6", "user-agent": "VLC/3" };
  const only = (): Visit => {
    const [visit, ...others] = visits.splice(0);
    if (!visit || others.length > 0) throw new Error(`${others.length} more`);
    return visit;
  };

  it("is what it must know and nothing of the viewer, and nobody else can say it", async () => {
    await open({
      ...from,
      ...Object.fromEntries(Object.values(SOCKET_HEADERS).map((name) => [name, "forged"])),
      "x-millrace-anything": "forged",
      cookie: "a=b",
      authorization: "Bearer x",
      "sec-websocket-protocol": "centrifuge-json",
      "sec-websocket-extensions": "permessage-deflate",
    });
    const { headers, url } = only();
    expect(Object.fromEntries(headers)).toEqual({
      upgrade: "websocket",
      "sec-websocket-protocol": "centrifuge-json",
      "x-millrace-stream": STREAM,
      "x-millrace-shard": `${STREAM}/any/1`,
      "x-millrace-viewer": expect.stringMatching(/^s:[A-Za-z0-9_-]{22}$/),
      "x-millrace-address": expect.stringMatching(/^[A-Za-z0-9_-]{22}$/),
    });
    expect(new URL(url).search).toBe("");
  });

  it("when the token of its path ends", async () => {
    const before = Date.now();
    const hour = await sign(STREAM, { seconds: 3600 });
    expect((await open(from, {}, address(`/p/${hour}`))).status).toBe(101);
    const until = Number(only().headers.get(SOCKET_HEADERS.until));
    expect(until).toBeGreaterThan(before + 3_590_000);
    expect(until).toBeLessThan(before + 3_700_000);
  });

  it("names a stranger by address and player, and an address by what one customer has", async () => {
    const told = async (headers: Record<string, string>, others: Partial<EdgeEnv> = {}) => {
      await open({ ...from, ...headers }, others);
      const { headers: sent } = only();
      return [sent.get(SOCKET_HEADERS.viewer), sent.get(SOCKET_HEADERS.address)];
    };
    const [viewer, where] = await told({});
    expect(await told({})).toEqual([viewer, where]);
    const [neighbour, sameHouse] = await told({ "cf-connecting-ip": "2001:db8:1:2::7" });
    expect([neighbour === viewer, sameHouse]).toEqual([false, where]);
    const [otherPlayer, sameHouseToo] = await told({ "user-agent": "mpv" });
    expect([otherPlayer === viewer, sameHouseToo]).toEqual([false, where]);
    const [, elsewhere] = await told({ "cf-connecting-ip": "192.0.2.7" });
    expect(elsewhere).not.toBe(where);
    const [rekeyed, rekeyedAddress] = await told({}, { TOKEN_SECRET: "another secret" });
    expect([rekeyed === viewer, rekeyedAddress === where]).toEqual([false, false]);
    // Without a secret there are keys all the same, and not those that anybody could make.
    const [unkeyed, unkeyedAddress] = await told({}, { TOKEN_SECRET: "" });
    expect([unkeyed === viewer, unkeyedAddress === where]).toEqual([false, false]);
    expect(await told({}, { TOKEN_SECRET: "" })).toEqual([unkeyed, unkeyedAddress]);
  });

  it("names who has a cookie by it, wherever they are", async () => {
    const cookie = (await newViewerCookie(env, new Request("https://watch.example/")))?.split(";")[0] ?? "";
    const viewer = async (headers: Record<string, string>, others: Partial<EdgeEnv> = {}) => {
      await open({ ...from, ...headers }, others);
      return only().headers.get(SOCKET_HEADERS.viewer);
    };
    const key = await viewer({ cookie });
    expect(key).toBe(`c:${cookie.slice("millrace_viewer=".length).split(".")[0]}`);
    expect(await viewer({ cookie, "cf-connecting-ip": "192.0.2.7", "user-agent": "mpv" })).toBe(key);
    const previous = { TOKEN_SECRET: "a new one", TOKEN_SECRET_PREVIOUS: env.TOKEN_SECRET ?? "" };
    expect(await viewer({ cookie }, previous)).toBe(key);
    const stranger = await viewer({});
    // A cookie that nobody here signed is none.
    const at = cookie.indexOf("=") + 1;
    const bent = `${cookie.slice(0, at)}${cookie[at] === "A" ? "B" : "A"}${cookie.slice(at + 1)}`;
    expect(await viewer({ cookie: bent })).toBe(stranger);
    expect(await viewer({ cookie }, { TOKEN_SECRET: "a new one" })).toMatch(/^s:/);
  });
});

describe("which shard", () => {
  const names = (region: string, count: number) =>
    Array.from({ length: count }, (_, i) => `${STREAM}/${region}/${i + 1}`);

  it.each<[string, Record<string, string> | undefined, string, string | undefined]>([
    ["Tokyo", { continent: "AS", latitude: "35.7", longitude: "139.7" }, "apac-ne", "apac-ne"],
    ["Denver", { continent: "NA", latitude: "39.7", longitude: "-105.0" }, "wnam", "wnam"],
    ["Tor", { continent: "T1" }, "any", undefined],
    ["nowhere", undefined, "any", undefined],
  ])("is one of the region, for viewers in %s", async (_where, cf, region, hint) => {
    directory = { regions: { [region]: names(region, 1), elsewhere: names("elsewhere", 1) } };
    await open({}, {}, address(), cf);
    expect(asked).toEqual([`shards ${region}`]);
    expect(visits.map((visit) => [visit.shard, visit.hint])).toEqual([[`${STREAM}/${region}/1`, hint]]);
  });

  it("is the ring's, for each viewer the same", async () => {
    directory = { regions: { any: names("any", 5) } };
    const ring = ringOf(names("any", 5));
    for (let i = 0; i < 40; i += 1) await open({ "user-agent": `player ${i % 20}` });
    for (const { shard, headers } of visits)
      expect(shard).toBe(shardFor(ring, headers.get(SOCKET_HEADERS.viewer) ?? ""));
    expect(new Set(visits.map(({ shard }) => shard)).size).toBe(5);
    expect(visits.slice(20).map(({ shard }) => shard)).toEqual(visits.slice(0, 20).map(({ shard }) => shard));
  });

  it("is asked of the stream once a second, however many come", async () => {
    await Promise.all(Array.from({ length: 30 }, () => open()));
    expect([asked, visits.length]).toEqual([["shards any"], 30]);
    await open();
    expect(asked).toHaveLength(1);
    pass(1);
    directory = { regions: { any: [`${STREAM}/any/2`] } };
    await open();
    expect(asked).toHaveLength(2);
    expect(visits.at(-1)?.shard).toBe(`${STREAM}/any/2`);
  });

  it("is asked again for a region that has none yet, and what else is known stays", async () => {
    await open();
    directory = { regions: { ...directory.regions, sam: names("sam", 1) } };
    await open({}, {}, address(), { continent: "SA" });
    await open();
    await open({}, {}, address(), { continent: "SA" });
    expect(asked).toEqual(["shards any", "shards sam"]);
  });
});

describe("a shard that is full", () => {
  const name = (number: number) => `${STREAM}/any/${number}`;

  it("is told of, and the next one is asked", async () => {
    shards[name(1)] = fullShard;
    whenFull = () => ({ regions: { any: [name(2)] } });
    const answer = await open();
    expect([answer.status, asked, visits.map(({ shard }) => shard)]).toEqual([
      101,
      ["shards any", `full ${name(1)}`],
      [name(1), name(2)],
    ]);
    // The next viewer goes there at once.
    await open();
    expect([asked.length, visits.at(-1)?.shard]).toEqual([2, name(2)]);
  });

  it("is told of once by those whom it refuses together", async () => {
    shards[name(1)] = fullShard;
    whenFull = () => ({ regions: { any: [name(2)] } });
    const answers = await Promise.all(Array.from({ length: 20 }, () => open()));
    expect(answers.map(({ status }) => status)).toEqual(Array(20).fill(101));
    expect(asked).toEqual(["shards any", `full ${name(1)}`]);
  });

  it("is told of, though another one is known", async () => {
    directory = { regions: { any: [name(1), name(2)] } };
    const visited =
      shardFor(ringOf([name(1), name(2)]), await viewerKey(env, new Request("https://x.test/"))) ?? "";
    const other = visited === name(1) ? name(2) : name(1);
    shards[visited] = fullShard;
    whenFull = () => ({ regions: { any: [other] } });
    expect((await open()).status).toBe(101);
    expect([asked, visits.map(({ shard }) => shard)]).toEqual([
      ["shards any", `full ${visited}`],
      [visited, other],
    ]);
  });

  it("is not asked twice, though the stream still names it", async () => {
    shards[name(1)] = fullShard;
    whenFull = () => ({ regions: { any: [name(1), name(2)] } });
    expect((await open()).status).toBe(101);
    expect(visits.map(({ shard }) => shard)).toEqual([name(1), name(2)]);
  });

  it("ends in a refusal after the fourth", async () => {
    for (let i = 1; i < 9; i += 1) shards[name(i)] = fullShard;
    whenFull = (shard) => ({ regions: { any: [name(Number(shard.split("/")[2]) + 1)] } });
    const answer = await open();
    expect([answer.status, answer.headers.get("retry-after"), await problemOf(answer)]).toEqual([
      503,
      "5",
      "no-room",
    ]);
    expect(visits.map(({ shard }) => shard)).toEqual([1, 2, 3, 4].map(name));
  });

  it("ends in a refusal when there is no other", async () => {
    shards[name(1)] = fullShard;
    const answer = await open();
    expect([answer.status, await problemOf(answer), visits.length]).toEqual([503, "no-room", 1]);
  });
});

describe("in trouble", () => {
  const first = () => `${STREAM}/any/1`;

  it("a shard that throws is asked once more", async () => {
    let calls = 0;
    shards[first()] = () => {
      calls += 1;
      if (calls === 1) throw new Error("injected");
      return opened();
    };
    expect([(await open()).status, visits.length]).toEqual([101, 2]);
  });

  it("and no more than that", async () => {
    shards[first()] = () => {
      throw new Error("injected, a secret of ours");
    };
    const answer = await open();
    expect([answer.status, answer.headers.get("retry-after"), visits.length]).toEqual([503, "2", 2]);
    expect(await textOf(answer)).not.toContain("secret");
  });

  it("one that has too much to do is left alone", async () => {
    shards[first()] = () => {
      throw Object.assign(new Error("injected"), { overloaded: true });
    };
    const answer = await open();
    expect([answer.status, await problemOf(answer), visits.length]).toEqual([503, "unavailable", 1]);
  });

  it("a stream that throws is asked once more, by another stub", async () => {
    breaks = 1;
    expect([(await open()).status, asked.length, stubs.length]).toEqual([101, 2, 2]);
  });

  it("a stream that goes on throwing is asked by the next viewer", async () => {
    breaks = 2;
    const answer = await open();
    expect([answer.status, await problemOf(answer), visits]).toEqual([503, "unavailable", []]);
    expect((await open()).status).toBe(101);
  });

  it("a stream that goes on throwing has the shards that it had, for a minute", async () => {
    await open();
    pass(59);
    breaks = 2;
    expect([(await open()).status, asked.length]).toEqual([101, 3]);
    pass(1);
    breaks = 2;
    expect([(await open()).status, asked.length]).toEqual([503, 5]);
  });

  it("a stream without any shard has no room", async () => {
    directory = { regions: {} };
    const answer = await open();
    expect([answer.status, await problemOf(answer)]).toEqual([503, "no-room"]);
  });

  it.each<[string, () => Response, number, string, string]>([
    [
      "too many sockets of an address",
      () => new Response("x", { status: 429 }),
      429,
      "too-many-sockets",
      "10",
    ],
    [
      "what a shard never says",
      () => new Response("a secret of ours", { status: 400 }),
      503,
      "unavailable",
      "2",
    ],
    ["full without its header", () => new Response("", { status: 503 }), 503, "unavailable", "2"],
  ])("%s", async (_what, says, status, problem, after) => {
    shards[first()] = says;
    const answer = await open();
    expect([answer.status, answer.headers.get("retry-after"), await problemOf(answer)]).toEqual([
      status,
      after,
      problem,
    ]);
    expect(visits).toHaveLength(1);
  });
});

describe("through everything, to a real shard", () => {
  /** The next line that is not empty. */
  const reply = (socket: WebSocket): Promise<Record<string, unknown>> =>
    new Promise((resolve) =>
      socket.addEventListener("message", ({ data }) => {
        if (typeof data === "string" && data.includes('"id"')) resolve(JSON.parse(data));
      }),
    );

  async function connect(path: string, token?: string): Promise<Record<string, unknown>> {
    const answer = await get(path, { headers: UPGRADE });
    const { webSocket: socket } = answer;
    if (!socket) throw new Error(`no socket, but ${answer.status}: ${await textOf(answer)}`);
    const replied = reply(socket);
    socket.accept();
    socket.send(JSON.stringify({ id: 1, connect: token === undefined ? {} : { token } }));
    const said = await replied;
    socket.close(1000);
    return said;
  }

  it("connects who has no token", async () => {
    expect(await connect(address())).toMatchObject({
      id: 1,
      connect: { client: expect.any(String), ping: 25 },
    });
  });

  it("connects a guest of a private stream, who has two tokens", async () => {
    const { token: guest } = await (await get("/api/guest", json("POST", { name: "Bob" }))).json<Guest>();
    const path = `/p/${await sign("hall")}/connection/websocket?stream=hall`;
    expect(await connect(path, guest)).toMatchObject({ id: 1, connect: { expires: true } });
  });
});

describe("the watch page", () => {
  const page = (headers: Record<string, string> = {}, path = `/watch/${STREAM}`) =>
    edge.get(
      path,
      { headers },
      {
        ASSETS: {
          fetch: async (request: Request) =>
            new Response(request.headers.has("if-none-match") ? null : "page", {
              status: request.headers.has("if-none-match") ? 304 : 200,
              headers: { etag: '"x"' },
            }),
        } as unknown as Fetcher,
      },
    );
  const COOKIE =
    /^millrace_viewer=[\w-]{22}\.[\w-]{43}; Path=\/; Max-Age=86400; HttpOnly; SameSite=Lax; Secure$/;

  it("comes with a cookie for who has none, and is then for nobody else", async () => {
    const answer = await page();
    expect(answer.headers.get("set-cookie")).toMatch(COOKIE);
    expect(answer.headers.get("cache-control")).toBe("private, max-age=0, must-revalidate");
    expect(answer.headers.get("cdn-cache-control")).toBe("no-store");
    expect((await page()).headers.get("set-cookie")).not.toBe(answer.headers.get("set-cookie"));
  });

  it("comes as ever for who has one", async () => {
    const cookie = (await page()).headers.get("set-cookie")?.split(";")[0] ?? "";
    const answer = await page({ cookie });
    expect(answer.headers.get("set-cookie")).toBeNull();
    expect(answer.headers.get("cache-control")).toBe("public, max-age=0, must-revalidate");
  });

  it("brings it with a 304, below a signed path, and in the place of one that is not ours", async () => {
    const unchanged = await page({ "if-none-match": '"x"' });
    expect([unchanged.status, unchanged.headers.get("set-cookie")]).toEqual([
      304,
      expect.stringMatching(COOKIE),
    ]);
    const signed = await page({}, `/p/${token}/watch/${STREAM}`);
    expect(signed.headers.get("set-cookie")).toMatch(COOKIE);
    const forged = `millrace_viewer=${"A".repeat(22)}.${"A".repeat(43)}`;
    expect((await page({ cookie: forged })).headers.get("set-cookie")).toMatch(COOKIE);
  });

  it("leaves other pages, and a link that has run out, without one", async () => {
    expect((await page({}, "/")).headers.get("set-cookie")).toBeNull();
    const over = await page({}, `/p/x.y.z/watch/${STREAM}`);
    expect([over.status, over.headers.get("set-cookie")]).toEqual([403, null]);
  });

  it("has none to give without a secret", async () => {
    expect(await newViewerCookie({}, new Request("https://watch.example/"))).toBeUndefined();
    const plain = await newViewerCookie(env, new Request("http://watch.example/"));
    expect(plain).toMatch(/SameSite=Lax$/);
  });
});
