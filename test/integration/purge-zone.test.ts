/** Purges of the zone's own cache: what Cloudflare is told by the object's alarm, and that its token is told to nobody. */
import { runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, describe, expect, it, vi } from "vitest";
import { pastShow } from "./purges-object.ts";

afterEach(() => {
  vi.restoreAllMocks();
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
    const { Purges } = await import("../../durable-objects/purging/purges.ts");
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

describe("the zone's token", () => {
  const waiting = { state: "waiting", attempts: 1, error: expect.any(String) };
  it.each([
    ["with a line break", { CLOUDFLARE_API_TOKEN: "hush\nhush" }, undefined],
    ["with a letter that no header has", { CLOUDFLARE_API_TOKEN: "hush\u2603" }, undefined],
    ["with a host that is none", { PUBLIC_HOST: "hush@tv.example.com" }, undefined],
    ["for an API that has no address", { CLOUDFLARE_API: "no address" }, waiting],
    ["for an API that is not there", {}, waiting],
  ])("is told to nobody: %s", async (name, odd, zone) => {
    const { Purges } = await import("../../durable-objects/purging/purges.ts");
    const told = vi.spyOn(console, "error").mockReturnValue();
    const record = await runInDurableObject(env.PURGES.getByName(name), async (_object, ctx) => {
      const secrets = {
        CLOUDFLARE_ZONE_ID: "z",
        CLOUDFLARE_API_TOKEN: "hush",
        PUBLIC_HOST: "tv.example.com",
      };
      const object = new Purges(ctx, { ...env, ...secrets, CLOUDFLARE_API: "http://127.0.0.1:1", ...odd });
      const scope = { scope: "/live/a/index.m3u8", stream: "a" };
      const { id } = await object.purge({ prefixes: [scope], soft: false, remove: false });
      await object.alarm();
      await ctx.storage.deleteAlarm();
      return object.find(id);
    });
    expect(record?.zone).toEqual(zone);
    expect(JSON.stringify([record, told.mock.calls])).not.toMatch(/hush|Bearer/);
    expect(told).toHaveBeenCalledTimes(zone ? 0 : 1);
  });
});
