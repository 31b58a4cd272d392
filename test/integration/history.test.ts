/** The history of a broadcast: what comes late, what is missing, and the check that compares it with R2. */
import { evictDurableObject, runDurableObjectAlarm } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import { SILENCE_MS } from "../../durable-objects/core/live.ts";
import type { Entry, Tracks } from "../../media/timeline.ts";
import { bytesOf, createStream, Encoder, fresh, get, json, origin, SOURCE, textOf } from "./encoder.ts";
import {
  admin,
  age,
  check,
  FAILING,
  finishCheck,
  keysOf,
  liveStream,
  missingOf,
  passTime,
  recordOf,
  replaceBucket,
} from "./stream-object.ts";

const HOUR = 3_600_000;
const DAY = 24 * HOUR;

type SegmentEntry = Entry & { type: "segment" };

const md5 = async (bytes: Uint8Array) => new Uint8Array(await crypto.subtle.digest("MD5", bytes)).toHex();

/** A segment as the transcoder's spool hands it in: whole, with checksums. */
async function lateSegment(encoder: Encoder, msn: number, names = encoder.renditions): Promise<SegmentEntry> {
  const tracks: Record<string, Tracks[string]> = {};
  for (const name of names) {
    const bytes = bytesOf(name, `seg-${msn}.m4s`);
    tracks[name] = { bytes: bytes.byteLength, independent: true, md5: await md5(bytes) };
  }
  return { type: "segment", msn, at: encoder.at, duration: 2, tracks };
}

function putLate(encoder: Encoder, rendition: string, file: string, query = "?late=1"): Promise<Response> {
  const body = bytesOf(rendition, file);
  const type = file === "init.mp4" ? "video/mp4" : "video/iso.segment";
  return origin(`/ingest/${encoder.grant.session}/objects/${rendition}/${file}${query}`, {
    method: "PUT",
    body,
    headers: { ...encoder.auth, "content-type": type, "content-length": String(body.byteLength) },
  });
}

const postLate = (encoder: Encoder, segments: unknown, lease = encoder.grant.lease): Promise<Response> =>
  origin(
    `/ingest/${encoder.grant.session}/late`,
    json("POST", { segments }, { authorization: `Bearer ${lease}` }),
  );

/** Hand in a segment whole. */
async function handIn(encoder: Encoder, msn: number): Promise<void> {
  for (const name of encoder.renditions)
    expect([200, 201]).toContain((await putLate(encoder, name, `seg-${msn}.m4s`)).status);
  expect((await postLate(encoder, [await lateSegment(encoder, msn)])).status).toBe(204);
}

/** The live lane of a transcoder that could not store a segment: its parts and itself are gaps. */
async function pushGap(encoder: Encoder): Promise<void> {
  const { msn, at } = encoder;
  const parts = [0, 1, 2, 3].map(
    (part): Entry => ({ type: "part", msn, part, at, duration: 0.5, tracks: {} }),
  );
  const told = await encoder.append([...parts, { type: "segment", msn, at, duration: 2, tracks: {} }]);
  expect(told.status).toBe(200);
  encoder.msn += 1;
  encoder.at += 2000;
}

const problemOf = async (answer: Response): Promise<readonly [number, string]> => {
  const { type } = await answer.json<{ type: string }>();
  return [answer.status, type.replace("urn:millrace:problem:", "")];
};

describe("a late segment", () => {
  it("completes the history, and leaves the live playlist as it was", async () => {
    const encoder = await Encoder.open(await createStream("late"));
    await encoder.pushSegment();
    await pushGap(encoder);
    await encoder.pushSegment();
    const { broadcast } = encoder.grant;
    expect(await recordOf(broadcast)).toMatchObject({ state: "live", segments: 3, seconds: 6, gaps: 4 });
    expect(await missingOf(encoder)).toEqual({
      inits: [],
      segments: [{ msn: 1, renditions: ["v720", "v480", "v360", "audio"] }],
    });
    const before = await textOf(fresh("/live/late/v720/index.m3u8"));
    expect(before).toContain("#EXT-X-GAP\n");
    await handIn(encoder, 1);
    // A repetition, as after an answer that was lost, and after an eviction.
    await evictDurableObject(liveStream("late"));
    await handIn(encoder, 1);
    expect(await textOf(fresh("/live/late/v720/index.m3u8"))).toBe(before);
    expect(await recordOf(broadcast)).toMatchObject({ segments: 3, seconds: 6, gaps: 0 });
    expect(await missingOf(encoder)).toEqual({ inits: [], segments: [] });
    expect((await get(`/media/${broadcast}/1/v720/seg-1.m4s`)).status).toBe(200);
    await encoder.close("broadcast");
    expect((await check(broadcast)).report).toMatchObject({ segments: 3, objects: 12, missingCount: 0 });
  });

  it("is taken of a session that could not even describe its tracks before it was over", async () => {
    const key = await createStream("late-undescribed");
    const opened = await origin("/ingest/sessions", json("POST", { key, source: SOURCE }));
    const encoder = Encoder.of(await opened.json());
    await age("late-undescribed", HOUR);
    await runDurableObjectAlarm(liveStream("late-undescribed"));
    for (const ended of [true, false]) {
      await handIn(encoder, 0);
      expect(await recordOf(encoder.grant.broadcast)).toMatchObject({ segments: 1, gaps: 0 });
      // And when another show is on, too.
      if (ended) await Encoder.open(key);
    }
  });

  it("may come a rendition at a time", async () => {
    const encoder = await Encoder.open(await createStream("late-by-one"));
    await encoder.pushSegment();
    await pushGap(encoder);
    let left = encoder.renditions.length;
    for (const name of encoder.renditions) {
      expect((await putLate(encoder, name, "seg-1.m4s")).status).toBe(201);
      expect((await postLate(encoder, [await lateSegment(encoder, 1, [name])])).status).toBe(204);
      left -= 1;
      expect((await recordOf(encoder.grant.broadcast)).gaps).toBe(left);
    }
  });

  it.each<[string, (encoder: Encoder, key: string) => Promise<unknown>]>([
    ["was closed", (encoder) => encoder.close()],
    ["ended its broadcast", (encoder) => encoder.close("broadcast")],
    [
      "was fenced",
      async (encoder, key) => {
        await age(encoder.grant.stream, SILENCE_MS + 1);
        await (await Encoder.open(key)).pushSegment();
      },
    ],
    [
      "was followed by another broadcast",
      async (encoder, key) => {
        await encoder.close("broadcast");
        await (await Encoder.open(key, { video: SOURCE.video })).pushSegment();
      },
    ],
    [
      "ended six days ago",
      async (encoder) => {
        await encoder.close("broadcast");
        await check(encoder.grant.broadcast);
        passTime(6 * DAY);
        await finishCheck(encoder.grant.broadcast);
      },
    ],
  ])("is taken from a session that %s", async (_what, happens) => {
    const stream = `late-${crypto.randomUUID().slice(0, 8)}`;
    const key = await createStream(stream);
    const encoder = await Encoder.open(key);
    await encoder.pushSegment();
    await happens(encoder, key);
    // Two that were cut before the end, and never told of.
    await handIn(encoder, 1);
    await handIn(encoder, 2);
    const { segments, gaps, sessions, endedAt } = await recordOf(encoder.grant.broadcast);
    const others = sessions.length > 1 ? 1 : 0;
    expect([segments, gaps]).toEqual([3 + others, 0]);
    if (endedAt === undefined) await liveStream(stream).revoke();
    expect((await check(encoder.grant.broadcast)).report).toMatchObject({
      segments: 3 + others,
      missingCount: 0,
      removed: 0,
    });
  });

  it("is refused by the wrong lease, of a session that never was, as a part, and when it makes no sense", async () => {
    const key = await createStream("late-refused");
    const encoder = await Encoder.open(key);
    await encoder.pushSegment();
    await encoder.close();
    const next = await Encoder.open(key);
    const segment = await lateSegment(encoder, 1);
    expect(await problemOf(await postLate(encoder, [segment], next.grant.lease))).toEqual([
      401,
      "unknown-lease",
    ]);
    expect(await problemOf(await postLate(encoder, [segment], "guess"))).toEqual([401, "unknown-lease"]);
    const never = { ...encoder, grant: { ...encoder.grant, session: `${encoder.grant.broadcast}.7` } };
    expect(await problemOf(await postLate(never as Encoder, [segment]))).toEqual([401, "unknown-lease"]);
    const elsewhere = encoder.grant.session.replace("late-refused", "late-nowhere");
    for (const path of ["late", "missing"]) {
      const request =
        path === "late" ? json("POST", { segments: [segment] }, encoder.auth) : { headers: encoder.auth };
      expect(await problemOf(await origin(`/ingest/${elsewhere}/${path}`, request))).toEqual([
        401,
        "unknown-lease",
      ]);
      const bare = path === "late" ? json("POST", { segments: [segment] }) : {};
      expect(await problemOf(await origin(`/ingest/${encoder.grant.session}/${path}`, bare))).toEqual([
        401,
        "unknown-lease",
      ]);
      expect((await origin(`/ingest/nonsense/${path}`, request)).status).toBe(404);
    }
    expect(await problemOf(await putLate(encoder, "v720", "part-0.9.m4s"))).toEqual([400, "bad-name"]);
    expect(await problemOf(await putLate(encoder, "v720", "seg-9.m4s", "?late=yes"))).toEqual([
      400,
      "malformed",
    ]);
    expect(await problemOf(await putLate(encoder, "v720", "seg-9.m4s", ""))).toEqual([409, "fenced"]);
    for (const [segments, problem] of [
      [[], [400, "malformed"]],
      ["all of them", [400, "malformed"]],
      [[{ ...segment, type: "part", part: 0 }], [400, "malformed"]],
      [[{ ...segment, msn: -1 }], [400, "malformed"]],
      [[{ ...segment, tracks: { v720: { ...segment.tracks.v720, md5: "no" } } }], [400, "malformed"]],
      [Array.from({ length: 65 }, () => segment), [400, "malformed"]],
      [
        [segment, { ...segment, msn: 2, duration: 2.5 }],
        [422, "too-long"],
      ],
    ] as const)
      expect(await problemOf(await postLate(encoder, segments))).toEqual(problem);
    // All or nothing: the first of those two was not taken.
    expect((await recordOf(encoder.grant.broadcast)).segments).toBe(1);
  });
});

describe("a check", () => {
  it("goes through all pages, evicted after each step, with an alarm that comes twice", async () => {
    const key = await createStream("pages");
    let encoder = await Encoder.open(key);
    for (let i = 0; i < 12; i += 1) await encoder.pushSegment(1);
    await encoder.close();
    encoder = await Encoder.open(key);
    for (let i = 0; i < 3; i += 1) await encoder.pushSegment(1);
    await encoder.close("broadcast");
    const { broadcast } = encoder.grant;
    await env.MEDIA.delete([`media/${broadcast}/1/v480/seg-10.m4s`, `media/${broadcast}/2/audio/init.mp4`]);
    await env.MEDIA.put(`media/${broadcast}/1/v360/seg-2.m4s`, "short");
    const before = await keysOf(broadcast);
    let steps = 0;
    /** Pages of seven objects instead of a thousand. */
    const small = () =>
      replaceBucket(
        "pages",
        new Proxy(env.MEDIA, {
          get: (bucket, name: keyof R2Bucket) =>
            name === "list"
              ? (options: R2ListOptions) => bucket.list({ ...options, limit: 7 })
              : bucket[name].bind(bucket),
        }),
      );
    await small();
    const { report, checkAt, endedAt } = await check(broadcast, async () => {
      steps += 1;
      await runDurableObjectAlarm(liveStream("pages"));
      await evictDurableObject(liveStream("pages"));
      await small();
    });
    expect(steps).toBeGreaterThan(1);
    expect(report).toMatchObject({
      segments: 15,
      objects: 58,
      missingCount: 3,
      gaps: 0,
      removed: 0,
      final: false,
      missing: [
        { session: 1, rendition: "v480", msn: 10, why: "absent" },
        { session: 1, rendition: "v360", msn: 2, why: "size" },
        { session: 2, rendition: "audio", why: "absent" },
      ],
    });
    expect(report?.seconds).toBeCloseTo(7.5, 6);
    expect(Date.parse(checkAt ?? "") - Date.parse(endedAt ?? "")).toBe(HOUR);
    expect(await keysOf(broadcast)).toEqual(before);
    // What is absent can be handed in again, under the same name.
    const missing = await missingOf(encoder);
    expect(missing).toMatchObject({ inits: ["audio"], segments: [] });
    expect(missing.checkedAt, "it says when that was found").toBeGreaterThan(0);
    expect((await putLate(encoder, "audio", "init.mp4")).status).toBe(201);
    expect((await check(broadcast)).report?.missingCount).toBe(2);
  });

  it("begins again when something comes late in the middle of it", async () => {
    const encoder = await Encoder.open(await createStream("interfered"));
    await encoder.pushSegment();
    await pushGap(encoder);
    await encoder.close("broadcast");
    const { broadcast } = encoder.grant;
    let listings = 0;
    const mend = await replaceBucket(
      "interfered",
      new Proxy(env.MEDIA, {
        get: (bucket, name: keyof R2Bucket) => {
          if (name !== "list") return bucket[name].bind(bucket);
          return async (options: R2ListOptions) => {
            listings += 1;
            const listed = await bucket.list(options);
            if (listings === 3) await handIn(encoder, 1);
            return listed;
          };
        },
      }),
    );
    const { report, checkAt } = await check(broadcast);
    expect(listings).toBeGreaterThanOrEqual(3);
    expect(report).toBeUndefined();
    expect(Date.parse(checkAt ?? "")).toBeGreaterThan(Date.now() + 50_000);
    await mend();
    expect((await check(broadcast)).report).toMatchObject({ segments: 2, objects: 8, missingCount: 0 });
  });

  it("is tried again when R2 fails, and goes by itself when the time has come", async () => {
    const encoder = await Encoder.open(await createStream("check-fails"));
    await encoder.pushSegment();
    await encoder.close("broadcast");
    const { broadcast } = encoder.grant;
    const early = await finishCheck(broadcast);
    expect(early.report, "not before its time").toBeUndefined();
    passTime(61_000);
    const mend = await replaceBucket("check-fails", FAILING);
    await runDurableObjectAlarm(liveStream("check-fails"));
    const failed = await recordOf(broadcast);
    expect(failed.report).toBeUndefined();
    await mend();
    passTime(61_000);
    expect((await finishCheck(broadcast)).report).toMatchObject({ segments: 1, missingCount: 0 });
  });

  it("puts together what was left open while R2 failed", async () => {
    const key = await createStream("left-open");
    const first = await Encoder.open(key);
    await first.pushSegment();
    await first.pushPart();
    await first.pushPart();
    const mend = await replaceBucket("left-open", FAILING);
    await first.close();
    // It begins behind the segment that could not be closed, which is a gap for its viewers.
    const second = await Encoder.open(key);
    await second.pushSegment();
    await second.close("broadcast");
    await mend();
    const { broadcast } = first.grant;
    expect(await recordOf(broadcast)).toMatchObject({ segments: 3, gaps: 4 });
    const { report, gaps, seconds } = await check(broadcast);
    expect([report?.missingCount, gaps, seconds]).toEqual([0, 0, 5]);
    const whole = await textOf(get(`/media/${broadcast}/1/v480/seg-1.m4s`));
    expect(whole).toBe(
      [0, 1].map((part) => new TextDecoder().decode(bytesOf("v480", `part-1.${part}.m4s`))).join(""),
    );
  });

  it("puts it together also when it was told late of nothing", async () => {
    const key = await createStream("told-nothing");
    const encoder = await Encoder.open(key);
    await encoder.pushSegment();
    await encoder.pushPart();
    const mend = await replaceBucket("told-nothing", FAILING);
    await encoder.close();
    const second = await Encoder.open(key);
    await second.close("broadcast");
    expect((await postLate(encoder, [{ ...(await lateSegment(encoder, 1)), tracks: {} }])).status).toBe(204);
    await mend();
    const { report } = await check(encoder.grant.broadcast);
    expect(report).toMatchObject({ segments: 2, missingCount: 0 });
  });

  it("is not put off past the week by what goes on coming late", async () => {
    const encoder = await Encoder.open(await createStream("ever-late"));
    await encoder.pushSegment();
    await encoder.close("broadcast");
    passTime(7 * DAY + HOUR);
    await handIn(encoder, 1);
    expect((await finishCheck(encoder.grant.broadcast)).report).toMatchObject({ segments: 2, final: true });
    expect((await putLate(encoder, "v720", "seg-2.m4s")).status).toBe(409);
  });

  it("finds the whole segment where one was to be put together that its encoder has handed in meanwhile", async () => {
    const encoder = await Encoder.open(await createStream("handed-in"));
    await encoder.pushSegment();
    await encoder.pushPart();
    await encoder.pushPart();
    const mend = await replaceBucket("handed-in", FAILING);
    await encoder.close();
    await handIn(encoder, 1);
    await mend();
    await runDurableObjectAlarm(liveStream("handed-in"));
    expect(await textOf(fresh("/live/handed-in/v720/index.m3u8"))).toContain("#EXTINF:1,\n");
    await liveStream("handed-in").revoke();
    const { broadcast } = encoder.grant;
    const { seconds, gaps, report } = await check(broadcast);
    expect([seconds, gaps, report?.missingCount]).toEqual([4, 0, 0]);
    expect(await (await env.MEDIA.get(`media/${broadcast}/1/v720/seg-1.m4s`))?.text()).toBe(
      new TextDecoder().decode(bytesOf("v720", "seg-1.m4s")),
    );
  });

  it("lets go of parts after an hour, of orphans after a week, and of nothing that history names", async () => {
    const encoder = await Encoder.open(await createStream("swept"));
    await encoder.pushSegment();
    await encoder.pushSegment();
    const { broadcast } = encoder.grant;
    await env.MEDIA.put(`media/${broadcast}/1/v720/seg-77.m4s`, "told of by nobody");
    await env.MEDIA.put(`media/${broadcast}/1/stray/init.mp4`, "nor this");
    await encoder.close("broadcast");
    const named = (await keysOf(broadcast)).filter(
      (key) => !key.includes("part-") && !key.includes("seg-77") && !key.includes("stray"),
    );
    expect((await check(broadcast)).report).toMatchObject({ removed: 0, final: false });
    expect(await textOf(fresh("/live/swept/v720/index.m3u8"))).toContain("#EXT-X-PART:");

    passTime(HOUR);
    const hour = await finishCheck(broadcast);
    expect(hour.report).toMatchObject({ removed: 32, missingCount: 0 });
    expect((await keysOf(broadcast)).toSorted()).toEqual(
      [...named, "1/v720/seg-77.m4s", "1/stray/init.mp4"].toSorted(),
    );
    // What can still be watched names no part that is gone, also after a restart.
    const ended = await textOf(fresh("/live/swept/v720/index.m3u8"));
    expect(ended).not.toContain("#EXT-X-PART:");
    await evictDurableObject(liveStream("swept"));
    expect(await textOf(fresh("/live/swept/v720/index.m3u8"))).toBe(ended);

    passTime(7 * DAY);
    const week = await finishCheck(broadcast);
    expect(week.report).toMatchObject({ removed: 2, missingCount: 0, final: true });
    expect(week.checkAt).toBeUndefined();
    expect((await keysOf(broadcast)).toSorted()).toEqual(named.toSorted());
    expect(await problemOf(await postLate(encoder, [await lateSegment(encoder, 5)]))).toEqual([
      409,
      "closed",
    ]);
    expect(await problemOf(await putLate(encoder, "v720", "seg-5.m4s"))).toEqual([409, "closed"]);
    expect((await check(broadcast)).report).toMatchObject({ segments: 2, removed: 0, missingCount: 0 });
  });

  it("finds what a session left that never showed anything", async () => {
    const encoder = await Encoder.open(await createStream("crashed", { reconnectSeconds: 0 }));
    await encoder.put("v720", "part-0.0.m4s");
    await encoder.put("v720", "seg-0.m4s");
    await encoder.close("broadcast");
    const { broadcast } = encoder.grant;
    expect(await keysOf(broadcast)).toHaveLength(6);
    expect((await check(broadcast)).report).toMatchObject({ segments: 0, removed: 0, missingCount: 0 });
    passTime(7 * DAY);
    expect((await finishCheck(broadcast)).report).toMatchObject({ removed: 6, final: true });
    expect(await keysOf(broadcast)).toEqual([]);
  });
});

describe("parts of a broadcast that goes on", () => {
  it("go an hour after they came, but not those that a playlist names", async () => {
    const encoder = await Encoder.open(await createStream("long"));
    const { broadcast } = encoder.grant;
    const parts = async () => (await keysOf(broadcast)).filter((key) => key.includes("part-"));
    const alarm = () => runDurableObjectAlarm(liveStream("long"));
    for (let i = 0; i < 4; i += 1) await encoder.pushSegment(1);
    await alarm();
    passTime(30 * 60_000);
    for (let i = 0; i < 16; i += 1) await encoder.pushSegment(1);
    await alarm();
    expect(await parts()).toHaveLength(80);
    passTime(31 * 60_000);
    await encoder.pushPart();
    const mend = await replaceBucket("long", FAILING);
    await alarm();
    expect(await parts(), "R2 failed, so nothing is forgotten").toHaveLength(84);
    await mend();
    await alarm();
    await alarm();
    const left = await parts();
    expect(left).toHaveLength(4 * 17);
    expect(left.some((key) => key.endsWith("/part-3.0.m4s"))).toBe(false);
    expect(left.some((key) => key.endsWith("/part-4.0.m4s"))).toBe(true);
    passTime(2 * HOUR);
    await encoder.pushPart();
    await alarm();
    const text = await textOf(fresh("/live/long/v720/index.m3u8"));
    const named = [...text.matchAll(/part-\d+\.\d+\.m4s/g)].map(([name]) => name);
    expect(named.length).toBeGreaterThan(3);
    const kept = await parts();
    for (const name of named.slice(0, -1)) expect(kept).toContain(`1/v720/${name}`);
    expect(kept.length).toBeLessThan(4 * 17);
    await evictDurableObject(liveStream("long"));
    expect(await textOf(fresh("/live/long/v720/index.m3u8"))).toBe(text);
  });
});

describe("the operator's routes", () => {
  it("list a stream's broadcasts, newest first, and show one", async () => {
    const key = await createStream("shows", { reconnectSeconds: 0 });
    const ids: string[] = [];
    for (let i = 0; i < 2; i += 1) {
      const encoder = await Encoder.open(key);
      await encoder.pushSegment();
      await encoder.close("broadcast");
      ids.unshift(encoder.grant.broadcast);
    }
    const list = await (await admin("/streams/shows/broadcasts")).json<{ broadcasts: { id: string }[] }>();
    expect(list.broadcasts.map(({ id }) => id)).toEqual(ids);
    expect(list.broadcasts[0]).toMatchObject({ state: "ended", endedAt: expect.stringMatching(/Z$/) });
    expect(await recordOf(ids[1] ?? "")).toMatchObject({
      id: ids[1],
      stream: "shows",
      state: "ended",
      segments: 1,
      seconds: 2,
      gaps: 0,
      sessions: [{ ordinal: 1, closedAt: expect.stringMatching(/Z$/) }],
    });
  });

  it.each([
    ["/broadcasts/nonsense", "GET", 404, "unknown-broadcast"],
    ["/broadcasts/..%2f..%2fx", "GET", 404, "unknown-broadcast"],
    [`/broadcasts/nobody-${"0".repeat(26)}`, "GET", 404, "unknown-broadcast"],
    [`/broadcasts/nobody-${"0".repeat(26)}/check`, "POST", 404, "unknown-broadcast"],
    ["/streams/nobody/broadcasts", "GET", 404, "unknown-stream"],
    ["/streams/UPPER/broadcasts", "GET", 404, "unknown-stream"],
  ])("refuse %s", async (path, method, status, name) => {
    expect(await problemOf(await admin(path, method))).toEqual([status, name]);
  });

  it("check nothing that is still going on", async () => {
    const encoder = await Encoder.open(await createStream("going-on"));
    await encoder.pushSegment();
    const answer = await admin(`/broadcasts/${encoder.grant.broadcast}/check`, "POST");
    expect(await problemOf(answer)).toEqual([409, "not-ended"]);
  });
});
