/** How many sockets a shard takes at a time. */
import { expect, it } from "vitest";
import {
  type Admission,
  admit,
  UPGRADE_BURST,
  UPGRADES_PER_SECOND,
} from "../../../durable-objects/core/viewers/admission.ts";

/** Sockets taken of `perMs` that ask in each millisecond. */
function takenIn(milliseconds: number, perMs: number): number {
  let taken = 0;
  let admission: Admission | undefined;
  for (let ms = 0; ms < milliseconds; ms++) {
    for (let i = 0; i < perMs; i++) {
      const { isAdmitted, after } = admit(admission, 1e12 + ms);
      admission = after;
      if (isAdmitted) taken += 1;
    }
  }
  return taken;
}

it.each([
  ["a burst at once", 1, 2000, UPGRADE_BURST],
  ["a crowd in its first second", 1000, 10, UPGRADE_BURST + UPGRADES_PER_SECOND],
  ["a crowd over ten seconds", 10_000, 10, UPGRADE_BURST + 10 * UPGRADES_PER_SECOND],
])("takes of %s what its object can do", (_name, milliseconds, perMs, taken) => {
  expect(Math.abs(takenIn(milliseconds, perMs) - taken)).toBeLessThanOrEqual(1);
});

it("stays below a thousand requests a second, and gives nothing for a clock that goes back", () => {
  expect(UPGRADE_BURST + UPGRADES_PER_SECOND).toBeLessThanOrEqual(1000);
  const empty = { room: 0, atMs: 5000 };
  expect(admit(empty, 1000)).toEqual({ isAdmitted: false, after: { room: 0, atMs: 1000 } });
});
