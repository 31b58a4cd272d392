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
import { describe, expect, it } from "vitest";
import { Spool } from "../../../transcoder/spool.ts";
import { HOLDER, INIT, objects, openSpool, segment } from "./spool-made.ts";

describe("a spool", () => {
  it("gives back what was kept and released: the description first, then segments in order", async () => {
    const { spool } = await openSpool();
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
    const { spool, folder } = await openSpool();
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
    const { spool, folder } = await openSpool();
    const own = spool.session(HOLDER);
    for (const msn of [1, 2]) own.keep(segment(msn), objects(msn));
    await spool.settled();
    own.discard(1);
    await spool.settled();
    const { spool: again } = await openSpool(folder);
    expect(again.depth.items).toBe(1);
    expect((await again.next())?.segment?.msn).toBe(2);
  });

  it("gives up what origin has before what it has not, when there is no room", async () => {
    const { spool, logged } = await openSpool(undefined, { bytes: 250 });
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
    const { spool, folder } = await openSpool();
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
    const { spool, folder } = await openSpool();
    const own = spool.session(HOLDER);
    own.keep(segment(3), objects(3));
    own.keep(segment(4), objects(4));
    own.release(3);
    await spool.settled();
    mkdirSync(join(folder, HOLDER.session, "seg-5.unfinished"));
    writeFileSync(join(folder, HOLDER.session, "seg-5.unfinished", "v720~seg-5.m4s"), "half");
    const again = await openSpool(folder);
    const first = await again.spool.next();
    expect(first?.segment?.msn).toBe(3);
    expect(first?.holder).toMatchObject(HOLDER);
    if (first) again.spool.done(first);
    expect((await again.spool.next())?.segment?.msn).toBe(4);
    await again.spool.settled();
    expect(readdirSync(join(folder, HOLDER.session))).not.toContain("seg-5.unfinished");
  });

  it("leaves alone what waits for another origin", async () => {
    const { spool, folder } = await openSpool();
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
    const { spool, folder } = await openSpool();
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
    const { spool, logged } = await openSpool(folder);
    expect(await spool.next()).toBeUndefined();
    await spool.settled();
    expect(readdirSync(folder)).toEqual([]);
    expect(logged.map(({ event }) => event)).toContain("spool-unreadable");
  });

  it("drops the oldest segments when there is no room, and says which", async () => {
    const { spool, logged } = await openSpool(undefined, { bytes: 250 });
    const own = spool.session(HOLDER);
    for (const msn of [1, 2, 3]) {
      own.keep(segment(msn, 100), objects(msn, 100));
      own.release(msn);
    }
    expect(logged.filter(({ event }) => event === "spool-dropped")).toMatchObject([{ msn: 1, bytes: 100 }]);
    expect((await spool.next())?.segment?.msn).toBe(2);
  });

  it("takes no item for broken that the disk has not come to yet", async () => {
    const { spool, logged } = await openSpool();
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
    const { spool } = await openSpool();
    const own = spool.session(HOLDER);
    own.keep(segment(1), objects(1));
    own.release(1);
    await new Promise<void>((resolve) => spool.onRelease(resolve));
    expect((await spool.next())?.segment?.msn).toBe(1);
  });

  it("never writes over the lease that everything depends on", async () => {
    const { spool, folder } = await openSpool();
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
    const { spool, folder, logged } = await openSpool();
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
    expect((await (await openSpool(folder)).spool.next())?.segment?.msn).toBe(1);
  });

  it("forgets a session of which only the lease is left", async () => {
    const { spool, folder } = await openSpool();
    spool.session(HOLDER).keep(segment(1), objects(1));
    await spool.settled();
    rmSync(join(folder, HOLDER.session, "seg-1"), { recursive: true });
    await openSpool(folder);
    expect(readdirSync(folder)).toEqual([]);
  });

  it("costs segments rather than memory when the disk is slow", async () => {
    const { spool, logged } = await openSpool(undefined, { bytes: 1e9 });
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
    const { spool, folder, logged } = await openSpool();
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
