/** Purges when something is lost or late: the object's storage, its alarm, an upload that was allowed before a removal. */
import { evictDurableObject, runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, describe, expect, it, vi } from "vitest";
import { applyChanges, type GenerationChanges, type Generations, placeOf } from "../../wire/generations.ts";
import type { PurgeRecord } from "../../wire/purge.ts";
import { scopesOfPlaylist } from "../../wire/purge-prefix.ts";
import { ADMIN, createStream, Encoder, json, origin } from "./encoder.ts";
import { keysOf, passTime } from "./stream-object.ts";

afterEach(() => {
  vi.restoreAllMocks();
});

const DAY = 86_400_000;
const NOTHING: Generations = new Map();

/** What an edge hears. RPC has lost that an entry is a pair. */
const hear = async (purges: ReturnType<typeof env.PURGES.getByName>, since: number) =>
  (await purges.generations(since)) as unknown as GenerationChanges;

describe("a purges object that lost its storage", () => {
  it.each([
    ["and its clock goes on", 0],
    ["and its clock went back", -2 * DAY],
  ])("lets no purged copy come back: %s", async (name, ms) => {
    const purges = env.PURGES.getByName(name);
    const wish = { prefixes: [{ scope: "/live/a/", stream: "a" }], soft: false, remove: false };
    const { generation } = await purges.purge(wish);
    const before = await hear(purges, 0);
    const known = applyChanges(NOTHING, before);
    await runInDurableObject(purges, (_object, { storage }) => storage.deleteAll());
    if (ms !== 0) passTime(ms);
    await evictDurableObject(purges);

    const after = await hear(purges, before.newest);
    expect(after.whole).toBe(true);
    const place = placeOf(applyChanges(known, after), scopesOfPlaylist("a"));
    expect(place).toMatchObject({ soft: false });
    expect(place.number).toBeGreaterThan(generation);
    // One that has just begun hears the same, and numbers go on from there.
    const anew = await hear(purges, 0);
    expect(placeOf(applyChanges(NOTHING, anew), scopesOfPlaylist("a"))).toEqual(place);
    expect(await hear(purges, anew.newest)).toEqual({ newest: anew.newest, whole: false, changes: [] });
    expect((await purges.purge(wish)).generation).toBeGreaterThan(place.number);
  });

  it("learns no number that it could not count on from", async () => {
    const purges = env.PURGES.getByName("counts-on");
    expect(await hear(purges, Number.MAX_SAFE_INTEGER)).toMatchObject({ whole: true });
    expect((await hear(purges, 0)).newest).toBeLessThan(Date.now() + DAY);
  });
});

describe("a clock that jumps ahead and back", () => {
  it("lets no purged copy come back", async () => {
    const purges = env.PURGES.getByName("jumps");
    const wish = (stream: string, soft = false) =>
      purges.purge({ prefixes: [{ scope: `/live/${stream}/`, stream }], soft, remove: false });
    const { generation } = await wish("a");
    passTime(400 * DAY);
    const ahead = await wish("b");
    passTime(-400 * DAY);
    const { generation: last } = await wish("c");
    expect(last).toBe(ahead.generation + 1);
    const known = applyChanges(NOTHING, await hear(purges, 0));
    expect(placeOf(known, scopesOfPlaylist("a")).number).toBe(generation);
    expect(placeOf(known, scopesOfPlaylist("b")).number).toBe(ahead.generation);
  });
});

describe("a removal", () => {
  const remove = async (prefix: string): Promise<string> => {
    const answer = await origin("/purge", json("POST", { prefixes: [prefix], delete: true }, ADMIN));
    expect(answer.status).toBe(202);
    return (await answer.json<PurgeRecord>()).id;
  };
  const purges = () => env.PURGES.getByName("purges");

  it("goes on when its alarm was lost", async () => {
    const id = await remove(`/media/lost-${"0".repeat(26)}/`);
    await runInDurableObject(purges(), (_object, { storage }) => storage.deleteAlarm());
    await evictDurableObject(purges());
    await purges().generations(0);
    await expect
      .poll(async () => (await purges().find(id))?.removal?.state, { timeout: 10_000 })
      .toBe("done");
  });

  it("takes an object along whose upload had begun before", async () => {
    const encoder = await Encoder.open(await createStream("uploads"));
    for (let i = 0; i < 2; i += 1) await encoder.pushSegment();
    await encoder.close("broadcast");
    const { session, broadcast } = encoder.grant;
    // As a transcoder does that hands over what waited on its disk: it is let in, then its body takes its time.
    const { readable, writable } = new FixedLengthStream(8);
    const upload = origin(`/ingest/${session}/objects/v720/seg-9.m4s?late=1`, {
      method: "PUT",
      body: readable,
      headers: { ...encoder.auth, "content-type": "video/iso.segment", "content-length": "8" },
    });
    const writer = writable.getWriter();
    await writer.write(new Uint8Array(4));
    const id = await remove("/live/uploads/");
    await expect
      .poll(
        async () => {
          await runDurableObjectAlarm(purges());
          return (await keysOf(broadcast)).length;
        },
        { timeout: 10_000 },
      )
      .toBe(0);
    const done = await purges().find(id);
    expect(done?.removal).toMatchObject({ state: "done" });
    await writer.write(new Uint8Array(4));
    await writer.close();
    expect((await upload).status).toBe(201);
    expect(await keysOf(broadcast)).toEqual(["1/v720/seg-9.m4s"]);
    await evictDurableObject(purges());
    for (let step = 0; step < 20; step += 1) {
      passTime(30_000);
      await runDurableObjectAlarm(purges());
    }
    expect(await keysOf(broadcast)).toEqual([]);
    // It may have been asked for, and is in caches then.
    const after = await purges().find(id);
    expect(after?.removal).toEqual({ state: "done", removed: (done?.removal?.removed ?? 0) + 1 });
    expect(after?.generation).toBeGreaterThan(done?.generation ?? Number.NaN);
    expect(
      await runInDurableObject(purges(), (_object, { storage }) =>
        storage.sql.exec("SELECT number FROM purge WHERE removal_due IS NOT NULL").toArray(),
      ),
    ).toEqual([]);
  });
});
