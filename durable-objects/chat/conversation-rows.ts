/**
 * What a conversation keeps of what was said in its SQLite: every publication by its number, for ever, the whole texts with an index of
 * their words, and reactions. Who may do what is decided in core/chat/; members are in conversation-members.ts.
 */
import {
  type ConversationEvent,
  ConversationEventSchema,
  type ConversationMessage,
  ConversationMessageSchema,
} from "../../wire/conversations.ts";
import { parseJson } from "../../wire/parse.ts";

/**
 * Harmless where they are there already. `data` is as it is told, `text` all of it, gone when the message is; `messages`: how many
 * there were up to here, those that are gone since among them; `folded`: in history it is part of the message that it is about.
 * Words that were deleted leave the index at once ("secure-delete").
 */
const TABLES = `
  CREATE TABLE IF NOT EXISTS publication (
    seq INTEGER PRIMARY KEY, at INTEGER NOT NULL, data TEXT NOT NULL, messages INTEGER NOT NULL, folded INTEGER NOT NULL,
    id TEXT, user TEXT, nonce TEXT, text TEXT, reply_to TEXT, photo TEXT
  );
  CREATE UNIQUE INDEX IF NOT EXISTS publication_id ON publication (id) WHERE id IS NOT NULL;
  CREATE UNIQUE INDEX IF NOT EXISTS publication_nonce ON publication (user, nonce) WHERE nonce IS NOT NULL;
  CREATE INDEX IF NOT EXISTS publication_reply ON publication (reply_to) WHERE reply_to IS NOT NULL;
  CREATE INDEX IF NOT EXISTS publication_shown ON publication (seq) WHERE folded = 0;
  CREATE INDEX IF NOT EXISTS publication_gone ON publication (seq) WHERE id IS NOT NULL AND text IS NULL;
  CREATE TABLE IF NOT EXISTS reaction (
    message INTEGER NOT NULL, emoji TEXT NOT NULL, user TEXT NOT NULL, seq INTEGER NOT NULL,
    PRIMARY KEY (message, emoji, user)
  ) WITHOUT ROWID;
  CREATE VIRTUAL TABLE IF NOT EXISTS word USING fts5(
    text, content='publication', content_rowid='seq', tokenize='unicode61 remove_diacritics 2'
  );
`;

/** A publication that is to be stored. */
export interface NewPublication {
  readonly seq: number;
  /** Milliseconds since 1970. */
  readonly at: number;
  readonly data: string;
  /** It is shown with the message that it is about. */
  readonly folded: boolean;
  /** Of a message. */
  readonly message?: {
    readonly id: string;
    readonly user: string;
    readonly nonce: string;
    /** All of it. */
    readonly text: string;
    readonly replyTo?: string;
    readonly photo?: string;
  };
}

/** A publication as it was told, or what is left of it. */
export interface Stored {
  readonly offset: number;
  readonly data: string;
}

/** What somebody said under a nonce. */
export interface Said {
  readonly seq: number;
  readonly id: string;
  /** `null`: it is gone. */
  readonly text: string | null;
  readonly photo: string | null;
}

/** A message that is still there. */
export interface Found {
  readonly seq: number;
  /** As it was told: a long text is cut. */
  readonly message: ConversationMessage;
  readonly text: string;
}

export class ConversationRows {
  readonly #sql: SqlStorage;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
  }

  /** Make the tables, where they are not there yet. */
  create(): void {
    this.#sql.exec(TABLES);
    const isSet = this.#sql.exec("SELECT v FROM word_config WHERE k = 'secure-delete'").toArray().length > 0;
    if (!isSet) this.#sql.exec("INSERT INTO word (word, rank) VALUES ('secure-delete', 1)");
  }

  /** Number of the newest publication; 0: there is none. */
  newest(): number {
    return this.#sql.exec<{ seq: number | null }>("SELECT max(seq) AS seq FROM publication").one().seq ?? 0;
  }

  add({ seq, at, data, folded, message }: NewPublication): void {
    const { id, user, nonce, text, replyTo, photo } = message ?? {};
    this.#sql.exec(
      `INSERT INTO publication (seq, at, data, messages, folded, id, user, nonce, text, reply_to, photo)
       VALUES (?1, ?2, ?3, coalesce((SELECT messages FROM publication WHERE seq = ?1 - 1), 0) + ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)`,
      ...[seq, at, data, message ? 1 : 0, folded ? 1 : 0, id ?? null],
      ...[user ?? null, nonce ?? null, text ?? null, replyTo ?? null, photo ?? null],
    );
    if (text) this.#sql.exec("INSERT INTO word (rowid, text) VALUES (?, ?)", seq, text);
  }

  /** Newest `limit` after a number, oldest first. */
  after(seq: number, limit: number): readonly Stored[] {
    return this.#sql
      .exec<{ offset: number; data: string }>(
        "SELECT seq AS offset, data FROM publication WHERE seq > ? ORDER BY seq DESC LIMIT ?",
        seq,
        limit,
      )
      .toArray()
      .reverse();
  }

  /** Oldest `limit` after a number. */
  next(seq: number, limit: number): readonly Stored[] {
    return this.#sql
      .exec<{ offset: number; data: string }>(
        "SELECT seq AS offset, data FROM publication WHERE seq > ? ORDER BY seq LIMIT ?",
        seq,
        limit,
      )
      .toArray();
  }

  said(user: string, nonce: string): Said | undefined {
    return this.#sql
      .exec<{ seq: number; id: string; text: string | null; photo: string | null }>(
        "SELECT seq, id, text, photo FROM publication WHERE user = ? AND nonce = ?",
        user,
        nonce,
      )
      .toArray()[0];
  }

  /** A message that is still there. */
  message(id: string): Found | undefined {
    const [row] = this.#sql
      .exec<{ seq: number; data: string; text: string }>(
        "SELECT seq, data, text FROM publication WHERE id = ? AND text IS NOT NULL",
        id,
      )
      .toArray();
    const read = row && parseJson(ConversationMessageSchema, row.data);
    return row && read?.ok ? { seq: row.seq, message: read.value, text: row.text } : undefined;
  }

  /** The newest message that is still there. */
  last(): ConversationMessage | undefined {
    const [row] = this.#sql
      .exec<{ data: string }>(
        "SELECT data FROM publication WHERE folded = 0 AND text IS NOT NULL ORDER BY seq DESC LIMIT 1",
      )
      .toArray();
    const read = row && parseJson(ConversationMessageSchema, row.data);
    return read?.ok ? read.value : undefined;
  }

  /** Messages that there were, those that are gone among them. */
  get messages(): number {
    return this.#messagesUpTo(Number.MAX_SAFE_INTEGER);
  }

  /** Messages after a number that are still there. */
  messagesAfter(seq: number): number {
    const gone = this.#sql
      .exec<{ gone: number }>(
        "SELECT count(*) AS gone FROM publication WHERE id IS NOT NULL AND text IS NULL AND seq > ?",
        seq,
      )
      .one().gone;
    return this.messages - this.#messagesUpTo(seq) - gone;
  }

  #messagesUpTo(seq: number): number {
    const [row] = this.#sql
      .exec<{ messages: number }>(
        "SELECT messages FROM publication WHERE seq <= ? ORDER BY seq DESC LIMIT 1",
        seq,
      )
      .toArray();
    return row?.messages ?? 0;
  }

  /** A page of history before or after a number, in the order in which it goes away from there. */
  page(from: { readonly before: number } | { readonly after: number }, limit: number): readonly Stored[] {
    const [where, seq] =
      "before" in from
        ? ["seq < ? AND folded = 0 ORDER BY seq DESC", from.before]
        : ["seq > ? AND folded = 0 ORDER BY seq", from.after];
    return this.#sql
      .exec<{ offset: number; data: string }>(
        `SELECT seq AS offset, data FROM publication WHERE ${where} LIMIT ?`,
        seq,
        limit,
      )
      .toArray();
  }

  /** Messages that a query of FTS5 finds, newest first. */
  search(query: string, before: number, limit: number): readonly Stored[] {
    return this.#sql
      .exec<{ offset: number; data: string }>(
        `SELECT seq AS offset, data FROM word JOIN publication ON seq = word.rowid
         WHERE word MATCH ? AND word.rowid < ? ORDER BY word.rowid DESC LIMIT ?`,
        query,
        before,
        limit,
      )
      .toArray();
  }

  /** Make a message nothing: its text, the index of its words, its reactions, what quoted it. Answers the photo that it had. */
  erase({ seq, message: { id, photo }, text }: Found): string | undefined {
    if (text !== "")
      this.#sql.exec("INSERT INTO word (word, rowid, text) VALUES ('delete', ?, ?)", seq, text);
    this.#sql.exec(
      "UPDATE publication SET data = ?, text = NULL, photo = NULL WHERE seq = ?",
      JSON.stringify({ type: "gone", seq }),
      seq,
    );
    this.#sql.exec(
      "UPDATE publication SET data = json_set(data, '$.replyTo.text', '') WHERE reply_to = ? AND text IS NOT NULL",
      id,
    );
    this.#sql.exec("DELETE FROM reaction WHERE message = ?", seq);
    return photo?.id;
  }

  /** Put a reaction, or take it back. False: it was so. */
  react(message: number, emoji: string, user: string, on: boolean, seq: number): boolean {
    const done = on
      ? this.#sql.exec(
          "INSERT OR IGNORE INTO reaction (message, emoji, user, seq) VALUES (?, ?, ?, ?)",
          ...[message, emoji, user, seq],
        )
      : this.#sql.exec(
          "DELETE FROM reaction WHERE message = ? AND emoji = ? AND user = ?",
          ...[message, emoji, user],
        );
    return done.rowsWritten > 0;
  }

  /** Who reacted to these messages, by message and emoji, the first first. */
  reactions(messages: readonly number[]): ReadonlyMap<number, Readonly<Record<string, string[]>>> {
    const found = new Map<number, Record<string, string[]>>();
    const rows = this.#sql.exec<{ message: number; emoji: string; user: string }>(
      `SELECT message, emoji, user FROM reaction
       WHERE message IN (SELECT value FROM json_each(?)) ORDER BY message, seq`,
      JSON.stringify(messages),
    );
    for (const { message, emoji, user } of rows) {
      const byEmoji = found.get(message) ?? {};
      byEmoji[emoji] = [...(byEmoji[emoji] ?? []), user];
      found.set(message, byEmoji);
    }
    return found;
  }

  /** Publications as they are read: with who reacted. */
  read(stored: readonly Stored[]): readonly { readonly seq: number; readonly event: ConversationEvent }[] {
    const reactions = this.reactions(stored.map(({ offset }) => offset));
    return stored.flatMap(({ offset: seq, data }) => {
      const read = parseJson(ConversationEventSchema, data);
      if (!read.ok) return [];
      const event = read.value;
      const reacted = reactions.get(seq);
      return [{ seq, event: event.type === "message" && reacted ? { ...event, reactions: reacted } : event }];
    });
  }

  /** Forget all that was said; the newest row stays, for its number is where the room is. Answers the photos. */
  clear(): readonly string[] {
    const photos = this.#sql
      .exec<{ photo: string }>("SELECT photo FROM publication WHERE photo IS NOT NULL")
      .toArray();
    this.#sql.exec("INSERT INTO word (word) VALUES ('delete-all')");
    this.#sql.exec("DELETE FROM reaction");
    this.#sql.exec("DELETE FROM publication WHERE seq < (SELECT max(seq) FROM publication)");
    return photos.map(({ photo }) => photo);
  }
}
