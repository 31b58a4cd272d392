/** The fleet's decisions as tables over a made-up clock: reports, reboots, silence, goodbyes, drains. */
import { describe, expect, it } from "vitest";
import {
  check,
  FORGET_MS,
  type Host,
  nextCheckAt,
  recordOf,
  register,
  SILENT_MS,
} from "../../../durable-objects/core/fleet.ts";
import type { Report } from "../../../wire/fleet.ts";

const NOW = 1_000_000_000;
const BOOT = "00000000-0000-4000-8000-000000000001";
const NEXT_BOOT = "00000000-0000-4000-8000-000000000002";
const [A, B] = ["show-0123456789abcdefghjkmnpqrs.1", "show-0123456789abcdefghjkmnpqrs.2"] as const;

const report: Report = {
  boot: BOOT,
  version: "0.1.0",
  ffmpeg: "7.1",
  slots: 8,
  sessions: [A],
  draining: false,
  stopping: false,
};

/** The host after a report that must be taken. */
function reported(known: Host | undefined, changes: Partial<Report> = {}, now = NOW) {
  const taken = register(known, "tc-1", { ...report, ...changes }, now);
  if (!taken.ok) throw new Error(taken.error.reason);
  return taken.value;
}
const host = reported(undefined).host;
const of = (boot: string) => ({ id: "tc-1", boot });

describe("a report", () => {
  it("is what is known of a host from then on", () => {
    expect(reported(undefined, { url: "rtmp://a.example/live" })).toEqual({
      host: {
        id: "tc-1",
        boot: BOOT,
        version: "0.1.0",
        ffmpeg: "7.1",
        url: "rtmp://a.example/live",
        slots: 8,
        sessions: [A],
        draining: false,
        drain: false,
        lastSeenAt: NOW,
        before: [],
      },
      orphans: [],
    });
  });

  it("replaces the one before it and keeps the operator's wish", () => {
    const drained = { ...host, drain: true, url: "rtmp://old.example/live" };
    const { host: next, orphans } = reported(drained, { sessions: [B], slots: 4 }, NOW + 10_000);
    expect(next).toMatchObject({ sessions: [B], slots: 4, drain: true, lastSeenAt: NOW + 10_000 });
    expect(next.url).toBeUndefined();
    expect(orphans, "a session that is over leaves nothing behind").toEqual([]);
  });

  it("brings a silent host back", () => {
    const [silent] = check([host], NOW + SILENT_MS).silent;
    expect(silent?.gone).toBe("silent");
    const back = reported(silent, {}, NOW + SILENT_MS + 1);
    expect(back.host.gone).toBeUndefined();
    expect(back.orphans).toEqual([]);
  });

  it("of another boot leaves the sessions of the one before, which is certainly over", () => {
    const { host: next, orphans } = reported(
      { ...host, sessions: [A, B], drain: true },
      { boot: NEXT_BOOT, sessions: [] },
    );
    expect(orphans).toEqual([
      { session: A, transcoder: of(BOOT), certain: true },
      { session: B, transcoder: of(BOOT), certain: true },
    ]);
    expect(next).toMatchObject({ boot: NEXT_BOOT, before: [BOOT], drain: true });
  });

  it("of a boot that was replaced is refused: two hosts share an id", () => {
    const next = reported(host, { boot: NEXT_BOOT, sessions: [] }).host;
    expect(register(next, "tc-1", report, NOW)).toEqual({ ok: false, error: { reason: "superseded" } });
  });

  it("remembers only the last boots that were replaced", () => {
    let known = host;
    for (let i = 2; i < 12; i += 1)
      known = reported(known, { boot: BOOT.replace(/1$/, i.toString(16)) }).host;
    expect(known.before).toHaveLength(4);
    expect(known.before[0]).toMatch(/a$/);
  });

  it("that is a goodbye leaves its sessions at once, and is the last of its boot", () => {
    const bye = reported(host, { stopping: true, draining: true }, NOW + 5);
    expect(bye.orphans).toEqual([{ session: A, transcoder: of(BOOT), certain: true }]);
    expect(bye.host).toMatchObject({ gone: "stopped", sessions: [] });
    const late = reported(bye.host, {}, NOW + 6);
    expect(late, "one that was overtaken").toEqual({ host: bye.host, orphans: [] });
    expect(reported(bye.host, { boot: NEXT_BOOT, sessions: [] }, NOW + 7).host.gone).toBeUndefined();
  });
});

describe("silence", () => {
  it.each([
    ["just heard", NOW, []],
    ["in the last millisecond", NOW + SILENT_MS - 1, []],
    ["after half a minute", NOW + SILENT_MS, ["tc-1"]],
  ] as const)("%s", (_what, now, silent) => {
    const checked = check([host], now);
    expect(checked.silent.map(({ id }) => id)).toEqual(silent);
    expect(checked.orphans.map(({ certain }) => certain)).toEqual(silent.map(() => false));
    expect(checked.forgotten).toEqual([]);
  });

  it("is told once, and forgotten after a day", () => {
    const [silent] = check([host], NOW + SILENT_MS).silent;
    if (!silent) throw new Error("not silent");
    expect(check([silent], NOW + FORGET_MS - 1)).toEqual({ silent: [], forgotten: [], orphans: [] });
    expect(check([silent], NOW + FORGET_MS)).toEqual({ silent: [], forgotten: [silent], orphans: [] });
    const stopped = reported(host, { stopping: true }).host;
    expect(check([stopped], NOW + SILENT_MS).silent).toEqual([]);
    expect(check([stopped], NOW + FORGET_MS).forgotten).toEqual([stopped]);
  });

  it("is looked for when the first host may have fallen silent", () => {
    const later = { ...host, id: "tc-2", lastSeenAt: NOW + 7 };
    expect(nextCheckAt([later, host])).toBe(NOW + SILENT_MS);
    expect(nextCheckAt([{ ...host, gone: "silent" }])).toBe(NOW + FORGET_MS);
    expect(nextCheckAt([])).toBeUndefined();
  });
});

describe("what operators see", () => {
  it.each([
    ["a host that takes encoders", {}, "up", 7],
    ["one the operator wants drained", { drain: true }, "draining", 0],
    ["one that says it takes none", { draining: true }, "draining", 0],
    ["a silent one", { gone: "silent", drain: true }, "silent", 0],
    ["one that stopped", { gone: "stopped" }, "stopped", 0],
    ["one that is over its limit", { slots: 0 }, "up", 0],
  ] as const)("%s", (_what, changes, state, freeSlots) => {
    expect(recordOf({ ...host, ...changes })).toMatchObject({
      state,
      freeSlots,
      lastSeenAt: "1970-01-12T13:46:40.000Z",
    });
  });
});
