/** Purges over HTTP: what is refused, what survives, what is removed, and what a removal must leave alone. */
import { evictDurableObject, runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, describe, expect, it, vi } from "vitest";
import { type Generation, type Generations, placeOf } from "../../wire/generations.ts";
import type { PurgeList, PurgeRecord } from "../../wire/purge.ts";
import { scopesOfPlaylist } from "../../wire/purge-prefix.ts";
import { ADMIN, createStream, Encoder, get, json, origin, textOf } from "./encoder.ts";
import {
  admin,
  check,
  FAILING,
  finishCheck,
  keysOf,
  liveStream,
  passTime,
  recordOf,
} from "./stream-object.ts";

const purges = () => env.PURGES.getByName("purges");
const DAY = 86_400_000;

const post = (body: unknown, headers: Record<string, string> = ADMIN): Promise<Response> =>
  origin("/purge", json("POST", body, headers));

const purge = async (body: unknown): Promise<PurgeRecord> => {
  const answer = await post(body);
  expect(answer.status).toBe(202);
  return answer.json<PurgeRecord>();
};

const show = async (id: string): Promise<PurgeRecord> =>
  (await origin(`/purge/${id}`, { headers: ADMIN })).json<PurgeRecord>();

/** What an edge knows that has just begun. RPC has lost that an entry is a pair. */
const knowledge = async (): Promise<Generations> =>
  new Map((await purges().generations(0)).changes as readonly (readonly [string, Generation])[]);

/** Run the alarm until a removal is done; `between` runs before each. */
async function finish(id: string, between: () => Promise<unknown> = async () => {}): Promise<PurgeRecord> {
  for (let step = 0; step < 100; step += 1) {
    const record = await show(id);
    if (record.removal?.state === "done") return record;
    await between();
    await runDurableObjectAlarm(purges());
  }
  throw new Error("a removal that never ends");
}

/** Give the object other bindings; the answer puts the right ones back. */
async function rebind(others: Record<string, unknown>): Promise<() => Promise<void>> {
  const put = (bindings: Record<string, unknown>) =>
    runInDurableObject(purges(), (object) => {
      const holder = object as unknown as { env: Record<string, unknown> };
      holder.env = { ...holder.env, ...bindings };
    });
  await put(others);
  return () => put({ MEDIA: env.MEDIA, DB: env.DB });
}

/** A show that is over, by its encoder. */
async function pastShow(stream: string, key?: string, segments = 1): Promise<Encoder> {
  const encoder = await Encoder.open(key ?? (await createStream(stream)));
  for (let i = 0; i < segments; i += 1) await encoder.pushSegment();
  await encoder.close("broadcast");
  return encoder;
}

const problemOf = async (answer: Response) => {
  const { type, title, detail, prefix } = await answer.json<Record<string, string>>();
  return { status: answer.status, name: type?.replace("urn:millrace:problem:", ""), title, detail, prefix };
};

afterEach(() => {
  vi.restoreAllMocks();
});

describe("a purge", () => {
  const ALL_WORDS = "An empty prefix or / purges everything. Say all: true if that is meant.";
  it.each([
    [{}, "no-prefix", "Name at least one prefix to purge."],
    [{ prefixes: [] }, "no-prefix", "Name at least one prefix to purge."],
    [{ prefixes: [""] }, "purges-everything", ALL_WORDS],
    [{ prefixes: ["/"] }, "purges-everything", ALL_WORDS],
    [{ prefixes: ["/live/a/", "/"] }, "purges-everything", ALL_WORDS],
    [{ prefixes: ["/"], delete: true }, "purges-everything", ALL_WORDS],
    [{ prefixes: ["/live/a/", "//"] }, "bad-prefix", "A prefix was not understood."],
    [{ prefixes: ["/live/%2e%2e/"], all: true }, "bad-prefix", "A prefix was not understood."],
    [{ prefixes: ["/media/radio-01"] }, "bad-prefix", "A prefix was not understood."],
    [
      { prefixes: [], all: true, delete: true },
      "delete-everything",
      "Not everything can be removed at once. Name the streams to remove.",
    ],
    [
      { prefixes: ["/live/a/"], soft: true, delete: true },
      "soft-delete",
      "What is removed cannot be served while it is fetched again: soft or delete.",
    ],
    [
      { prefixes: ["/live/a/", "/live/a/v720/index.m3u8"], delete: true },
      "nothing-to-remove",
      "Playlists are drawn, not stored: there is nothing to remove.",
    ],
    [{ prefixes: "/" }, "malformed", "The body was not understood."],
    [{ prefixes: ["/live/a/"], al: true }, "malformed", "The body was not understood."],
    [{ prefixes: ["/live/a/"], all: "true" }, "malformed", "The body was not understood."],
    [
      { prefixes: Array.from({ length: 101 }, () => "/live/a/") },
      "malformed",
      "The body was not understood.",
    ],
    [{ prefixes: [`/live/${"a".repeat(600)}/`] }, "malformed", "The body was not understood."],
    ["/", "malformed", "The body was not understood."],
  ])("of %j is refused", async (body, name, title) => {
    const before = await purges().generations(0);
    expect(await problemOf(await post(body))).toMatchObject({ status: 400, name, title });
    expect(await purges().generations(0)).toEqual(before);
  });

  it("is told which prefix was not understood, and why", async () => {
    const refused = await post({ prefixes: ["/live/a/", "https://tv.example.com/live/b/"] });
    expect(await problemOf(refused)).toMatchObject({
      detail: "A prefix is a path, without scheme and host.",
      prefix: "https://tv.example.com/live/b/",
    });
  });

  it("needs the admin token", async () => {
    for (const headers of [{}, { authorization: "Bearer wrong" }]) {
      expect((await post({ prefixes: ["/live/a/"] }, headers)).status).toBe(401);
      expect((await origin("/purge", { headers })).status).toBe(401);
      expect((await origin("/purge/purge-1", { headers })).status).toBe(401);
    }
  });

  it("is done when it is answered, and outlives its object", async () => {
    const begun = (await knowledge()).get("/")?.number;
    const first = await purge({ prefixes: ["live/outlives", "/live/outlives/", "/live/other/v720/"] });
    expect(first).toMatchObject({ prefixes: ["/live/outlives/", "/live/other/v720/"], soft: false });
    expect(first.removal).toBeUndefined();
    expect(first.zone).toBeUndefined();
    await evictDurableObject(purges());
    expect(placeOf(await knowledge(), scopesOfPlaylist("outlives"))).toEqual({
      number: first.generation,
      before: begun,
      soft: false,
    });
    const since = (await purges().generations(0)).newest;
    // The clock steps back: numbers do not.
    passTime(-DAY);
    const second = await purge({ prefixes: ["/live/outlives/"], soft: true });
    expect(second.generation).toBe(since + 1);
    expect(await purges().generations(since)).toEqual({
      newest: second.generation,
      whole: false,
      changes: [["/live/outlives/", { number: since + 1, soft: true, before: first.generation }]],
    });
    expect(await purges().generations(second.generation)).toMatchObject({ whole: false, changes: [] });
    // Who has seen more than there is has seen what was lost.
    expect(await purges().generations(second.generation + 1)).toMatchObject({ whole: true });
    expect(await show(second.id)).toEqual(second);
  });

  it("of everything is one entry, whatever else is named", async () => {
    const before = (await purges().generations(0)).newest;
    const record = await purge({ prefixes: ["/live/a/", ""], all: true });
    expect(record.prefixes).toEqual(["/"]);
    expect((await purges().generations(before)).changes.map(([scope]) => scope)).toEqual(["/"]);
    await purge({ all: true, soft: true });
  });

  it("costs the same however much it names: a row an entry, and no look at the bucket", async () => {
    const back = await rebind({ MEDIA: FAILING, DB: FAILING });
    const since = (await purges().generations(0)).newest;
    await purge({ prefixes: ["/live/huge/"] });
    expect((await purges().generations(since)).changes).toHaveLength(1);
    await back();
  });

  it("is listed, newest first, and known by its id", async () => {
    const made = [];
    for (let i = 0; i < 52; i += 1) made.unshift((await purge({ prefixes: [`/live/listed-${i}/`] })).id);
    const { purges: listed } = await (await origin("/purge", { headers: ADMIN })).json<PurgeList>();
    expect(listed.map(({ id }) => id)).toEqual(made.slice(0, 50));
    for (const id of ["purge-1", "purge-", "x", "purge-99999999999999999999", "%00"]) {
      const answer = await origin(`/purge/${id}`, { headers: ADMIN });
      expect(await problemOf(answer)).toMatchObject({ status: 404, name: "unknown-purge" });
    }
  });

  it("folds when there are too many, and then everyone hears everything", async () => {
    await runInDurableObject(purges(), (_object, { storage }) => {
      for (let i = 0; i < 5_000; i += 1)
        storage.sql.exec(
          "INSERT INTO generation (scope, number, soft, before) VALUES (?, ?, 0, 0)",
          `/live/crowd/r${i}/`,
          Date.now() - 10_000_000 + i,
        );
    });
    const since = (await purges().generations(0)).newest;
    const { generation } = await purge({ prefixes: ["/live/crowd/v720/"] });
    const heard = await purges().generations(since);
    expect(heard).toMatchObject({ whole: true, newest: generation });
    expect(heard.changes.length).toBeLessThanOrEqual(4_100);
    expect(heard.changes.filter(([scope]) => scope === "/live/crowd/")).toHaveLength(1);
    expect(await purges().generations(generation)).toMatchObject({ whole: false, changes: [] });
  });
});

describe("a removal", () => {
  it("of a broadcast removes it, and the stream forgets it", async () => {
    const key = await createStream("forgets");
    const kept = await pastShow("forgets", key);
    const gone = await pastShow("forgets", key, 2);
    const { broadcast } = gone.grant;
    const objects = (await keysOf(broadcast)).length;
    expect(objects).toBeGreaterThan(20);
    const record = await purge({ prefixes: [`/media/${broadcast}/`], delete: true });
    expect(record.removal).toEqual({ state: "running", removed: 0 });
    const done = await finish(record.id);
    expect(done.removal).toEqual({ state: "done", removed: objects });
    // What was fetched again meanwhile goes, too.
    expect(done.generation).toBeGreaterThan(record.generation);
    expect((await knowledge()).get("/live/forgets/index.m3u8")?.number).toBe(done.generation);
    expect(await keysOf(broadcast)).toEqual([]);
    expect((await keysOf(kept.grant.broadcast)).length).toBeGreaterThan(0);

    for (const evicted of [false, true]) {
      if (evicted) await evictDurableObject(liveStream("forgets"));
      expect(await liveStream("forgets").playlist({ kind: "multivariant" }, undefined)).toEqual({
        ok: false,
        error: { reason: "not-live" },
      });
      expect(await liveStream("forgets").status()).toEqual({ state: "offline" });
      expect((await admin(`/broadcasts/${broadcast}`)).status).toBe(404);
      expect((await admin(`/broadcasts/${broadcast}/check`, "POST")).status).toBe(404);
      const missing = await origin(`/ingest/${gone.grant.session}/missing`, { headers: gone.auth });
      expect(missing.status).toBe(401);
      const late = await origin(`/ingest/${gone.grant.session}/objects/v720/seg-9.m4s?late=1`, {
        method: "PUT",
        body: "late",
        headers: { ...gone.auth, "content-type": "video/iso.segment", "content-length": "4" },
      });
      expect(late.status).toBe(401);
      await runDurableObjectAlarm(liveStream("forgets"));
      const { broadcasts } = await (await admin("/streams/forgets/broadcasts")).json<{
        broadcasts: { id: string }[];
      }>();
      expect(broadcasts.map(({ id }) => id)).toEqual([kept.grant.broadcast]);
    }
    // No check wakes it up, and the other show is whole.
    expect((await check(kept.grant.broadcast)).report).toMatchObject({ missingCount: 0 });
    passTime(8 * DAY);
    await finishCheck(kept.grant.broadcast);
    expect(await keysOf(broadcast)).toEqual([]);

    // Numbers go on from what is forgotten.
    const next = await Encoder.open(key);
    expect(next.plan.nextMsn).toBe(3);
    await next.pushSegment();
    const playlist = await textOf(get("/live/forgets/v720/index.m3u8"));
    expect(playlist).toContain("#EXT-X-MEDIA-SEQUENCE:3\n");
    const again = await purge({ prefixes: [`/media/${broadcast}/`], delete: true });
    expect((await finish(again.id)).removal).toEqual({ state: "done", removed: 0 });
    expect((await recordOf(next.grant.broadcast)).state).toBe("live");
  });

  it("of a stream leaves another alone whose id begins with the same letters", async () => {
    const [key, other] = [await createStream("same"), await pastShow("same-01")];
    const shows = [await pastShow("same", key), await pastShow("same", key)];
    const record = await purge({ prefixes: ["/live/same/"], delete: true });
    // Evicted after every step.
    const { removal } = await finish(record.id, () => evictDurableObject(purges()));
    expect(removal?.state).toBe("done");
    expect(removal?.removed).toBeGreaterThan(20);
    for (const { grant } of shows) {
      expect(await keysOf(grant.broadcast)).toEqual([]);
      expect((await admin(`/broadcasts/${grant.broadcast}`)).status).toBe(404);
    }
    expect((await keysOf(other.grant.broadcast)).length).toBeGreaterThan(10);
    expect((await recordOf(other.grant.broadcast)).state).toBe("ended");
    const list = await (await admin("/streams/same/broadcasts")).json();
    expect(list).toEqual({ broadcasts: [] });
  });

  it("takes as many steps as there are objects, and goes on when R2 does", async () => {
    const broadcast = `big-${"7k2m9q4v1c8x3z6b5n0t4w8y2r"}`;
    for (let i = 0; i < 2_100; i += 1) await env.MEDIA.put(`media/${broadcast}/1/v720/seg-${i}.m4s`, "x");
    vi.spyOn(console, "error").mockReturnValue();
    const back = await rebind({ MEDIA: FAILING });
    const record = await purge({ prefixes: [`/media/${broadcast}/`], delete: true });
    await vi.waitFor(async () => {
      await runDurableObjectAlarm(purges());
      expect((await show(record.id)).removal).toEqual({
        state: "running",
        removed: 0,
        error: "The objects could not be removed yet; it is tried again.",
      });
    });
    // It deletes once, then fails again.
    let deletions = 0;
    await back();
    const halfway = new Proxy(env.MEDIA, {
      get: (bucket, name) => {
        if (name === "delete" && ++deletions > 1) return () => Promise.reject(new Error("injected"));
        const value: unknown = Reflect.get(bucket, name);
        return typeof value === "function" ? value.bind(bucket) : value;
      },
    });
    await rebind({ MEDIA: halfway });
    passTime(60_000);
    await runDurableObjectAlarm(purges());
    expect((await show(record.id)).removal).toMatchObject({ state: "running", removed: 1000 });
    await evictDurableObject(purges());
    passTime(60_000);
    expect((await finish(record.id)).removal).toEqual({ state: "done", removed: 2_100 });
    expect(await keysOf(broadcast)).toEqual([]);
  });

  it("of a rendition takes it out of all shows of the stream, and nothing else", async () => {
    const key = await createStream("by-rendition");
    const shows = [await pastShow("by-rendition", key), await pastShow("by-rendition", key)];
    const record = await purge({ prefixes: ["/live/by-rendition/v480/"], delete: true });
    expect((await finish(record.id)).removal?.removed).toBe(12);
    for (const { grant } of shows) {
      const keys = await keysOf(grant.broadcast);
      expect(keys.some((name) => name.includes("/v480/"))).toBe(false);
      expect(keys.filter((name) => name.includes("/v720/"))).toHaveLength(6);
      expect((await recordOf(grant.broadcast)).state).toBe("ended");
    }
  });

  it("of one object, or of a session, takes just that", async () => {
    const { grant } = await pastShow("by-object", undefined, 11);
    const seven = `/media/${grant.broadcast}/1/v720/seg-1.m4s`;
    const record = await purge({ prefixes: [seven], delete: true });
    expect((await finish(record.id)).removal).toEqual({ state: "done", removed: 1 });
    const keys = await keysOf(grant.broadcast);
    expect(keys).not.toContain("1/v720/seg-1.m4s");
    expect(keys).toContain("1/v720/seg-10.m4s");
    const session = await purge({ prefixes: [`/media/${grant.broadcast}/1/`], delete: true });
    expect((await finish(session.id)).removal).toEqual({ state: "done", removed: keys.length });
  });

  it("is refused while a show is on", async () => {
    const key = await createStream("on");
    const over = await pastShow("on", key);
    const { grant } = await Encoder.open(key);
    for (const prefix of [
      "/live/on/",
      "/live/on/v720/",
      `/media/${grant.broadcast}/`,
      `/media/${grant.broadcast}/1/v720/init.mp4`,
    ]) {
      const refused = await problemOf(
        await post({ prefixes: [`/media/${over.grant.broadcast}/`, prefix], delete: true }),
      );
      expect(refused).toEqual({
        status: 409,
        name: "live",
        title: "A broadcast that is under way loses nothing. End it, or disable its stream, first.",
        detail: undefined,
        prefix,
      });
      // Only what caches have.
      await purge({ prefixes: [prefix] });
    }
    const record = await purge({ prefixes: [`/media/${over.grant.broadcast}/`], delete: true });
    expect((await finish(record.id)).removal?.removed).toBeGreaterThan(10);
    expect((await keysOf(grant.broadcast)).length).toBeGreaterThan(0);
    await origin("/admin/streams/on/disable", { method: "POST", headers: ADMIN });
    const whole = await purge({ prefixes: ["/live/on/"], delete: true });
    expect((await finish(whole.id)).removal).toMatchObject({ state: "done" });
    expect(await keysOf(grant.broadcast)).toEqual([]);
  });

  it("leaves a show alone that began after it was asked for", async () => {
    const key = await createStream("after");
    const over = await pastShow("after", key);
    vi.spyOn(console, "error").mockReturnValue();
    await rebind({ MEDIA: FAILING });
    const record = await purge({ prefixes: ["/live/after/"], delete: true });
    passTime(60_000);
    const encoder = await Encoder.open(key);
    await encoder.pushSegment();
    await evictDurableObject(purges());
    const done = await finish(record.id);
    expect(done.removal).toMatchObject({
      state: "done",
      error: "A broadcast that is under way, or began after the purge, was left alone.",
    });
    expect(await keysOf(over.grant.broadcast)).toEqual([]);
    expect((await keysOf(encoder.grant.broadcast)).length).toBeGreaterThan(10);
    expect((await recordOf(encoder.grant.broadcast)).state).toBe("live");
  });
});

describe("the zone's own cache", () => {
  it("is not waited for, and is told by the alarm with what the stream had", async () => {
    const { grant } = await pastShow("zoned");
    const calls: unknown[] = [];
    vi.spyOn(globalThis, "fetch").mockImplementation(async (_url, init) => {
      calls.push(JSON.parse(String(init?.body)));
      return Response.json({ success: true });
    });
    // Credentials are read when the object is made.
    const { Purges } = await import("../../durable-objects/purges.ts");
    const zoned = env.PURGES.getByName("zoned");
    const record = await runInDurableObject(zoned, async (_object, ctx) => {
      const secrets = { CLOUDFLARE_ZONE_ID: "z", CLOUDFLARE_API_TOKEN: "t", PUBLIC_HOST: "tv.example.com" };
      const object = new Purges(ctx, { ...env, ...secrets });
      const wish = { prefixes: [{ scope: "/live/zoned/", stream: "zoned" }], soft: false, remove: true };
      const made = await object.purge(wish);
      expect(made.zone).toEqual({ state: "waiting", attempts: 0 });
      expect(calls).toEqual([]);
      await ctx.storage.deleteAlarm();
      for (let step = 0; step < 20 && object.find(made.id)?.zone?.attempts !== 2; step += 1)
        await object.alarm();
      await ctx.storage.deleteAlarm();
      return object.find(made.id);
    });
    expect(record).toMatchObject({ zone: { state: "done", attempts: 2 }, removal: { state: "done" } });
    const named = { prefixes: ["tv.example.com/live/zoned", `tv.example.com/media/${grant.broadcast}`] };
    // Once at once, and once for what was fetched again before it was removed.
    expect(calls).toEqual([named, named]);
  });
});
