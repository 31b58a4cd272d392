/**
 * The ledger of purges, held against a model of caches: whatever is purged, folded and dropped, nothing that was purged is
 * served again, and an edge that heard of changes knows what one that heard everything knows.
 */
import { describe, expect, it } from "vitest";
import {
  ageingClock,
  BOUNDS,
  type Bounds,
  bump,
  type Entry,
  isUntidy,
  type Ledger,
  needsWhole,
  nextNumber,
  scopesToBump,
  tidy,
} from "../../../durable-objects/core/purging/purges.ts";
import {
  broadcastsAmong,
  done,
  dueAt,
  emptied,
  failed,
  isNews,
  removalOf,
  type Task,
  taskOf,
} from "../../../durable-objects/core/purging/removal.ts";
import { parseMediaPath } from "../../../media/address.ts";
import { applyChanges, type Generations, placeOf } from "../../../wire/generations.ts";
import {
  EVERYTHING,
  parsePrefix,
  type Scope,
  scopesOfMedia,
  scopesOfPlaylist,
} from "../../../wire/purge-prefix.ts";

const DAY = 86_400_000;
const START = Date.UTC(2026, 10, 21);
const secret = (n: number) => `${n}`.padStart(26, "0");

/** Numbers that look random and are the same in every run. */
function dice(seed: number): (sides: number) => number {
  let state = seed;
  return (sides) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * sides);
  };
}

/** The Purges object, but for SQL. */
class Ledgers {
  entries = new Map<string, Entry>();
  ledger: Ledger = { newest: 0, wholeBelow: 0 };
  tidied = 0;
  readonly #bounds: Bounds;

  constructor(bounds: Bounds) {
    this.#bounds = bounds;
  }

  purge(prefixes: readonly Scope[], soft: boolean, now: number): readonly string[] {
    const number = nextNumber(this.ledger.newest, now);
    const scopes = prefixes.length === 0 ? [EVERYTHING] : scopesToBump(prefixes);
    for (const scope of scopes)
      this.entries.set(scope, bump(scope, this.entries.get(scope), { number, soft }));
    const oldest = Math.min(
      ...[...this.entries.values()].map(({ scope, number }) => (scope === EVERYTHING ? Infinity : number)),
    );
    const clock = ageingClock(this.ledger.newest, now);
    const untidy = isUntidy({ count: this.entries.size, oldest }, clock, this.#bounds);
    if (untidy) {
      const left = tidy([...this.entries.values()], clock, this.#bounds);
      this.entries = new Map(left.map((entry) => [entry.scope, entry]));
      this.tidied += 1;
    }
    this.ledger = { newest: number, wholeBelow: untidy ? number : this.ledger.wholeBelow };
    return scopes;
  }

  changes(since: number) {
    const whole = needsWhole(since, this.ledger);
    const changes = [...this.entries.values()]
      .filter(({ number }) => whole || number > since)
      .map(({ scope, ...generation }) => [scope, generation] as const);
    return { newest: this.ledger.newest, whole, changes };
  }
}

const STREAMS = ["radio", "radio-01", "news"];
/** Objects as an edge sees them: the names that they answer to. */
const OBJECTS: readonly (readonly string[])[] = STREAMS.flatMap((stream) => [
  scopesOfPlaylist(stream),
  scopesOfPlaylist(stream, { rendition: "v720", file: "index.m3u8" }),
  ...[1, 2].flatMap((broadcast) =>
    ["1/v720/seg-1.m4s", "1/audio/seg-1.m4s", "2/v720/init.mp4"].map((rest) => {
      const address = parseMediaPath(`${stream}-${secret(broadcast)}/${rest}`);
      return address ? scopesOfMedia(address, stream) : [];
    }),
  ),
]);
/** Everything that can be purged here, but for everything. */
const SCOPES: readonly Scope[] = [...new Set(OBJECTS.flat())].flatMap((scope) => {
  const parsed = parsePrefix(scope);
  return parsed.ok ? [parsed.value] : [];
});

/** One object in the caches of the world: what is under each number, and when it was fetched. */
class Cached {
  readonly #fetched = new Map<number, number>();

  /** What is served at this place, as the time when it was fetched; what is not there is fetched. */
  serve(place: { number: number; before?: number; soft: boolean }, now: number): number {
    for (const [number, at] of this.#fetched) if (at < now - 30 * DAY) this.#fetched.delete(number);
    const fresh = this.#fetched.get(place.number);
    const stale = place.soft && place.before !== undefined ? this.#fetched.get(place.before) : undefined;
    this.#fetched.set(place.number, fresh ?? now);
    return fresh ?? stale ?? now;
  }
}

it.each(Array.from({ length: 60 }, (_, seed) => ({ seed, most: [4, 8, 14, 1000][seed % 4] ?? 4 })))(
  "names what was purged by its number: $seed, at most $most entries",
  ({ seed, most }) => {
    const roll = dice(seed + 1);
    const bounds = { keptMs: BOUNDS.keptMs, most, enough: Math.floor(most * 0.7) };
    const ledgers = new Ledgers(bounds);
    /** Number of the newest purge of each object. */
    const newest = OBJECTS.map(() => Number.NEGATIVE_INFINITY);
    let known: Generations = new Map();
    let [since, now] = [0, START];
    for (let step = 0; step < 300; step += 1) {
      // Mostly seconds, at times weeks, and clocks do not always go forwards.
      now += roll(12) === 0 ? roll(20) * DAY : roll(5000) - (roll(20) === 0 ? 8000 : 0);
      const isAll = roll(60) === 0;
      const prefixes = isAll
        ? []
        : Array.from({ length: 1 + roll(3) }, () => SCOPES[roll(SCOPES.length)]).filter(
            (s) => s !== undefined,
          );
      const soft = roll(2) === 0;
      const scopes = new Set(ledgers.purge(prefixes, soft, now));
      expect(ledgers.entries.size).toBeLessThanOrEqual(most);
      OBJECTS.forEach((names, index) => {
        if (names.some((name) => scopes.has(name))) newest[index] = ledgers.ledger.newest;
      });
      if (roll(3) > 0) {
        const changes = ledgers.changes(since);
        known = applyChanges(known, changes);
        since = changes.newest;
        const whole = applyChanges(new Map(), ledgers.changes(0));
        OBJECTS.forEach((names, index) => {
          const place = placeOf(known, names);
          expect(placeOf(whole, names)).toEqual(place);
          const purged = newest[index] ?? 0;
          if (purged >= now - 31 * DAY) expect(place.number).toBeGreaterThanOrEqual(purged);
        });
      }
    }
    if (most <= 14) expect(ledgers.tidied).toBeGreaterThan(3);
  },
);

it.each(Array.from({ length: 40 }, (_, seed) => seed))(
  "gives no hard purged copy, and no purged one as fresh: %i",
  (seed) => {
    const roll = dice(seed + 1000);
    const ledgers = new Ledgers({ keptMs: BOUNDS.keptMs, most: 6, enough: 4 });
    const caches = OBJECTS.map(() => new Cached());
    const last = OBJECTS.map(() => ({ hard: Number.NEGATIVE_INFINITY, any: Number.NEGATIVE_INFINITY }));
    let now = START;
    let staleServed = 0;
    for (let step = 0; step < 300; step += 1) {
      now += 1 + (roll(10) === 0 ? roll(15) * DAY : roll(5000));
      const soft = roll(2) === 0;
      const prefix = SCOPES[roll(SCOPES.length)];
      const scopes = new Set(ledgers.purge(prefix ? [prefix] : [], soft, now));
      now += 1;
      const known = applyChanges(new Map(), ledgers.changes(0));
      OBJECTS.forEach((names, index) => {
        const [cached, purged] = [caches[index], last[index]];
        if (!cached || !purged) return;
        if (names.some((name) => scopes.has(name))) {
          purged.any = now - 1;
          if (!soft) purged.hard = now - 1;
        }
        // Not every object is asked for between two purges.
        if (roll(2) === 0) return;
        const place = placeOf(known, names);
        const fetched = cached.serve(place, now);
        expect(fetched).toBeGreaterThan(purged.hard);
        if (fetched <= purged.any) staleServed += 1;
        expect(cached.serve({ number: place.number, soft: false }, now)).toBeGreaterThan(purged.any);
      });
    }
    expect(staleServed).toBeGreaterThan(0);
  },
);

describe("the ledger", () => {
  const entry = (scope: string, number: number): Entry => ({ scope, number, soft: false, before: 0 });

  it("counts on by the clock, and past it", () => {
    expect([nextNumber(0, START), nextNumber(START, START), nextNumber(START + 9, START)]).toEqual([
      START,
      START + 1,
      START + 10,
    ]);
  });

  it("answers everything to who knows nothing, knows more than there is, or missed a folding", () => {
    const ledger = { newest: 20, wholeBelow: 10 };
    expect([0, 1, 9, 10, 19, 20, 21].filter((since) => needsWhole(since, ledger))).toEqual([0, 1, 9, 21]);
  });

  it("purges a stream's playlists with the media that they name", () => {
    const parsed = ["/live/a/", `/media/a-${secret(1)}/1/v720/seg-1.m4s`, "/live/b/v720/"].map(parsePrefix);
    expect(scopesToBump(parsed.flatMap((one) => (one.ok ? [one.value] : [])))).toEqual([
      "/live/a/",
      `/media/a-${secret(1)}/1/v720/seg-1.m4s`,
      "/live/a/index.m3u8",
      "/live/b/v720/",
    ]);
  });

  it("folds five thousand entries of few streams into their streams, and leaves the newest alone", () => {
    const entries = Array.from({ length: 5001 }, (_, i) =>
      entry(`/media/s${i % 7}-${secret(i)}/`, START + i),
    );
    expect(isUntidy({ count: 5000, oldest: START }, START)).toBe(false);
    expect(isUntidy({ count: 5001, oldest: START }, START)).toBe(true);
    const left = tidy(entries, START);
    expect(left).toHaveLength(4000 + 7);
    expect(left.slice(-4000)).toEqual(entries.slice(-4000));
    expect(left[0]).toEqual({ scope: "/live/s0/", number: START + 994, soft: false, before: START + 987 });
  });

  it("folds five thousand streams into everything, under the newest number among those folded", () => {
    const entries = Array.from({ length: 5001 }, (_, i) => entry(`/live/s${i}/`, START + i));
    const left = tidy(entries, START);
    expect(left).toHaveLength(4001);
    expect(left[0]).toEqual({ scope: "/", number: START + 1000, soft: false, before: START + 999 });
    expect(left.slice(1)).toEqual(entries.slice(1001));
  });

  it("drops what is older than 31 days, once a day", () => {
    const entries = [entry("/live/a/", START), entry("/live/b/", START + 2 * DAY)];
    expect(isUntidy({ count: 2, oldest: START }, START + 31.9 * DAY)).toBe(false);
    expect(isUntidy({ count: 2, oldest: START }, START + 32.1 * DAY)).toBe(true);
    expect(tidy(entries, START + 32.1 * DAY)).toEqual(entries.slice(1));
    expect(isUntidy({ count: 0, oldest: 0 }, START)).toBe(false);
    // The number of everything is part of every key: without it, all would be fetched again.
    expect(isUntidy({ count: 1, oldest: Number.POSITIVE_INFINITY }, START + 99 * DAY)).toBe(false);
    expect(tidy([entry("/", START), ...entries], START + 99 * DAY)).toEqual([entry("/", START)]);
  });
});

describe("a removal", () => {
  const B = `radio-${secret(1)}`;

  it.each([
    ["/live/radio/", { walk: "broadcasts", stream: "radio" }],
    ["/live/radio/v720/", { walk: "broadcasts", stream: "radio", rendition: "v720" }],
    ["/live/radio/index.m3u8", undefined],
    ["/live/radio/v720/index.m3u8", undefined],
    ["/live/radio/v720/iframes.m3u8", undefined],
    [`/media/${B}/`, { walk: "objects", broadcast: B, prefix: `media/${B}/`, whole: true }],
    [`/media/${B}/1/`, { walk: "objects", broadcast: B, prefix: `media/${B}/1/`, whole: false }],
    [
      `/media/${B}/1/v720/seg-1.m4s`,
      { walk: "objects", broadcast: B, prefix: `media/${B}/1/v720/seg-1.m4s`, whole: false },
    ],
  ])("of %s", (scope, task) => {
    expect(taskOf(scope)).toEqual(task);
    expect(removalOf([scope]).tasks).toEqual(task ? [task] : []);
  });

  it("knows a stream's broadcasts from those of others that begin alike", () => {
    const folders = [
      `media/radio-${secret(1)}/`,
      `media/radio-01-${secret(2)}/`,
      "media/radio-x/",
      "media/radio-/",
    ];
    expect(broadcastsAmong("radio", folders)).toEqual([`radio-${secret(1)}`]);
    expect(broadcastsAmong("radio-01", folders)).toEqual([`radio-01-${secret(2)}`]);
  });

  const BEGUN = removalOf([`/media/${B}/`]);
  const TASK: Extract<Task, { readonly walk: "objects" }> = {
    walk: "objects",
    broadcast: B,
    prefix: `media/${B}/`,
    whole: true,
  };
  const LOOKING = emptied(BEGUN, { ...TASK, lately: true }, 3, START);

  it("goes on at once, waits longer with each failure but not for ever, and looks once more when it is time", () => {
    expect(dueAt(BEGUN, START)).toBe(START);
    expect(dueAt(done(BEGUN), START)).toBeUndefined();
    const dueAfter = (failures: number) => dueAt({ ...BEGUN, failures }, START);
    expect([1, 2, 3, 7, 50].map(dueAfter)).toEqual(
      [5_000, 10_000, 20_000, 300_000, 300_000].map((ms) => START + ms),
    );
    expect(dueAt(LOOKING, START)).toBe(START + 150_000);
    expect(dueAt(LOOKING, START + DAY)).toBe(START + DAY);
    expect(dueAt(failed(LOOKING), START + DAY)).toBe(START + DAY + 5_000);
  });

  it.each([
    ["that goes on", BEGUN, done(BEGUN, [TASK], 1000), false],
    ["that removed the last", BEGUN, done(BEGUN, [], 3), true],
    ["that found nothing in the end", BEGUN, done(BEGUN), true],
    ["that is to look once more", BEGUN, LOOKING, true],
    ["that looked, and found nothing", LOOKING, done(LOOKING), false],
    ["that looked, and removed what came late", LOOKING, done(LOOKING, [], 1), true],
  ])("%s is or is no news to caches", (_what, before, after, is) => {
    expect(isNews(before, after)).toBe(is);
  });
});
