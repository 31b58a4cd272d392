/** The devices of a user that are notified, and what they are still to be notified of: for each one the newest of each room. */
import { MAX_PUSH_SUBSCRIPTIONS, type PushSubscription } from "../../../wire/inbox.ts";
import type { LazyTables } from "../lazy-tables.ts";

/** `id`: of the message that it is about; `since`: when the first one was, that this has taken the place of. */
export const PUSH_TABLES = `
  CREATE TABLE IF NOT EXISTS push_subscription (
    endpoint TEXT PRIMARY KEY, p256dh TEXT NOT NULL, auth TEXT NOT NULL, at INTEGER NOT NULL, failures INTEGER NOT NULL DEFAULT 0
  ) WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS push_waiting (
    endpoint TEXT NOT NULL, room TEXT NOT NULL, id TEXT NOT NULL, payload TEXT NOT NULL, urgency TEXT NOT NULL,
    since INTEGER NOT NULL, at INTEGER NOT NULL, due_at INTEGER NOT NULL, attempts INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (endpoint, room)
  ) WITHOUT ROWID;
  CREATE INDEX IF NOT EXISTS push_due ON push_waiting (due_at);
`;

/** What is to be told. */
export interface News {
  readonly room: string;
  readonly id: string;
  readonly payload: string;
  readonly urgency: "high" | "normal";
}

/** What waits for one device. */
export interface Waiting extends News {
  readonly subscription: PushSubscription;
  /** Refusals of the push service since it took one. */
  readonly failures: number;
  /** Milliseconds since 1970. */
  readonly since: number;
  readonly at: number;
  readonly attempts: number;
}

interface Row extends Record<string, SqlStorageValue> {
  readonly endpoint: string;
  readonly p256dh: string;
  readonly auth: string;
  readonly failures: number;
  readonly room: string;
  readonly id: string;
  readonly payload: string;
  readonly urgency: News["urgency"];
  readonly since: number;
  readonly at: number;
  readonly attempts: number;
}

export class PushRows {
  readonly #tables: LazyTables;

  constructor(tables: LazyTables) {
    this.#tables = tables;
  }

  /** Notify a device from now on. Of too many the oldest is forgotten. */
  subscribe({ endpoint, keys }: PushSubscription, now: number): void {
    this.#tables.insert(
      `INSERT INTO push_subscription (endpoint, p256dh, auth, at) VALUES (?1, ?2, ?3, ?4)
       ON CONFLICT DO UPDATE SET p256dh = ?2, auth = ?3, at = ?4, failures = 0`,
      ...[endpoint, keys.p256dh, keys.auth, now],
    );
    const surplus = this.#tables.read<{ endpoint: string }>(
      "SELECT endpoint FROM push_subscription ORDER BY at DESC, endpoint = ? DESC LIMIT -1 OFFSET ?",
      endpoint,
      MAX_PUSH_SUBSCRIPTIONS,
    );
    for (const old of surplus) this.unsubscribe(old.endpoint);
  }

  unsubscribe(endpoint: string): void {
    this.#tables.change("DELETE FROM push_subscription WHERE endpoint = ?", endpoint);
    this.#tables.change("DELETE FROM push_waiting WHERE endpoint = ?", endpoint);
  }

  /** Have all devices told. What waits of the same room gives way, and is sent no sooner for it. */
  add({ room, id, payload, urgency }: News, now: number): void {
    this.#tables.change(
      `INSERT INTO push_waiting (endpoint, room, id, payload, urgency, since, at, due_at)
       SELECT endpoint, ?1, ?2, ?3, ?4, ?5, ?5, ?5 FROM push_subscription WHERE true
       ON CONFLICT DO UPDATE SET id = ?2, payload = ?3, urgency = ?4, at = ?5`,
      ...[room, id, payload, urgency, now],
    );
  }

  /** Nobody has to hear of a room any more, or of a message. */
  drop(what: { readonly room: string } | { readonly id: string }): void {
    if ("room" in what) this.#tables.change("DELETE FROM push_waiting WHERE room = ?", what.room);
    else this.#tables.change("DELETE FROM push_waiting WHERE id = ?", what.id);
  }

  dropAll(): void {
    this.#tables.change("DELETE FROM push_waiting");
  }

  /** When something is to be sent, milliseconds since 1970. */
  dueAt(): number | undefined {
    const [row] = this.#tables.read<{ due: number | null }>("SELECT min(due_at) AS due FROM push_waiting");
    return row?.due ?? undefined;
  }

  /** Devices that something is due for. */
  due(now: number): readonly string[] {
    const rows = this.#tables.read<{ endpoint: string }>(
      "SELECT DISTINCT endpoint FROM push_waiting WHERE due_at <= ?",
      now,
    );
    return rows.map(({ endpoint }) => endpoint);
  }

  /** What is due for a device and came first. */
  head(endpoint: string, now: number): Waiting | undefined {
    const [row] = this.#tables.read<Row>(
      `SELECT endpoint, p256dh, auth, failures, room, id, payload, urgency, since, push_waiting.at, attempts
       FROM push_waiting JOIN push_subscription USING (endpoint) WHERE endpoint = ? AND due_at <= ? ORDER BY since LIMIT 1`,
      endpoint,
      now,
    );
    if (row === undefined) return undefined;
    const { p256dh, auth, ...rest } = row;
    return { ...rest, subscription: { endpoint, keys: { p256dh, auth } } };
  }

  /** It was sent, or given up; what has taken its place meanwhile stays. */
  remove({ subscription: { endpoint }, room, id }: Waiting): void {
    this.#tables.change(
      "DELETE FROM push_waiting WHERE endpoint = ? AND room = ? AND id = ?",
      ...[endpoint, room, id],
    );
  }

  /** Nothing to this device before then. */
  postpone({ subscription: { endpoint }, room }: Waiting, until: number): void {
    this.#tables.change(
      "UPDATE push_waiting SET attempts = attempts + 1 WHERE endpoint = ? AND room = ?",
      endpoint,
      room,
    );
    this.#tables.change(
      "UPDATE push_waiting SET due_at = max(due_at, ?) WHERE endpoint = ?",
      until,
      endpoint,
    );
  }

  /** Nothing to anybody before then. */
  wait(until: number): void {
    this.#tables.change("UPDATE push_waiting SET due_at = max(due_at, ?)", until);
  }

  setFailures({ subscription: { endpoint } }: Waiting, failures: number): void {
    this.#tables.change("UPDATE push_subscription SET failures = ? WHERE endpoint = ?", failures, endpoint);
  }
}
