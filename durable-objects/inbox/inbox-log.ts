/**
 * The log of an inbox in its SQLite: every event under its offset, which has no gap. What is in an event is decided where it comes
 * from; who is told of it, in inbox.ts.
 */

import type { StreamPosition } from "../../wire/centrifugo.ts";
import { INBOX_DAYS, INBOX_EVENTS, type InboxEvent, type InboxEvents } from "../../wire/inbox.ts";
import type { Followed } from "../core/viewers/viewer-messages.ts";
import type { LazyTables } from "./lazy-tables.ts";

/** The most that a recovery replays. */
export const INBOX_HISTORY = 300;
/** Letters of a page of events, but for the last one of it. */
const PAGE_LETTERS = 256 * 1024;
/** Rows that one alarm forgets, and how long it leaves a log that is too long. */
const PRUNED_AT_ONCE = 5_000;
const PRUNE_MS = 60_000;
const KEPT_MS = INBOX_DAYS * 24 * 60 * 60_000;
const EPOCH = "epoch";

/** `message`: the one that the event tells of, by its id; `quoted`: the one that it answers. */
export const LOG_TABLES = `
  CREATE TABLE IF NOT EXISTS event (
    seq INTEGER PRIMARY KEY, at INTEGER NOT NULL, data TEXT NOT NULL, message TEXT, quoted TEXT
  );
  CREATE INDEX IF NOT EXISTS event_message ON event (message) WHERE message IS NOT NULL;
  CREATE INDEX IF NOT EXISTS event_quoted ON event (quoted) WHERE quoted IS NOT NULL;
`;

type Kept = Followed["publications"][number];
type Row = { readonly offset: number; readonly data: string };

export class InboxLog {
  readonly #tables: LazyTables;
  readonly #kv: SyncKvStorage;
  #epoch: { readonly name: string; readonly isStored: boolean };

  constructor(tables: LazyTables, kv: SyncKvStorage, newEpoch: () => string) {
    this.#tables = tables;
    this.#kv = kv;
    const stored = kv.get<string>(EPOCH);
    this.#epoch = { name: stored ?? newEpoch(), isStored: stored !== undefined };
  }

  get position(): StreamPosition {
    return { epoch: this.#epoch.name, offset: this.#newest() };
  }

  /** Stay in this epoch: somebody may come back to it. */
  keepEpoch(): void {
    if (this.#epoch.isStored) return;
    this.#kv.put(EPOCH, this.#epoch.name);
    this.#epoch = { ...this.#epoch, isStored: true };
  }

  /** Store an event under the next offset. What it takes back is gone from those before it. */
  append(event: InboxEvent, now: number): Kept {
    this.keepEpoch();
    if (event.type === "deleted") for (const id of event.ids) this.#erase(event.room, id);
    const { type, ...facts } = event;
    // Shards know what takes others back by how it begins (wire/chat.ts, `isErasing`).
    const data = JSON.stringify({ type, ...facts });
    const message = messageOf(event);
    const offset = this.#newest() + 1;
    this.#tables.insert(
      "INSERT INTO event (seq, at, data, message, quoted) VALUES (?, ?, ?, ?, ?)",
      ...[offset, now, data, message?.id ?? null, message?.replyTo?.id ?? null],
    );
    return { offset, data };
  }

  /** What followed a position, or the newest there is. */
  since(position: StreamPosition | undefined): Followed {
    const now = this.position;
    const from = position?.offset ?? Math.max(0, now.offset - INBOX_HISTORY);
    const isKnown =
      position === undefined ||
      (position.epoch === now.epoch && from <= now.offset && from >= now.offset - INBOX_HISTORY);
    const publications = isKnown ? this.#after(from, INBOX_HISTORY) : [];
    // What was forgotten leaves no row behind.
    const isWhole = position === undefined || publications.length === now.offset - from;
    const complete = isKnown && isWhole;
    return { position: now, complete, publications: complete ? publications : [] };
  }

  /** What came after an offset, oldest first; `undefined`: that is not kept any more. */
  page({ epoch, offset }: StreamPosition, limit: number): InboxEvents | undefined {
    const now = this.position;
    const [oldest] = this.#after(0, 1);
    const first = oldest?.offset ?? now.offset + 1;
    if (epoch !== now.epoch || offset > now.offset || offset < first - 1) return undefined;
    const rows: Row[] = [];
    let letters = 0;
    for (const row of this.#after(offset, limit)) {
      if (letters > PAGE_LETTERS) break;
      letters += row.data.length;
      rows.push(row);
    }
    return {
      // It is as it was stored.
      events: rows.map((row) => ({ offset: row.offset, event: JSON.parse(row.data) as InboxEvent })),
      more: (rows.at(-1)?.offset ?? now.offset) < now.offset,
    };
  }

  /** Forget what is too old or too much; the newest stays, for its offset is where the log is. */
  prune(now: number): void {
    this.#tables.change(
      `DELETE FROM event WHERE seq IN (
         SELECT seq FROM event WHERE seq < ?1 AND (at <= ?2 OR seq <= ?1 - ?3) ORDER BY seq LIMIT ?4)`,
      ...[this.#newest(), now - KEPT_MS, INBOX_EVENTS, PRUNED_AT_ONCE],
    );
  }

  /** When there is something to be forgotten, milliseconds since 1970; the newest alone never is. */
  pruneAt(): number | undefined {
    const [oldest] = this.#tables.read<{ seq: number; at: number }>(
      "SELECT seq, at FROM event ORDER BY seq LIMIT 1",
    );
    if (oldest === undefined || oldest.seq === this.#newest()) return undefined;
    const [surplus] = this.#tables.read<{ at: number }>(
      "SELECT at FROM event WHERE seq = ?",
      oldest.seq + INBOX_EVENTS,
    );
    return surplus ? surplus.at + PRUNE_MS : oldest.at + KEPT_MS;
  }

  #newest(): number {
    const [row] = this.#tables.read<{ seq: number | null }>("SELECT max(seq) AS seq FROM event");
    return row?.seq ?? 0;
  }

  #after(offset: number, limit: number): readonly Row[] {
    return this.#tables.read<{ offset: number; data: string }>(
      "SELECT seq AS offset, data FROM event WHERE seq > ? ORDER BY seq LIMIT ?",
      offset,
      limit,
    );
  }

  /** A message is gone: where it came, that stands instead; where it was the newest, or answered, nothing of it. */
  #erase(room: string, id: string): void {
    this.#tables.change(
      `UPDATE event SET message = NULL, quoted = NULL, data =
         CASE WHEN json_extract(data, '$.type') = 'message' THEN ? ELSE json_remove(data, '$.summary.last') END
       WHERE message = ?`,
      JSON.stringify({ type: "deleted", room, ids: [id] } satisfies InboxEvent),
      id,
    );
    this.#tables.change(
      `UPDATE event SET quoted = NULL,
         data = json_replace(data, '$.message.replyTo.text', '', '$.summary.last.replyTo.text', '')
       WHERE quoted = ?`,
      id,
    );
  }
}

/** The message that an event carries. */
function messageOf(event: InboxEvent) {
  if (event.type === "message") return event.message;
  return event.type === "room" ? event.summary.last : undefined;
}
