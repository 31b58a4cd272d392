/** Purging the zone's own cache, against a Cloudflare that is a function: batches, rate, patience, and giving up. */
import { describe, expect, it, vi } from "vitest";
import {
  hostOf,
  judgeZone,
  type Pace,
  RESTED,
  type Waiting,
  type ZoneWork,
  zonePrefixes,
  zoneWork,
} from "../../../durable-objects/core/purging/zone-purge.ts";
import { ZonePurge, type ZoneStore } from "../../../durable-objects/purging/zone-purge.ts";

const START = Date.UTC(2026, 10, 21);
const HOUR = 3_600_000;
const B1 = `radio-${"7k2m9q4v1c8x3z6b5n0t4w8y2r"}`;
const B2 = `radio-${"8k2m9q4v1c8x3z6b5n0t4w8y2r"}`;
const ZONE = { id: "z1", token: "secret", host: "tv.example.com", api: "https://api.test/v4/" };
const DONE = () => Response.json({ success: true, errors: [] });

interface Call {
  readonly at: number;
  readonly url: string;
  readonly body: unknown;
}

/** A zone with a clock, a store in memory, and what Cloudflare answers. */
class World implements ZoneStore {
  now = START;
  pace: Pace = RESTED;
  readonly rows = new Map<number, Waiting>();
  readonly calls: Call[] = [];
  readonly answers: (() => Response | Promise<Response>)[] = [];
  broadcasts: (stream: string) => Promise<readonly string[]> = async () => [];
  otherwise: () => Response | Promise<Response> = DONE;

  waitingForZone(): readonly Waiting[] {
    return [...this.rows.values()].filter(({ zone }) => zone.state === "waiting");
  }

  saveZone(number: number, zone: ZoneWork): void {
    const row = this.rows.get(number);
    if (row) this.rows.set(number, { ...row, zone });
  }

  add(number: number, scopes: readonly string[], soft = false): void {
    this.rows.set(number, { number, soft, zone: zoneWork(scopes, this.now) });
  }

  /** As after an eviction: nothing is kept but what is stored. */
  get purge(): ZonePurge {
    return new ZonePurge(this, ZONE, {
      now: () => this.now,
      broadcasts: (stream) => this.broadcasts(stream),
      fetch: async (url, init) => {
        expect(init).toMatchObject({
          method: "POST",
          headers: { authorization: "Bearer secret", "content-type": "application/json" },
        });
        const body: unknown = JSON.parse(String(init.body));
        this.calls.push({ at: this.now - START, url, body });
        return (this.answers.shift() ?? this.otherwise)();
      },
    });
  }

  /** Follow the alarm until nothing waits, or for so long. */
  async run(ms = 48 * HOUR): Promise<void> {
    const until = this.now + ms;
    for (let at = this.purge.dueAt(); at !== undefined && at <= until; at = this.purge.dueAt()) {
      this.now = Math.max(this.now, at);
      await this.purge.step();
    }
  }

  zone(number: number): Partial<ZoneWork> {
    const { state, attempts, error } = this.rows.get(number)?.zone ?? {};
    return { ...(state && { state }), ...(attempts !== undefined && { attempts }), ...(error && { error }) };
  }
}

const one = (n: number) => `/live/s${n}/v720/index.m3u8`;
const prefixesOf = ({ body }: Call): readonly string[] =>
  typeof body === "object" && body !== null && "prefixes" in body && Array.isArray(body.prefixes)
    ? body.prefixes
    : [];

describe("a scope in the zone", () => {
  it.each([
    ["/", ["/"]],
    ["/live/radio/", ["h/live/radio", `h/media/${B1}`, `h/media/${B2}`]],
    ["/live/radio/v720/", ["h/live/radio/v720", `h/media/${B1}`, `h/media/${B2}`]],
    ["/live/radio/index.m3u8", ["h/live/radio"]],
    [`/media/${B1}/`, [`h/media/${B1}`, "h/live/radio"]],
    [`/media/${B1}/1/v720/`, [`h/media/${B1}/1/v720`, "h/live/radio"]],
    [`/media/${B1}/1/v720/seg-1.m4s`, [`h/media/${B1}/1/v720/seg-1.m4s`, "h/live/radio"]],
  ])("%s", (scope, prefixes) => {
    expect(zonePrefixes(scope, "h", [B1, B2])).toEqual(prefixes);
  });
});

describe("the host", () => {
  it.each([
    ["tv.example.com", "tv.example.com"],
    [" https://TV.example.com/ ", "tv.example.com"],
    ["http://tv.example.com:8080/live", "tv.example.com:8080"],
    ["t\u00fcv.example.com", undefined],
    ["", undefined],
    ["https://", undefined],
    ["two hosts", undefined],
    ["user:secret@tv.example.com", undefined],
  ])("%j is %j to Cloudflare", (text, host) => {
    expect(hostOf(text)).toBe(host);
  });
});

describe("the zone", () => {
  it("is told of many purges at once, thirty prefixes a call", async () => {
    const world = new World();
    for (let n = 1; n <= 40; n += 1) world.add(n, [one(n), one(1)]);
    await world.run();
    expect(world.calls.map((call) => prefixesOf(call).length)).toEqual([30, 10]);
    expect(new Set(world.calls.flatMap(prefixesOf)).size).toBe(40);
    expect(world.calls[0]).toMatchObject({ at: 0, url: "https://api.test/v4/zones/z1/purge_cache" });
    for (let n = 1; n <= 40; n += 1) expect(world.zone(n).state).toBe("done");
  });

  it("is told softly of what is soft, and of the rest by itself", async () => {
    const world = new World();
    world.add(1, [one(1)]);
    world.add(2, [one(2)], true);
    world.add(3, [one(3)]);
    await world.run();
    expect(world.calls.map(({ url, body }) => [url.split("/").at(-1), body])).toEqual([
      [
        "purge_cache",
        { prefixes: ["tv.example.com/live/s1/v720/index.m3u8", "tv.example.com/live/s3/v720/index.m3u8"] },
      ],
      ["invalidate_cache", { prefixes: ["tv.example.com/live/s2/v720/index.m3u8"] }],
    ]);
  });

  it("is told of everything in one call, which does for what came before", async () => {
    const world = new World();
    world.add(1, [one(1)]);
    world.add(2, ["/"]);
    world.add(3, [one(3)]);
    await world.run();
    expect(world.calls.map(({ body }) => body)).toEqual([
      { purge_everything: true },
      { prefixes: ["tv.example.com/live/s3/v720/index.m3u8"] },
    ]);
  });

  it("is called five times a minute at most, also after the object was away", async () => {
    const world = new World();
    world.add(
      1,
      Array.from({ length: 360 }, (_, n) => one(n)),
    );
    await world.run();
    expect(world.calls.map(({ at }) => at)).toEqual([
      0, 0, 0, 0, 0, 60_000, 60_000, 60_000, 60_000, 60_000, 120_000, 120_000,
    ]);
    expect(world.zone(1)).toEqual({ state: "done", attempts: 12 });
  });

  it("names the media of a stream's broadcasts, as soon as D1 says which", async () => {
    const world = new World();
    const complained = vi.spyOn(console, "error").mockReturnValue();
    world.broadcasts = () => Promise.reject(new Error("injected"));
    world.add(1, ["/live/radio/"]);
    world.add(2, [one(2)]);
    await world.run(1000);
    // Who needs no D1 does not wait for it.
    expect(world.calls.map(({ body }) => body)).toEqual([
      { prefixes: ["tv.example.com/live/s2/v720/index.m3u8"] },
    ]);
    world.broadcasts = async (stream) => (stream === "radio" ? [B1, B2] : []);
    await world.run();
    expect(prefixesOf(world.calls[1] ?? { at: 0, url: "", body: {} })).toEqual(
      ["live/radio", `media/${B1}`, `media/${B2}`].map((path) => `tv.example.com/${path}`),
    );
    expect(world.zone(1)).toEqual({ state: "done", attempts: 1 });
    complained.mockRestore();
  });

  it("is tried again when Cloudflare asks for patience, not before, and by nobody else either", async () => {
    const world = new World();
    world.answers.push(() => new Response("{}", { status: 429, headers: { "retry-after": "90" } }));
    world.add(1, [one(1)]);
    await world.run(1000);
    expect(world.zone(1)).toEqual({ state: "waiting", attempts: 1, error: "Cloudflare answered 429" });
    world.add(2, [one(2)]);
    await world.run();
    expect(world.calls.map(({ at }) => at)).toEqual([0, 90_000]);
    expect([world.zone(1), world.zone(2)]).toEqual([
      { state: "done", attempts: 2 },
      { state: "done", attempts: 1 },
    ]);
  });

  it.each(["999999999", "Fri, 21 Nov 2036 00:00:00 GMT"])(
    "is not waited for longer than an hour, though it asks for it: %s",
    async (patience) => {
      const world = new World();
      world.answers.push(() => new Response("{}", { status: 429, headers: { "retry-after": patience } }));
      world.add(1, [one(1)]);
      await world.run();
      world.add(2, [one(2)]);
      await world.run();
      expect([world.zone(1).state, world.zone(2).state]).toEqual(["done", "done"]);
    },
  );

  it("is called again when the clock went back", async () => {
    const world = new World();
    world.now += 365 * 24 * HOUR;
    world.answers.push(() => new Response("{}", { status: 500 }));
    world.add(
      1,
      Array.from({ length: 360 }, (_, n) => one(n)),
    );
    await world.run(1000);
    world.now = START;
    world.add(2, [one(2)]);
    await world.run();
    expect(world.zone(2).state).toBe("done");
  });

  it("is waited for longer each time, and given up after a day", async () => {
    const world = new World();
    world.otherwise = () => Promise.reject(new Error("connect ECONNREFUSED"));
    world.add(1, [one(1)]);
    await world.run();
    const at = world.calls.map((call) => call.at);
    const waits = at.slice(1).map((moment, i) => moment - (at[i] ?? 0));
    expect(waits.slice(0, 5)).toEqual([5_000, 10_000, 20_000, 40_000, 80_000]);
    expect(Math.max(...waits)).toBe(HOUR);
    expect(at.at(-1)).toBeLessThanOrEqual(24 * HOUR);
    expect(world.zone(1)).toEqual({
      state: "failed",
      attempts: at.length,
      error: "Given up after a day. Cloudflare was not reached: connect ECONNREFUSED",
    });
    // What comes after it begins afresh.
    world.otherwise = DONE;
    world.add(2, [one(2)]);
    await world.run();
    expect(world.zone(2)).toEqual({ state: "done", attempts: 1 });
  });

  it("that was told during a call of something new is told of that, too", async () => {
    const world = new World();
    world.add(1, [one(1)]);
    world.answers.push(() => {
      world.now += 1;
      world.add(1, [one(1)]);
      return DONE();
    });
    await world.run();
    expect(world.calls).toHaveLength(2);
  });

  it("that has no credentials any more fails what waits", async () => {
    const world = new World();
    world.add(1, [one(1)]);
    const purge = new ZonePurge(world, undefined, { broadcasts: async () => [] });
    expect(purge.isSet).toBe(false);
    await purge.step();
    expect(world.zone(1)).toEqual({
      state: "failed",
      attempts: 0,
      error: "The zone's credentials are not set any more.",
    });
  });
});

const refusal = { success: false, errors: [{ code: 10_000, message: "Authentication error" }] };
it.each([
  [200, { success: true, errors: [] }, { is: "done" }],
  [200, refusal, { is: "refused", error: "Cloudflare answered 200: Authentication error (10000)" }],
  [200, "<html>", { is: "failed", error: "Cloudflare answered 200" }],
  [302, "", { is: "failed", error: "Cloudflare answered 302" }],
  [400, { success: false }, { is: "refused", error: "Cloudflare answered 400" }],
  [403, refusal, { is: "refused", error: "Cloudflare answered 403: Authentication error (10000)" }],
  [408, "", { is: "failed", error: "Cloudflare answered 408" }],
  [429, refusal, { is: "failed", error: "Cloudflare answered 429: Authentication error (10000)" }],
  [500, "", { is: "failed", error: "Cloudflare answered 500" }],
  [503, "<html>", { is: "failed", error: "Cloudflare answered 503" }],
])("takes %i %j for what it is", (status, body, verdict) => {
  const text = typeof body === "string" ? body : JSON.stringify(body);
  expect(judgeZone({ kind: "answered", status, body: text })).toEqual(verdict);
});

it.each([
  [403, "failed", 1],
  [500, "done", 2],
] as const)("after %i a purge is %s in the end", async (status, state, calls) => {
  const world = new World();
  world.answers.push(() => new Response("", { status }));
  world.add(1, [one(1)]);
  await world.run();
  expect(world.zone(1).state).toBe(state);
  expect(world.calls).toHaveLength(calls);
});
