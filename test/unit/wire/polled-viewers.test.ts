/** Counting people without a list of them: exact while they are few, close when they are many, and the same however they are told. */
import { createHash } from "node:crypto";
import { describe, expect, it } from "vitest";
import { parse } from "../../../wire/parse.ts";
import {
  countPolled,
  MAX_POLLED_HASHES,
  type PolledViewers,
  PolledViewersSchema,
  reportOf,
  unionOf,
} from "../../../wire/polled-viewers.ts";
import { MAX_RANK, REGISTERS, ViewerSketch } from "../../../wire/viewer-sketch.ts";

const hashOf = (viewer: string) => createHash("sha256").update(viewer).digest("hex").slice(0, 16);

/** Evenly spread 64 bits, quickly (splitmix64): a million of SHA-256 would take long. */
function* hashes(seed: number, count: number): Generator<string> {
  let state = BigInt(seed) << 40n;
  for (let i = 0; i < count; i += 1) {
    state = BigInt.asUintN(64, state + 0x9e3779b97f4a7c15n);
    let mixed = BigInt.asUintN(64, (state ^ (state >> 30n)) * 0xbf58476d1ce4e5b9n);
    mixed = BigInt.asUintN(64, (mixed ^ (mixed >> 27n)) * 0x94d049bb133111ebn);
    yield (mixed ^ (mixed >> 31n)).toString(16).padStart(16, "0");
  }
}

/** An edge that saw these. */
function seen(viewers: Iterable<string>): PolledViewers {
  const sketch = new ViewerSketch(MAX_POLLED_HASHES);
  for (const hash of viewers) sketch.add(hash);
  return reportOf(sketch);
}

const people = (first: number, end: number) =>
  Array.from({ length: end - first }, (_, i) => hashOf(`viewer ${first + i}`));

describe("people who are told as hashes", () => {
  it.each([0, 1, 2, 499, 500])("are counted exactly: %i", (count) => {
    const report = seen(people(0, count));
    expect(report).toHaveProperty("hashes");
    expect(countPolled([report])).toBe(count);
  });

  it("are one however often they are seen, and by however many edges", () => {
    const one = seen([...people(0, 300), ...people(0, 300)]);
    const other = seen(people(200, 500));
    expect(countPolled([one, other, one])).toBe(500);
  });

  it("are counted exactly also when all edges together saw more than one may tell", () => {
    const reports = Array.from({ length: 10 }, (_, i) => seen(people(400 * i, 400 * i + 500)));
    expect(countPolled(reports)).toBe(4100);
  });
});

describe("people who are told as a sketch", () => {
  it("begins with the first who is too many for hashes", () => {
    expect(seen(people(0, 501))).toHaveProperty("registers");
  });

  it.each(
    [501, 1_000, 2_500, 5_000, 10_000, 100_000, 1_000_000].flatMap((count) =>
      [1, 2, 3].map((seed) => [count, seed] as const),
    ),
  )("are counted to 7 %%: %i (seed %i)", (count, seed) => {
    expect(Math.abs(countPolled([seen(hashes(seed, count))]) / count - 1)).toBeLessThan(0.07);
  });

  it("are counted without a bias: on average over many crowds, to 1 %", () => {
    for (const count of [700, 2_560, 4_000, 20_000]) {
      const ratios = Array.from(
        { length: 60 },
        (_, seed) => countPolled([seen(hashes(100 + seed, count))]) / count,
      );
      const mean = ratios.reduce((sum, ratio) => sum + ratio, 0) / ratios.length;
      const spread = Math.sqrt(ratios.reduce((sum, ratio) => sum + (ratio - mean) ** 2, 0) / ratios.length);
      expect(Math.abs(mean - 1)).toBeLessThan(0.013);
      expect(spread).toBeLessThan(0.045);
    }
  });
});

describe("a union", () => {
  const reports = [
    seen(people(0, 3_000)),
    seen(people(2_000, 2_400)),
    seen(people(2_900, 5_000)),
    seen(people(4_900, 5_100)),
    seen([]),
  ];

  it("is the same in whatever order, and however often, things are told", () => {
    const [first, ...others] = [
      reports,
      reports.toReversed(),
      [...reports, ...reports],
      [2, 0, 4, 3, 1].flatMap((i) => reports[i] ?? []),
    ].map((told) => reportOf(unionOf(told)));
    expect(first).toHaveProperty("registers");
    for (const other of others) expect(other).toEqual(first);
  });

  it("is what one edge would tell that saw them all", () => {
    expect(reportOf(unionOf(reports))).toEqual(seen(people(0, 5_100)));
  });

  it("is told again as it was told", () => {
    for (const report of reports) expect(reportOf(unionOf([report]))).toEqual(report);
  });

  it("of more people than are held one by one is told as a sketch of all of them", () => {
    const many = Array.from({ length: 21 }, (_, i) => seen(people(500 * i, 500 * i + 500)));
    expect(reportOf(unionOf(many))).toEqual(seen(people(0, 10_500)));
    expect(reportOf(unionOf(many.toReversed()))).toEqual(seen(people(0, 10_500)));
  });

  it("has the greatest rank of all, and no other", () => {
    const sketch = new ViewerSketch(0);
    sketch.add("0000000000000000");
    sketch.add("ffc0000000000001");
    const { held } = sketch;
    if (!("registers" in held)) throw new Error("a sketch that holds no one by one has registers");
    expect(held.registers[0]).toBe(MAX_RANK);
    expect(held.registers[REGISTERS - 1]).toBe(MAX_RANK - 1);
    expect(held.registers.filter((rank) => rank > 0)).toHaveLength(2);
    expect(parse(PolledViewersSchema, reportOf(sketch))).toMatchObject({ ok: true });
  });
});

describe("a report", () => {
  const empty = "A".repeat(REGISTERS);

  it.each<readonly [string, unknown]>([
    ["nobody", { hashes: [] }],
    ["somebody", { hashes: ["0123456789abcdef"] }],
    ["as many as there may be", { hashes: people(0, 500) }],
    ["a sketch of nobody", { registers: empty }],
    ["a full sketch", { registers: "3".repeat(REGISTERS) }],
  ])("is taken: %s", (_what, told) => {
    const read = parse(PolledViewersSchema, told);
    expect(read).toEqual({ ok: true, value: told });
    expect(read.ok && Number.isInteger(countPolled([read.value]))).toBe(true);
  });

  it.each<readonly [string, unknown]>([
    ["nothing", undefined],
    ["null", null],
    ["a list", []],
    ["neither", {}],
    ["both", { hashes: [], registers: empty }],
    ["more hashes than there may be", { hashes: people(0, 501) }],
    ["a short hash", { hashes: ["0123456789abcde"] }],
    ["a long hash", { hashes: ["0123456789abcdef0"] }],
    ["an address", { hashes: ["192.0.2.1"] }],
    ["capitals", { hashes: ["0123456789ABCDEF"] }],
    ["a number", { hashes: [1] }],
    ["no list of hashes", { hashes: "0123456789abcdef" }],
    ["too few registers", { registers: empty.slice(1) }],
    ["too many registers", { registers: `${empty}A` }],
    ["a register that no hash fills", { registers: `${empty.slice(1)}4` }],
    ["no base64", { registers: `${empty.slice(1)}-` }],
    ["bytes", { registers: new Uint8Array(REGISTERS) }],
  ])("is refused: %s", (_what, told) => {
    expect(parse(PolledViewersSchema, told)).toMatchObject({ ok: false });
  });
});
