/** Whom a user has blocked, and which one-to-one rooms have still to hear of it. Who may write there is for the room to say. */
import { MAX_BLOCKED } from "../../wire/inbox.ts";
import type { ObjectsEnv } from "../../workers/env.ts";
import { backoffMs } from "../core/backoff.ts";
import { within } from "../deadline.ts";
import { directRoom } from "../viewers/direct-room.ts";
import type { LazyTables } from "./lazy-tables.ts";

const TELL_MS = 5_000;
const LONGEST_WAIT_MS = 60 * 60_000;

/** `due_at`: the room has not heard of it; `version` counts what was told. */
export const BLOCK_TABLES = `
  CREATE TABLE IF NOT EXISTS block (
    user TEXT PRIMARY KEY, blocked INTEGER NOT NULL, version INTEGER NOT NULL DEFAULT 0, due_at INTEGER,
    failures INTEGER NOT NULL DEFAULT 0
  ) WITHOUT ROWID;
  CREATE INDEX IF NOT EXISTS block_due ON block (due_at) WHERE due_at IS NOT NULL;
`;

interface Untold extends Record<string, SqlStorageValue> {
  readonly user: string;
  readonly blocked: number;
  readonly version: number;
  readonly failures: number;
}

export interface BlockPorts {
  /** Whose blocks they are. */
  readonly user: string;
  readonly env: () => Pick<ObjectsEnv, "CONVERSATION">;
  /** Whether there is such a room for them. */
  readonly isListed: (room: string) => boolean;
}

export class InboxBlocks {
  readonly #tables: LazyTables;
  readonly #ports: BlockPorts;
  #telling: Promise<void> | undefined;

  constructor(tables: LazyTables, ports: BlockPorts) {
    this.#tables = tables;
    this.#ports = ports;
  }

  isBlocked(user: string): boolean {
    return this.#tables.read("SELECT 1 FROM block WHERE user = ? AND blocked = 1", user).length > 0;
  }

  list(): readonly string[] {
    const rows = this.#tables.read<{ user: string }>(
      "SELECT user FROM block WHERE blocked = 1 ORDER BY user",
    );
    return rows.map(({ user }) => user);
  }

  /** Nobody else can be blocked. */
  get isFull(): boolean {
    const [row] = this.#tables.read<{ size: number }>("SELECT count(*) AS size FROM block WHERE blocked = 1");
    return (row?.size ?? 0) >= MAX_BLOCKED;
  }

  /** Block somebody, or no more; `tell` says it to their room. */
  set(user: string, blocked: boolean, now: number): void {
    this.#tables.insert(
      `INSERT INTO block (user, blocked, due_at) VALUES (?1, ?2, ?3)
       ON CONFLICT DO UPDATE SET blocked = ?2, version = version + 1, due_at = ?3, failures = 0`,
      ...[user, blocked ? 1 : 0, now],
    );
  }

  /** There is a one-to-one room with somebody that was not there when they were blocked. */
  meet(user: string, now: number): void {
    this.#tables.change(
      "UPDATE block SET due_at = ?, failures = 0 WHERE user = ? AND blocked = 1",
      now,
      user,
    );
  }

  /** When a room is to be told, milliseconds since 1970. */
  dueAt(): number | undefined {
    const [row] = this.#tables.read<{ due: number | null }>("SELECT min(due_at) AS due FROM block");
    return row?.due ?? undefined;
  }

  /** Tell the rooms that are due. Never throws, and runs once at a time. */
  tell(): Promise<void> {
    this.#telling ??= this.#tellAll().finally(() => {
      this.#telling = undefined;
    });
    return this.#telling;
  }

  async #tellAll(): Promise<void> {
    for (let next = this.#due(); next !== undefined; next = this.#due()) await this.#tellOne(next);
  }

  #due(): Untold | undefined {
    return this.#tables.read<Untold>(
      "SELECT user, blocked, version, failures FROM block WHERE due_at <= ? ORDER BY due_at LIMIT 1",
      Date.now(),
    )[0];
  }

  async #tellOne({ user, blocked, version, failures }: Untold): Promise<void> {
    try {
      await this.#say(user, blocked === 1);
    } catch (error) {
      console.warn("a block was not heard", { error: String(error) });
      const wait = backoffMs(failures + 1, LONGEST_WAIT_MS);
      this.#tables.change(
        "UPDATE block SET due_at = ?, failures = failures + 1 WHERE user = ? AND version = ?",
        ...[Date.now() + wait, user, version],
      );
      return;
    }
    // What was changed meanwhile is told as well.
    this.#tables.change("UPDATE block SET due_at = NULL WHERE user = ? AND version = ?", user, version);
    this.#tables.change("DELETE FROM block WHERE user = ? AND blocked = 0 AND due_at IS NULL", user);
  }

  /** Have the one-to-one room with somebody know it, when there is one. */
  async #say(user: string, blocked: boolean): Promise<void> {
    const room = await directRoom(this.#ports.user, user);
    if (!this.#ports.isListed(room)) return;
    const told: Promise<void> = this.#ports
      .env()
      .CONVERSATION.getByName(room)
      .block(this.#ports.user, blocked);
    await within(TELL_MS, "a block", told);
  }
}
