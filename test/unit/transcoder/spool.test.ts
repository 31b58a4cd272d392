/** The spool on a real disk: what is kept, what is sent next, what has to go, and what a new process finds. */
import {
  closeSync,
  fstatSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, it, vi } from "vitest";
import { fail, ok } from "../../../media/result.ts";
import type { SegmentEntry } from "../../../media/timeline.ts";
import { type ItemFacts, next, overflow } from "../../../transcoder/core/spool-order.ts";
import type { LogEvent } from "../../../transcoder/log.ts";
import type { OriginClient, Refusal } from "../../../transcoder/origin-client.ts";
import type { NamedObject } from "../../../transcoder/packaging.ts";
import { Spool } from "../../../transcoder/spool.ts";
import { startChecker } from "../../../transcoder/spool-checker.ts";
import { startFlusher } from "../../../transcoder/spool-flusher.ts";

const HOLDER = { session: "show-abc.1", lease: "secret" };
const segment = (msn: number, bytes = 10): SegmentEntry => ({
  type: "segment",
  msn,
  at: 1000 * msn,
  duration: 2,
  tracks: { v720: { bytes, independent: true } },
});
const objects = (msn: number, bytes = 10): NamedObject[] => [
  { rendition: "v720", file: { kind: "segment", msn }, bytes: new Uint8Array(bytes).fill(msn) },
];
const INIT: NamedObject[] = [{ rendition: "v720", file: { kind: "init" }, bytes: new Uint8Array([9, 9]) }];

async function open(folder = mkdtempSync(join(tmpdir(), "millrace-spool-")), limits = {}) {
  const logged: LogEvent[] = [];
  const spool = await Spool.open({
    folder,
    origin: "http://origin.test",
    limits: { bytes: 1e6, ageMs: 3_600_000, ...limits },
    log: (event) => logged.push(event),
  });
  return { spool, folder, logged };
}

describe("a spool", () => {
  it("gives back what was kept and released: the description first, then segments in order", async () => {
    const { spool } = await open();
    const own = spool.session(HOLDER);
    for (const msn of [12, 9, 10]) own.keep(segment(msn), objects(msn));
    own.keep(undefined, INIT);
    expect(await spool.next(), "nothing was released").toBeUndefined();
    for (const msn of [12, 10, undefined, 9]) own.release(msn);
    const seen: (number | undefined)[] = [];
    for (let item = await spool.next(); item; item = await spool.next()) {
      seen.push(item.segment?.msn);
      expect(item.holder).toMatchObject(HOLDER);
      if (item.segment) {
        expect(item.segment).toEqual(segment(item.segment.msn));
        expect(item.objects).toHaveLength(1);
        expect([...(item.objects[0]?.bytes ?? [])]).toEqual([...new Uint8Array(10).fill(item.segment.msn)]);
      }
      spool.done(item);
    }
    expect(seen).toEqual([undefined, 9, 10, 12]);
  });

  it("keeps what origin took until it was compared, sends again what is missing there, and then forgets it", async () => {
    const { spool, folder } = await open();
    const own = spool.session(HOLDER);
    for (const msn of [1, 2, 3]) own.keep(segment(msn), objects(msn));
    await spool.settled();
    own.discard(1);
    own.discard(2);
    expect(spool.unchecked(), "one is still on its way").toEqual([]);
    own.discard(3);
    expect(spool.depth, "nothing waits").toEqual({ bytes: 0, items: 0 });
    expect(spool.unchecked()).toMatchObject([{ holder: HOLDER }]);
    expect(await spool.next()).toBeUndefined();
    expect(spool.checked(HOLDER.session, (msn) => msn === 2)).toBe(1);
    const again = await spool.next();
    expect(again?.segment?.msn).toBe(2);
    expect(again?.objects).toHaveLength(1);
    await spool.settled();
    expect(readdirSync(join(folder, HOLDER.session)).sort()).toEqual(["lease.json", "seg-2"]);
    if (again) spool.done(again);
    expect(spool.checked(HOLDER.session, () => false)).toBe(0);
    await spool.settled();
    expect(readdirSync(folder)).toEqual([]);
  });

  it("knows in the next process what origin has", async () => {
    const { spool, folder } = await open();
    const own = spool.session(HOLDER);
    for (const msn of [1, 2]) own.keep(segment(msn), objects(msn));
    await spool.settled();
    own.discard(1);
    await spool.settled();
    const { spool: again } = await open(folder);
    expect(again.depth.items).toBe(1);
    expect((await again.next())?.segment?.msn).toBe(2);
  });

  it("gives up what origin has before what it has not, when there is no room", async () => {
    const { spool, logged } = await open(undefined, { bytes: 250 });
    const own = spool.session(HOLDER);
    for (const msn of [1, 2]) own.keep(segment(msn, 100), objects(msn, 100));
    await spool.settled();
    own.discard(2);
    own.keep(segment(3, 100), objects(3, 100));
    await spool.settled();
    for (const msn of [1, 3]) own.release(msn);
    expect(logged.filter(({ event }) => event === "spool-dropped")).toEqual([]);
    expect(spool.depth.items).toBe(2);
    expect(spool.unchecked()).toEqual([]);
  });

  it("does not keep what has no bytes, or is not written yet", async () => {
    const { spool, folder } = await open();
    const own = spool.session(HOLDER);
    own.keep(segment(1), []);
    await spool.settled();
    own.discard(1);
    own.keep(segment(2), objects(2));
    own.discard(2);
    await spool.settled();
    expect(readdirSync(folder)).toEqual([]);
  });

  it("is there again for the next process, released or not, without what was half written", async () => {
    const { spool, folder } = await open();
    const own = spool.session(HOLDER);
    own.keep(segment(3), objects(3));
    own.keep(segment(4), objects(4));
    own.release(3);
    await spool.settled();
    mkdirSync(join(folder, HOLDER.session, "seg-5.unfinished"));
    writeFileSync(join(folder, HOLDER.session, "seg-5.unfinished", "v720~seg-5.m4s"), "half");
    const again = await open(folder);
    const first = await again.spool.next();
    expect(first?.segment?.msn).toBe(3);
    expect(first?.holder).toMatchObject(HOLDER);
    if (first) again.spool.done(first);
    expect((await again.spool.next())?.segment?.msn).toBe(4);
    await again.spool.settled();
    expect(readdirSync(join(folder, HOLDER.session))).not.toContain("seg-5.unfinished");
  });

  it("leaves alone what waits for another origin", async () => {
    const { spool, folder } = await open();
    spool.session(HOLDER).keep(segment(1), objects(1));
    await spool.settled();
    const other = await Spool.open({
      folder,
      origin: "http://other.test",
      limits: { bytes: 1, ageMs: 1 },
      log: () => {},
    });
    expect(await other.next()).toBeUndefined();
    expect(readdirSync(join(folder, HOLDER.session))).toContain("seg-1");
  });

  it("keeps leases from other people's eyes", async () => {
    const { spool, folder } = await open();
    spool.session(HOLDER).keep(segment(1), objects(1));
    await spool.settled();
    expect(statSync(join(folder, HOLDER.session, "lease.json")).mode & 0o077).toBe(0);
  });

  it.each([
    ["no lease", (folder: string) => mkdirSync(join(folder, "x.1", "seg-1"), { recursive: true })],
    [
      "a lease of another session",
      (folder: string) => {
        mkdirSync(join(folder, "x.1"));
        writeFileSync(
          join(folder, "x.1", "lease.json"),
          JSON.stringify({ session: "y.1", lease: "l", origin: "http://origin.test", at: 1 }),
        );
      },
    ],
    [
      "an entry that is none",
      (folder: string) => {
        mkdirSync(join(folder, "x.1", "seg-1"), { recursive: true });
        writeFileSync(
          join(folder, "x.1", "lease.json"),
          JSON.stringify({ session: "x.1", lease: "l", origin: "http://origin.test", at: 1 }),
        );
        writeFileSync(join(folder, "x.1", "seg-1", "entry.json"), "{");
      },
    ],
  ])("throws away a folder with %s, and says so", async (_name, spoil) => {
    const folder = mkdtempSync(join(tmpdir(), "millrace-spool-"));
    spoil(folder);
    const { spool, logged } = await open(folder);
    expect(await spool.next()).toBeUndefined();
    await spool.settled();
    expect(readdirSync(folder)).toEqual([]);
    expect(logged.map(({ event }) => event)).toContain("spool-unreadable");
  });

  it("drops the oldest segments when there is no room, and says which", async () => {
    const { spool, logged } = await open(undefined, { bytes: 250 });
    const own = spool.session(HOLDER);
    for (const msn of [1, 2, 3]) {
      own.keep(segment(msn, 100), objects(msn, 100));
      own.release(msn);
    }
    expect(logged.filter(({ event }) => event === "spool-dropped")).toMatchObject([{ msn: 1, bytes: 100 }]);
    expect((await spool.next())?.segment?.msn).toBe(2);
  });

  it("takes no item for broken that the disk has not come to yet", async () => {
    const { spool, logged } = await open();
    const older = spool.session({ session: "older-abc.1", lease: "l" });
    older.keep(segment(1), objects(1));
    const own = spool.session(HOLDER);
    own.keep(segment(1), objects(1));
    own.release(1);
    const asked = spool.next();
    // Comes before the other one, and is asked for before it is written.
    await Promise.resolve();
    older.keep(segment(2), objects(2, 200_000));
    older.release(2);
    expect((await asked)?.segment?.msn).toBe(1);
    expect(logged.map(({ event }) => event)).not.toContain("spool-unreadable");
    expect((await spool.next())?.segment?.msn).toBe(2);
  });

  it("wakes who waits for an item when it is on disk", async () => {
    const { spool } = await open();
    const own = spool.session(HOLDER);
    own.keep(segment(1), objects(1));
    own.release(1);
    await new Promise<void>((resolve) => spool.onRelease(resolve));
    expect((await spool.next())?.segment?.msn).toBe(1);
  });

  it("never writes over the lease that everything depends on", async () => {
    const { spool, folder } = await open();
    const own = spool.session(HOLDER);
    own.keep(segment(1), objects(1));
    await spool.settled();
    // Whoever is in the middle of reading it, or is killed in the middle of writing it, has the old one whole.
    const reader = openSync(join(folder, HOLDER.session, "lease.json"), "r");
    const { ino } = fstatSync(reader);
    own.keep(segment(2), objects(2));
    await spool.settled();
    expect(statSync(join(folder, HOLDER.session, "lease.json")).ino).not.toBe(ino);
    closeSync(reader);
    expect(readdirSync(join(folder, HOLDER.session)).sort()).toEqual(["lease.json", "seg-1", "seg-2"]);
  });

  it("leaves no halves on a disk that is full, and keeps what it had", async () => {
    const { spool, folder, logged } = await open();
    const own = spool.session(HOLDER);
    own.keep(segment(1), objects(1));
    await spool.settled();
    // No room for the second object: something is in its place.
    mkdirSync(join(folder, HOLDER.session, "seg-2.unfinished", "v480~seg-2.m4s"), { recursive: true });
    own.keep(segment(2), [
      ...objects(2),
      { rendition: "v480", file: { kind: "segment", msn: 2 }, bytes: new Uint8Array(10) },
    ]);
    await spool.settled();
    expect(logged.map(({ event }) => event)).toContain("spool-failed");
    expect(readdirSync(join(folder, HOLDER.session)).sort()).toEqual(["lease.json", "seg-1"]);
    expect((await (await open(folder)).spool.next())?.segment?.msn).toBe(1);
  });

  it("forgets a session of which only the lease is left", async () => {
    const { spool, folder } = await open();
    spool.session(HOLDER).keep(segment(1), objects(1));
    await spool.settled();
    rmSync(join(folder, HOLDER.session, "seg-1"), { recursive: true });
    await open(folder);
    expect(readdirSync(folder)).toEqual([]);
  });

  it("costs segments rather than memory when the disk is slow", async () => {
    const { spool, logged } = await open(undefined, { bytes: 1e9 });
    const own = spool.session(HOLDER);
    const large = new Uint8Array(8 * 1024 * 1024);
    for (let msn = 0; msn < 12; msn += 1)
      own.keep(segment(msn), [{ rendition: "v720", file: { kind: "segment", msn }, bytes: large }]);
    expect(spool.depth.items).toBe(8);
    expect(logged.filter(({ event }) => event === "spool-failed")).toHaveLength(4);
    await spool.settled();
    own.keep(segment(20), objects(20));
    expect(spool.depth.items, "and takes more when it has caught up").toBe(9);
    await spool.settled();
    for (let msn = 0; msn <= 20; msn += 1) own.discard(msn);
    await spool.settled();
  });

  it("costs only the segment when the disk fails", async () => {
    const { spool, folder, logged } = await open();
    // A file where the session's folder has to be.
    writeFileSync(join(folder, HOLDER.session), "");
    const own = spool.session(HOLDER);
    own.keep(segment(1), objects(1));
    own.release(1);
    expect(await spool.next()).toBeUndefined();
    expect(logged.map(({ event }) => event)).toContain("spool-failed");
    const other = spool.session({ session: "other-abc.1", lease: "l" });
    other.keep(segment(1), objects(1));
    other.release(1);
    expect((await spool.next())?.facts.session).toBe("other-abc.1");
  });
});

describe("the order of a spool", () => {
  const item = (facts: Partial<ItemFacts>): ItemFacts => ({
    name: `${facts.session ?? "s.1"}/${facts.msn ?? "init"}`,
    session: "s.1",
    sessionAt: 0,
    bytes: 100,
    at: 0,
    written: true,
    released: true,
    ...facts,
  });

  it("is that of sessions, then of segments", () => {
    const items = [
      item({ session: "b.1", sessionAt: 5, msn: 1 }),
      item({ session: "a.2", sessionAt: 9, msn: 0 }),
      item({ session: "b.1", sessionAt: 5, msn: 0, released: false }),
      item({ session: "b.1", sessionAt: 4, msn: 0, written: false }),
    ];
    expect(next(items)?.name).toBe("b.1/1");
    expect(next(items, ({ session }) => session !== "b.1")?.name).toBe("a.2/0");
    expect(next([])).toBeUndefined();
  });

  it.each([
    ["nothing", { bytes: 400, ageMs: 1000 }, 1000, []],
    ["the oldest first", { bytes: 250, ageMs: 10_000 }, 1000, ["s.1/1"]],
    [
      "what is too old, though there is room",
      { bytes: 1000, ageMs: 500 },
      600,
      ["s.1/init", "s.1/1", "s.1/2"],
    ],
    ["segments before the small description", { bytes: 50, ageMs: 10_000 }, 0, ["s.1/1", "s.1/2"]],
  ])("lets go of %s", (_name, limits, now, names) => {
    const items = [item({}), item({ msn: 2 }), item({ msn: 1 })];
    expect(
      overflow(items, limits, now)
        .map(({ name }) => name)
        .sort(),
    ).toEqual([...names].sort());
  });
});

describe("the flusher", () => {
  const QUICK = { firstDelayMs: 1, maxDelayMs: 5, attempts: Number.POSITIVE_INFINITY };

  /** An origin that answers as it is told, one answer a call; then well. */
  async function flush(answers: (Refusal | undefined)[], msns: readonly number[]) {
    const { spool, logged } = await open();
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
    const { spool } = await open();
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
    const { spool } = await open();
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
    const { spool, folder } = await open();
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
    expect((await (await open(folder)).spool.next())?.segment?.msn).toBe(1);
  });

  it("hears of what is released later", async () => {
    const { spool } = await open();
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

describe("the checker", () => {
  const QUICK = { firstDelayMs: 4, maxDelayMs: 8, attempts: Number.POSITIVE_INFINITY };
  type Missing = Awaited<ReturnType<OriginClient["missing"]>>;

  /** A spool with two stored segments, and an origin that answers one thing after the other; the last for ever. */
  async function ask(answers: ((now: number) => Missing)[]) {
    const { spool, logged } = await open();
    const own = spool.session(HOLDER);
    for (const msn of [1, 2]) own.keep(segment(msn), objects(msn));
    await spool.settled();
    for (const msn of [1, 2]) own.discard(msn);
    let asked = 0;
    const checker = startChecker({
      spool,
      log: (event) => logged.push(event),
      policy: QUICK,
      client: {
        missing: async () => {
          const answer = answers[Math.min(asked, answers.length - 1)];
          asked += 1;
          return answer ? answer(Date.now() + 1) : fail({ name: "unreachable", detail: "" });
        },
      },
    });
    ends.push(() => checker.stop());
    return { spool, logged, asked: () => asked };
  }
  const ends: (() => Promise<void>)[] = [];
  afterEach(async () => {
    for (const end of ends.splice(0)) await end();
  });
  const nothing = (checkedAt?: number) =>
    ok({ inits: [], segments: [], ...(checkedAt !== undefined && { checkedAt }) });

  it("waits until the broadcast was compared after the segments came, then forgets them", async () => {
    const { spool, asked } = await ask([
      () => fail({ name: "unreachable", detail: "" }),
      () => nothing(),
      () => nothing(1000),
      (now) => nothing(now),
    ]);
    await vi.waitFor(() => expect(spool.unchecked()).toEqual([]), 10_000);
    expect(asked()).toBe(4);
    expect(await spool.next()).toBeUndefined();
  });

  it("has sent again what is missing", async () => {
    const { spool, logged } = await ask([
      (now) => ok({ inits: [], segments: [{ msn: 2, renditions: ["v720"] }], checkedAt: now }),
    ]);
    await vi.waitFor(() => expect(spool.depth.items).toBe(1), 10_000);
    expect((await spool.next())?.segment?.msn).toBe(2);
    expect(logged).toContainEqual({ event: "spool-checked", session: HOLDER.session, missing: 1, again: 1 });
  });

  it("forgets what its lease no longer opens", async () => {
    const { spool } = await ask([() => fail({ name: "closed", status: 409, detail: "" })]);
    await vi.waitFor(() => expect(spool.unchecked()).toEqual([]), 10_000);
    expect(spool.depth.items).toBe(0);
  });
});
