/** What of a spool is sent next, and what has to go when there is too much. Pure. */

/** One item on disk. */
export interface ItemFacts {
  /** Unique in the spool. */
  readonly name: string;
  readonly session: string;
  /** When its session began to need the spool, milliseconds since 1970. */
  readonly sessionAt: number;
  /** Media sequence number of a segment; absent for the description of a session's tracks. */
  readonly msn?: number;
  readonly bytes: number;
  /** When it was kept. */
  readonly at: number;
  /** All of it is on disk. */
  readonly written: boolean;
  /** The live edge has passed it. */
  readonly released: boolean;
}

/** Name of an item: of a segment, or of the description of a session's tracks. */
export const itemName = (session: string, msn: number | undefined): string =>
  msn === undefined ? `${session}/init` : `${session}/${msn}`;

/** Sessions as they came, in each the description first, then segments in order. */
function before(a: ItemFacts, b: ItemFacts): number {
  return a.sessionAt - b.sessionAt || compare(a.session, b.session) || (a.msn ?? -1) - (b.msn ?? -1);
}

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

/** The item to send next, of those that may be. */
export function next(
  items: Iterable<ItemFacts>,
  isDue: (item: ItemFacts) => boolean = () => true,
): ItemFacts | undefined {
  let first: ItemFacts | undefined;
  for (const item of items)
    if (item.released && item.written && isDue(item) && (!first || before(item, first) < 0)) first = item;
  return first;
}

/** Items that have to go: those that are too old, then the oldest until the rest has room. Descriptions go last: they are small. */
export function overflow(
  items: Iterable<ItemFacts>,
  limits: { readonly bytes: number; readonly ageMs: number },
  now: number,
): readonly ItemFacts[] {
  const all = [...items];
  const old = all.filter(({ at }) => now - at > limits.ageMs);
  const young = all.filter(({ at }) => now - at <= limits.ageMs);
  let excess = young.reduce((sum, { bytes }) => sum + bytes, 0) - limits.bytes;
  if (excess <= 0) return old;
  const crowded: ItemFacts[] = [];
  for (const item of young.filter(({ msn }) => msn !== undefined).sort(before)) {
    if (excess <= 0) break;
    excess -= item.bytes;
    crowded.push(item);
  }
  return [...old, ...crowded];
}
