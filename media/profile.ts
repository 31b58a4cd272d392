/** Latency profiles, and the timing that a broadcast keeps from its first segment to its last. Pure numbers. */

/** What a broadcaster chooses; the default is `low`. */
export const PROFILE_NAMES = ["standard", "low", "ultra"] as const;
export type ProfileName = (typeof PROFILE_NAMES)[number];

export interface Profile {
  /** Length a segment aims at. */
  readonly segmentSeconds: number;
  /** PART-TARGET; absent when the profile has no parts. */
  readonly partTargetSeconds?: number;
}

/**
 * PART-TARGET is a little over the nominal 0.5 s and 0.2 s so that a whole number of frames fills at least 85 % of it
 * (rfc8216bis 4.4.4.9) at every common frame rate: 23.976 fps needs 0.5005 s and 0.2085 s.
 */
export const PROFILES: Record<ProfileName, Profile> = {
  standard: { segmentSeconds: 4 },
  low: { segmentSeconds: 2, partTargetSeconds: 0.51 },
  ultra: { segmentSeconds: 1, partTargetSeconds: 0.21 },
};

/** Timing fixed for a whole broadcast: a player that saw one playlist may rely on it in the next. */
export interface Timing {
  /** EXT-X-TARGETDURATION, whole seconds. */
  readonly targetDuration: number;
  /** PART-TARGET in seconds; absent means the broadcast has no parts. */
  readonly partTarget?: number;
  /** How much of the past a playlist holds, seconds. */
  readonly windowSeconds: number;
}

/** Seconds of the past in a live playlist (Apple's authoring specification 8.12 asks for 15 minutes). */
export const DEFAULT_WINDOW_SECONDS = 15 * 60;

/** HOLD-BACK: the least the specification allows (4.4.3.8). */
export const holdBack = (timing: Timing): number => 3 * timing.targetDuration;
/** PART-HOLD-BACK: three parts, as the specification recommends (4.4.3.8). */
export const partHoldBack = (partTarget: number): number => 3 * partTarget;
/**
 * PART-HOLD-BACK for players that hear of each part without asking: two parts, the least there may be (4.4.3.8), or one and
 * what timers and networks are late by, which short parts do not make less.
 */
export const pushedPartHoldBack = (partTarget: number): number =>
  Math.max(2 * partTarget, partTarget + LATE_SECONDS);
const LATE_SECONDS = 0.3;
/** CAN-SKIP-UNTIL: the least the specification allows (4.4.3.8). */
export const canSkipUntil = (timing: Timing): number => 6 * timing.targetDuration;
/** Longest that a blocking request is held before 503 (6.2.5.2). */
export const maxBlockSeconds = (timing: Timing): number => 3 * timing.targetDuration;
/** How far past the newest part a client may ask to wait (Advance Part Limit, 6.2.5.2). */
export const advancePartLimit = (partTarget: number): number =>
  partTarget < 1 ? Math.ceil(3 / partTarget) : 3;
