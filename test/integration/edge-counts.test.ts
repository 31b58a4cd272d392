/** What edges count: from a request's CMCD to the report, from the report to D1, and from there to operators. */
import { env } from "cloudflare:workers";
import { beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { EdgeAnswer, QoeAnswer } from "../../wire/admin-edge.ts";
import type { EdgeReport } from "../../wire/edge-report.ts";
import {
  countBucketRead,
  countMedia,
  countPlaylist,
  countStreamCall,
  flush,
  hearPlayer,
} from "../../workers/edge/counting.ts";
import { addReport } from "../../workers/origin/edge-counts.ts";
import { ADMIN, createStream, origin } from "./encoder.ts";

const NONE = { hit: 0, stale: 0, collapsed: 0, cold: 0, expired: 0, purged: 0, range: 0, error: 0 };
const said = (stream: string) => ({
  stream,
  requests: 10,
  startups: 2,
  stalls: 1,
  bitrate: { sum: 28_000, count: 10 },
  buffer: { sum: 2500, count: 2 },
  throughput: { sum: 9000, count: 1 },
  latency: { sum: 0, count: 0 },
  startDelay: { sum: 400, count: 1 },
});
const REPORT: EdgeReport = {
  counts: [
    {
      stream: "one",
      media: { ...NONE, hit: 90, stale: 3, collapsed: 2, cold: 5 },
      playlists: { ...NONE, hit: 50, expired: 50 },
      bucketReads: 5,
      streamCalls: 50,
    },
    { stream: "two", media: { hit: 1 }, playlists: {}, bucketReads: 0, streamCalls: 0 },
    { stream: "nobody", media: { ...NONE, hit: 1 }, playlists: NONE, bucketReads: 1, streamCalls: 1 },
  ],
  qoe: [said("one"), said("nobody")],
};

const admin = (path: string, headers: Record<string, string> = ADMIN) => origin(`/admin${path}`, { headers });
const edge = async (query = "") => (await admin(`/edge${query}`)).json<EdgeAnswer>();
const rowsOf = async (table: string) =>
  (await env.DB.prepare(`SELECT stream, minute FROM ${table} ORDER BY stream`).all()).results;

beforeAll(async () => {
  await createStream("one");
  await createStream("two");
});
beforeEach(() => env.DB.exec("DELETE FROM edge_counts; DELETE FROM edge_qoe;"));

describe("reports", () => {
  it("are added up, a row a stream and minute; streams that do not exist are passed over", async () => {
    await env.ORIGIN.report(REPORT);
    await env.ORIGIN.report(REPORT);
    const answer = await edge();
    expect(answer.streams.map(({ stream }) => stream)).toEqual(["one", "two"]);
    const [one] = answer.streams;
    expect(one).toMatchObject({
      requests: 400,
      hitRatio: 0.725,
      media: {
        requests: 200,
        hitRatio: 0.95,
        outcomes: { hit: 180, stale: 6, collapsed: 4, cold: 10, error: 0 },
      },
      playlists: { requests: 200, hitRatio: 0.5 },
      bucketReads: 10,
      streamCalls: 100,
    });
    expect(answer.totals).toMatchObject({ requests: 402, bucketReads: 10, streamCalls: 100 });
    expect(answer.totals.perSecond.requests).toBeCloseTo(402 / answer.seconds, 3);
    expect(answer.minutes).toBe(60);
    expect(answer.seconds).toBeGreaterThanOrEqual(3600);
    expect(answer.seconds).toBeLessThanOrEqual(3660);
  });

  it.each([
    ["nothing", undefined],
    ["text", "counts"],
    ["another shape", { counts: [{ stream: "one" }], qoe: [] }],
    ["a stream that cannot be", { ...REPORT, counts: [{ ...REPORT.counts[0], stream: "No/Good" }] }],
    ["an outcome that nobody knows", { ...REPORT, counts: [{ ...REPORT.counts[0], media: { luck: 1 } }] }],
    ["less than nothing", { ...REPORT, counts: [{ ...REPORT.counts[0], bucketReads: -1 }] }],
    ["too many streams", { counts: Array(1001).fill(REPORT.counts[0]), qoe: [] }],
  ])("are dropped whole when they are %s", async (_name, report) => {
    await env.ORIGIN.report(report);
    expect([...(await rowsOf("edge_counts")), ...(await rowsOf("edge_qoe"))]).toEqual([]);
  });

  it("of a thousand streams fit", async () => {
    const many = Array.from({ length: 1000 }, (_, i) => ({ ...said("x"), stream: `s${i}` }));
    await env.ORIGIN.report({ counts: REPORT.counts, qoe: [...many.slice(1), said("one")] });
    expect(await rowsOf("edge_qoe")).toHaveLength(1);
  });

  it("are kept for a day", async () => {
    const nowMs = Date.now();
    await addReport(env.DB, REPORT, nowMs);
    await addReport(env.DB, REPORT, nowMs + 23 * 3_600_000);
    expect(await rowsOf("edge_qoe")).toHaveLength(2);
    await addReport(env.DB, { counts: [], qoe: [] }, nowMs + 25 * 3_600_000);
    expect(await rowsOf("edge_qoe")).toHaveLength(1);
    expect(await rowsOf("edge_counts")).toHaveLength(2);
  });
});

describe("operators", () => {
  it("see only the time they ask for", async () => {
    const nowMs = Date.now();
    await addReport(env.DB, REPORT, nowMs - 10 * 60_000);
    await addReport(env.DB, REPORT, nowMs);
    expect((await edge("?minutes=5")).totals.requests).toBe(201);
    expect((await edge("?minutes=15")).totals.requests).toBe(402);
  });

  it("see nothing as nothing", async () => {
    const { totals, streams } = await edge();
    expect(streams).toEqual([]);
    expect(totals).toEqual({
      requests: 0,
      media: { requests: 0, outcomes: NONE },
      playlists: { requests: 0, outcomes: NONE },
      bucketReads: 0,
      streamCalls: 0,
      perSecond: { requests: 0, bucketReads: 0, streamCalls: 0 },
    });
    expect(await (await admin("/qoe/two")).json()).toMatchObject({ stream: "two", requests: 0, startups: 0 });
  });

  it("see how the players of a stream do", async () => {
    await env.ORIGIN.report(REPORT);
    const answer = await admin("/qoe/one?minutes=1");
    expect(answer.headers.get("cache-control")).toBe("no-store");
    const { minutes, from, to, seconds, ...told } = await answer.json<QoeAnswer>();
    expect([minutes, (Date.parse(to) - Date.parse(from)) / 1000]).toEqual([1, seconds]);
    expect(told).toEqual({
      stream: "one",
      requests: 10,
      startups: 2,
      stalls: 1,
      stallsPerThousand: 100,
      bitrate: { mean: 2800, count: 10 },
      buffer: { mean: 1250, count: 2 },
      throughput: { mean: 9000, count: 1 },
      startDelay: { mean: 400, count: 1 },
    });
  });

  it.each([
    ["/edge?minutes=0", 400, "bad-parameter"],
    ["/edge?minutes=1441", 400, "bad-parameter"],
    ["/edge?minutes=", 400, "bad-parameter"],
    ["/edge?minutes=1.5", 400, "bad-parameter"],
    ["/edge?minutes=-5", 400, "bad-parameter"],
    ["/qoe/one?minutes=x", 400, "bad-parameter"],
    ["/qoe/nobody", 404, "unknown-stream"],
    ["/qoe/NO", 404, "unknown-stream"],
    ["/qoe/..%2fone", 404, "unknown-stream"],
  ])("are told what is wrong with %s", async (path, status, name) => {
    const answer = await admin(path);
    expect([answer.status, (await answer.json<{ type: string }>()).type]).toEqual([
      status,
      `urn:millrace:problem:${name}`,
    ]);
  });

  it("need the token", async () => {
    for (const path of ["/edge", "/qoe/one"]) expect((await admin(path, {})).status).toBe(401);
  });
});

describe("an isolate", () => {
  const url = (query: string) => new URL(`https://edge.test/live/one/index.m3u8${query}`);
  const hear = (
    on: Pick<typeof env, "ORIGIN" | "QOE">,
    ctx: { waitUntil(p: Promise<unknown>): void },
    query: string,
    headers = {},
  ) => hearPlayer(on, ctx, new Request(url(query), { headers }), "one");

  it("reports what it counted within seconds, once for all", async () => {
    const waits: Promise<unknown>[] = [];
    const ctx = { waitUntil: (promise: Promise<unknown>) => void waits.push(promise) };
    countMedia(env, ctx, "one", "hit");
    countMedia(env, ctx, "one", "cold");
    countPlaylist(env, ctx, "one", "stale");
    countBucketRead(env, ctx, "one");
    countStreamCall(env, ctx, "two");
    hear(env, ctx, "?CMCD=bl%3D1200%2Cbr%3D3000%2Cot%3Dv%2Csu%2Csid%3D%22me%22&_HLS_msn=1");
    hear(env, ctx, "", { "CMCD-Status": "bs", "CMCD-Request": "bl=800" });
    hear(env, ctx, "?x=CMCD");
    hear(env, ctx, "?CMCD=");
    expect(waits).toHaveLength(1);
    await Promise.all(waits);
    const { streams } = await edge();
    expect(streams).toMatchObject([
      { stream: "one", requests: 3, hitRatio: 0.6667, bucketReads: 1, streamCalls: 0 },
      { stream: "two", requests: 0, streamCalls: 1 },
    ]);
    expect(await (await admin("/qoe/one")).json()).toMatchObject({
      requests: 2,
      startups: 1,
      stalls: 1,
      bitrate: { mean: 3000, count: 1 },
      buffer: { mean: 1000, count: 2 },
    });
    countMedia(env, ctx, "one", "hit");
    expect(waits).toHaveLength(2);
    await flush(env);
  });

  it("loses nothing when origin does not take a report", async () => {
    const taken: EdgeReport[] = [];
    let fails = true;
    const report = async (given: EdgeReport) => {
      if (fails) throw new Error("origin is away");
      taken.push(given);
    };
    const on = { ORIGIN: { report } as unknown as typeof env.ORIGIN };
    const ctx = { waitUntil: () => {} };
    countMedia(on, ctx, "one", "hit");
    await flush(on);
    countMedia(on, ctx, "one", "hit");
    await flush(on);
    expect(taken).toEqual([]);
    fails = false;
    await flush(on);
    expect(taken).toMatchObject([{ counts: [{ stream: "one", media: { hit: 2 } }] }]);
    await flush(on);
    expect(taken).toHaveLength(1);
  });

  it("writes a point without a person for Analytics Engine", async () => {
    const points: unknown[] = [];
    const QOE: AnalyticsEngineDataset = { writeDataPoint: (point) => void points.push(point) };
    const on = { ORIGIN: { report: async () => {} } as unknown as typeof env.ORIGIN, QOE };
    hear(
      on,
      { waitUntil: () => {} },
      "?CMCD=bl%3D1200%2Cot%3Dv%2Csf%3Dh%2Cst%3Dll%2Csu%2Csid%3D%22me%22%2Ccid%3D%22it%22",
    );
    expect(points).toEqual([
      { indexes: ["one"], blobs: ["v", "h", "ll", "", ""], doubles: [1, 0, -1, 1200, -1, -1, -1, 1] },
    ]);
    await flush(on);
  });
});
