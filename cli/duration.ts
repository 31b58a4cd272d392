/** How long something is good, as people write it: `90s`, `30m`, `4h`, `7d`. */
import { InvalidArgumentError } from "commander";

const UNIT_SECONDS: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600, d: 86_400 };
/** What origin signs for at most (wire/watch-token.ts, wire/socket-token.ts). */
const MAX_SECONDS = 366 * 86_400;

/** Seconds; throws commander's error for anything else, and for more than a year. */
export function durationArgument(text: string): number {
  const [, count = "", unit = ""] = /^([1-9][0-9]{0,8})([smhd])$/.exec(text) ?? [];
  const seconds = Number(count) * (UNIT_SECONDS[unit] ?? 0);
  if (seconds < 1 || seconds > MAX_SECONDS)
    throw new InvalidArgumentError("Give a time as 90s, 30m, 4h or 7d, a year at most.");
  return seconds;
}
