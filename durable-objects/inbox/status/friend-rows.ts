/** Friendships in the SQLite of an inbox: whom its user follows, who follows them, and what others have still to be told. Decides nothing. */
import type { FriendState } from "../../../wire/inbox.ts";
import type { LazyTables } from "../lazy-tables.ts";

/**
 * `following`: whom the user follows or asked to. `follower`: who asked (`asked`), who may see (`allowed`), who did not want any more or
 * was refused (`over`). `friend_owed`: who has to hear whether they are followed (`following`) or allowed (`allowing`).
 */
export const FRIEND_TABLES = `
  CREATE TABLE IF NOT EXISTS following (
    user TEXT PRIMARY KEY, state TEXT NOT NULL, name TEXT
  ) WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS follower (
    user TEXT PRIMARY KEY, state TEXT NOT NULL, name TEXT, at INTEGER NOT NULL, watches_until INTEGER
  ) WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS friend_owed (
    user TEXT, what TEXT, version INTEGER NOT NULL DEFAULT 0, due_at INTEGER NOT NULL,
    failures INTEGER NOT NULL DEFAULT 0, PRIMARY KEY (user, what)
  ) WITHOUT ROWID;
  CREATE INDEX IF NOT EXISTS friend_owed_due ON friend_owed (due_at);
`;

export type FollowerState = "asked" | "allowed" | "over";
export type Owed = "following" | "allowing";

export interface Following {
  readonly user: string;
  readonly state: Exclude<FriendState, "none">;
  /** Of the user themselves, as they asked under it. */
  readonly name: string | null;
}
export interface Follower {
  readonly user: string;
  readonly state: FollowerState;
  readonly name: string | null;
  /** When they asked, milliseconds since 1970. */
  readonly at: number;
}
export interface OwedRow {
  readonly user: string;
  readonly what: Owed;
  readonly version: number;
  readonly failures: number;
}
type Row<T> = T & Record<string, SqlStorageValue>;

export class FriendRows {
  readonly #tables: LazyTables;

  constructor(tables: LazyTables) {
    this.#tables = tables;
  }

  transaction<T>(work: () => T): T {
    return this.#tables.transaction(work);
  }

  following(user: string): Following | undefined {
    return this.#tables.read<Row<Following>>("SELECT * FROM following WHERE user = ?", user)[0];
  }

  allFollowing(): readonly Following[] {
    return this.#tables.read<Row<Following>>("SELECT * FROM following ORDER BY user");
  }

  follow(user: string, state: Following["state"], name: string | null): void {
    this.#tables.insert("INSERT OR REPLACE INTO following VALUES (?, ?, ?)", user, state, name);
  }

  unfollow(user: string): boolean {
    return this.#tables.change("DELETE FROM following WHERE user = ?", user);
  }

  follower(user: string): Follower | undefined {
    return this.#tables.read<Row<Follower>>(
      "SELECT user, state, name, at FROM follower WHERE user = ?",
      user,
    )[0];
  }

  /** Those who asked or may see. */
  followers(): readonly Follower[] {
    return this.#tables.read<Row<Follower>>(
      "SELECT user, state, name, at FROM follower WHERE state <> 'over' ORDER BY user",
    );
  }

  /** Those who were refused, or went, before that are forgotten. */
  putFollower({ user, state, name, at }: Follower, before: number): void {
    this.#tables.change("DELETE FROM follower WHERE state = 'over' AND at < ?", before);
    this.#tables.insert(
      `INSERT INTO follower (user, state, name, at) VALUES (?1, ?2, ?3, ?4)
       ON CONFLICT DO UPDATE SET state = ?2, name = ?3, at = ?4, watches_until = NULL`,
      ...[user, state, name, at],
    );
  }

  /** Those who may see, and watch at that moment. */
  watchers(now: number): readonly string[] {
    const rows = this.#tables.read<{ user: string }>(
      "SELECT user FROM follower WHERE state = 'allowed' AND watches_until > ?",
      now,
    );
    return rows.map(({ user }) => user);
  }

  /** `null`: no more. */
  watch(user: string, until: number | null): void {
    this.#tables.change("UPDATE follower SET watches_until = ? WHERE user = ?", until, user);
  }

  owe(user: string, what: Owed, dueAt: number): void {
    this.#tables.insert(
      `INSERT INTO friend_owed (user, what, due_at) VALUES (?1, ?2, ?3)
       ON CONFLICT DO UPDATE SET version = version + 1, due_at = ?3, failures = 0`,
      ...[user, what, dueAt],
    );
  }

  owed(user: string, what: Owed): OwedRow | undefined {
    return this.#tables.read<Row<OwedRow>>(
      "SELECT user, what, version, failures FROM friend_owed WHERE user = ? AND what = ?",
      ...[user, what],
    )[0];
  }

  /** What is owed that is due. */
  due(now: number): readonly OwedRow[] {
    return this.#tables.read<Row<OwedRow>>(
      "SELECT user, what, version, failures FROM friend_owed WHERE due_at <= ? ORDER BY due_at LIMIT 100",
      now,
    );
  }

  dueAt(): number | undefined {
    const [row] = this.#tables.read<{ due: number | null }>("SELECT min(due_at) AS due FROM friend_owed");
    return row?.due ?? undefined;
  }

  /** It was told; what was changed meanwhile has to be told again. */
  settle({ user, what, version }: OwedRow): void {
    this.#tables.change(
      "DELETE FROM friend_owed WHERE user = ? AND what = ? AND version = ?",
      ...[user, what, version],
    );
  }

  postpone({ user, what, version }: OwedRow, dueAt: number): void {
    this.#tables.change(
      "UPDATE friend_owed SET due_at = ?, failures = failures + 1 WHERE user = ? AND what = ? AND version = ?",
      ...[dueAt, user, what, version],
    );
  }
}
