/** How many watch a stream: counted by shards and edges, told to viewers, kept with the broadcast; and how they do. */
import { evictDurableObject } from "cloudflare:test";
import { describe, expect, it, vi } from "vitest";
import { listening } from "./shards.ts";
import { passTime, recordOf } from "./stream-object.ts";

const dense = (offsets: readonly number[]): boolean =>
  offsets.every((offset, index) => index === 0 || offset === (offsets[index - 1] ?? 0) + 1);

describe("viewers", () => {
  it("are those who play and those whom edges saw, told to shards without an offset", async () => {
    const { encoder, shard, live } = await listening("counted");
    await encoder.pushSegment();
    shard.sockets = 9;
    shard.playing = 7;
    await shard.report();
    const hash = (n: number) => n.toString(16).padStart(16, "0");
    passTime(1_500);
    await live.polled("edge-1", { hashes: [hash(1), hash(2)] });
    await live.polled("edge-2", { hashes: [hash(2), hash(3)] });
    passTime(1_500);
    await shard.report();
    expect(await live.status()).toMatchObject({ state: "live", viewers: 10 });
    expect(await live.health()).toMatchObject({ viewers: 10, sockets: 9, shards: 1 });
    await vi.waitFor(() => expect(shard.counts.at(-1)).toBe(10));
    expect(dense(shard.offsets)).toBe(true);
    passTime(29_000);
    await shard.report();
    expect((await live.status()).viewers, "edges say it again while it is so").toBe(7);
    passTime(31_000);
    expect((await live.status()).viewers, "shards too").toBe(0);
  });

  it("are told at most once a second", async () => {
    const { shard } = await listening("seldom");
    await vi.waitFor(() => expect(shard.counts).toEqual([1]));
    for (let playing = 2; playing <= 20; playing += 1) {
      shard.playing = playing;
      await shard.report();
    }
    await vi.waitFor(() => expect(shard.counts.at(-1)).toBe(20), { timeout: 3_000 });
    expect(shard.counts.length).toBeLessThan(5);
  });

  it("are remembered over an eviction", async () => {
    const { shard, live } = await listening("remembered");
    passTime(11_000);
    shard.playing = 500;
    shard.sockets = 600;
    await shard.report();
    await evictDurableObject(live);
    expect((await live.health()).viewers).toBe(500);
  });

  it("are told after an eviction although they are none, as they may have been some", async () => {
    const { shard, live, tree } = await listening("forgotten-count");
    await vi.waitFor(() => expect(shard.counts).toEqual([1]));
    await evictDurableObject(live);
    await tree.install();
    shard.playing = 0;
    await shard.report();
    await vi.waitFor(() => expect(shard.counts.at(-1)).toBe(0));
  });

  it("of a broadcast are kept with it: at most, and on average", async () => {
    const { encoder, shard, live, tree } = await listening("average");
    await encoder.pushSegment();
    const { broadcast } = encoder.grant;
    // One viewer so far; now a hundred for ten seconds, then none for ten.
    shard.playing = 100;
    await shard.report();
    passTime(10_000);
    shard.playing = 0;
    await shard.report();
    await evictDurableObject(live);
    await tree.install();
    expect((await recordOf(broadcast)).viewers?.peak).toBe(100);
    await encoder.pushPart();
    passTime(10_000);
    await shard.report();
    await encoder.close("broadcast");
    const { viewers } = await recordOf(broadcast);
    expect(viewers?.peak).toBe(100);
    expect(viewers?.average).toBeGreaterThan(45);
    expect(viewers?.average).toBeLessThan(55);
    await shard.report({ playing: 5_000 });
    expect((await recordOf(broadcast)).viewers, "it is over").toEqual(viewers);
  });

  it("say how they do, for five minutes", async () => {
    const { shard, live } = await listening("qoe");
    const counts = {
      reports: 1,
      stalls: 2,
      stalledMs: 1000,
      playedMs: 9000,
      droppedFrames: 0,
      shownFrames: 250,
    };
    const qoe = { ...counts, startup: {}, latency: {}, heights: { 720: 1 } };
    await shard.report({ qoe });
    await shard.report({ qoe });
    expect((await live.health()).qoe).toMatchObject({ reports: 2, stalls: 4, stallRatio: 0.1 });
    passTime(301_000);
    expect((await live.health()).qoe).toMatchObject({ reports: 0 });
  });
});
