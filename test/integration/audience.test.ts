/** A stream's shards, seen from its LiveStream: what they are told, in which order, whatever dies meanwhile. */
import { evictDurableObject, runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { describe, expect, it, vi } from "vitest";
import { SILENCE_MS } from "../../durable-objects/core/live.ts";
import { GROWN_MS } from "../../durable-objects/core/viewers/shards.ts";
import { FanOut } from "../../durable-objects/viewers/fan-out.ts";
import { mediaPlaylist } from "../../media/hls.ts";
import { extend, type Timeline } from "../../media/timeline.ts";
import { LIVE_HISTORY } from "../../wire/live-events.ts";
import { parseJson } from "../../wire/parse.ts";
import { TimelineSnapshotSchema } from "../../wire/timeline-snapshot.ts";
import { ADMIN, createStream, Encoder, fresh, origin, textOf } from "./encoder.ts";
import { type FakeTree, listening } from "./shards.ts";
import { age, liveStream, passTime } from "./stream-object.ts";

const snapshotOf = async (stream: string) => {
  const drawn = await liveStream(stream).playlist({ kind: "timeline" }, undefined);
  if (!drawn.ok) throw new Error(drawn.error.reason);
  const read = parseJson(TimelineSnapshotSchema, drawn.value.text);
  if (!read.ok) throw new Error(read.error.detail);
  return read.value;
};

const dense = (offsets: readonly number[]): boolean =>
  offsets.every((offset, index) => index === 0 || offset === (offsets[index - 1] ?? 0) + 1);

describe("publications", () => {
  it("reach a shard in order, and are all that a player needs to draw the playlist itself", async () => {
    const { encoder, shard } = await listening("told");
    await encoder.pushSegment();
    const { offset, timeline } = await snapshotOf("told");
    let own: Timeline = timeline;
    for (let segment = 0; segment < 3; segment += 1) await encoder.pushSegment();
    await vi.waitFor(() =>
      expect(shard.seen.at(-1)?.event).toMatchObject({ entries: [{ type: "segment" }] }),
    );
    for (const { offset: at, event } of shard.seen) {
      if (at <= offset || event.type !== "media") continue;
      const extended = extend(own, event.session, event.entries);
      if (!extended.ok) throw new Error(JSON.stringify(extended.error));
      own = extended.value.timeline;
    }
    const served = await textOf(await fresh("/live/told/v720/index.m3u8"));
    expect(mediaPlaylist(own, "v720")).toBe(served);
    expect(dense(shard.offsets)).toBe(true);
    expect(shard.gaps).toBe(0);
  });

  it("say how the stream is: live, interrupted by silence alone, live, ended, offline", async () => {
    const { encoder, shard, live, tree } = await listening("states");
    await encoder.pushSegment();
    await age("states", SILENCE_MS + 1);
    await tree.install();
    await runDurableObjectAlarm(live);
    await encoder.pushPart();
    await encoder.close("broadcast");
    await origin("/admin/streams/states/disable", { method: "POST", headers: ADMIN });
    const states = () =>
      shard.seen.flatMap(({ event }) =>
        event.type === "status" ? [event.state] : event.type === "end" ? ["end"] : [],
      );
    await vi.waitFor(() => expect(states().at(-1)).toBe("offline"));
    expect(states()).toEqual(["starting", "live", "interrupted", "live", "ended", "end", "offline"]);
    expect(shard.seen.find(({ event }) => event.type === "status")?.event).toMatchObject({
      startedAt: expect.stringMatching(/^\d{4}-/),
    });
  });

  it("carry what the app says, and titles, up to a length", async () => {
    const { shard, live } = await listening("said");
    expect(await live.say("alice", { poll: 1 })).toBe(true);
    expect(await live.say("alice", "x".repeat(5000))).toBe(false);
    await live.announce("Another title");
    await vi.waitFor(() =>
      expect(shard.seen.slice(-2).map(({ event }) => event)).toEqual([
        { type: "app", from: "alice", data: { poll: 1 } },
        { type: "title", title: "Another title" },
      ]),
    );
  });

  it("survive an eviction at any moment: nothing is lost, nothing comes twice, the epoch stays", async () => {
    const { encoder, shard, tree, live } = await listening("evicted-log");
    const before = await live.since(undefined);
    for (let round = 0; round < 4; round += 1) {
      await encoder.pushPart(0.25);
      // Perhaps in the middle of a delivery.
      await evictDurableObject(live);
      await tree.install();
      await encoder.pushPart(0.25);
    }
    await vi.waitFor(async () => {
      await shard.report();
      expect(shard.position).toEqual((await live.since(undefined)).position);
    });
    const after = await live.since(undefined);
    expect(after.position.epoch).toBe(before.position.epoch);
    expect(dense(shard.offsets)).toBe(true);
    const parts = shard.seen.flatMap(({ event }) => (event.type === "media" ? event.entries : []));
    expect(parts.filter(({ type }) => type === "part")).toHaveLength(8);
  });

  it("of an append that is made twice come once", async () => {
    const { encoder, shard, live } = await listening("repeated");
    const entry = encoder.nextPart();
    await encoder.append([entry]);
    const { position } = await live.since(undefined);
    await encoder.append([entry]);
    expect((await live.since(undefined)).position).toEqual(position);
    await vi.waitFor(() => expect(shard.position).toEqual(position));
  });

  it("cost nothing while nobody listens, and a restart begins another epoch", async () => {
    const encoder = await Encoder.open(await createStream("unheard"));
    await encoder.pushSegment();
    const rows = () =>
      runInDurableObject(liveStream("unheard"), (_object, { storage }) => [
        storage.kv.get("channel"),
        storage.sql.exec<{ n: number }>("SELECT count(*) AS n FROM publication").one().n,
      ]);
    expect(await rows()).toEqual([undefined, 0]);
    const first = await snapshotOf("unheard");
    await encoder.pushPart();
    // Who comes between the snapshot and the first shard still gets everything.
    await liveStream("unheard").shards("any");
    const followed = await liveStream("unheard").since({ epoch: first.epoch, offset: first.offset });
    expect(followed).toMatchObject({ complete: true, publications: [{ offset: first.offset + 1 }] });
    expect((await rows())[1]).toBe(followed.position.offset);

    const other = await Encoder.open(await createStream("unheard-too"));
    await other.pushSegment();
    const old = await snapshotOf("unheard-too");
    await evictDurableObject(liveStream("unheard-too"));
    const now = await snapshotOf("unheard-too");
    expect(now.epoch).not.toBe(old.epoch);
    expect(await liveStream("unheard-too").since(old)).toMatchObject({ complete: false, publications: [] });
  });
});

describe("since", () => {
  it("answers with all that followed or with nothing, also after an eviction", async () => {
    const { live, tree } = await listening("since");
    const { epoch } = (await live.since(undefined)).position;
    for (let n = 0; n < LIVE_HISTORY + 20; n += 1) await live.say("alice", n);
    const { position } = await live.since(undefined);
    const look = async () => {
      const at = async (offset: number, of = epoch) => {
        const { complete, publications } = await live.since({ epoch: of, offset });
        return [complete, publications.length];
      };
      expect(await at(position.offset)).toEqual([true, 0]);
      expect(await at(position.offset - 5)).toEqual([true, 5]);
      expect(await at(position.offset - LIVE_HISTORY)).toEqual([true, LIVE_HISTORY]);
      expect(await at(position.offset - LIVE_HISTORY - 1), "one is gone").toEqual([false, 0]);
      expect(await at(position.offset + 1), "from the future").toEqual([false, 0]);
      expect(await at(position.offset, "another")).toEqual([false, 0]);
      expect((await live.since(undefined)).publications).toHaveLength(LIVE_HISTORY);
    };
    await look();
    await evictDurableObject(live);
    await tree.install();
    await look();
  });
});

describe("a tree", () => {
  /** So many shards that relays are needed. */
  async function wide(stream: string, count = 40, options = {}) {
    const { encoder, tree, live } = await listening(stream);
    await tree.install(options);
    const shards = Array.from({ length: count }, (_, n) => tree.shard(`${stream}/weur/${n + 1}`));
    for (const shard of shards) shard.sockets = 2000;
    // Twice, as only the second answer knows the whole tree.
    for (const shard of [...shards, ...shards]) await shard.report();
    return { encoder, tree, live, shards };
  }

  const allAt = async (stream: string, shards: FakeTree["shards"] | readonly { position: unknown }[]) => {
    const { position } = await liveStream(stream).since(undefined);
    for (const shard of shards.values()) expect(shard.position).toEqual(position);
  };

  it("reaches forty shards through relays, real ones", async () => {
    const { encoder, tree, shards } = await wide("relayed", 40, { realRelays: true });
    const relays = new Set(shards.map(({ name, answer }) => answer?.parents[name]));
    expect(relays.size).toBeGreaterThan(1);
    for (const relay of relays) if (relay) await tree.installRelay(relay);
    await encoder.pushPart();
    await encoder.pushPart();
    await vi.waitFor(() => allAt("relayed", shards));
    for (const shard of shards) {
      expect(dense(shard.offsets)).toBe(true);
      expect(shard.deliveries).toBeGreaterThan(0);
    }
  });

  it("gathers reports at a relay, and answers each shard", async () => {
    const { shards, live } = await wide("gathered");
    const [first, second] = shards;
    const relay = env.LIVE_RELAY.getByName(first?.answer?.parents[first.name] ?? "");
    const report = (shard: typeof first, playing: number) =>
      relay.report("gathered", [{ shard: shard?.name ?? "", sockets: 2000, playing }]);
    const before = (await live.health()).viewers;
    const answers = await Promise.all([report(first, 10), report(second, 20), report(first, 11)]);
    expect((await live.health()).viewers).toBe(before - 2 + 31);
    for (const answer of answers)
      expect(answer.parents).toMatchObject({ [first?.name ?? ""]: expect.any(String) });
  });

  it.each(["failing", "hanging"] as const)("loses nothing to a relay that is %s", async (health) => {
    const stream = `relay-${health}`;
    const { encoder, tree, shards } = await wide(stream);
    await encoder.pushPart();
    await vi.waitFor(() => allAt(stream, shards));
    const dead = shards[0]?.answer?.parents[shards[0].name] ?? "";
    tree.relays.set(dead, health);
    const gapsBefore = shards.reduce((sum, { gaps }) => sum + gaps, 0);
    const others = shards.filter(({ name, answer }) => answer?.parents[name] !== dead);
    const began = Date.now();
    await encoder.pushPart();
    await vi.waitFor(() => allAt(stream, others), { timeout: 2_000 });
    // Nobody reports: what the relay did not take comes by another way.
    await vi.waitFor(() => allAt(stream, shards), { timeout: 8_000 });
    if (health === "failing") expect(Date.now() - began).toBeLessThan(2_000);
    const usesOfDead = tree.used.filter((name) => name === dead).length;
    await encoder.pushPart();
    await vi.waitFor(() => allAt(stream, shards));
    expect(tree.used.filter((name) => name === dead)).toHaveLength(usesOfDead);
    expect(shards.reduce((sum, { gaps }) => sum + gaps, 0)).toBe(gapsBefore);
    for (const shard of shards) expect(dense(shard.offsets)).toBe(true);
    // Later it has another relay.
    passTime(11_000);
    await encoder.pushPart();
    await vi.waitFor(() => allAt(stream, shards));
    const answer = await shards[0]?.report();
    expect(answer?.parents[shards[0]?.name ?? ""]).toMatch(/\.1$/);
  });

  it("does not wait for a shard that hangs, below a relay or not", async () => {
    const { encoder, tree, shards } = await wide("hangs", 40, { realRelays: true });
    for (const relay of new Set(shards.map(({ name, answer }) => answer?.parents[name])))
      if (relay) await tree.installRelay(relay);
    const [hanging, ...others] = shards;
    if (hanging) hanging.health = "hanging";
    for (let part = 0; part < 3; part += 1) {
      const began = Date.now();
      await encoder.pushPart();
      await vi.waitFor(() => allAt("hangs", others), { timeout: 2_000 });
      expect(Date.now() - began).toBeLessThan(2_000);
    }
    expect(hanging?.position?.offset).toBeLessThan(others[0]?.position?.offset ?? 0);
    if (hanging) hanging.health = "well";
    await hanging?.report();
    await allAt("hangs", shards);
  });
});

describe("a shard", () => {
  it("that fails is left alone until it reports, and has lost nothing then", async () => {
    const { encoder, shard, live } = await listening("fails");
    shard.health = "failing";
    await encoder.pushPart();
    await encoder.pushPart();
    shard.health = "well";
    const { deliveries } = shard;
    await encoder.pushPart();
    await live.status();
    expect(shard.deliveries).toBe(deliveries);
    await shard.report();
    await encoder.pushPart();
    await vi.waitFor(async () => expect(shard.position).toEqual((await live.since(undefined)).position));
    expect(shard.deliveries).toBeGreaterThan(deliveries);
    expect(dense(shard.offsets)).toBe(true);
  });

  it("gets what came while a delivery was under way as one", async () => {
    const { shard, live } = await listening("joined");
    const gate = Promise.withResolvers<void>();
    const deliver = shard.deliver.bind(shard);
    shard.deliver = async (delivery) => {
      await gate.promise;
      await deliver(delivery);
    };
    for (let n = 0; n < 50; n += 1) await live.say("alice", n);
    gate.resolve();
    await vi.waitFor(async () => expect(shard.position).toEqual((await live.since(undefined)).position));
    expect(shard.deliveries).toBeLessThan(5);
    expect(dense(shard.offsets)).toBe(true);
  });

  it("that is full makes the region grow; one that nobody knows joins by reporting; others' are passed over", async () => {
    const { shard, live, tree } = await listening("grows");
    expect((await live.shards("weur")).regions).toEqual({ weur: ["grows/weur/1"] });
    expect((await live.shards("nowhere")).regions).toMatchObject({ any: ["grows/any/1"] });
    expect((await live.full(shard.name)).regions.weur).not.toContain(shard.name);
    await tree.shard("grows/enam/7").report();
    await tree.shard("other/enam/1").report();
    const { regions } = await live.shards("weur");
    expect(regions.enam).toEqual(["grows/enam/7"]);
    await evictDurableObject(live);
    const after = await live.shards("weur");
    expect(after.regions).toMatchObject({ any: regions.any, enam: regions.enam });
    expect(after.regions.weur).toEqual(expect.arrayContaining([...(regions.weur ?? [])]));
  });

  it("is told to send its sockets away when the others have room", async () => {
    const { shard, live, tree } = await listening("drains");
    const { regions } = await live.full(shard.name);
    const newest = tree.shard(regions.weur?.at(-1) ?? "");
    await newest.report();
    await shard.report();
    expect((await newest.report()).draining, "it has just grown").toEqual([]);
    passTime(GROWN_MS + 1_000);
    await shard.report();
    expect((await newest.report()).draining).toEqual([newest.name]);
    expect((await live.shards("weur")).regions.weur).not.toContain(newest.name);
    const { shards } = await live.health();
    newest.sockets = 0;
    newest.playing = 0;
    await newest.report();
    expect((await live.health()).shards).toBe(shards - 1);
  });
});

describe("viewers that cannot be reached", () => {
  it("fail no append", async () => {
    const { encoder, shard } = await listening("unreachable");
    await encoder.pushSegment();
    const broken = vi.spyOn(FanOut.prototype, "publish").mockImplementation(() => {
      throw new Error("injected");
    });
    await encoder.pushSegment();
    broken.mockRestore();
    await encoder.pushPart();
    await shard.report();
    expect(dense(shard.offsets)).toBe(true);
    expect(shard.position).toEqual((await liveStream("unreachable").since(undefined)).position);
  });

  it("are named although their shards take no more sockets", async () => {
    const { shard, live } = await listening("brimful");
    shard.sockets = 3_900;
    await shard.report();
    const { regions, others } = await live.shards("weur");
    expect(others).toEqual([shard.name]);
    expect(Object.values(regions).flat()).not.toContain(shard.name);
  });
});
