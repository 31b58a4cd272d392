/**
 * One object, named "purges": the only writer of generations (wire/generations.ts). A purge is stored here and is done then;
 * removal from R2 and the zone's own cache follow by the alarm. Decisions are made in core/.
 */
import { DurableObject } from "cloudflare:workers";
import type { GenerationChanges } from "../../wire/generations.ts";
import type { PurgeRecord } from "../../wire/purge.ts";
import { EVERYTHING, type Scope } from "../../wire/purge-prefix.ts";
import type { ObjectsEnv } from "../../workers/env.ts";
import {
  ageingClock,
  bump,
  isLost,
  isUntidy,
  needsWhole,
  nextNumber,
  scopesToBump,
  storedScopes,
  tidy,
} from "../core/purging/purges.ts";
import { dueAt, failed, isNews, progressOf, type Removal, removalOf } from "../core/purging/removal.ts";
import { again, MAX_BROADCASTS, zoneProgress, zoneWork } from "../core/purging/zone-purge.ts";
import { type PurgeRow, PurgeRows } from "./purge-rows.ts";
import { advance } from "./removal.ts";
import { ZonePurge, zoneOf } from "./zone-purge.ts";

/** What to purge; an empty list is everything. */
export interface PurgeWish {
  readonly prefixes: readonly Scope[];
  readonly soft: boolean;
  /** Remove it from R2 as well. */
  readonly remove: boolean;
}

/** Purges of one answer. */
const LISTED = 50;
/** Tasks of one alarm: each is a few calls. */
const TASKS_PER_STEP = 10;
/** A removal waits for the zone's names as long as D1 cannot give them. */
const NAMING_RETRY_MS = 10_000;
/** After an alarm that failed. */
const ALARM_RETRY_MS = 60_000;

export class Purges extends DurableObject<ObjectsEnv> {
  readonly #rows: PurgeRows;
  readonly #zone: ZonePurge;

  constructor(ctx: DurableObjectState, env: ObjectsEnv) {
    super(ctx, env);
    this.#rows = new PurgeRows(ctx.storage);
    this.#zone = new ZonePurge(this.#rows, zoneOf(env), {
      broadcasts: (stream) => newestBroadcasts(this.env.DB, stream),
    });
    // An object that knows of no purge may have known of some, and lost them with its storage.
    if (this.#rows.ledger.newest === 0) this.#beginAnew(0);
    // An alarm that failed six times, or was lost, would let what is under way lie until the next purge.
    void ctx.blockConcurrencyWhile(async () => {
      if ((await ctx.storage.getAlarm()) === null) await this.#watch();
    });
  }

  /** What changed after a number that the asker has seen; 0 when it has seen nothing. */
  generations(since: number): GenerationChanges {
    if (isLost(since, this.#rows.ledger.newest)) this.#beginAnew(since);
    const ledger = this.#rows.ledger;
    const whole = needsWhole(since, ledger);
    const changes = this.#rows
      .entriesAfter(whole ? 0 : since)
      .map(({ scope, ...generation }) => [scope, generation] as const);
    return { newest: ledger.newest, whole, changes };
  }

  /** Purge. Repeating it is another purge, which does no harm. */
  async purge({ prefixes, soft, remove }: PurgeWish): Promise<PurgeRecord> {
    const at = Date.now();
    const scopes = prefixes.length === 0 ? [EVERYTHING] : prefixes.map(({ scope }) => scope);
    const number = this.ctx.storage.transactionSync(() => {
      const number = this.#bump(prefixes, soft, at);
      this.#rows.insert({
        number,
        generation: number,
        at,
        prefixes: scopes,
        soft,
        ...(remove && { removal: removalOf(scopes) }),
        ...(this.#zone.isSet && { zone: zoneWork(scopes, at) }),
      });
      return number;
    });
    await this.#watch();
    return recordOf(this.#found(number));
  }

  /** One purge. */
  find(id: string): PurgeRecord | undefined {
    const number = NAME.exec(id)?.[1];
    const row = number === undefined ? undefined : this.#rows.find(Number(number));
    return row && recordOf(row);
  }

  /** The newest purges, newest first. */
  list(): readonly PurgeRecord[] {
    return this.#rows.newest(LISTED).map(recordOf);
  }

  /** Go on with what takes time; may run twice. */
  override async alarm(): Promise<void> {
    try {
      await this.#zone.name();
      // Neither waits for the other: either may hang.
      await Promise.all([this.#remove(), this.#zone.step()]);
      await this.#watch();
    } catch (error) {
      // The platform gives an alarm up that failed six times.
      console.error("an alarm of the purges failed", error);
      await this.ctx.storage.setAlarm(Date.now() + ALARM_RETRY_MS);
    }
  }

  /** Everything gets a number above all that were seen: what purges that we do not know of took must not come back. */
  #beginAnew(seen: number): void {
    const rows = this.#rows;
    this.ctx.storage.transactionSync(() => {
      const number = nextNumber(Math.max(seen, rows.ledger.newest), Date.now());
      rows.saveEntry(bump(EVERYTHING, rows.generation(EVERYTHING), { number, soft: false }));
      rows.ledger = { newest: number, wholeBelow: number };
    });
  }

  /** Give the scopes a new number, inside a transaction. */
  #bump(prefixes: readonly Scope[], soft: boolean, now: number): number {
    const rows = this.#rows;
    const { newest, wholeBelow } = rows.ledger;
    const number = nextNumber(newest, now);
    for (const scope of prefixes.length === 0 ? [EVERYTHING] : scopesToBump(prefixes))
      rows.saveEntry(bump(scope, rows.generation(scope), { number, soft }));
    const clock = ageingClock(newest, now);
    const wasTidied = isUntidy(rows.summary(), clock);
    if (wasTidied) rows.replaceEntries(tidy(rows.entriesAfter(0), clock));
    rows.ledger = { newest: number, wholeBelow: wasTidied ? number : wholeBelow };
    return number;
  }

  async #remove(): Promise<void> {
    const ports = {
      bucket: () => this.env.MEDIA,
      db: () => this.env.DB,
      stream: (id: string) => this.env.LIVE_STREAM.getByName(id),
    };
    for (let tasks = 0; tasks < TASKS_PER_STEP; tasks += 1) {
      const row = this.#rows.dueRemoval(Date.now());
      if (!row?.removal) return;
      if (row.zone && row.zone.scopes.length > 0) {
        this.#rows.saveRemoval(row.number, row.removal, Date.now() + NAMING_RETRY_MS);
        continue;
      }
      try {
        this.#saveRemoval(row, row.removal, await advance(ports, row.removal, row.at));
      } catch (error) {
        console.error("a removal could not go on yet", row.number, error);
        const removal = failed(row.removal);
        this.#rows.saveRemoval(row.number, removal, dueAt(removal, Date.now()));
      }
    }
  }

  #saveRemoval({ number, prefixes }: PurgeRow, before: Removal, after: Removal): void {
    const now = Date.now();
    this.ctx.storage.transactionSync(() => {
      this.#rows.saveRemoval(number, after, dueAt(after, now));
      if (!isNews(before, after)) return;
      this.#rows.saveGeneration(number, this.#bump(storedScopes(prefixes), false, now));
      const { zone } = this.#found(number);
      if (zone && this.#zone.isSet) this.#rows.saveZone(number, again(zone, now));
    });
  }

  #found(number: number): PurgeRow {
    const row = this.#rows.find(number);
    if (!row) throw new Error(`purge ${number} is gone`);
    return row;
  }

  /** Set the alarm for what is due next. */
  async #watch(): Promise<void> {
    const dues = [this.#rows.nextRemovalAt(), this.#zone.dueAt()];
    const at = Math.min(...dues.filter((due) => due !== undefined));
    if (Number.isFinite(at)) await this.ctx.storage.setAlarm(Math.max(at, Date.now()));
  }
}

const NAME = /^purge-([1-9][0-9]{0,15})$/;

const recordOf = ({ number, at, prefixes, soft, generation, removal, zone }: PurgeRow): PurgeRecord => ({
  id: `purge-${number}`,
  at: new Date(at).toISOString(),
  prefixes: [...prefixes],
  soft,
  generation,
  ...(removal && { removal: progressOf(removal) }),
  ...(zone && { zone: zoneProgress(zone) }),
});

async function newestBroadcasts(db: D1Database, stream: string): Promise<readonly string[]> {
  const { results } = await db
    .prepare("SELECT id FROM broadcasts WHERE stream = ? ORDER BY started_at DESC, id LIMIT ?")
    .bind(stream, MAX_BROADCASTS)
    .all<{ id: string }>();
  return results.map(({ id }) => id);
}
