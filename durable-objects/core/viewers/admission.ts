/**
 * How many sockets a shard takes at a time: a crowd that comes at once would be more requests than the platform gives one
 * object (1,000 a second, softly). Who is refused goes to a shard beside it. Pure.
 */

/** Sockets that a shard takes at once, after a quiet while. */
export const UPGRADE_BURST = 600;
/** Sockets that it takes each second after that; the rest of the 1,000 requests is for refusals, deliveries and reports. */
export const UPGRADES_PER_SECOND = 400;

/** Sockets that may still come, at a time. */
export interface Admission {
  readonly room: number;
  readonly atMs: number;
}

/** Take a socket, or refuse it as if the shard were full. */
export function admit(
  before: Admission | undefined,
  nowMs: number,
): { readonly isAdmitted: boolean; readonly after: Admission } {
  const { room: left, atMs } = before ?? { room: UPGRADE_BURST, atMs: nowMs };
  // A clock that went back gives nothing.
  const gained = (Math.max(0, nowMs - atMs) * UPGRADES_PER_SECOND) / 1000;
  const room = Math.min(UPGRADE_BURST, left + gained);
  const isAdmitted = room >= 1;
  return { isAdmitted, after: { room: isAdmitted ? room - 1 : room, atMs: nowMs } };
}
