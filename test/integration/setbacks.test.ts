/** The LiveStream object when things come at once that seldom do: stores that hang, times that come meanwhile, alarms that fail. */
import { runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { expect, it, vi } from "vitest";
import { BroadcastIndex } from "../../durable-objects/broadcast-index.ts";
import type { Live } from "../../durable-objects/core/live.ts";
import { createStream, Encoder, fresh, json, origin, textOf } from "./encoder.ts";
import { FAILING, HANGING, liveStream, passTime, recordOf, replaceBucket } from "./stream-object.ts";

const rows = async (stream: string): Promise<[string, string][]> => {
  const query = env.DB.prepare("SELECT id, state FROM broadcasts WHERE stream = ? ORDER BY started_at");
  const { results } = await query.bind(stream).all<{ id: string; state: string }>();
  return results.map(({ id, state }) => [id, state]);
};

it("lets nobody wait behind everyone else who asked while R2 hung", async () => {
  const key = await createStream("r2-queue", { reconnectSeconds: 3600 });
  const first = await Encoder.open(key);
  await first.pushSegment();
  await first.pushPart();
  const mend = await replaceBucket("r2-queue", HANGING);
  const began = Date.now();
  await Promise.all([first.close(), ...Array.from({ length: 12 }, () => liveStream("r2-queue").revoke())]);
  expect(Date.now() - began, "a few looks of two seconds").toBeLessThan(9_000);
  await mend();
});

it("ends a broadcast that came due while the next one was being let in", async () => {
  const first = await Encoder.open(await createStream("due-meanwhile", { reconnectSeconds: 60 }));
  await first.pushSegment();
  await first.pushPart();
  // Putting together what it left open takes as long as this bucket does.
  const asked = Promise.withResolvers<void>();
  const release = Promise.withResolvers<void>();
  const get = async () => {
    asked.resolve();
    await release.promise;
    return null;
  };
  const mend = await replaceBucket("due-meanwhile", { get });
  const closing = first.close();
  await asked.promise;
  const settings = { id: "due-meanwhile", profile: "low", reconnectSeconds: 60, standby: "cold" } as const;
  const opened = await runInDurableObject(liveStream("due-meanwhile"), (object) => {
    const opening = object.open(settings, { yields: false });
    passTime(61_000);
    release.resolve();
    return opening;
  });
  await closing;
  await mend();
  const { broadcast } = first.grant;
  expect(opened).toMatchObject({ ok: true, value: { stream: "due-meanwhile" } });
  expect(opened).not.toMatchObject({ value: { broadcast } });
  expect((await recordOf(broadcast)).endedAt).toBeDefined();
  await vi.waitFor(async () => expect(await rows("due-meanwhile")).toEqual([[broadcast, "ended"]]));
});

it("ends what viewers see of a broadcast while the next one shows nothing", async () => {
  const key = await createStream("shows-nothing");
  const first = await Encoder.open(key);
  await first.pushSegment();
  await first.pushPart();
  const mend = await replaceBucket("shows-nothing", FAILING);
  await first.close("broadcast");
  // It never says what it sends.
  expect((await origin("/ingest/sessions", json("POST", { key }))).status).toBe(201);
  const playlist = async () => textOf(fresh("/live/shows-nothing/v720/index.m3u8"));
  expect(await playlist()).not.toContain("#EXT-X-ENDLIST");
  await mend();
  await runDurableObjectAlarm(liveStream("shows-nothing"));
  expect(await playlist()).toContain("seg-1.m4s");
  expect(await playlist()).toContain("#EXT-X-ENDLIST");
});

it("does not take the end of a broadcast back when the list hears of its beginning late", async () => {
  const encoder = await Encoder.open(await createStream("d1-late"));
  await encoder.pushSegment();
  await encoder.close("broadcast");
  await vi.waitFor(async () => expect(await rows("d1-late")).toEqual([[encoder.grant.broadcast, "ended"]]));
  await runInDurableObject(liveStream("d1-late"), async (_object, state) => {
    const live = state.storage.kv.get<Live>("live");
    if (live) await new BroadcastIndex(state.storage, env.DB).tell(live, "live");
  });
  expect(await rows("d1-late")).toEqual([[encoder.grant.broadcast, "ended"]]);
});

it("rests when what failed goes on failing", async () => {
  const encoder = await Encoder.open(await createStream("d1-gone"));
  await encoder.pushSegment();
  await vi.waitFor(async () => expect(await rows("d1-gone")).toHaveLength(1));
  await env.DB.prepare(
    `CREATE TRIGGER broken BEFORE UPDATE ON broadcasts WHEN NEW.stream = 'd1-gone'
     BEGIN SELECT RAISE(FAIL, 'injected'); END`,
  ).run();
  await encoder.close("broadcast");
  const next = () =>
    runInDurableObject(liveStream("d1-gone"), async (_object, { storage }) => {
      return ((await storage.getAlarm()) ?? 0) - Date.now();
    });
  expect(await next()).toBeLessThan(6_000);
  passTime(600_000);
  for (let i = 0; i < 20; i += 1) await runDurableObjectAlarm(liveStream("d1-gone"));
  expect(await next()).toBeGreaterThan(200_000);
  await env.DB.prepare("DROP TRIGGER broken").run();
  await runDurableObjectAlarm(liveStream("d1-gone"));
  expect(await rows("d1-gone")).toEqual([[encoder.grant.broadcast, "ended"]]);
});

it("looks again after an alarm that failed, however often", async () => {
  const encoder = await Encoder.open(await createStream("alarm-fails"));
  await encoder.pushSegment();
  await runInDurableObject(liveStream("alarm-fails"), (_object, { storage }) => {
    storage.sql.exec("ALTER TABLE broadcast RENAME TO elsewhere");
  });
  await runDurableObjectAlarm(liveStream("alarm-fails"));
  const at = await runInDurableObject(liveStream("alarm-fails"), (_object, { storage }) => {
    storage.sql.exec("ALTER TABLE elsewhere RENAME TO broadcast");
    return storage.getAlarm();
  });
  expect(at).toBeGreaterThan(Date.now());
});
