/**
 * Webhooks in D1: where events are sent, and how that went last. Read by the outbox when there is something to send,
 * written by it after each attempt, and managed by origin's admin API. Secrets stay here: an HMAC needs them whole.
 */
import { secretLetters } from "../../media/address.ts";
import type { CreateWebhook, WebhookRecord } from "../../wire/webhooks.ts";
import type { Receiver } from "./webhook-post.ts";

/** As many webhooks as there may be: each is sent every event it wants by every stream. */
export const MAX_WEBHOOKS = 20;

interface Row {
  readonly id: string;
  readonly url: string;
  readonly secret: string;
  readonly streams: string;
  readonly events: string;
  readonly created_at: string;
  readonly disabled_at: string | null;
  readonly last_success_at: string | null;
  readonly last_failure_at: string | null;
  readonly last_failure: string | null;
  readonly lost: number;
}

/** A webhook as the outbox needs it. */
export interface Endpoint extends Receiver {
  readonly id: string;
  readonly streams: readonly string[];
  readonly events: readonly string[];
}

/** How an attempt went, for the operator to see. */
export interface Outcome {
  /** Milliseconds since 1970. */
  readonly at: number;
  /** What went wrong; absent when nothing did. */
  readonly failure?: string;
  /** Send nothing more. */
  readonly disable?: boolean;
  /** Events given up since the last outcome. */
  readonly lost: number;
}

/** Make a webhook; `undefined` when there are too many. */
export async function createWebhook(
  db: D1Database,
  { url, streams, events }: CreateWebhook,
  secret: string,
  now: Date,
): Promise<WebhookRecord | undefined> {
  const id = `wh_${secretLetters(crypto.getRandomValues(new Uint8Array(ID_LETTERS)))}`;
  const created = await db
    .prepare(
      `INSERT INTO webhooks (id, url, secret, streams, events, created_at)
       SELECT ?, ?, ?, ?, ?, ? WHERE (SELECT count(*) FROM webhooks) < ? RETURNING *`,
    )
    .bind(id, url, secret, listText(streams), listText(events), now.toISOString(), MAX_WEBHOOKS)
    .first<Row>();
  return created === null ? undefined : recordOf(created);
}

/** All of them, the oldest first. */
export async function listWebhooks(db: D1Database): Promise<readonly WebhookRecord[]> {
  const { results } = await db.prepare("SELECT * FROM webhooks ORDER BY created_at, id").all<Row>();
  return results.map(recordOf);
}

/** One of them, also when it is disabled, or `undefined`. */
export async function findReceiver(db: D1Database, id: string): Promise<Endpoint | undefined> {
  const row = await db.prepare("SELECT * FROM webhooks WHERE id = ?").bind(id).first<Row>();
  return row === null ? undefined : endpointOf(row);
}

/** Those that are sent events. */
export async function listReceivers(db: D1Database): Promise<readonly Endpoint[]> {
  const { results } = await db.prepare("SELECT * FROM webhooks WHERE disabled_at IS NULL").all<Row>();
  return results.map(endpointOf);
}

/** Forget a webhook; false when there is none. */
export async function removeWebhook(db: D1Database, id: string): Promise<boolean> {
  const { meta } = await db.prepare("DELETE FROM webhooks WHERE id = ?").bind(id).run();
  return meta.changes === 1;
}

/** Keep how an attempt went. */
export async function recordOutcome(db: D1Database, id: string, outcome: Outcome): Promise<void> {
  const at = new Date(outcome.at).toISOString();
  const { failure, lost } = outcome;
  const update =
    failure === undefined
      ? db.prepare("UPDATE webhooks SET last_success_at = ?, lost = lost + ? WHERE id = ?").bind(at, lost, id)
      : db
          .prepare(
            `UPDATE webhooks SET last_failure_at = ?, last_failure = ?, lost = lost + ?,
               disabled_at = coalesce(disabled_at, ?) WHERE id = ?`,
          )
          .bind(at, failure, lost, outcome.disable ? at : null, id);
  await update.run();
}

/** Letters in a webhook's id after its prefix: it is no secret. */
const ID_LETTERS = 12;

const listText = (values: readonly string[]): string => JSON.stringify([...new Set(values)]);
const readList = (text: string): string[] => JSON.parse(text);

const endpointOf = ({ id, url, secret, streams, events }: Row): Endpoint => ({
  id,
  url,
  secret,
  streams: readList(streams),
  events: readList(events),
});

const recordOf = (row: Row): WebhookRecord => ({
  id: row.id,
  url: row.url,
  streams: readList(row.streams),
  events: readList(row.events),
  createdAt: row.created_at,
  ...(row.disabled_at !== null && { disabledAt: row.disabled_at }),
  ...(row.last_success_at !== null && { lastSuccessAt: row.last_success_at }),
  ...(row.last_failure_at !== null && {
    lastFailure: { at: row.last_failure_at, words: row.last_failure ?? "" },
  }),
  lost: row.lost,
});
