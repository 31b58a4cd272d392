/**
 * What a LiveStream keeps of its webhooks (docs/storage.md): what was announced, and who is still to be told what.
 * Rows and bounds only: what an event is stands in core/webhooks/webhook.ts, and who sends it is webhook-outbox.ts.
 */
import { type Announced, type Announcement, isWanted, type News } from "../core/webhooks/webhook.ts";
import type { Failing, Retry } from "../core/webhooks/webhook-retry.ts";

/** Events that wait at most; the oldest give way. A stream has a handful in a show. */
export const MAX_EVENTS = 500;

const ANNOUNCED = "announced";
const TABLES = `
  CREATE TABLE IF NOT EXISTS webhook_event (
    seq INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, type TEXT NOT NULL, stream TEXT NOT NULL, at INTEGER NOT NULL,
    body TEXT NOT NULL, addressed INTEGER NOT NULL DEFAULT 0
  );
  CREATE TABLE IF NOT EXISTS webhook_delivery (
    webhook TEXT NOT NULL, seq INTEGER NOT NULL, PRIMARY KEY (webhook, seq)
  ) WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS webhook_state (
    webhook TEXT PRIMARY KEY, failures INTEGER NOT NULL, since INTEGER NOT NULL, due_at INTEGER NOT NULL,
    eager_at INTEGER NOT NULL, lost INTEGER NOT NULL
  ) WITHOUT ROWID;
`;

/** An event that waits for one webhook. */
export interface Waiting {
  readonly seq: number;
  readonly id: string;
  readonly type: string;
  readonly at: number;
  readonly body: string;
}

/** How the deliveries to one webhook do; all zero when nothing failed. */
export interface DeliveryState extends Failing, Retry {
  /** Events that were given up, and are not in the operator's list yet. */
  readonly lost: number;
}

interface Filters {
  readonly id: string;
  readonly streams: readonly string[];
  readonly events: readonly string[];
}

/** Nothing failed. */
export const UNTROUBLED: DeliveryState = { failures: 0, since: 0, dueAt: 0, eagerAt: 0, lost: 0 };

export class WebhookQueue {
  readonly #storage: DurableObjectStorage;

  constructor(storage: DurableObjectStorage) {
    this.#storage = storage;
  }

  get announced(): Announced | undefined {
    return this.#storage.kv.get<Announced>(ANNOUNCED);
  }

  /** Keep what is announced, and the events that it is announced by. */
  add({ announced, events }: News): void {
    if (this.announced === undefined) this.#storage.sql.exec(TABLES);
    this.#storage.kv.put(ANNOUNCED, announced);
    for (const event of events) this.#insert(event);
    if (events.length > 0) this.#makeRoom();
  }

  /** When something is to be done, in milliseconds since 1970; 0 means now, `undefined` never. */
  dueAt(): number | undefined {
    if (this.announced === undefined) return undefined;
    const { due } = this.#storage.sql
      .exec<{ due: number | null }>(
        `SELECT min(due) AS due FROM (
           SELECT 0 AS due FROM webhook_event WHERE addressed = 0
           UNION ALL SELECT coalesce(due_at, 0) FROM webhook_delivery LEFT JOIN webhook_state USING (webhook)
         )`,
      )
      .one();
    return due ?? undefined;
  }

  /** Give every new event to the webhooks that want it, and forget webhooks that are no more. */
  address(webhooks: readonly Filters[]): void {
    const { sql } = this.#storage;
    this.#storage.transactionSync(() => {
      const fresh = sql.exec<{ seq: number; type: string; stream: string }>(
        "SELECT seq, type, stream FROM webhook_event WHERE addressed = 0",
      );
      for (const { seq, type, stream } of fresh.toArray()) {
        for (const webhook of webhooks.filter((filters) => isWanted(filters, stream, type))) {
          sql.exec("INSERT OR IGNORE INTO webhook_delivery (webhook, seq) VALUES (?, ?)", webhook.id, seq);
          sql.exec("UPDATE webhook_state SET due_at = min(due_at, eager_at) WHERE webhook = ?", webhook.id);
        }
      }
      sql.exec("UPDATE webhook_event SET addressed = 1 WHERE addressed = 0");
      const known = JSON.stringify(webhooks.map(({ id }) => id));
      for (const table of ["webhook_delivery", "webhook_state"]) {
        sql.exec(`DELETE FROM ${table} WHERE webhook NOT IN (SELECT value FROM json_each(?))`, known);
      }
      this.#forgetDelivered();
    });
  }

  /** Webhooks with something to be sent by `now`. */
  due(now: number): ReadonlySet<string> {
    const rows = this.#storage.sql.exec<{ webhook: string }>(
      `SELECT DISTINCT webhook FROM webhook_delivery LEFT JOIN webhook_state USING (webhook)
       WHERE coalesce(due_at, 0) <= ?`,
      now,
    );
    return new Set(rows.toArray().map(({ webhook }) => webhook));
  }

  /** The oldest event that waits for a webhook: until it is through or given up, no other goes. */
  head(webhook: string): Waiting | undefined {
    const [row] = this.#storage.sql
      .exec<{ seq: number; id: string; type: string; at: number; body: string }>(
        `SELECT seq, id, type, at, body FROM webhook_delivery JOIN webhook_event USING (seq)
         WHERE webhook = ? ORDER BY seq LIMIT 1`,
        webhook,
      )
      .toArray();
    return row;
  }

  state(webhook: string): DeliveryState {
    const [row] = this.#storage.sql
      .exec<{ failures: number; since: number; dueAt: number; eagerAt: number; lost: number }>(
        "SELECT failures, since, due_at AS dueAt, eager_at AS eagerAt, lost FROM webhook_state WHERE webhook = ?",
        webhook,
      )
      .toArray();
    return row ?? UNTROUBLED;
  }

  setState(webhook: string, { failures, since, dueAt, eagerAt, lost }: DeliveryState): void {
    this.#storage.sql.exec(
      `INSERT OR REPLACE INTO webhook_state (webhook, failures, since, due_at, eager_at, lost)
       VALUES (?, ?, ?, ?, ?, ?)`,
      webhook,
      failures,
      since,
      dueAt,
      eagerAt,
      lost,
    );
  }

  /** So many lost events are in the operator's list now. */
  forgetLost(webhook: string, count: number): void {
    this.#storage.sql.exec("UPDATE webhook_state SET lost = lost - ? WHERE webhook = ?", count, webhook);
  }

  /** One event is done with for one webhook, delivered or given up. */
  remove(webhook: string, seq: number): void {
    this.#storage.sql.exec("DELETE FROM webhook_delivery WHERE webhook = ? AND seq = ?", webhook, seq);
    this.#forgetDelivered();
  }

  #insert({ id, at, event }: Announcement): void {
    this.#storage.sql.exec(
      "INSERT OR IGNORE INTO webhook_event (id, type, stream, at, body) VALUES (?, ?, ?, ?, ?)",
      id,
      event.type,
      event.data.stream,
      at,
      JSON.stringify(event),
    );
  }

  /** The oldest events give way; who missed them is counted. */
  #makeRoom(): void {
    const { sql } = this.#storage;
    const { last } = sql.exec<{ last: number }>("SELECT max(seq) AS last FROM webhook_event").one();
    const oldest = last - MAX_EVENTS;
    const missed = sql.exec<{ webhook: string; count: number }>(
      "SELECT webhook, count(*) AS count FROM webhook_delivery WHERE seq <= ? GROUP BY webhook",
      oldest,
    );
    for (const { webhook, count } of missed.toArray()) {
      const state = this.state(webhook);
      this.setState(webhook, { ...state, lost: state.lost + count });
    }
    sql.exec("DELETE FROM webhook_delivery WHERE seq <= ?", oldest);
    sql.exec("DELETE FROM webhook_event WHERE seq <= ?", oldest);
  }

  #forgetDelivered(): void {
    this.#storage.sql.exec(
      "DELETE FROM webhook_event WHERE addressed = 1 AND seq NOT IN (SELECT seq FROM webhook_delivery)",
    );
  }
}
