/** What an isolate counts: sums, reports of a bounded size, and nothing lost when one is not taken. */
import { describe, expect, it } from "vitest";
import { type EdgeReport, EdgeReportSchema, MAX_REPORT_STREAMS } from "../../../wire/edge-report.ts";
import { parse } from "../../../wire/parse.ts";
import { parseCmcd } from "../../../workers/edge/core/cmcd.ts";
import { figureOf, Tally } from "../../../workers/edge/core/tally.ts";

const cmcd = (text: string) => {
  const read = parseCmcd(text);
  if (!read) throw new Error(text);
  return read;
};

/** One of everything. */
function counted(): Tally {
  const tally = new Tally();
  tally.answered("media", "a", "hit");
  tally.answered("media", "a", "hit");
  tally.answered("playlists", "a", "expired");
  tally.bucketRead("a");
  tally.streamCall("b");
  tally.heard("a", cmcd("br=3000,bl=1200,ot=v,su,mtp=9000"));
  tally.heard("a", cmcd("br=(1000;v),bl=(800),bs,ltc=1500,msd=400,v=2"));
  return tally;
}

const NONE = { hit: 0, stale: 0, collapsed: 0, cold: 0, expired: 0, purged: 0, range: 0, error: 0 };
const REPORT: EdgeReport = {
  counts: [
    {
      stream: "a",
      media: { ...NONE, hit: 2 },
      playlists: { ...NONE, expired: 1 },
      bucketReads: 1,
      streamCalls: 0,
    },
    { stream: "b", media: NONE, playlists: NONE, bucketReads: 0, streamCalls: 1 },
  ],
  qoe: [
    {
      stream: "a",
      requests: 2,
      startups: 1,
      stalls: 1,
      bitrate: { sum: 4000, count: 2 },
      buffer: { sum: 2000, count: 2 },
      throughput: { sum: 9000, count: 1 },
      latency: { sum: 1500, count: 1 },
      startDelay: { sum: 400, count: 1 },
    },
  ],
};

describe("a tally", () => {
  it("adds up, is taken once, and is what origin reads", () => {
    const tally = counted();
    const reports = tally.take();
    expect(reports).toEqual([REPORT]);
    expect(parse(EdgeReportSchema, JSON.parse(JSON.stringify(reports[0])))).toEqual({
      ok: true,
      value: REPORT,
    });
    expect(tally.take()).toEqual([]);
  });

  it("counts again what was put back, beside what came since", () => {
    const tally = counted();
    const [report] = tally.take();
    if (!report) throw new Error("no report");
    tally.answered("media", "a", "hit");
    tally.heard("a", cmcd("bl=1000"));
    tally.putBack(report);
    const [again] = tally.take();
    expect(again?.counts[0]?.media.hit).toBe(3);
    expect(again?.counts[0]?.bucketReads).toBe(1);
    expect(again?.counts[1]).toEqual(REPORT.counts[1]);
    expect(again?.qoe[0]).toMatchObject({ requests: 3, startups: 1, buffer: { sum: 3000, count: 3 } });
  });

  it("tells many streams in several reports", () => {
    const tally = new Tally();
    for (let i = 0; i < 2 * MAX_REPORT_STREAMS + 1; i += 1) tally.answered("media", `s${i}`, "hit");
    tally.heard("s0", cmcd("su"));
    const reports = tally.take();
    expect(reports.map(({ counts, qoe }) => [counts.length, qoe.length])).toEqual([
      [MAX_REPORT_STREAMS, 1],
      [MAX_REPORT_STREAMS, 0],
      [1, 0],
    ]);
    expect(reports.every((report) => parse(EdgeReportSchema, report).ok)).toBe(true);
  });

  it("is bounded, also by what is put back; streams that are known are counted on", () => {
    const tally = new Tally(2);
    for (const stream of ["a", "b", "c", "a"]) {
      tally.answered("media", stream, "cold");
      tally.heard(stream, cmcd("su"));
    }
    tally.putBack({ ...REPORT, counts: REPORT.counts.map((one) => ({ ...one, stream: "d" })) });
    const [report] = tally.take();
    expect(report?.counts.map(({ stream, media }) => [stream, media.cold])).toEqual([
      ["a", 2],
      ["b", 1],
    ]);
    expect(report?.qoe.map(({ stream, startups }) => [stream, startups])).toEqual([
      ["a", 3],
      ["b", 1],
    ]);
  });
});

describe("figures of CMCD", () => {
  it.each([
    ["bitrate", "br=3000,ot=v", 3000],
    ["bitrate", "br=3000,ot=av", 3000],
    ["bitrate", "br=3000", 3000],
    ["bitrate", "br=128,ot=a", undefined],
    ["bitrate", "br=(128;a 3000;v),ot=a,v=2", 3000],
    ["bitrate", "br=(128;a),v=2", undefined],
    ["bitrate", "br=200001,ot=v", undefined],
    ["buffer", "bl=(1200;v 900;a),v=2", 900],
    ["buffer", "bl=0", 0],
    ["buffer", "bl=999999999999999", undefined],
    ["throughput", "mtp=(100;a 200;v),ot=v,v=2", 200],
    ["throughput", "mtp=(100;a 200;v),v=2", 100],
    ["latency", "ltc=1530,v=2", 1530],
    ["startDelay", "msd=420,v=2", 420],
    ["startDelay", "su", undefined],
  ] as const)("%s of %s is %s", (figure, text, value) => {
    expect(figureOf(cmcd(text), figure)).toBe(value);
  });
});
