/** The rooms of a user, as the rooms say themselves: how each is, how much of it was taken, whether it may notify. */
import { MAX_ROOMS } from "../../wire/conversations.ts";
import { INBOX_DAYS, type InboxState, type RoomSummary } from "../../wire/inbox.ts";
import type { KnownRoom } from "../core/inbox/taking.ts";
import type { LazyTables } from "./lazy-tables.ts";

/** So long a room that was left is remembered, so that what comes late from it is passed over. */
const REMEMBERED_MS = INBOX_DAYS * 24 * 60 * 60_000;

/** `at`: of the summary; `summary` is gone when they left, at `left_at`. */
export const ROOM_TABLES = `
  CREATE TABLE IF NOT EXISTS room (
    room TEXT PRIMARY KEY, up_to INTEGER NOT NULL, at TEXT NOT NULL, muted INTEGER NOT NULL DEFAULT 0, summary TEXT,
    left_at INTEGER
  ) WITHOUT ROWID;
  CREATE INDEX IF NOT EXISTS room_at ON room (at);
`;

export class InboxRooms {
  readonly #tables: LazyTables;

  constructor(tables: LazyTables) {
    this.#tables = tables;
  }

  /** What is known of a room. */
  known(room: string): KnownRoom | undefined {
    const [row] = this.#tables.read<{ upTo: number; summary: string | null }>(
      "SELECT up_to AS upTo, summary FROM room WHERE room = ?",
      room,
    );
    if (row === undefined) return undefined;
    return { upTo: row.upTo, ...(row.summary !== null && { summary: summaryOf(row.summary) }) };
  }

  /** Keep how a room is. Of more than MAX_ROOMS the oldest are forgotten: they come again with what is new in them. */
  put(room: string, { upTo, summary }: KnownRoom, now: number): void {
    this.#tables.insert(
      `INSERT INTO room (room, up_to, at, summary, left_at) VALUES (?1, ?2, ?3, ?4, ?5)
       ON CONFLICT DO UPDATE SET up_to = ?2, at = ?3, summary = ?4, left_at = ?5,
         muted = CASE WHEN ?4 IS NULL THEN 0 ELSE muted END`,
      ...[room, upTo, summary?.at ?? "", summary ? JSON.stringify(summary) : null, summary ? null : now],
    );
    this.#tables.change(
      `DELETE FROM room WHERE room IN (
         SELECT room FROM room WHERE summary IS NOT NULL ORDER BY at DESC, room LIMIT -1 OFFSET ?)`,
      MAX_ROOMS,
    );
    this.#tables.change("DELETE FROM room WHERE left_at < ?", now - REMEMBERED_MS);
  }

  /** Nobody brings them into another one. */
  get isFull(): boolean {
    const [row] = this.#tables.read<{ size: number }>(
      "SELECT count(*) AS size FROM room WHERE summary IS NOT NULL",
    );
    return (row?.size ?? 0) >= MAX_ROOMS;
  }

  /** They have left so many lately that they begin no others: rooms outlast who made them. */
  get isSpent(): boolean {
    const [row] = this.#tables.read<{ size: number }>("SELECT count(*) AS size FROM room");
    return (row?.size ?? 0) >= 2 * MAX_ROOMS;
  }

  /** Newest first. */
  list(): InboxState["rooms"] {
    const rows = this.#tables.read<{ summary: string; muted: number }>(
      "SELECT summary, muted FROM room WHERE summary IS NOT NULL ORDER BY at DESC, room",
    );
    return rows.map(({ summary, muted }) => ({ ...summaryOf(summary), muted: muted === 1 }));
  }

  /** Whether a room may not notify; `undefined`: it is not in the list. */
  isMuted(room: string): boolean | undefined {
    const [row] = this.#tables.read<{ muted: number }>(
      "SELECT muted FROM room WHERE room = ? AND summary IS NOT NULL",
      room,
    );
    return row && row.muted === 1;
  }

  mute(room: string, muted: boolean): void {
    this.#tables.change("UPDATE room SET muted = ? WHERE room = ?", muted ? 1 : 0, room);
  }
}

/** It is as a conversation wrote it. */
const summaryOf = (json: string): RoomSummary => JSON.parse(json) as RoomSummary;
