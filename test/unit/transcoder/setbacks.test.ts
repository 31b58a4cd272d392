/** What of a spool is left alone after origin failed to take it, and for how long. */
import { describe, expect, it } from "vitest";
import { Setbacks } from "../../../transcoder/core/setbacks.ts";

const POLICY = { firstDelayMs: 500, maxDelayMs: 10_000, attempts: Number.POSITIVE_INFINITY };
const item = (session: string, msn: number) => ({ name: `${session}/${msn}`, session });

describe("setbacks", () => {
  it("put a session aside, and no other", () => {
    const setbacks = new Setbacks(POLICY);
    setbacks.fail(item("a.1", 1), 0, 1);
    expect(setbacks.isDue(item("a.1", 1), 999)).toBe(false);
    expect(setbacks.isDue(item("a.1", 2), 999), "its order is kept").toBe(false);
    expect(setbacks.isDue(item("b.1", 1), 0)).toBe(true);
    expect(setbacks.nextDueMs(400)).toBe(600);
    expect(setbacks.isDue(item("a.1", 1), 1000)).toBe(true);
    expect(setbacks.nextDueMs(1000)).toBeUndefined();
  });

  it("wait longer each time, within limits, until origin takes it", () => {
    const setbacks = new Setbacks(POLICY);
    const waits = [1, 2, 3, 4, 5, 6].map(() => {
      setbacks.fail(item("a.1", 1), 0, 1);
      return setbacks.nextDueMs(0);
    });
    expect(waits).toEqual([1000, 2000, 4000, 8000, 10_000, 10_000]);
    setbacks.forget(item("a.1", 1));
    expect(setbacks.isDue(item("a.1", 2), 0)).toBe(true);
    setbacks.fail(item("a.1", 2), 0, 1);
    expect(setbacks.nextDueMs(0)).toBe(1000);
  });

  it("put an item aside that outlasts any outage, and let its session go on", () => {
    const setbacks = new Setbacks(POLICY);
    let now = 0;
    setbacks.fail(item("a.1", 1), now, 1);
    while (!setbacks.isDue(item("a.1", 2), now) && now < 600_000) {
      now += setbacks.nextDueMs(now) ?? 0;
      setbacks.fail(item("a.1", 1), now, 1);
    }
    expect(setbacks.isDue(item("a.1", 2), now), "the next one").toBe(true);
    expect(setbacks.isDue(item("a.1", 1), now), "the stubborn one").toBe(false);
    expect(now, "after more than an outage of a minute").toBeGreaterThan(60_000);
    expect(setbacks.nextDueMs(now)).toBe(10_000);
  });
});
