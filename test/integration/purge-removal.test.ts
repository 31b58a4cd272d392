/** Purges that remove from R2 as well: what goes, and what a removal must leave alone. */
import { evictDurableObject, runDurableObjectAlarm } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, describe, expect, it, vi } from "vitest";
import { ADMIN, createStream, Encoder, get, origin, textOf } from "./encoder.ts";
import {
  finish,
  knowledge,
  pastShow,
  post,
  problemOf,
  purge,
  purges,
  rebind,
  show,
} from "./purges-object.ts";
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

const DAY = 86_400_000;

afterEach(() => {
  vi.restoreAllMocks();
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
