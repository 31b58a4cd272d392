/** What the Purges object keeps in its SQLite (docs/storage.md): the generations, and a row for each purge. Decides nothing. */
import type { Generation } from "../../wire/generations.ts";
import { EVERYTHING } from "../../wire/purge-prefix.ts";
import type { Entry, Ledger, Summary } from "../core/purging/purges.ts";
import type { Removal } from "../core/purging/removal.ts";
import { type Pace, RESTED, type Waiting, type ZoneWork } from "../core/purging/zone-purge.ts";
import type { ZoneStore } from "./zone-purge.ts";

const TABLES = `
  CREATE TABLE IF NOT EXISTS generation (
    scope TEXT PRIMARY KEY, number INTEGER NOT NULL, soft INTEGER NOT NULL, before INTEGER NOT NULL
  ) WITHOUT ROWID;
  CREATE INDEX IF NOT EXISTS generation_by_number ON generation (number);
  CREATE TABLE IF NOT EXISTS purge (
    number INTEGER PRIMARY KEY, generation INTEGER NOT NULL, at INTEGER NOT NULL, prefixes TEXT NOT NULL,
    soft INTEGER NOT NULL, removal TEXT, removal_due INTEGER, zone TEXT, zone_waits INTEGER
  );
  CREATE INDEX IF NOT EXISTS purge_to_remove ON purge (removal_due) WHERE removal_due IS NOT NULL;
  CREATE INDEX IF NOT EXISTS purge_to_tell ON purge (number) WHERE zone_waits = 1;
`;
const LEDGER = "ledger";
const ZONE_PACE = "zone_pace";
/** Purges that are done with, and still known. */
const KEPT_PURGES = 1000;
/** Purges that one call of the zone can be about. */
const ZONE_PURGES = 50;

/** A purge, as its row has it. */
export interface PurgeRow {
  /** Its name; also the first number that it gave. */
  readonly number: number;
  /** The newest number that it gave. */
  readonly generation: number;
  /** Milliseconds since 1970. */
  readonly at: number;
  /** In their one spelling. */
  readonly prefixes: readonly string[];
  readonly soft: boolean;
  readonly removal?: Removal;
  readonly zone?: ZoneWork;
}

type Columns = {
  number: number;
  generation: number;
  at: number;
  prefixes: string;
  soft: number;
  removal: string | null;
  zone: string | null;
};

export class PurgeRows implements ZoneStore {
  readonly #storage: DurableObjectStorage;

  constructor(storage: DurableObjectStorage) {
    this.#storage = storage;
    storage.sql.exec(TABLES);
  }

  get ledger(): Ledger {
    return this.#storage.kv.get<Ledger>(LEDGER) ?? { newest: 0, wholeBelow: 0 };
  }

  set ledger(value: Ledger) {
    this.#storage.kv.put(LEDGER, value);
  }

  /** How calls of the zone went. */
  get pace(): Pace {
    return this.#storage.kv.get<Pace>(ZONE_PACE) ?? RESTED;
  }

  set pace(value: Pace) {
    this.#storage.kv.put(ZONE_PACE, value);
  }

  generation(scope: string): Generation | undefined {
    return this.#entries("WHERE scope = ?", scope)[0];
  }

  /** Entries with a number above `since`; 0 is all. */
  entriesAfter(since: number): readonly Entry[] {
    return this.#entries("WHERE number > ? ORDER BY number", since);
  }

  saveEntry({ scope, number, soft, before }: Entry): void {
    this.#storage.sql.exec(
      "INSERT OR REPLACE INTO generation (scope, number, soft, before) VALUES (?, ?, ?, ?)",
      scope,
      number,
      soft ? 1 : 0,
      before,
    );
  }

  /** Have these entries and no others. */
  replaceEntries(entries: readonly Entry[]): void {
    this.#storage.sql.exec("DELETE FROM generation");
    for (const entry of entries) this.saveEntry(entry);
  }

  summary(): Summary {
    const { count, oldest } = this.#storage.sql
      .exec<{ count: number; oldest: number | null }>(
        "SELECT count(*) AS count, min(CASE WHEN scope <> ? THEN number END) AS oldest FROM generation",
        EVERYTHING,
      )
      .one();
    return { count, oldest: oldest ?? Number.POSITIVE_INFINITY };
  }

  /** Write down a purge; the oldest that are done with give way. */
  insert({ number, generation, at, prefixes, soft, removal, zone }: PurgeRow): void {
    const { sql } = this.#storage;
    sql.exec(
      `INSERT INTO purge (number, generation, at, prefixes, soft, removal, removal_due, zone, zone_waits)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
      number,
      generation,
      at,
      JSON.stringify(prefixes),
      soft ? 1 : 0,
      removal ? JSON.stringify(removal) : null,
      removal ? at : null,
      zone ? JSON.stringify(zone) : null,
      zone ? 1 : 0,
    );
    sql.exec(
      `DELETE FROM purge WHERE removal_due IS NULL AND zone_waits = 0
         AND number <= (SELECT number FROM purge ORDER BY number DESC LIMIT 1 OFFSET ?)`,
      KEPT_PURGES,
    );
  }

  find(number: number): PurgeRow | undefined {
    return this.#rows("WHERE number = ?", number)[0];
  }

  newest(limit: number): readonly PurgeRow[] {
    return this.#rows("ORDER BY number DESC LIMIT ?", limit);
  }

  /** The purge whose removal has waited longest. */
  dueRemoval(now: number): PurgeRow | undefined {
    return this.#rows("WHERE removal_due <= ? ORDER BY removal_due, number LIMIT 1", now)[0];
  }

  /** Purges that the zone is yet to be told of, oldest first; at most as many as a call may be about. */
  waitingForZone(): readonly Waiting[] {
    return this.#rows("WHERE zone_waits = 1 ORDER BY number LIMIT ?", ZONE_PURGES).flatMap(
      ({ number, soft, zone }) => (zone ? [{ number, soft, zone }] : []),
    );
  }

  /** When a removal is due next; milliseconds since 1970. */
  nextRemovalAt(): number | undefined {
    const { due } = this.#storage.sql
      .exec<{ due: number | null }>("SELECT min(removal_due) AS due FROM purge WHERE removal_due IS NOT NULL")
      .one();
    return due ?? undefined;
  }

  /** `due`: when to go on; `undefined` when there is nothing more to do. */
  saveRemoval(number: number, removal: Removal, due: number | undefined): void {
    this.#storage.sql.exec(
      "UPDATE purge SET removal = ?, removal_due = ? WHERE number = ?",
      JSON.stringify(removal),
      due ?? null,
      number,
    );
  }

  saveZone(number: number, zone: ZoneWork): void {
    this.#storage.sql.exec(
      "UPDATE purge SET zone = ?, zone_waits = ? WHERE number = ?",
      JSON.stringify(zone),
      zone.state === "waiting" ? 1 : 0,
      number,
    );
  }

  /** A purge has purged once more. */
  saveGeneration(number: number, generation: number): void {
    this.#storage.sql.exec("UPDATE purge SET generation = ? WHERE number = ?", generation, number);
  }

  #entries(clause: string, binding: string | number): readonly Entry[] {
    return this.#storage.sql
      .exec<{ scope: string; number: number; soft: number; before: number }>(
        `SELECT scope, number, soft, before FROM generation ${clause}`,
        binding,
      )
      .toArray()
      .map((row) => ({ ...row, soft: row.soft === 1 }));
  }

  #rows(clause: string, binding: number): readonly PurgeRow[] {
    return this.#storage.sql
      .exec<Columns>(
        `SELECT number, generation, at, prefixes, soft, removal, zone FROM purge ${clause}`,
        binding,
      )
      .toArray()
      .map(({ prefixes, soft, removal, zone, ...row }) => ({
        ...row,
        prefixes: JSON.parse(prefixes),
        soft: soft === 1,
        ...(removal !== null && { removal: JSON.parse(removal) }),
        ...(zone !== null && { zone: JSON.parse(zone) }),
      }));
  }
}
