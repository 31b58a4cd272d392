/**
 * What goes to everybody in a huge live room that talks faster than anyone reads, and what only to those who need it: who runs the
 * show, and who said it. Decides by what it is told; clocks are arguments.
 */

/** More people than this are a huge room: below, a message to everybody costs a shard or two a few milliseconds. */
export const HUGE_LISTENERS = 1_000;
/** A room that has said more than this in the last second is sampled: pages are made to draw fifty a second, which never come evenly. */
export const FULL_LANE_PER_SECOND = 60;
/** So many go to everybody then: already more than somebody can read, and 1,000 listeners get 20,000 lines a second. */
export const SAMPLED_PER_SECOND = 20;
/** What may go at once: the share of the longest tick (core/viewers/ticks.ts), so that each tick carries some. */
export const SAMPLED_AT_ONCE = 5;
const SECOND_MS = 1_000;

/** How fast a room talks. */
export interface Pace {
  /** When the newest messages came, milliseconds since 1970, oldest first: one more than the full lane takes in a second. */
  readonly lately: readonly number[];
  /** Messages that may go to everybody, as of `at`. */
  readonly tokens: number;
  readonly at: number;
}

/** A room that nobody has said anything in yet. */
export const QUIET: Pace = { lately: [], tokens: SAMPLED_AT_ONCE, at: 0 };

/** A message, and how many would hear it. */
export interface Sampled {
  /** Sockets in the room. */
  readonly listeners: number;
  /** It is never left out: who runs the show said it. */
  readonly isKept: boolean;
  /** Milliseconds since 1970. */
  readonly now: number;
}

/** Decide whether a message goes to everybody. What is never left out takes its place in the second all the same. */
export function sample(
  pace: Pace,
  { listeners, isKept, now }: Sampled,
): { readonly pace: Pace; readonly isForAll: boolean } {
  const lately = [...pace.lately.slice(-FULL_LANE_PER_SECOND), now];
  const isFast = lately.length > FULL_LANE_PER_SECOND && now - (lately[0] ?? now) < SECOND_MS;
  // A clock that steps back gives nothing.
  const filled = pace.tokens + (Math.max(0, now - pace.at) / SECOND_MS) * SAMPLED_PER_SECOND;
  const tokens = Math.min(SAMPLED_AT_ONCE, filled);
  if (listeners <= HUGE_LISTENERS || !isFast) return { pace: { lately, tokens, at: now }, isForAll: true };
  const isForAll = isKept || tokens >= 1;
  return { pace: { lately, tokens: isForAll ? Math.max(0, tokens - 1) : tokens, at: now }, isForAll };
}
