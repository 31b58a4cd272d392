/** What of a spool is sent next, and what has to go first. */
import { describe, expect, it } from "vitest";
import { type ItemFacts, next, overflow } from "../../../transcoder/core/spool-order.ts";

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
