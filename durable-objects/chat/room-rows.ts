/**
 * What a room keeps in its SQLite: every publication by its number, who may not write, what moderators did. A row is written before
 * anybody is told of it. What may be written is decided in core/chat/.
 */
import type { ChatMessage } from "../../wire/chat.ts";
import { MessageSchema } from "../../wire/chat.ts";
import { parseJson } from "../../wire/parse.ts";
import { PACE_MS, type Past, REPEAT_MS, type Speaker } from "../core/chat/judge.ts";

/** Harmless where they are there already. A publication's `id` is a message's; its `text` is gone when the message is. */
const TABLES = `
  CREATE TABLE IF NOT EXISTS publication (
    seq INTEGER PRIMARY KEY, at INTEGER NOT NULL, data TEXT NOT NULL,
    id TEXT, user TEXT, address TEXT, nonce TEXT, text TEXT, reply_to TEXT
  );
  CREATE UNIQUE INDEX IF NOT EXISTS publication_id ON publication (id) WHERE id IS NOT NULL;
  CREATE UNIQUE INDEX IF NOT EXISTS publication_nonce ON publication (user, nonce) WHERE nonce IS NOT NULL;
  CREATE INDEX IF NOT EXISTS publication_user ON publication (user, at) WHERE user IS NOT NULL;
  CREATE INDEX IF NOT EXISTS publication_reply ON publication (reply_to) WHERE reply_to IS NOT NULL;
  CREATE INDEX IF NOT EXISTS publication_event ON publication (seq) WHERE id IS NULL;
  CREATE INDEX IF NOT EXISTS publication_at ON publication (at);
  CREATE TABLE IF NOT EXISTS sanction (
    user TEXT PRIMARY KEY, until INTEGER, address TEXT, at INTEGER NOT NULL, by TEXT NOT NULL, reason TEXT
  ) WITHOUT ROWID;
  CREATE INDEX IF NOT EXISTS sanction_address ON sanction (address) WHERE address IS NOT NULL;
  CREATE TABLE IF NOT EXISTS person (user TEXT PRIMARY KEY, name TEXT NOT NULL) WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS deed (
    number INTEGER PRIMARY KEY AUTOINCREMENT, at INTEGER NOT NULL, by TEXT NOT NULL, action TEXT NOT NULL,
    target TEXT, detail TEXT
  );
`;

/** A publication that is to be stored. */
export interface NewRow {
  readonly seq: number;
  /** Milliseconds since 1970. */
  readonly at: number;
  readonly data: string;
  /** Of a message. */
  readonly message?: {
    readonly id: string;
    readonly speaker: Speaker;
    readonly nonce: string;
    readonly text: string;
    readonly replyTo?: string;
  };
}

/** A publication as it was stored. */
export interface Stored {
  readonly offset: number;
  readonly data: string;
}

export interface Deed {
  readonly by: string;
  readonly action: string;
  readonly target?: string;
  readonly detail?: string;
}

export class RoomRows {
  readonly #sql: SqlStorage;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
    sql.exec(TABLES);
  }

  /** Number of the newest publication; 0: there is none. */
  newest(): number {
    return this.#sql.exec<{ seq: number | null }>("SELECT max(seq) AS seq FROM publication").one().seq ?? 0;
  }

  add({ seq, at, data, message }: NewRow): void {
    this.#sql.exec(
      `INSERT INTO publication (seq, at, data, id, user, address, nonce, text, reply_to) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
      ...[
        seq,
        at,
        data,
        message?.id ?? null,
        message?.speaker.user ?? null,
        message?.speaker.address ?? null,
      ],
      ...[message?.nonce ?? null, message?.text ?? null, message?.replyTo ?? null],
    );
  }

  /** Newest `limit` after a number, oldest first. */
  after(seq: number, limit: number): readonly Stored[] {
    return this.#sql
      .exec<{ offset: number; data: string }>(
        `SELECT seq AS offset, data FROM publication WHERE seq > ? ORDER BY seq DESC LIMIT ?`,
        seq,
        limit,
      )
      .toArray()
      .reverse();
  }

  /** What a sender has said under a nonce; `text` is `null` when that is gone. */
  said(
    user: string,
    nonce: string,
  ): { readonly seq: number; readonly id: string; readonly text: string | null } | undefined {
    return this.#sql
      .exec<{ seq: number; id: string; text: string | null }>(
        "SELECT seq, id, text FROM publication WHERE user = ? AND nonce = ?",
        user,
        nonce,
      )
      .toArray()[0];
  }

  /** A message that is still there. */
  message(id: string): ChatMessage | undefined {
    const [row] = this.#sql
      .exec<{ data: string }>("SELECT data FROM publication WHERE id = ? AND text IS NOT NULL", id)
      .toArray();
    const read = row && parseJson(MessageSchema, row.data);
    return read?.ok ? read.value : undefined;
  }

  /** What is known of somebody who wants to say this. */
  past({ user, address, role }: Speaker, text: string, now: number): Past {
    const { spokeAt, lately, repeated } = this.#sql
      .exec<{ spokeAt: number | null; lately: number; repeated: number }>(
        `SELECT max(at) AS spokeAt, coalesce(sum(at > ?), 0) AS lately, coalesce(sum(at > ? AND text = ?), 0) AS repeated
         FROM (SELECT at, text FROM publication WHERE user = ? ORDER BY at DESC LIMIT 50)`,
        now - PACE_MS,
        now - REPEAT_MS,
        text,
        user,
      )
      .one();
    const silencedUntil = this.silencedUntil({ user, address, role }, now);
    return {
      lately,
      isRepeated: repeated > 0,
      ...(spokeAt !== null && { spokeAt }),
      ...(silencedUntil !== undefined && { silencedUntil }),
    };
  }

  /** Until when somebody may not write. Guests are known by their address too: another name costs them nothing. */
  silencedUntil(
    { user, address, role }: Pick<Speaker, "user" | "address" | "role">,
    now: number,
  ): number | "ever" | undefined {
    const rows = this.#sql
      .exec<{ until: number | null }>(
        "SELECT until FROM sanction WHERE (user = ? OR (? AND address = ?)) AND (until IS NULL OR until > ?)",
        user,
        role === "guest" ? 1 : 0,
        address,
        now,
      )
      .toArray();
    if (rows.length === 0) return undefined;
    return rows.some(({ until }) => until === null)
      ? "ever"
      : Math.max(...rows.map(({ until }) => until ?? 0));
  }

  /** Keep somebody from writing; `until` absent: for ever. */
  silence(
    user: string,
    until: number | undefined,
    { by, reason, at }: { by: string; reason?: string; at: number },
  ): void {
    const [last] = this.#sql
      .exec<{ address: string | null }>(
        // What they wrote may be forgotten; a sanction that this one takes the place of knows it still.
        `SELECT address FROM (
           SELECT address, at FROM publication WHERE user = ?1 UNION ALL SELECT address, at FROM sanction WHERE user = ?1)
         WHERE address IS NOT NULL ORDER BY at DESC LIMIT 1`,
        user,
      )
      .toArray();
    const address = user.startsWith("guest:") ? (last?.address ?? null) : null;
    this.#sql.exec(
      "INSERT OR REPLACE INTO sanction (user, until, address, at, by, reason) VALUES (?, ?, ?, ?, ?, ?)",
      ...[user, until ?? null, address, at, by, reason ?? null],
    );
  }

  /** Those among these users, and these addresses of guests, who may not write now. */
  silencedAmong(
    users: readonly string[],
    addresses: readonly string[],
    now: number,
  ): { readonly users: ReadonlySet<string>; readonly addresses: ReadonlySet<string> } {
    const among = (column: "user" | "address", values: readonly string[]): ReadonlySet<string> =>
      new Set(
        this.#sql
          .exec<{ value: string }>(
            `SELECT ${column} AS value FROM sanction
             WHERE ${column} IN (SELECT value FROM json_each(?)) AND (until IS NULL OR until > ?)`,
            JSON.stringify(values),
            now,
          )
          .toArray()
          .map(({ value }) => value),
      );
    return { users: among("user", users), addresses: among("address", addresses) };
  }

  /** Who may not write now, newest first. */
  sanctions(now: number, skip: number, limit: number) {
    return this.#sql
      .exec<{
        user: string;
        name: string | null;
        until: number | null;
        at: number;
        by: string;
        reason: string | null;
      }>(
        `SELECT user, name, until, at, by, reason FROM sanction LEFT JOIN person USING (user)
         WHERE until IS NULL OR until > ? ORDER BY at DESC, user LIMIT ? OFFSET ?`,
        now,
        limit,
        skip,
      )
      .toArray();
  }

  /** Keep how somebody is called: what they wrote is going to be erased. */
  remember(user: string): void {
    this.#sql.exec(
      `INSERT OR REPLACE INTO person (user, name)
       SELECT user, json_extract(data, '$.name') FROM publication
       WHERE user = ? AND json_extract(data, '$.name') IS NOT NULL ORDER BY at DESC LIMIT 1`,
      user,
    );
  }

  /** Let somebody write again; false: nothing kept them from it. */
  unsilence(user: string): boolean {
    return this.#sql.exec("DELETE FROM sanction WHERE user = ?", user).rowsWritten > 0;
  }

  /** Make messages nothing but where they came from: one, or all of somebody. Answers how many there were. What quoted or pinned them says nothing of them any more. */
  erase(which: { readonly id: string } | { readonly user: string }): number {
    const [where, value] = "id" in which ? ["id = ?", which.id] : ["user = ?", which.user];
    const rows = this.#sql
      .exec<{ seq: number; id: string }>(
        `SELECT seq, id FROM publication WHERE text IS NOT NULL AND ${where}`,
        value,
      )
      .toArray();
    for (const { seq, id } of rows) {
      this.#sql.exec(
        // From where it came may still be wanted: who is banned after that is banned there.
        "UPDATE publication SET data = ?, text = NULL WHERE seq = ?",
        JSON.stringify({ type: "gone", seq }),
        seq,
      );
      this.#sql.exec(
        "UPDATE publication SET data = json_set(data, '$.replyTo.text', '') WHERE reply_to = ? AND text IS NOT NULL",
        id,
      );
      this.#sql.exec(
        `UPDATE publication SET data = json_object('type', 'gone', 'seq', seq)
         WHERE id IS NULL AND json_extract(data, '$.message.id') = ?`,
        id,
      );
    }
    // What is quoted may have been forgotten before.
    if ("user" in which)
      this.#sql.exec(
        `UPDATE publication SET data = json_set(data, '$.replyTo.text', '')
         WHERE reply_to IS NOT NULL AND text IS NOT NULL AND json_extract(data, '$.replyTo.user') = ?`,
        which.user,
      );
    return rows.length;
  }

  /** Forget everything before a number. */
  clear(seq: number): void {
    this.#sql.exec("DELETE FROM publication WHERE seq < ?", seq);
  }

  note({ by, action, target, detail }: Deed, at: number): void {
    this.#sql.exec(
      "INSERT INTO deed (at, by, action, target, detail) VALUES (?, ?, ?, ?, ?)",
      ...[at, by, action, target ?? null, detail ?? null],
    );
  }

  /** What moderators did, newest first. */
  deeds(before: number | undefined, limit: number) {
    return this.#sql
      .exec<{
        number: number;
        at: number;
        by: string;
        action: string;
        target: string | null;
        name: string | null;
        detail: string | null;
      }>(
        `SELECT number, at, by, action, target, name, detail FROM deed LEFT JOIN person ON person.user = deed.target
         WHERE number < ? ORDER BY number DESC LIMIT ?`,
        before ?? Number.MAX_SAFE_INTEGER,
        limit,
      )
      .toArray();
  }

  /** Forget what is older than this, at most so many. Of the newest its number stays, which is where the room is. */
  prune(before: number, limit: number): number {
    const pruned = this.#sql.exec(
      `DELETE FROM publication WHERE seq IN (
         SELECT seq FROM publication WHERE at < ? AND seq < (SELECT max(seq) FROM publication) ORDER BY seq LIMIT ?)`,
      before,
      limit,
    ).rowsWritten;
    this.#sql.exec(
      `UPDATE publication SET data = json_object('type', 'gone', 'seq', seq),
         id = NULL, user = NULL, address = NULL, nonce = NULL, text = NULL, reply_to = NULL
       WHERE at < ? AND seq = (SELECT max(seq) FROM publication)`,
      before,
    );
    return pruned;
  }

  /** There is nothing that could be forgotten. */
  get isForgotten(): boolean {
    return (
      this.#sql
        .exec(
          "SELECT 1 FROM publication WHERE id IS NOT NULL OR json_extract(data, '$.type') <> 'gone' LIMIT 1",
        )
        .toArray().length === 0
    );
  }
}
