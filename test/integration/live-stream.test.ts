/** The LiveStream object: leases, eviction, restarts, the wait for an encoder, and waiting viewers. */
import { evictDurableObject, runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { describe, expect, it, vi } from "vitest";
import { SILENCE_MS } from "../../durable-objects/core/live.ts";
import type { Entry } from "../../media/timeline.ts";
import type { SessionGrant } from "../../wire/ingest.ts";
import { ADMIN, createStream, Encoder, fresh, get, json, origin, SOURCE, textOf } from "./encoder.ts";
import { age, check, FAILING, HANGING, liveStream, recordOf, replaceBucket } from "./stream-object.ts";

const playlist = async (stream: string, rendition = "v720", query = ""): Promise<string> => {
  const answer = await fresh(`/live/${stream}/${rendition}/index.m3u8${query}`);
  expect(answer.status).toBe(200);
  return textOf(answer);
};

const stateOf = async (stream: string): Promise<string> =>
  (await (await fresh(`/api/streams/${stream}`)).json<{ state: string }>()).state;

describe("an evicted LiveStream", () => {
  it("goes on where it was, in the middle of a segment", async () => {
    const encoder = await Encoder.open(await createStream("evicted"));
    await encoder.pushSegment();
    await encoder.pushPart();
    await encoder.pushPart();
    const before = await playlist("evicted");
    await evictDurableObject(liveStream("evicted"));
    expect(await playlist("evicted")).toBe(before);
    await encoder.pushPart();
    expect(await playlist("evicted")).toContain("part-1.2.m4s");
  });

  it("draws the same window after many segments, sessions and evictions", async () => {
    const key = await createStream("evicted-often");
    let encoder = await Encoder.open(key);
    for (let round = 0; round < 3; round += 1) {
      for (let i = 0; i < 4; i += 1) await encoder.pushSegment();
      const before = [await playlist("evicted-often"), await playlist("evicted-often", "audio")];
      await evictDurableObject(liveStream("evicted-often"));
      expect([await playlist("evicted-often"), await playlist("evicted-often", "audio")]).toEqual(before);
      await encoder.close();
      encoder = await Encoder.open(key);
    }
    expect(await playlist("evicted-often")).toContain("#EXT-X-DISCONTINUITY\n");
  });

  it("rule 28: slides its window, reads the same one back, and keeps what left it", async () => {
    const encoder = await Encoder.open(await createStream("slides"));
    await runInDurableObject(liveStream("slides"), (_object, state) => {
      const head = state.storage.kv.get<{ timing: object }>("head");
      state.storage.kv.put("head", { ...head, timing: { ...head?.timing, windowSeconds: 1 } });
    });
    await evictDurableObject(liveStream("slides"));
    for (let i = 0; i < 9; i += 1) await encoder.pushSegment();
    const before = await playlist("slides");
    expect(before).toContain("#EXT-X-MEDIA-SEQUENCE:3\n");
    const left = await get(`/media/${encoder.grant.broadcast}/1/v720/seg-0.m4s`);
    expect(left.status, "rule 28: what left the playlist can still be fetched").toBe(200);
    await evictDurableObject(liveStream("slides"));
    expect(await playlist("slides")).toBe(before);
  });
});

describe("a lease", () => {
  it("is taken over after ten seconds of silence, and fences the one who was silent", async () => {
    const key = await createStream("takeover");
    const first = await Encoder.open(key);
    await first.pushSegment();
    await first.pushPart();
    await age("takeover", SILENCE_MS + 1);
    const second = await Encoder.open(key);
    expect(second.grant.session).toBe(`${first.grant.broadcast}.2`);
    expect(second.plan.nextMsn).toBe(2);

    const late = await first.append([first.nextPart()]);
    expect(late.status).toBe(409);
    expect(await late.json()).toMatchObject({ type: "urn:millrace:problem:fenced" });
    expect((await first.put("v720", "part-1.1.m4s")).status).toBe(409);
    expect((await first.close("broadcast")).status).toBe(409);

    await second.pushSegment();
    const text = await playlist("takeover");
    expect(text).toContain(`${first.grant.broadcast}/1/v720/seg-1.m4s`);
    expect(text.indexOf("#EXT-X-DISCONTINUITY\n")).toBeGreaterThan(text.indexOf("1/v720/seg-1.m4s"));
    expect(text).toContain(`${first.grant.broadcast}/2/v720/seg-2.m4s`);
  });

  it("is taken over at once by another boot of the same host, and freed when the host is gone", async () => {
    const key = await createStream("boots");
    const open = async (boot: string, id = "ingest-1") => {
      const transcoder = { id, boot: boot.repeat(16) };
      const answer = await origin("/ingest/sessions", json("POST", { key, source: SOURCE, transcoder }));
      return { status: answer.status, grant: await answer.json<SessionGrant>() };
    };
    const first = await open("1");
    expect((await open("1")).status, "the same process may have two encoders").toBe(409);
    expect((await open("2", "ingest-2")).status).toBe(409);
    const second = await open("2");
    expect(second.grant.session).toBe(`${first.grant.broadcast}.2`);
    const old = { id: "ingest-1", boot: "1".repeat(16) };
    await liveStream("boots").free(second.grant.session, old, true);
    expect((await open("3", "ingest-2")).status, "another process was gone").toBe(409);
    await liveStream("boots").free(second.grant.session, { ...old, boot: "2".repeat(16) }, true);
    expect((await open("3", "ingest-2")).grant.session).toBe(`${first.grant.broadcast}.3`);
    expect((await recordOf(first.grant.broadcast)).sessions).toMatchObject([
      { ordinal: 1, transcoder: "ingest-1", closedAt: expect.any(String) },
      { ordinal: 2, transcoder: "ingest-1", closedAt: expect.any(String) },
      { ordinal: 3, transcoder: "ingest-2" },
    ]);
  });

  it("is kept by a slow encoder that nobody replaced", async () => {
    const encoder = await Encoder.open(await createStream("slow"));
    await encoder.pushSegment();
    await age("slow", SILENCE_MS + 5_000);
    expect(await stateOf("slow")).toBe("interrupted");
    await encoder.pushPart();
    expect(await stateOf("slow")).toBe("live");
  });

  it("seals what a vanished session left open: the segment holds exactly its parts", async () => {
    const key = await createStream("sealed");
    const first = await Encoder.open(key);
    await first.pushSegment();
    await first.pushPart();
    await first.pushPart();
    await age("sealed", SILENCE_MS + 1);
    const second = await Encoder.open(key);
    await second.pushSegment();
    expect(await playlist("sealed")).toContain("#EXTINF:1,\n");
    const fetched = async (file: string) => textOf(get(`/media/${first.grant.broadcast}/1/v480/${file}`));
    expect(await fetched("seg-1.m4s")).toBe(
      (await fetched("part-1.0.m4s")) + (await fetched("part-1.1.m4s")),
    );
  });
});

describe("a broadcast whose encoder left", () => {
  it("waits, goes on after a discontinuity, and keeps its media sequence", async () => {
    const key = await createStream("returns");
    const first = await Encoder.open(key);
    await first.pushSegment();
    await first.close();
    expect(await stateOf("returns")).toBe("interrupted");
    expect(await playlist("returns")).not.toContain("#EXT-X-ENDLIST");
    const second = await Encoder.open(key);
    await second.pushSegment();
    expect(second.grant.broadcast).toBe(first.grant.broadcast);
    expect(await stateOf("returns")).toBe("live");
    expect(await playlist("returns")).toMatch(
      /seg-0\.m4s\n(.*\n)*#EXT-X-DISCONTINUITY\n(.*\n)*.*\/2\/v720\/seg-1\.m4s/,
    );
  });

  it("ends when nobody comes back in time, even if the alarm fires twice", async () => {
    const key = await createStream("never-returns", { reconnectSeconds: 60 });
    const first = await Encoder.open(key);
    await first.pushSegment();
    await first.close();
    await age("never-returns", 59_000);
    await runDurableObjectAlarm(liveStream("never-returns"));
    expect(await playlist("never-returns")).not.toContain("#EXT-X-ENDLIST");
    await age("never-returns", 2_000);
    await runDurableObjectAlarm(liveStream("never-returns"));
    const ended = await playlist("never-returns");
    expect(ended).toContain("#EXT-X-ENDLIST");
    expect(ended).not.toContain("PRELOAD-HINT");
    await runDurableObjectAlarm(liveStream("never-returns"));
    expect(await playlist("never-returns")).toBe(ended);
    expect(await stateOf("never-returns")).toBe("ended");

    const next = await Encoder.open(key);
    expect(next.grant.broadcast).not.toBe(first.grant.broadcast);
    await next.pushSegment();
    // The address is the same, so the numbers go on.
    const after = await playlist("never-returns");
    expect(after).toContain("#EXT-X-MEDIA-SEQUENCE:1\n");
    expect(after).toContain("#EXT-X-DISCONTINUITY-SEQUENCE:1\n");
    expect(after).not.toContain("#EXT-X-DISCONTINUITY\n");
  });

  it("ends when its transcoder vanished and stayed away", async () => {
    const encoder = await Encoder.open(await createStream("vanished", { reconnectSeconds: 20 }));
    await encoder.pushSegment();
    await encoder.pushPart();
    await age("vanished", 21_000);
    await runDurableObjectAlarm(liveStream("vanished"));
    const text = await playlist("vanished");
    expect(text).toContain("seg-1.m4s");
    expect(text).toContain("#EXT-X-ENDLIST");
  });

  it("waits anew when its object was away itself, and for no longer than that", async () => {
    const key = await createStream("night", { reconnectSeconds: 60 });
    const first = await Encoder.open(key);
    await first.pushSegment();
    await age("night", 8 * 3_600_000);
    expect(await stateOf("night")).toBe("interrupted");
    // What else came due during the night does not wait for the encoder as well.
    const alarm = await runInDurableObject(liveStream("night"), (_object, state) => state.storage.getAlarm());
    expect(alarm).toBeLessThan(Date.now() + 30_000);
    await runDurableObjectAlarm(liveStream("night"));
    expect(await playlist("night")).not.toContain("#EXT-X-ENDLIST");
    // The encoder was there all the time, and goes on.
    await first.pushSegment();
    expect(await stateOf("night")).toBe("live");
    await age("night", 8 * 3_600_000);
    const second = await Encoder.open(key);
    expect(second.grant.session).toBe(`${first.grant.broadcast}.2`);
    await second.pushSegment();
    await age("night", 8 * 3_600_000);
    await liveStream("night").status();
    const ends = await runInDurableObject(liveStream("night"), (_object, state) => {
      const live = state.storage.kv.get<{ backAt: number }>("live");
      state.storage.kv.put("live", { ...live, backAt: (live?.backAt ?? 0) - 61_000 });
      return live?.backAt;
    });
    expect(ends).toBeDefined();
    await evictDurableObject(liveStream("night"));
    await runDurableObjectAlarm(liveStream("night"));
    expect(await playlist("night")).toContain("#EXT-X-ENDLIST");
  });

  it("ends at once when it is told to, and refuses what comes later", async () => {
    const encoder = await Encoder.open(await createStream("ends"));
    await encoder.pushSegment();
    expect((await encoder.close("broadcast")).status).toBe(204);
    expect((await encoder.close("broadcast")).status).toBe(204);
    expect(await playlist("ends")).toContain("#EXT-X-ENDLIST");
    expect((await encoder.append([encoder.nextPart()])).status).toBe(409);
    expect(await (await fresh("/api/streams")).json()).not.toMatchObject({ streams: [{ id: "ends" }] });
  });
});

describe("faults in the middle of things", () => {
  it("lets no encoder in whose stream is disabled while it is being let in", async () => {
    const key = await createStream("disabled-meanwhile");
    const first = await Encoder.open(key);
    await first.pushSegment();
    await first.pushPart();
    await age("disabled-meanwhile", SILENCE_MS + 1);
    // Putting the abandoned segment together takes as long as this bucket does.
    const asked = Promise.withResolvers<void>();
    const release = Promise.withResolvers<void>();
    const mend = await replaceBucket("disabled-meanwhile", {
      get: async () => {
        asked.resolve();
        await release.promise;
        return null;
      },
    });
    // A source without sound does not fit: let in, it would begin a new broadcast.
    const opening = origin("/ingest/sessions", json("POST", { key, source: { video: SOURCE.video } }));
    await asked.promise;
    const disabling = origin("/admin/streams/disabled-meanwhile/disable", { method: "POST", headers: ADMIN });
    await vi.waitFor(async () =>
      expect(
        await runInDurableObject(liveStream("disabled-meanwhile"), (_object, state) =>
          state.storage.kv.get("disabled"),
        ),
      ).toBe(true),
    );
    release.resolve();
    expect((await opening).status).toBe(403);
    expect((await disabling).status).toBe(200);
    await mend();
    await origin("/admin/streams/disabled-meanwhile/enable", { method: "POST", headers: ADMIN });
    expect(await stateOf("disabled-meanwhile")).toBe("ended");
  });

  it("seals a segment later when R2 fails for a while, and loses nothing of it", async () => {
    const encoder = await Encoder.open(await createStream("r2-fails", { reconnectSeconds: 3600 }));
    await encoder.pushSegment();
    await encoder.pushPart();
    await encoder.pushPart();
    const mend = await replaceBucket("r2-fails", FAILING);
    expect((await encoder.close()).status).toBe(204);
    expect(await playlist("r2-fails")).not.toContain("seg-1.m4s");
    await mend();
    await runDurableObjectAlarm(liveStream("r2-fails"));
    expect(await playlist("r2-fails")).toContain("#EXTINF:1,\n");
    expect((await get(`/media/${encoder.grant.broadcast}/1/v720/seg-1.m4s`)).status).toBe(200);
  });

  it("answers an encoder soon when R2 hangs, and seals the segment when it is back", async () => {
    const key = await createStream("r2-hangs");
    const first = await Encoder.open(key);
    await first.pushSegment();
    await first.pushPart();
    const mend = await replaceBucket("r2-hangs", HANGING);
    const began = Date.now();
    await first.close();
    const second = await origin("/ingest/sessions", json("POST", { key, source: SOURCE }));
    expect(second.status).toBe(201);
    expect(Date.now() - began, "three looks of two seconds").toBeLessThan(9_000);
    await mend();
    await runDurableObjectAlarm(liveStream("r2-hangs"));
    expect(await playlist("r2-hangs")).toContain("#EXTINF:0.5,\n");
  });

  it("loses nothing and doubles nothing, evicted between any two steps, with every step taken twice", async () => {
    const key = await createStream("each-step");
    const again = async (entries: readonly Entry[], encoder: Encoder): Promise<unknown> => {
      const answers: unknown[] = [];
      for (let time = 0; time < 2; time += 1) {
        const answer = await encoder.append(entries);
        expect(answer.status).toBe(200);
        answers.push(await answer.json());
        await evictDurableObject(liveStream("each-step"));
      }
      expect(answers[0]).toEqual(answers[1]);
      return answers[0];
    };
    let broadcast = "";
    for (let session = 1; session <= 2; session += 1) {
      const encoder = await Encoder.open(key);
      broadcast = encoder.grant.broadcast;
      await again([{ type: "init", renditions: encoder.facts }], encoder);
      for (let i = 0; i < 2; i += 1) {
        const { msn, at } = encoder;
        const parts: (Entry & { type: "part" })[] = [];
        for (; encoder.part < 4; encoder.part += 1) {
          const entry = encoder.nextPart();
          for (const name of encoder.renditions) await encoder.put(name, `part-${msn}.${entry.part}.m4s`);
          expect(await again([entry], encoder)).toEqual({ next: { msn, part: entry.part + 1 } });
          parts.push(entry);
        }
        // Out of order: what is there already is passed over, what leaves something out is refused.
        expect(await again(parts.toReversed(), encoder)).toEqual({ next: { msn, part: 4 } });
        const early = await encoder.append([{ ...encoder.nextPart(), msn: msn + 1, part: 0 }]);
        expect(early.status).toBe(409);
        for (const name of encoder.renditions) await encoder.put(name, `seg-${msn}.m4s`);
        const tracks = encoder.segmentTracks(msn);
        await again([{ type: "segment", msn, at, duration: 2, tracks }], encoder);
        encoder.next();
      }
      await encoder.close();
      await evictDurableObject(liveStream("each-step"));
      await encoder.close();
    }
    const text = await playlist("each-step");
    expect(
      [...text.matchAll(/\/(\d)\/v720\/(seg-\d+|part-\d+\.\d+)/g)].map(
        ([, session, name]) => `${session} ${name}`,
      ),
    ).toEqual(
      [0, 1, 2, 3]
        .flatMap((msn) => {
          const session = msn < 2 ? 1 : 2;
          const parts = [0, 1, 2, 3].map((part) => `${session} part-${msn}.${part}`);
          return [...parts, `${session} seg-${msn}`];
        })
        .concat("2 part-4.0"),
    );
    await liveStream("each-step").revoke();
    const { report } = await check(broadcast, () => evictDurableObject(liveStream("each-step")));
    expect(report).toMatchObject({ segments: 4, seconds: 8, objects: 16, missingCount: 0 });
  });

  it("ends a broadcast that was being ended when its object went away", async () => {
    const encoder = await Encoder.open(await createStream("half-ended"));
    await encoder.pushSegment();
    await encoder.pushPart();
    await runInDurableObject(liveStream("half-ended"), (_object, state) => {
      const live = state.storage.kv.get<object>("live");
      state.storage.kv.put("live", { ...live, endedAt: Date.now() });
    });
    await evictDurableObject(liveStream("half-ended"));
    expect(await playlist("half-ended")).not.toContain("#EXT-X-ENDLIST");
    await runDurableObjectAlarm(liveStream("half-ended"));
    const ended = await playlist("half-ended");
    expect(ended).toContain("seg-1.m4s");
    expect(ended).toContain("#EXT-X-ENDLIST");
  });

  it("does not let a close that takes its time undo what came after it", async () => {
    const key = await createStream("slow-close");
    const first = await Encoder.open(key);
    await first.pushSegment();
    await first.pushPart();
    const [closed, next] = await Promise.all([first.close("broadcast"), Encoder.open(key)]);
    expect(closed.status).toBe(204);
    await next.pushSegment();
    expect(await stateOf("slow-close")).toBe("live");
  });

  it("makes up for a D1 that failed, for the broadcast that ended and for the one after it", async () => {
    const key = await createStream("d1-fails", { reconnectSeconds: 0 });
    const first = await Encoder.open(key);
    await first.pushSegment();
    // The row of a first segment is written behind the append.
    await vi.waitFor(async () => expect(await rows("d1-fails")).toEqual([[first.grant.broadcast, "live"]]));
    const index = await breakIndex("d1-fails");
    await first.close("broadcast");
    const second = await Encoder.open(key);
    await second.pushSegment();
    await index();
    await runDurableObjectAlarm(liveStream("d1-fails"));
    await vi.waitFor(async () =>
      expect(await rows("d1-fails")).toEqual([
        [first.grant.broadcast, "ended"],
        [second.grant.broadcast, "live"],
      ]),
    );
  });

  const rows = async (stream: string): Promise<[string, string][]> => {
    const query = env.DB.prepare(
      "SELECT id, state FROM broadcasts WHERE stream = ? ORDER BY started_at",
    ).bind(stream);
    return (await query.all<{ id: string; state: string }>()).results.map(({ id, state }) => [id, state]);
  };

  /** Make every write to the list fail, by a trigger in the table itself. */
  async function breakIndex(stream: string): Promise<() => Promise<unknown>> {
    for (const when of ["INSERT", "UPDATE"]) {
      await env.DB.prepare(
        `CREATE TRIGGER broken_${when} BEFORE ${when} ON broadcasts WHEN NEW.stream = '${stream}'
         BEGIN SELECT RAISE(FAIL, 'injected'); END`,
      ).run();
    }
    return () =>
      env.DB.batch(["INSERT", "UPDATE"].map((when) => env.DB.prepare(`DROP TRIGGER broken_${when}`)));
  }
});

describe("waiting", () => {
  it("holds a reload until its part is there, and wakes every rendition", async () => {
    const encoder = await Encoder.open(await createStream("waits"));
    await encoder.pushSegment();
    const waiting = ["v720", "v480", "audio"].map((rendition) =>
      playlist("waits", rendition, "?_HLS_msn=1&_HLS_part=0"),
    );
    let answered = 0;
    for (const answer of waiting) void answer.then(() => (answered += 1));
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(answered).toBe(0);
    await encoder.pushPart();
    for (const text of await Promise.all(waiting)) expect(text).toContain("part-1.0.m4s");
  });

  it("rule 20: gives up after three target durations with 503", async () => {
    const encoder = await Encoder.open(await createStream("gives-up", { profile: "ultra" }), {
      video: SOURCE.video && { ...SOURCE.video, keyframeSeconds: 1 },
    });
    await encoder.pushSegment(5, 0.2);
    const started = Date.now();
    const answer = await fresh("/live/gives-up/v720/index.m3u8?_HLS_msn=1&_HLS_part=0");
    expect(answer.status).toBe(503);
    expect(answer.headers.get("retry-after")).toBe("1");
    expect(Date.now() - started).toBeGreaterThanOrEqual(2_900);
  });

  it("lets one stream's trouble stay its own", async () => {
    const healthy = await Encoder.open(await createStream("healthy"));
    await healthy.pushSegment();
    await origin("/ingest/sessions", json("POST", { key: await createStream("silent") }));
    expect((await fresh("/live/silent/index.m3u8")).status).toBe(404);
    expect(await stateOf("silent")).toBe("starting");
    await healthy.pushPart();
    expect(await playlist("healthy")).toContain("part-1.0.m4s");
  });
});
