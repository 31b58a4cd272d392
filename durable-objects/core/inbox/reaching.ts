/**
 * How many people somebody reaches out to: whom they bring into rooms, whom they ask how they are. Any name will do for it, and whoever is
 * reached has an inbox from then on. Clocks are arguments; nothing is kept here.
 */

/** People that somebody reaches out to, and in what time. */
export const REACHED = 2_000;
export const REACHED_MS = 24 * 60 * 60_000;

export interface Reach {
  /** When the first of them was, milliseconds since 1970. */
  readonly since: number;
  readonly people: number;
}

/** Count some more; `undefined`: they are too many for today. */
export function reach(before: Reach | undefined, people: number, now: number): Reach | undefined {
  const kept = before && now < before.since + REACHED_MS ? before : { since: now, people: 0 };
  const sum = kept.people + people;
  return sum > REACHED ? undefined : { ...kept, people: sum };
}
