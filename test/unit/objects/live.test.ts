/** Leases and the life of a broadcast, as tables over a made-up clock. */
import { describe, expect, it } from "vitest";
import {
  ABSENCE_MS,
  afterAbsence,
  checkLease,
  claim,
  closeSession,
  endsAt,
  heard,
  isOver,
  type Live,
  nextCheckAt,
  release,
  restart,
  SILENCE_MS,
  STANDBY_SILENCE_MS,
  STANDBY_WATCH_MS,
  stateOf,
} from "../../../durable-objects/core/live.ts";

const SETTINGS = { id: "show", profile: "low", reconnectSeconds: 60, standby: "cold" } as const;
const NOW = 1_000_000;

const live: Live = {
  broadcast: "show-a",
  settings: SETTINGS,
  startedAt: NOW - 30_000,
  session: { ordinal: 3, lease: "secret", lastHeardAt: NOW },
  visible: true,
};
const fresh = { broadcast: "show-b", lease: "other", yields: false };

describe("a claim", () => {
  it.each([
    ["on an idle stream begins a broadcast", undefined, NOW, "show-b", 1],
    ["on an ended one begins another", { ...live, endedAt: NOW }, NOW, "show-b", 1],
    ["after ten seconds of silence goes on with it", live, NOW + SILENCE_MS, "show-a", 4],
    ["right after the encoder left goes on with it", closeSession(live, NOW), NOW + 1, "show-a", 4],
    ["in the last millisecond of the wait goes on", closeSession(live, NOW), NOW + 59_999, "show-a", 4],
    ["when the wait is over begins another", closeSession(live, NOW), NOW + 60_000, "show-b", 1],
    ["after a minute of silence begins another", live, NOW + 60_000, "show-b", 1],
  ] as const)("%s", (_what, before, now, broadcast, ordinal) => {
    const claimed = claim(before, SETTINGS, fresh, now);
    expect(claimed).toMatchObject({
      ok: true,
      value: { broadcast, session: { ordinal, lease: "other", lastHeardAt: now } },
    });
  });

  it("is refused while the encoder is alive, and says until when", () => {
    expect(claim(live, SETTINGS, fresh, NOW + SILENCE_MS - 1)).toEqual({
      ok: false,
      error: { reason: "already-live", freeAt: NOW + SILENCE_MS },
    });
  });

  it("finds a stream whose encoder gives way, unless it gives way itself", () => {
    const picture = { ...live, session: { ...live.session, yields: true } };
    expect(claim(picture, SETTINGS, fresh, NOW)).toMatchObject({
      ok: true,
      value: { session: { ordinal: 4, yields: false } },
    });
    expect(claim(picture, SETTINGS, { ...fresh, yields: true }, NOW).ok).toBe(false);
    expect(claim(live, SETTINGS, { ...fresh, yields: true }, NOW).ok).toBe(false);
  });

  it.each([
    ["another boot of its host proves that it is gone", { id: "a", boot: "1" }, { id: "a", boot: "2" }, true],
    ["the same boot is another encoder", { id: "a", boot: "1" }, { id: "a", boot: "1" }, false],
    ["another host knows nothing of it", { id: "a", boot: "1" }, { id: "b", boot: "2" }, false],
    ["an unnamed host knows nothing of it", { id: "a", boot: "1" }, undefined, false],
    ["nothing is known of an unnamed host", undefined, { id: "a", boot: "2" }, false],
  ])("of a session that is alive: %s", (_what, had, asks, granted) => {
    const before = { ...live, session: { ...live.session, ...(had && { transcoder: had }) } };
    const claimed = claim(before, SETTINGS, { ...fresh, ...(asks && { transcoder: asks }) }, NOW);
    expect(claimed.ok).toBe(granted);
    if (claimed.ok) expect(claimed.value.session).toMatchObject({ ordinal: 4, transcoder: asks });
  });

  describe("of an encoder that may wait", () => {
    const asking = { ...fresh, backup: true, askingSince: NOW - STANDBY_WATCH_MS };
    const heardAt = (mediaAt: number) => heard(live, NOW, mediaAt);
    it.each([
      ["stands by while media comes", heardAt(NOW - 400), {}, {}, "stands-by"],
      ["stands by in a pause that is none yet", heardAt(NOW - STANDBY_SILENCE_MS), {}, {}, "stands-by"],
      ["takes over in silence", heardAt(NOW - STANDBY_SILENCE_MS - 1), {}, {}, "granted"],
      ["watches for a while first", heardAt(NOW - 5000), { askingSince: NOW - 2_000 }, {}, "stands-by"],
      ["takes over from one that was closed", closeSession(live, NOW), { askingSince: NOW }, {}, "granted"],
      [
        "takes over after ten seconds as anybody",
        heard(live, NOW - SILENCE_MS),
        { askingSince: NOW },
        {},
        "granted",
      ],
      ["judges one that says nothing of media by its last word", heard(live, NOW - 2000), {}, {}, "granted"],
      ["is refused where nobody may wait", heardAt(NOW), {}, { standby: "off" }, "already-live"],
      ["is refused when it gives way to anybody", heardAt(NOW), { yields: true }, {}, "already-live"],
      ["is refused when neither is a backup", heardAt(NOW), { backup: false }, {}, "already-live"],
    ] as const)("%s", (_what, before, asks, settings, verdict) => {
      const claimed = claim(before, { ...SETTINGS, ...settings }, { ...asking, ...asks }, NOW);
      expect(claimed.ok ? "granted" : claimed.error.reason).toBe(verdict);
    });

    it("lets the first wait behind the second, once the second has the stream", () => {
      const second = { ...live, session: { ...live.session, backup: true, mediaAt: NOW } };
      expect(claim(second, SETTINGS, { ...fresh, askingSince: NOW }, NOW)).toEqual({
        ok: false,
        error: { reason: "stands-by" },
      });
    });

    it("remembers that it was one", () => {
      expect(claim(undefined, SETTINGS, asking, NOW)).toMatchObject({
        ok: true,
        value: { session: { backup: true } },
      });
    });
  });

  it("waits out the silence even when the stream waits for nobody", () => {
    const impatient = { ...live, settings: { ...SETTINGS, reconnectSeconds: 0 } };
    expect(endsAt(impatient)).toBe(NOW + SILENCE_MS);
    expect(isOver(closeSession(impatient, NOW), NOW)).toBe(true);
  });
});

describe("a lease", () => {
  const same = (a: string, b: string) => a === b;
  const writer = { broadcast: "show-a", ordinal: 3, lease: "secret" };
  it.each([
    ["of the present session", live, writer, "ok"],
    ["with another secret", live, { ...writer, lease: "guess" }, "unknown-lease"],
    ["of an older session", live, { ...writer, ordinal: 2 }, "fenced"],
    ["of a session to come", live, { ...writer, ordinal: 4 }, "unknown-lease"],
    ["of an older broadcast", live, { ...writer, broadcast: "show-0" }, "fenced"],
    ["of a closed session", closeSession(live, NOW), writer, "closed"],
    ["of an ended broadcast", { ...live, endedAt: NOW }, writer, "closed"],
    [
      "of a closed session with another secret",
      closeSession(live, NOW),
      { ...writer, lease: "x" },
      "unknown-lease",
    ],
    ["on a stream that was never live", undefined, writer, "unknown-lease"],
  ] as const)("%s: %s", (_what, before, who, verdict) => {
    const checked = checkLease(before, who, same);
    expect(checked.ok ? "ok" : checked.error.reason).toBe(verdict);
  });

  it("goes along when the broadcast begins anew", () => {
    const next = restart(live, "show-c", NOW + 5);
    expect(next).toMatchObject({
      broadcast: "show-c",
      visible: false,
      session: { ordinal: 1, lease: "secret" },
    });
    expect(checkLease(next, { broadcast: "show-c", ordinal: 1, lease: "secret" }, same).ok).toBe(true);
  });

  it.each<
    [string, { readonly lease?: string; readonly endedAt?: number; readonly closedAt?: number }, string]
  >([
    ["is good for the one that follows", {}, "ok"],
    ["not with another secret", { lease: "guess" }, "fenced"],
    ["not when that is over", { endedAt: NOW + 9 }, "closed"],
    ["not when the session was given back", { closedAt: NOW + 9 }, "closed"],
  ])("by the name of the broadcast before: %s", (_what, { lease = "secret", endedAt, closedAt }, verdict) => {
    const next = restart(live, "show-c", NOW + 5);
    const left = closedAt === undefined ? next : closeSession(next, closedAt);
    const present: Live = { ...left, ...(endedAt !== undefined && { endedAt }) };
    const checked = checkLease(present, { ...writer, lease }, same);
    expect(checked.ok ? "ok" : checked.error.reason).toBe(verdict);
  });
});

describe("what viewers are told, and when it is looked at again", () => {
  it.each([
    ["nothing yet", undefined, NOW, "offline", undefined],
    ["a picture to come", { ...live, visible: false }, NOW, "starting", NOW + SILENCE_MS],
    ["a picture that never came", { ...live, visible: false }, NOW + SILENCE_MS, "offline", NOW + 60_000],
    ["a show", live, NOW + 1, "live", NOW + SILENCE_MS],
    ["silence", live, NOW + SILENCE_MS, "interrupted", NOW + 60_000],
    ["a show heard of again", heard(live, NOW + 20_000), NOW + 20_000, "live", NOW + 20_000 + SILENCE_MS],
    ["an encoder that left", closeSession(live, NOW), NOW, "interrupted", NOW + 60_000],
    ["an end", { ...live, endedAt: NOW }, NOW, "ended", undefined],
    ["the end of what nobody saw", { ...live, visible: false, endedAt: NOW }, NOW, "offline", undefined],
  ] as const)("%s", (_what, now, at, state, check) => {
    expect(stateOf(now, at)).toBe(state);
    if (now) expect(nextCheckAt(now, at)).toBe(check);
  });
});

describe("an object that was away itself", () => {
  const late = endsAt(live) + ABSENCE_MS;
  it.each([
    ["a broadcast that waits", live, NOW + 1, undefined],
    ["an alarm that came in time", live, endsAt(live), undefined],
    ["an alarm that came a little late", live, late - 1, undefined],
    ["an alarm that nobody was there to hear", live, late, late],
    ["a night", live, NOW + 8 * 3_600_000, NOW + 8 * 3_600_000],
    ["a wait that was cut off", closeSession(live, NOW), late, late],
    ["a second night", { ...live, backAt: late }, late + 3_600_000, late + 3_600_000],
    ["a waking in the time it gave", { ...live, backAt: late }, late + 59_000, late],
    ["an end", { ...live, endedAt: NOW }, NOW + 3_600_000, undefined],
  ])("%s", (_what, before, now, backAt) => {
    expect(afterAbsence(before, now).backAt).toBe(backAt);
  });

  it("gives the encoder its waiting time again, and no more than that", () => {
    const back = afterAbsence(live, late);
    expect(endsAt(back)).toBe(late + 60_000);
    expect(isOver(back, late + 59_999)).toBe(false);
    expect(isOver(back, late + 60_000)).toBe(true);
    expect(stateOf(back, late)).toBe("interrupted");
    expect(claim(back, SETTINGS, fresh, late)).toMatchObject({ ok: true, value: { broadcast: "show-a" } });
  });

  it("waits out the silence even when the stream waits for nobody", () => {
    const impatient = { ...live, settings: { ...SETTINGS, reconnectSeconds: 0 } };
    expect(endsAt(afterAbsence(impatient, NOW + 3_600_000))).toBe(NOW + 3_600_000 + SILENCE_MS);
  });
});

describe("a host that is gone", () => {
  const host = { id: "a", boot: "1" };
  const held = { ...live, session: { ...live.session, transcoder: host } };
  const present = { broadcast: "show-a", ordinal: 3 };
  it.each([
    ["frees the session it had", held, present, host, true, NOW, true],
    ["knows nothing of a session whose host was not named", live, present, host, true, NOW, false],
    ["and is another one", held, present, { id: "b", boot: "1" }, true, NOW, false],
    ["and has begun anew since", held, present, { id: "a", boot: "0" }, true, NOW, false],
    ["had an older session", held, { ...present, ordinal: 2 }, host, true, NOW, false],
    ["had an older broadcast", held, { ...present, broadcast: "show-0" }, host, true, NOW, false],
    ["leaves a closed session as it was", closeSession(held, NOW - 5), present, host, true, NOW, false],
    ["leaves an ended broadcast as it was", { ...held, endedAt: NOW }, present, host, true, NOW, false],
    ["may be heard on the session itself", held, present, host, false, NOW + SILENCE_MS - 1, false],
    ["is not heard there either", held, present, host, false, NOW + SILENCE_MS, true],
  ])("%s", (_what, before, session, transcoder, certain, now, freed) => {
    const after = release(before, session, { transcoder, certain }, now);
    expect(after?.session.closedAt).toBe(freed ? now : undefined);
  });
});
