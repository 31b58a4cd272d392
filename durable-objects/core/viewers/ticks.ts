/** How long the owner of a channel gathers what it says before it tells its shards. Pure. */

/** Busier than this, a channel speaks in ticks: what is said within one goes together. */
export const BUSY_PER_SECOND = 20;
/** Where so few listen, a send to each of them costs little: such a channel is busy later. */
export const FEW_LISTENERS = 200;
export const BUSY_AMONG_FEW = 100;
const TICK_MS = 100;
/** With more listeners than this a tick is longer: a send costs a shard the same however much is in it. */
export const MANY_LISTENERS = 1_000;
const LONG_TICK_MS = 250;

/** Milliseconds to wait with what was just said; 0: it goes at once. */
export function tickMs(perSecond: number, listeners: number): number {
  if (perSecond <= (listeners <= FEW_LISTENERS ? BUSY_AMONG_FEW : BUSY_PER_SECOND)) return 0;
  return listeners > MANY_LISTENERS ? LONG_TICK_MS : TICK_MS;
}
