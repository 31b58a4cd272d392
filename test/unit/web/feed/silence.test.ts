/** How long a silent feed is believed in. */
import { expect, it } from "vitest";
import { silenceMs } from "../../../../web/player/feed/silence.ts";
import { timingOf } from "../../media/broadcast.ts";

it.each([
  ["ultra", 1_130],
  ["low", 2_030],
  ["standard", 6_500],
] as const)("is patient for a few parts, or a segment and a half: %s", (profile, ms) => {
  expect(silenceMs({ timing: timingOf(profile) })).toBeCloseTo(ms, 5);
});
