/** What a presence channel keeps in its SQLite: who is where, whom the events have named, the newest events. Decides nothing. */
import type { Attendee } from "../core/presence/attendance.ts";
import type { KeptRoster, RosterRows } from "../core/presence/roster.ts";
import type { ToldRows } from "../core/presence/telling.ts";

/** Harmless where they are there already. */
const TABLES = `
  CREATE TABLE IF NOT EXISTS entry (shard TEXT, user TEXT, info TEXT NOT NULL, PRIMARY KEY (shard, user)) WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS spared (user TEXT PRIMARY KEY, info TEXT NOT NULL, until INTEGER NOT NULL) WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS told (user TEXT PRIMARY KEY, info TEXT NOT NULL) WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS event (seq INTEGER PRIMARY KEY, at INTEGER NOT NULL, data TEXT NOT NULL);
`;
const COUNTING = "counting";
/** Number of the newest event, when that is forgotten. */
const NEWEST = "newest";

/** An event as it was stored. */
export interface StoredEvent {
  readonly offset: number;
  readonly data: string;
}

export class PresenceRows implements RosterRows, ToldRows {
  readonly #sql: SqlStorage;
  readonly #kv: SyncKvStorage;

  constructor(sql: SqlStorage, kv: SyncKvStorage) {
    this.#sql = sql;
    this.#kv = kv;
    sql.exec(TABLES);
  }

  roster(): KeptRoster {
    const entries = this.#sql.exec<{ shard: string; user: string; info: string }>("SELECT * FROM entry");
    const spared = this.#sql.exec<{ user: string; info: string; until: number }>(
      "SELECT * FROM spared ORDER BY until",
    );
    return { entries: entries.toArray(), spared: spared.toArray() };
  }

  enter(shard: string, { user, info }: Attendee): void {
    this.#sql.exec("INSERT OR REPLACE INTO entry VALUES (?, ?, ?)", shard, user, info);
  }

  leave(shard: string, user: string): void {
    this.#sql.exec("DELETE FROM entry WHERE shard = ? AND user = ?", shard, user);
  }

  spare({ user, info }: Attendee, until: number): void {
    this.#sql.exec("INSERT OR REPLACE INTO spared VALUES (?, ?, ?)", user, info, until);
  }

  unspare(user: string): void {
    this.#sql.exec("DELETE FROM spared WHERE user = ?", user);
  }

  told(): readonly Attendee[] {
    return this.#sql.exec<{ user: string; info: string }>("SELECT * FROM told").toArray();
  }

  tell({ user, info }: Attendee): void {
    this.#sql.exec("INSERT OR REPLACE INTO told VALUES (?, ?)", user, info);
  }

  untell(user: string): void {
    this.#sql.exec("DELETE FROM told WHERE user = ?", user);
  }

  get isCounting(): boolean {
    return this.#kv.get<boolean>(COUNTING) ?? false;
  }

  count(isCounting: boolean): void {
    this.#kv.put(COUNTING, isCounting);
  }

  /** Number of the newest event; 0: there was none. */
  newest(): number {
    const { seq } = this.#sql.exec<{ seq: number | null }>("SELECT max(seq) AS seq FROM event").one();
    return seq ?? this.#kv.get<number>(NEWEST) ?? 0;
  }

  add(seq: number, at: number, data: string): void {
    this.#sql.exec("INSERT INTO event VALUES (?, ?, ?)", seq, at, data);
  }

  /** Events after a number, oldest first. */
  after(seq: number): readonly StoredEvent[] {
    return this.#sql
      .exec<{ offset: number; data: string }>(
        "SELECT seq AS offset, data FROM event WHERE seq > ? ORDER BY seq",
        seq,
      )
      .toArray();
  }

  /** Forget events up to a number, and those before a moment; the number of the newest stays. */
  prune(seq: number, before: number): void {
    const newest = this.newest();
    this.#sql.exec("DELETE FROM event WHERE seq <= ? OR at < ?", seq, before);
    if (!this.hasEvents && newest > 0) this.#kv.put(NEWEST, newest);
  }

  get hasEvents(): boolean {
    return this.#sql.exec<{ n: number }>("SELECT count(*) AS n FROM event").one().n > 0;
  }
}
