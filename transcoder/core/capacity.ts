/** How many encoders a host takes, and how many more it would. Pure. */

/** For sources that are passed through with little below them; who encodes whole ladders sets fewer (docs/transcoders.md). */
const SLOTS_PER_CORE = 4;

/** Slots of a host with this many cores, unless its operator says otherwise. */
export const defaultSlots = (cores: number): number => Math.max(1, Math.floor(cores)) * SLOTS_PER_CORE;

/** What a host carries. */
export interface Load {
  readonly slots: number;
  /** Encoders that publish, or are being let in. */
  readonly encoders: number;
  /** The operator wants it empty. */
  readonly draining: boolean;
  /** Its process is about to end. */
  readonly stopping: boolean;
}

/** Encoders that a host would still take: the signal to scale by. */
export const freeSlots = ({ slots, encoders, draining, stopping }: Load): number =>
  draining || stopping ? 0 : Math.max(0, slots - encoders);
