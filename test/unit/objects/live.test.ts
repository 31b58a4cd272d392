/** Leases and the life of a broadcast, as tables over a made-up clock. */
import { describe, expect, it } from "vitest";
import {
  checkLease,
  claim,
  closeSession,
  endsAt,
  heard,
  isOver,
  type Live,
  nextCheckAt,
  restart,
  SILENCE_MS,
  stateOf,
} from "../../../durable-objects/core/live.ts";

const SETTINGS = { id: "show", profile: "low", reconnectSeconds: 60 } as const;
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
