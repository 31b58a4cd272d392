/**
 * How a user is, of all their devices together: whether one of them is here, since when nobody did anything, what they chose to be. What
 * others see of it is `shownOf`. Clocks are arguments; nothing is kept here.
 */
import { AWAY_MINUTES, type ChosenStatus, type UserStatus } from "../../../wire/inbox.ts";

export const AWAY_MS = AWAY_MINUTES * 60_000;
/** From the end of the last device until others hear of it. */
export const OFFLINE_GRACE_MS = 15_000;
/** Shards say every ten seconds that a device listens; when they have not for so long, it does not. */
export const UNHEARD_MS = 60_000;

export interface Standing {
  readonly chosen: ChosenStatus;
  /** A device is here, or was until a moment ago. */
  readonly isHere: boolean;
  /** Since when none is, milliseconds since 1970; absent: one is, or it is over. */
  readonly goneAt?: number;
  /** When it was heard last that one is. */
  readonly heardAt: number;
  /** When somebody last did something. */
  readonly activeAt: number;
  /** When others last saw them here; absent: never. */
  readonly seenAt?: number;
}

/** What others see. */
export type Shown = Omit<UserStatus, "user">;

/** Nobody has ever seen them. */
export const UNSEEN: Standing = { chosen: "online", isHere: false, heardAt: 0, activeAt: 0 };

/** So many of their devices are here now. */
export function heard(standing: Standing, devices: number, now: number): Standing {
  if (devices === 0) {
    return standing.isHere && standing.goneAt === undefined ? { ...standing, goneAt: now } : standing;
  }
  const { goneAt: _over, ...rest } = standing;
  return { ...rest, isHere: true, heardAt: now, ...(!standing.isHere && { activeAt: now }) };
}

/** There is a person at one of them. */
export const active = (standing: Standing, now: number): Standing =>
  standing.isHere ? { ...standing, activeAt: now } : standing;

/** They choose how to be seen; whoever chooses is there. Others see who hides as they were at that moment. */
export function chose(standing: Standing, chosen: ChosenStatus, now: number): Standing {
  const isHiding = chosen === "invisible" && standing.chosen !== "invisible" && standing.isHere;
  return active({ ...standing, chosen, ...(isHiding && { seenAt: seenAt(standing, now) }) }, now);
}

/** Time has passed. */
export function passed(standing: Standing, now: number): Standing {
  const overAt = goneBy(standing);
  if (overAt === undefined || now < overAt) return standing;
  const { goneAt, ...rest } = standing;
  const isSeen = standing.chosen !== "invisible";
  return {
    ...rest,
    isHere: false,
    ...(isSeen && { seenAt: seenAt(standing, goneAt ?? standing.heardAt) }),
  };
}

/** When it is to be looked at again, unless something happens before. */
export function dueAt(standing: Standing, now: number): number | undefined {
  const overAt = goneBy(standing);
  if (overAt === undefined) return undefined;
  const mayGoAway = standing.chosen === "online" && !isIdle(standing, now);
  return mayGoAway ? Math.min(overAt, standing.activeAt + AWAY_MS) : overAt;
}

/** What others see. */
export function shownOf(standing: Standing, now: number): Shown {
  const { chosen, isHere, seenAt: at } = standing;
  if (!isHere || chosen === "invisible") {
    return { status: "offline", ...(at !== undefined && { lastActiveAt: new Date(at).toISOString() }) };
  }
  return { status: chosen === "online" && isIdle(standing, now) ? "away" : chosen };
}

const isIdle = ({ activeAt }: Standing, now: number): boolean => now - activeAt >= AWAY_MS;

const goneBy = ({ isHere, goneAt, heardAt }: Standing): number | undefined => {
  if (!isHere) return undefined;
  return goneAt === undefined ? heardAt + UNHEARD_MS : goneAt + OFFLINE_GRACE_MS;
};

/** A device that stood about for long is no sign of anybody. */
const seenAt = (standing: Standing, at: number): number => (isIdle(standing, at) ? standing.activeAt : at);
