/** From an append to a socket and back, through real shards and the stock client: nothing is lost, whatever is evicted. */
import { evictDurableObject, runDurableObjectAlarm } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { describe, expect, it, vi } from "vitest";
import { LOOK_MS } from "../../durable-objects/viewers/viewer-doors.ts";
import { mediaPlaylist } from "../../media/hls.ts";
import { extend, type Timeline } from "../../media/timeline.ts";
import { LiveEventSchema, liveChannel } from "../../wire/live-events.ts";
import { parse, parseJson } from "../../wire/parse.ts";
import { TimelineSnapshotSchema } from "../../wire/timeline-snapshot.ts";
import { ADMIN, createStream, Encoder, fresh, json, origin, textOf } from "./encoder.ts";
import { liveStream, passTime, recordOf } from "./stream-object.ts";
import { BareClient, stockClient } from "./viewer-set-client.ts";

/** A page: it has a copy of the timeline, and extends it by what its socket says. */
async function follow(stream: string) {
  const { regions } = await liveStream(stream).shards("weur");
  expect(regions).toEqual({ weur: [`${stream}/weur/1`] });
  const read = parseJson(TimelineSnapshotSchema, await textOf(await fresh(`/live/${stream}/timeline.json`)));
  if (!read.ok) throw new Error(read.error.detail);
  const { epoch, offset } = read.value;
  const page: { timeline: Timeline; offsets: number[]; viewers: number; types: string[] } = {
    timeline: read.value.timeline,
    offsets: [],
    viewers: 0,
    types: [],
  };
  const { client, drop } = stockClient(stream, {}, { shard: "weur/1" });
  const subscription = client.newSubscription(liveChannel(stream), { since: { epoch, offset } });
  subscription.on("publication", ({ data, offset: at }) => {
    const event = parse(LiveEventSchema, data);
    if (!event.ok) throw new Error(event.error.detail);
    page.types.push(event.value.type);
    if (at !== undefined) page.offsets.push(at);
    if (event.value.type === "viewers") page.viewers = event.value.viewers;
    if (event.value.type !== "media") return;
    const extended = extend(page.timeline, event.value.session, event.value.entries);
    if (!extended.ok) throw new Error(JSON.stringify(extended.error));
    page.timeline = extended.value.timeline;
  });
  subscription.subscribe();
  client.connect();
  await subscription.ready(5_000);
  const isUpToDate = () =>
    vi.waitFor(
      async () =>
        expect(mediaPlaylist(page.timeline, "v720")).toBe(
          await textOf(await fresh(`/live/${stream}/v720/index.m3u8`)),
        ),
      { timeout: 8_000, interval: 100 },
    );
  return { page, client, drop, isUpToDate, first: offset + 1 };
}

const expectDense = (offsets: readonly number[], first: number) =>
  expect(offsets).toEqual(offsets.map((_, index) => first + index));

describe("a page with a socket", () => {
  it("draws what the server draws, over drops and evictions of the stream and of the shard", async () => {
    const encoder = await Encoder.open(await createStream("page"));
    await encoder.pushSegment();
    const { page, client, drop, isUpToDate, first } = await follow("page");
    await encoder.pushSegment();
    await isUpToDate();
    const shard = env.VIEWER_SET.getByName("page/weur/1");
    for (const harm of [
      async () => drop(),
      () => evictDurableObject(liveStream("page")),
      () => evictDurableObject(shard, { webSockets: "hibernate" }),
      async () => {
        await evictDurableObject(liveStream("page"));
        await evictDurableObject(shard, { webSockets: "hibernate" });
      },
    ]) {
      await encoder.pushSegment();
      await harm();
      await encoder.pushSegment();
      await isUpToDate();
    }
    expectDense(page.offsets, first);
    expect(page.types).not.toContain("timeline");
    client.disconnect();
  });

  it("is counted while it plays, and is told how many do", async () => {
    const encoder = await Encoder.open(await createStream("counted-page"));
    await encoder.pushSegment();
    const { page, client } = await follow("counted-page");
    expect((await liveStream("counted-page").status()).viewers).toBe(0);
    await client.rpc("playing", { playing: true });
    await vi.waitFor(() => expect(page.viewers).toBe(1), { timeout: 5_000 });
    await client.rpc("qoe", {
      stalls: 1,
      stalledMs: 500,
      playedMs: 9_500,
      droppedFrames: 0,
      shownFrames: 300,
      height: 720,
    });
    await vi.waitFor(
      async () =>
        expect(await liveStream("counted-page").health()).toMatchObject({
          viewers: 1,
          sockets: 1,
          shards: 1,
          qoe: { reports: 1, stalls: 1 },
        }),
      { timeout: 5_000 },
    );
    client.disconnect();
    await vi.waitFor(async () => expect((await liveStream("counted-page").status()).viewers).toBe(0), {
      timeout: 5_000,
    });
    await encoder.close("broadcast");
    expect((await recordOf(encoder.grant.broadcast)).viewers?.peak).toBe(1);
  });
});

describe("a stream that is closed to those who watch it", () => {
  const visitor = { shard: "weur/1" };
  async function watching(stream: string) {
    const encoder = await Encoder.open(await createStream(stream));
    await encoder.pushSegment();
    await liveStream(stream).shards("weur");
    const open = await BareClient.connect(stream, {}, visitor);
    const signed = await BareClient.connect(stream, {}, { ...visitor, until: Date.now() + 3_600_000 });
    for (const client of [open, signed]) {
      await client.ask({ id: 2, subscribe: { channel: liveChannel(stream) } });
    }
    await vi.waitFor(async () => expect((await liveStream(stream).health()).sockets).toBe(2), 5_000);
    return { encoder, open, signed };
  }

  it("by making it private: who has a token stays, all others go at once", async () => {
    const { encoder, open, signed } = await watching("turned");
    // It looks now by itself, and not again before LOOK_MS have passed.
    passTime(LOOK_MS);
    const lookedAt = Date.now();
    await liveStream("turned").report([]);
    await origin("/admin/streams/turned", json("PATCH", { access: "private" }, ADMIN));
    expect(await open.end()).toMatchObject({ code: 3507 });
    expect(Date.now() - lookedAt).toBeLessThan(LOOK_MS);
    const before = signed.offsets.length;
    await encoder.pushPart();
    await vi.waitFor(() => expect(signed.offsets.length).toBeGreaterThan(before), 5_000);
  });

  it("by making it private, when nobody could tell its object: they go with the next heartbeat", async () => {
    const { open, signed } = await watching("turned-unheard");
    await env.DB.prepare("UPDATE streams SET access = 'private' WHERE id = 'turned-unheard'").run();
    passTime(LOOK_MS);
    await runDurableObjectAlarm(env.VIEWER_SET.getByName("turned-unheard/weur/1"));
    expect(await open.end()).toMatchObject({ code: 3507 });
    expect(signed.closed).toBeUndefined();
  });

  it("by disabling it: everybody goes at once", async () => {
    const { open, signed } = await watching("disabled-while-watched");
    await origin("/admin/streams/disabled-while-watched/disable", { method: "POST", headers: ADMIN });
    expect([await open.end(), await signed.end()]).toMatchObject([{ code: 3507 }, { code: 3507 }]);
  });
});
