/**
 * When a region gets another shard, and when one of its shards is sent home. Pure: what was heard of the shards comes in,
 * decisions go out, and the LiveStream does them. Sockets stay where they are when a shard is added; only who comes after
 * goes there. Between the loads that add (75 %) and drain (40 %) nothing happens, so that a region does not swing.
 */
import { shardName } from "./viewer-messages.ts";

/** Sockets that a shard takes. */
export const SHARD_CAPACITY = 4000;
/** A region that is fuller than this gets more shards, */
const GROW_SHARE = 0.75;
/** as many as bring it down to this: who joins in the next seconds needs room as well. */
const GROWN_SHARE = 0.6;
/** A shard is drained when the others would be less full than this with its sockets. */
const DRAIN_SHARE = 0.4;
/** A shard that is fuller is offered to nobody: a crowd fills the rest before reports and edges know. */
const OFFER_SHARE = 0.85;
/** A shard that refused a socket is offered to nobody for this long. */
const FULL_MS = 1_000;
/** Most shards that one refusal opens. */
const MAX_BURST = 8;
/** A region that grew keeps what it got for this long: reports of those who come lag behind. */
export const GROWN_MS = 60_000;
/** Three heartbeats: nothing is delivered to a shard that was not heard for this long, until it reports. */
export const SILENT_MS = 30_000;
/** A shard that was not heard for this long is forgotten. One without sockets has no heartbeat: it is forgotten too. */
export const FORGOTTEN_MS = 300_000;

/** A shard, as its report says and the LiveStream decided. */
export interface Shard {
  /** `<stream>/<region>/<number>`. */
  readonly shard: string;
  readonly region: string;
  readonly number: number;
  readonly sockets: number;
  /** Draining: takes no sockets, and closes those it has, a few at a time. */
  readonly state: "open" | "draining";
  /** Of the last report, of its opening, or of the LiveStream's restart if that was later; milliseconds since 1970. */
  readonly lastHeardAt: number;
  /** Absent: long ago. */
  readonly openedAt?: number;
  /** It has refused a socket: until then it counts as full, whatever it reports. */
  readonly fullUntil?: number;
}

/** What is to be done with a stream's shards. */
export interface ShardDecisions {
  /** Shards to open: new ones, or such as were draining. */
  readonly open: readonly { readonly region: string; readonly number: number }[];
  readonly drain: readonly string[];
  /** Shards to forget; one that reports all the same is back (`heard`). */
  readonly remove: readonly string[];
}

/** What a shard's name says; `undefined` when it is none. */
export function parseShardName(
  name: string,
): { readonly stream: string; readonly region: string; readonly number: number } | undefined {
  const [, stream, region, number] = /^([^/]+)\/([^/]+)\/([1-9]\d{0,6})$/.exec(name) ?? [];
  if (stream === undefined || region === undefined) return undefined;
  return { stream, region, number: Number(number) };
}

/** A shard as its report leaves it. One that nobody knows (it was forgotten, or its stream forgot) is open. */
export function heard(
  known: Shard | undefined,
  report: { readonly shard: string; readonly sockets: number },
  now: number,
): Shard | undefined {
  const { shard, sockets } = report;
  if (known !== undefined) return { ...known, sockets, lastHeardAt: now };
  const named = parseShardName(shard);
  if (named === undefined) return undefined;
  return { shard, region: named.region, number: named.number, sockets, state: "open", lastHeardAt: now };
}

/** Nothing was heard for three heartbeats. */
export const isSilent = (shard: Shard, now: number): boolean => now - shard.lastHeardAt >= SILENT_MS;

/** Shards to deliver to, oldest of each region first. One without sockets is told nothing: it reports its first one at once. */
export const shardsInTree = (shards: readonly Shard[], now: number): readonly string[] =>
  shards
    .filter((shard) => shard.sockets > 0 && !isSilent(shard, now))
    .toSorted((a, b) => a.number - b.number || (a.region < b.region ? -1 : 1))
    .map(({ shard }) => shard);

/** Shards that take sockets, by region: those with room, or all open ones of a region in which none has. */
export function shardsOffered(
  shards: readonly Shard[],
  now: number,
  capacity: number = SHARD_CAPACITY,
): Readonly<Record<string, readonly string[]>> {
  const regions: Record<string, readonly string[]> = {};
  for (const [region, all] of byRegion(shards)) {
    const open = all.filter(({ state }) => state === "open");
    const roomy = open.filter((shard) => hasRoom(shard, now, capacity));
    const offered = roomy.length > 0 ? roomy : open;
    if (offered.length > 0) regions[region] = offered.map(({ shard }) => shard);
  }
  return regions;
}

/** Decide on all regions. Done again after every report it decides nothing twice. */
export function decideShards(
  shards: readonly Shard[],
  now: number,
  capacity: number = SHARD_CAPACITY,
): ShardDecisions {
  const decisions = [...byRegion(shards).values()].map((region) => decideRegion(region, now, capacity));
  return {
    open: decisions.flatMap(({ open }) => open),
    drain: decisions.flatMap(({ drain }) => drain),
    remove: decisions.flatMap(({ remove }) => remove),
  };
}

/** The first shard of a region; nothing when one is open there. */
export const firstShard = (shards: readonly Shard[], region: string): ShardDecisions["open"] =>
  shards.some((shard) => shard.region === region && shard.state === "open") ? [] : opened(shards, region, 1);

/**
 * A shard has refused a socket: it is full, or too many came at once. Unless another of its region has room the region gets
 * another one; when reports do not yet know it to be full, a crowd is coming faster than they do, and the region gets
 * twice as many as it has.
 */
export function fullShard(
  shards: readonly Shard[],
  full: string,
  now: number,
  capacity: number = SHARD_CAPACITY,
): { readonly shards: readonly Shard[]; readonly open: ShardDecisions["open"] } {
  const refused = shards.find(({ shard }) => shard === full);
  const region = refused?.region ?? parseShardName(full)?.region;
  if (region === undefined) return { shards, open: [] };
  const marked = shards.map((shard) => (shard === refused ? { ...shard, fullUntil: now + FULL_MS } : shard));
  const open = marked.filter((shard) => shard.region === region && shard.state === "open");
  if (open.some((shard) => hasRoom(shard, now, capacity))) return { shards: marked, open: [] };
  const isKnown = refused === undefined || refused.sockets >= capacity * OFFER_SHARE;
  const count = isKnown ? 1 : Math.min(MAX_BURST, 2 * open.length);
  return { shards: marked, open: opened(marked, region, Math.max(1, count)) };
}

/** The shards after decisions were done. */
export function applyDecisions(
  shards: readonly Shard[],
  decisions: ShardDecisions,
  stream: string,
  now: number,
): readonly Shard[] {
  const { drain, remove } = decisions;
  const opened = new Map(
    decisions.open.map(({ region, number }) => [shardName(stream, region, number), { region, number }]),
  );
  const kept = shards
    .filter(({ shard }) => !remove.includes(shard))
    .map((shard): Shard => {
      if (opened.delete(shard.shard)) return { ...shard, state: "open", openedAt: now };
      return drain.includes(shard.shard) ? { ...shard, state: "draining" } : shard;
    });
  const added = [...opened].map(
    ([shard, place]): Shard => ({
      shard,
      ...place,
      sockets: 0,
      state: "open",
      lastHeardAt: now,
      openedAt: now,
    }),
  );
  return [...kept, ...added];
}

function decideRegion(all: readonly Shard[], now: number, capacity: number): ShardDecisions {
  const gone = all.filter(
    (shard) => now - shard.lastHeardAt >= FORGOTTEN_MS || (shard.state === "draining" && shard.sockets === 0),
  );
  const left = all.filter((shard) => !gone.includes(shard));
  const open = left.filter(({ state }) => state === "open");
  const remove = gone.map(({ shard }) => shard);
  // Those of a draining shard come over to the others.
  const sockets = left.reduce((sum, shard) => sum + shard.sockets, 0);
  if (sockets > open.length * capacity * GROW_SHARE) {
    const wanted = Math.ceil(sockets / (capacity * GROWN_SHARE));
    return { open: opened(left, all[0]?.region ?? "", wanted - open.length), drain: [], remove };
  }
  const isUnsure =
    left.length > open.length ||
    left.some(
      (shard) => (shard.sockets > 0 && isSilent(shard, now)) || now - (shard.openedAt ?? 0) < GROWN_MS,
    );
  const newest = open.toSorted((a, b) => b.number - a.number)[0];
  const fitsOthers = sockets < (open.length - 1) * capacity * DRAIN_SHARE;
  // One at a time: many would send the same viewers on again. None while it is not known how many sockets there are or will be.
  if (newest === undefined || isUnsure || !fitsOthers) return { open: [], drain: [], remove };
  return { open: [], drain: [newest.shard], remove };
}

/** The next shards of a region: those that are draining first, then the lowest numbers that are free. */
function opened(shards: readonly Shard[], region: string, count: number): ShardDecisions["open"] {
  const own = shards.filter((shard) => shard.region === region);
  const numbers = own
    .filter(({ state }) => state === "draining")
    .map(({ number }) => number)
    .sort((a, b) => a - b);
  const taken = new Set(own.map(({ number }) => number));
  for (let number = 1; numbers.length < count; number++) if (!taken.has(number)) numbers.push(number);
  return numbers.slice(0, count).map((number) => ({ region, number }));
}

/** What a silent shard holds nobody knows: it may be asked. */
const hasRoom = (shard: Shard, now: number, capacity: number): boolean =>
  now >= (shard.fullUntil ?? 0) && (isSilent(shard, now) || shard.sockets < capacity * OFFER_SHARE);

const byRegion = (shards: readonly Shard[]): ReadonlyMap<string, readonly Shard[]> =>
  Map.groupBy(shards, ({ region }) => region);
