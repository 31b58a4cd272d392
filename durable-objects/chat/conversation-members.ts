/**
 * The members of a conversation, how far each has read, and how far each one's inbox has been told. At most a hundred: they are in memory
 * as well as in SQLite. Who may do what is decided in core/chat/membership.ts.
 */
import type { Member, MemberRole } from "../../wire/conversations.ts";

const TABLES = `
  CREATE TABLE IF NOT EXISTS member (
    user TEXT PRIMARY KEY, name TEXT, role TEXT NOT NULL, joined_at INTEGER NOT NULL,
    read INTEGER NOT NULL, told_read INTEGER NOT NULL
  ) WITHOUT ROWID;
`;

/** A member as they are kept. */
export interface MemberRow {
  readonly user: string;
  /** As their token said last; absent: they were never here. */
  readonly name?: string;
  readonly role: MemberRole;
  /** Milliseconds since 1970. */
  readonly joinedAt: number;
  /** They have read up to here. */
  readonly read: number;
  /** Their inbox knows that they have read up to here. */
  readonly toldRead: number;
}

export class ConversationMembers {
  readonly #sql: SqlStorage;
  readonly #rows = new Map<string, MemberRow>();

  constructor(sql: SqlStorage) {
    this.#sql = sql;
  }

  /** Make the table, where it is not there yet. */
  create(): void {
    this.#sql.exec(TABLES);
  }

  /** Read who there is. */
  load(): void {
    const rows = this.#sql.exec<{
      user: string;
      name: string | null;
      role: MemberRole;
      joined_at: number;
      read: number;
      told_read: number;
    }>("SELECT user, name, role, joined_at, read, told_read FROM member ORDER BY joined_at, user");
    this.#rows.clear();
    for (const { user, name, role, joined_at: joinedAt, read, told_read: toldRead } of rows)
      this.#rows.set(user, { user, ...(name !== null && { name }), role, joinedAt, read, toldRead });
  }

  /** There is nobody, as far as memory knows. */
  forget(): void {
    this.#rows.clear();
  }

  get size(): number {
    return this.#rows.size;
  }

  get(user: string): MemberRow | undefined {
    return this.#rows.get(user);
  }

  all(): readonly MemberRow[] {
    return [...this.#rows.values()];
  }

  get roles(): ReadonlyMap<string, MemberRole> {
    return new Map(this.all().map(({ user, role }) => [user, role]));
  }

  put(row: MemberRow): void {
    const { user, name, role, joinedAt, read, toldRead } = row;
    this.#sql.exec(
      "INSERT OR REPLACE INTO member (user, name, role, joined_at, read, told_read) VALUES (?, ?, ?, ?, ?, ?)",
      ...[user, name ?? null, role, joinedAt, read, toldRead],
    );
    this.#rows.set(user, row);
  }

  remove(user: string): void {
    this.#sql.exec("DELETE FROM member WHERE user = ?", user);
    this.#rows.delete(user);
  }

  /** Change what is known of somebody who is a member. */
  change(user: string, changes: Partial<MemberRow>): void {
    const row = this.#rows.get(user);
    if (row) this.put({ ...row, ...changes });
  }
}

/** A member as others see them. */
export const memberOf = ({ user, name, role, joinedAt, read }: MemberRow): Member => ({
  user,
  ...(name !== undefined && { name }),
  role,
  joinedAt: new Date(joinedAt).toISOString(),
  read,
});
