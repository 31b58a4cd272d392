/** How spooled segments are handed over: in order, for as long as it takes, none in the way of the others. */
import { describe, expect, it } from "vitest";
import { fail, ok } from "../../../media/result.ts";
import type { SegmentEntry } from "../../../media/timeline.ts";
import type { Refusal } from "../../../transcoder/origin-client.ts";
import { startFlusher } from "../../../transcoder/spool-flusher.ts";
import { HOLDER, objects, openSpool, segment } from "./spool-made.ts";

describe("the flusher", () => {
  const QUICK = { firstDelayMs: 1, maxDelayMs: 5, attempts: Number.POSITIVE_INFINITY };

  /** An origin that answers as it is told, one answer a call; then well. */
  async function flush(answers: (Refusal | undefined)[], msns: readonly number[]) {
    const { spool, logged } = await openSpool();
    const calls: string[] = [];
    const answer = (what: string) => {
      calls.push(what);
      const refusal = answers.shift();
      return Promise.resolve(refusal ? fail(refusal) : ok(true as const));
    };
    const own = spool.session(HOLDER);
    for (const msn of msns) {
      own.keep(segment(msn), objects(msn));
      own.release(msn);
    }
    const flusher = startFlusher({
      spool,
      log: (event) => logged.push(event),
      policy: QUICK,
      client: {
        putLate: (_holder, { file }) => answer(`put ${file.kind === "segment" ? file.msn : "init"}`),
        tellLate: (_holder, [first]) => answer(`tell ${first?.msn}`),
      },
    });
    while (spool.depth.items > 0) await new Promise((resolve) => setTimeout(resolve, 2));
    await flusher.stop();
    return { calls, logged };
  }
  const away: Refusal = { name: "unreachable", detail: "" };

  it("puts, then tells, in order", async () => {
    expect((await flush([], [2, 1])).calls).toEqual(["put 1", "tell 1", "put 2", "tell 2"]);
  });

  it("begins a segment again for as long as origin is away", async () => {
    const { calls } = await flush([away, away, undefined, { ...away, status: 503 }], [1]);
    expect(calls).toEqual(["put 1", "put 1", "put 1", "tell 1", "put 1", "tell 1"]);
  });

  it("lets go of what origin refuses for good, says so, and goes on with the next", async () => {
    const { calls, logged } = await flush([{ name: "unknown-lease", status: 401, detail: "" }], [1, 2]);
    expect(calls).toEqual(["put 1", "put 2", "tell 2"]);
    expect(logged).toContainEqual(expect.objectContaining({ event: "spool-refused", msn: 1 }));
  });

  it("leaves out a rendition that origin has made itself, and tells of the others", async () => {
    const { spool } = await openSpool();
    const told: SegmentEntry[] = [];
    const own = spool.session(HOLDER);
    const object = { bytes: 10, independent: true };
    const both = { ...segment(1), tracks: { v720: object, v480: object } };
    own.keep(both, [
      ...objects(1),
      { rendition: "v480", file: { kind: "segment", msn: 1 }, bytes: new Uint8Array(10) },
    ]);
    own.release(1);
    const flusher = startFlusher({
      spool,
      log: () => {},
      client: {
        putLate: async (_holder, { rendition }) =>
          rendition === "v480" ? ok(true as const) : fail({ name: "object-exists", status: 409, detail: "" }),
        tellLate: async (_holder, segments) => {
          told.push(...segments);
          return ok(true as const);
        },
      },
    });
    while (spool.depth.items > 0) await new Promise((resolve) => setTimeout(resolve, 2));
    await flusher.stop();
    expect(told).toEqual([{ ...both, tracks: { v480: object } }]);
  });

  it("does not let one session that origin fails on keep the others waiting", async () => {
    const { spool } = await openSpool();
    const poisoned = spool.session({ session: "a-poisoned.1", lease: "l" });
    poisoned.keep(segment(1), objects(1));
    await new Promise((resolve) => setTimeout(resolve, 2));
    const own = spool.session(HOLDER);
    for (const msn of [1, 2]) own.keep(segment(msn), objects(msn));
    poisoned.release(1);
    for (const msn of [1, 2]) own.release(msn);
    let failures = 0;
    const flusher = startFlusher({
      spool,
      log: () => {},
      policy: QUICK,
      client: {
        putLate: async ({ session }) => {
          if (session === HOLDER.session) return ok(true as const);
          failures += 1;
          return fail({ name: "internal", status: 500, detail: "" });
        },
        tellLate: async () => ok(true as const),
      },
    });
    while (spool.depth.items > 1) await new Promise((resolve) => setTimeout(resolve, 2));
    expect(failures, "it was tried before").toBeGreaterThan(0);
    const before = failures;
    while (failures < before + 3) await new Promise((resolve) => setTimeout(resolve, 2));
    await flusher.stop();
    expect(spool.depth.items, "and still is").toBe(1);
  });

  it("throws nothing away because somebody between here and origin said no", async () => {
    const misrouted: Refusal = { name: "unreadable", status: 404, detail: "" };
    const { calls, logged } = await flush([misrouted, misrouted], [1]);
    expect(calls).toEqual(["put 1", "put 1", "put 1", "tell 1"]);
    expect(logged.map(({ event }) => event)).not.toContain("spool-refused");
  });

  it("stops though origin hangs, and the item stays", { timeout: 20_000 }, async () => {
    const { spool, folder } = await openSpool();
    const own = spool.session(HOLDER);
    own.keep(segment(1), objects(1));
    own.release(1);
    let asked = 0;
    const flusher = startFlusher({
      spool,
      log: () => {},
      client: {
        putLate: () => {
          asked += 1;
          return new Promise(() => {});
        },
        tellLate: async () => ok(true as const),
      },
    });
    while (asked === 0) await new Promise((resolve) => setTimeout(resolve, 2));
    const keepAlive = setInterval(() => {}, 1000);
    await flusher.stop();
    clearInterval(keepAlive);
    expect((await (await openSpool(folder)).spool.next())?.segment?.msn).toBe(1);
  });

  it("hears of what is released later", async () => {
    const { spool } = await openSpool();
    const told: number[] = [];
    const flusher = startFlusher({
      spool,
      log: () => {},
      client: {
        putLate: async () => ok(true as const),
        tellLate: async (_holder, [first]) => {
          told.push(first?.msn ?? -1);
          return ok(true as const);
        },
      },
    });
    await new Promise((resolve) => setTimeout(resolve, 20));
    const own = spool.session(HOLDER);
    own.keep(segment(7), objects(7));
    own.release(7);
    while (spool.depth.items > 0) await new Promise((resolve) => setTimeout(resolve, 2));
    await flusher.stop();
    expect(told).toEqual([7]);
  });
});
