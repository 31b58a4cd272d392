/** Who watches without a socket, as an isolate holds it: for 30 s, each once, in bounded memory, told as a whole. */
import { createHash } from "node:crypto";
import { describe, expect, it } from "vitest";
import { parse } from "../../../wire/parse.ts";
import { countPolled, PolledViewersSchema } from "../../../wire/polled-viewers.ts";
import { PolledTally } from "../../../workers/edge/core/polled-viewers.ts";

const NOW_MS = 1_800_000_005_000;
const hashOf = (viewer: number) => createHash("sha256").update(`${viewer}`).digest("hex").slice(0, 16);
const A = hashOf(0);
const B = hashOf(1);

function see(tally: PolledTally, stream: string, first: number, end: number, nowMs: number): void {
  for (let viewer = first; viewer < end; viewer += 1) tally.saw(stream, hashOf(viewer), nowMs);
}

/** How many are told to watch one stream; `undefined`: nothing is told of it. */
function told(tally: PolledTally, stream: string, nowMs: number): number | undefined {
  const report = tally.take(nowMs).find((its) => its.stream === stream);
  if (!report) return undefined;
  expect(parse(PolledViewersSchema, report.viewers)).toMatchObject({ ok: true });
  return countPolled([report.viewers]);
}

describe("a viewer", () => {
  it("is one, however often it asks, and of each stream by itself", () => {
    const tally = new PolledTally();
    for (const hash of [A, B, A, A]) tally.saw("one", hash, NOW_MS);
    tally.saw("two", A, NOW_MS);
    expect(tally.take(NOW_MS)).toEqual([
      { stream: "one", viewers: { hashes: [A, B] } },
      { stream: "two", viewers: { hashes: [A] } },
    ]);
  });

  it("watches for 30 s after the last request", () => {
    const tally = new PolledTally();
    tally.saw("one", A, NOW_MS);
    tally.saw("one", B, NOW_MS);
    tally.saw("one", B, NOW_MS + 8_000);
    expect(told(tally, "one", NOW_MS + 10_000)).toBe(2);
    expect(told(tally, "one", NOW_MS + 29_999)).toBe(2);
    expect(tally.take(NOW_MS + 30_000)).toEqual([{ stream: "one", viewers: { hashes: [B] } }]);
    expect(told(tally, "one", NOW_MS + 37_999)).toBe(1);
    expect(told(tally, "one", NOW_MS + 38_000)).toBe(0);
  });

  it("does not stay for ever when the clock goes back", () => {
    const tally = new PolledTally();
    tally.saw("one", A, NOW_MS + 3_600_000);
    expect(told(tally, "one", NOW_MS)).toBe(0);
  });
});

describe("a stream", () => {
  it("that nobody watches any more is told of once, and then not at all", () => {
    const tally = new PolledTally();
    tally.saw("one", A, NOW_MS);
    expect(told(tally, "one", NOW_MS)).toBe(1);
    expect(tally.take(NOW_MS + 60_000)).toEqual([{ stream: "one", viewers: { hashes: [] } }]);
    expect(tally.take(NOW_MS + 70_000)).toEqual([]);
    tally.saw("one", B, NOW_MS + 80_000);
    expect(told(tally, "one", NOW_MS + 80_000)).toBe(1);
  });

  it("with 500 viewers is told exactly, with more as a sketch", () => {
    const tally = new PolledTally();
    see(tally, "one", 0, 500, NOW_MS);
    see(tally, "one", 0, 500, NOW_MS + 1);
    expect(tally.take(NOW_MS + 1)[0]?.viewers).toHaveProperty("hashes");
    expect(told(tally, "one", NOW_MS + 1)).toBe(500);
    see(tally, "one", 500, 2_000, NOW_MS + 2);
    expect(tally.take(NOW_MS + 2)[0]?.viewers).toHaveProperty("registers");
    const estimate = told(tally, "one", NOW_MS + 2) ?? 0;
    expect(Math.abs(estimate / 2_000 - 1)).toBeLessThan(0.07);
  });

  it("does not become a sketch because of viewers who have left", () => {
    const tally = new PolledTally();
    see(tally, "one", 0, 400, NOW_MS);
    see(tally, "one", 400, 800, NOW_MS + 30_000);
    expect(tally.take(NOW_MS + 30_000)[0]?.viewers).toHaveProperty("hashes");
    expect(told(tally, "one", NOW_MS + 30_000)).toBe(400);
  });

  it("that is a sketch loses those who leave, after 20 to 30 s, and in the end is forgotten", () => {
    const tally = new PolledTally();
    // Some before it is one, some after.
    see(tally, "one", 0, 3_000, NOW_MS);
    see(tally, "one", 0, 1_000, NOW_MS + 19_000);
    expect((told(tally, "one", NOW_MS + 19_000) ?? 0) / 3_000).toBeCloseTo(1, 1);
    expect((told(tally, "one", NOW_MS + 31_000) ?? 0) / 1_000).toBeCloseTo(1, 1);
    expect(told(tally, "one", NOW_MS + 50_000)).toBe(0);
    expect(tally.take(NOW_MS + 50_001)).toEqual([]);
    // Whoever comes now is counted one by one again.
    tally.saw("one", A, NOW_MS + 60_000);
    expect(tally.take(NOW_MS + 60_000)[0]?.viewers).toEqual({ hashes: [A] });
  });

  it("is not counted when there are too many of them, until others are forgotten", () => {
    const tally = new PolledTally();
    for (let i = 0; i < 600; i += 1) tally.saw(`stream-${i}`, A, NOW_MS);
    expect(tally.take(NOW_MS)).toHaveLength(500);
    expect(told(tally, "stream-550", NOW_MS)).toBeUndefined();
    tally.take(NOW_MS + 30_000);
    tally.saw("stream-550", A, NOW_MS + 30_000);
    expect(told(tally, "stream-550", NOW_MS + 30_000)).toBe(1);
  });
});
