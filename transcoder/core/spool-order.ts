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
  /** Origin has it since then; it stays until the broadcast was compared with what is stored. */
  readonly storedAt?: number;
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
  for (const item of items) {
    const waits = item.released && item.written && item.storedAt === undefined && isDue(item);
    if (waits && (!first || before(item, first) < 0)) first = item;
  }
  return first;
}

/**
 * Items that have to go: those that are too old, then, until the rest has room, the oldest of what origin has, and only then
 * of what it has not. Descriptions go last: they are small.
 */
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
  const isStored = ({ storedAt }: ItemFacts) => (storedAt === undefined ? 1 : 0);
  const segments = young.filter(({ msn }) => msn !== undefined);
  for (const item of segments.sort((a, b) => isStored(a) - isStored(b) || before(a, b))) {
    if (excess <= 0) break;
    excess -= item.bytes;
    crowded.push(item);
  }
  return [...old, ...crowded];
}

/** Sessions of which origin has everything that is here, and since when it has the newest of it. */
export function uncheckedSessions(items: Iterable<ItemFacts>): ReadonlyMap<string, number> {
  const sessions = new Map<string, number>();
  for (const { session, storedAt = Number.POSITIVE_INFINITY } of items)
    sessions.set(session, Math.max(sessions.get(session) ?? 0, storedAt));
  return new Map([...sessions].filter(([, storedAt]) => Number.isFinite(storedAt)));
}
