/**
 * The broadcasts and sessions that a stream has had, in its LiveStream's SQLite (docs/storage.md): whose leases may still
 * hand something in, and which broadcasts are to be checked. Their segments stand in history-rows.ts.
 */
import { fail, ok, type Result } from "../media/result.ts";
import type { Timeline } from "../media/timeline.ts";
import type { Tally } from "../wire/broadcasts.ts";
import { CHECK_AFTER_MS, LATE_MS } from "./core/check.ts";
import type { LeaseError, Live, Writer } from "./core/live.ts";
import type { Watched } from "./core/viewers/rollup.ts";
import type { Walk } from "./core/walk.ts";
import type { Head } from "./live-storage.ts";

/** A session, as its row has it; times in milliseconds since 1970. */
export interface SessionRow {
  readonly ordinal: number;
  readonly openedAt: number;
  readonly closedAt?: number;
  /** Id of the host it came by. */
  readonly transcoder?: string;
  /** What it said that it publishes. */
  readonly renditions: readonly string[];
}

/** What a check found, and when it began. */
export interface Report extends Tally {
  /** Milliseconds since 1970. */
  readonly checkedAt: number;
  readonly final: boolean;
}

/** A broadcast, as its row has it; times in milliseconds since 1970. */
export interface BroadcastRow {
  readonly id: string;
  readonly startedAt: number;
  readonly endedAt?: number;
  readonly visible: boolean;
  readonly checkAt?: number;
  /** Changes when something comes that a check under way may have passed already. */
  readonly revision: number;
  /** How far the check under way has come. */
  readonly walk?: Walk;
  readonly report?: Report;
}

export class Archive {
  readonly #storage: DurableObjectStorage;

  constructor(storage: DurableObjectStorage) {
    this.#storage = storage;
  }

  /** Write down a broadcast and its present session as they are now. */
  record(live: Live): void {
    const { broadcast, session, endedAt } = live;
    const { sql } = this.#storage;
    sql.exec(
      `INSERT INTO broadcast (id, started_at, ended_at, visible, check_at) VALUES (?, ?, ?, ?, ?)
       ON CONFLICT (id) DO UPDATE SET visible = excluded.visible,
         check_at = CASE WHEN ended_at IS NULL THEN excluded.check_at ELSE check_at END,
         ended_at = coalesce(ended_at, excluded.ended_at)`,
      broadcast,
      live.startedAt,
      endedAt ?? null,
      live.visible ? 1 : 0,
      endedAt === undefined ? null : endedAt + CHECK_AFTER_MS,
    );
    sql.exec(
      `INSERT INTO session (broadcast, ordinal, lease, opened_at, transcoder, boot) VALUES (?, ?, ?, ?, ?, ?)
       ON CONFLICT (broadcast, ordinal) DO NOTHING`,
      broadcast,
      session.ordinal,
      session.lease,
      session.lastHeardAt,
      session.transcoder?.id ?? null,
      session.transcoder?.boot ?? null,
    );
    sql.exec(
      "UPDATE session SET closed_at = ? WHERE broadcast = ? AND ordinal < ? AND closed_at IS NULL",
      session.lastHeardAt,
      broadcast,
      session.ordinal,
    );
    const closedAt = session.closedAt ?? endedAt;
    if (closedAt !== undefined)
      sql.exec(
        "UPDATE session SET closed_at = ? WHERE broadcast = ? AND closed_at IS NULL",
        closedAt,
        broadcast,
      );
  }

  /** A session said what it publishes. */
  recordRenditions(broadcast: string, ordinal: number, names: readonly string[]): void {
    this.#storage.sql.exec(
      "UPDATE session SET renditions = ? WHERE broadcast = ? AND ordinal = ?",
      JSON.stringify(names),
      broadcast,
      ordinal,
    );
  }

  /** Keep what a timeline was, besides its segments: another broadcast has its place now, or it is over. */
  keepHead({ segments: _segments, open: _open, ...head }: Timeline): void {
    this.#storage.sql.exec(
      "UPDATE broadcast SET head = ? WHERE id = ?",
      JSON.stringify(head satisfies Head),
      head.broadcast,
    );
  }

  /** What a timeline was, or `undefined` while it is the present one. */
  headOf(broadcast: string): Head | undefined {
    const row = this.#storage.sql
      .exec<{ head: string | null }>("SELECT head FROM broadcast WHERE id = ?", broadcast)
      .toArray()[0];
    return row?.head ? JSON.parse(row.head) : undefined;
  }

  /** Did this session ever have the stream, and may it still hand in what is late? Reads only. */
  checkLease(
    { broadcast, ordinal, lease }: Writer,
    sameSecret: (a: string, b: string) => boolean,
  ): Result<true, LeaseError> {
    const row = this.#storage.sql
      .exec<{ lease: string | null }>(
        "SELECT lease FROM session WHERE broadcast = ? AND ordinal = ?",
        broadcast,
        ordinal,
      )
      .toArray()[0];
    if (!row) return fail({ reason: "unknown-lease" });
    if (row.lease === null) return fail({ reason: "closed" });
    return sameSecret(row.lease, lease) ? ok(true) : fail({ reason: "unknown-lease" });
  }

  /** From now on nothing more can be handed in. */
  dropLeases(broadcast: string): void {
    this.#storage.sql.exec("UPDATE session SET lease = NULL WHERE broadcast = ?", broadcast);
  }

  /** All broadcasts that there are rows of, with when they began in milliseconds since 1970. */
  began(): readonly { readonly id: string; readonly startedAt: number }[] {
    return this.#storage.sql
      .exec<{ id: string; startedAt: number }>("SELECT id, started_at AS startedAt FROM broadcast")
      .toArray();
  }

  /** Forget a broadcast and its sessions: nobody may hand anything in, and nothing is checked. */
  remove(broadcast: string): void {
    this.#storage.sql.exec("DELETE FROM session WHERE broadcast = ?", broadcast);
    this.#storage.sql.exec("DELETE FROM audience WHERE broadcast = ?", broadcast);
    this.#storage.sql.exec("DELETE FROM broadcast WHERE id = ?", broadcast);
  }

  /** How many watched a broadcast; `undefined` when nobody was ever counted. */
  watched(broadcast: string): Watched | undefined {
    return this.#storage.sql
      .exec<{ peak: number; sinceMs: number; atMs: number; viewers: number; viewerMs: number }>(
        `SELECT peak, since AS sinceMs, until AS atMs, viewers, viewer_ms AS viewerMs FROM audience WHERE broadcast = ?`,
        broadcast,
      )
      .toArray()[0];
  }

  /** Keep how many watched. */
  saveWatched(broadcast: string, { peak, sinceMs, atMs, viewers, viewerMs }: Watched): void {
    this.#storage.sql.exec(
      `INSERT OR REPLACE INTO audience (broadcast, peak, since, until, viewers, viewer_ms) VALUES (?, ?, ?, ?, ?, ?)`,
      broadcast,
      peak,
      sinceMs,
      atMs,
      viewers,
      viewerMs,
    );
  }

  /** Sessions in their order, from the one after `ordinal` on. */
  sessions(broadcast: string, after = 0, limit = 1000): readonly SessionRow[] {
    return this.#storage.sql
      .exec<{
        ordinal: number;
        opened_at: number;
        closed_at: number | null;
        transcoder: string | null;
        renditions: string | null;
      }>(
        `SELECT ordinal, opened_at, closed_at, transcoder, renditions FROM session
         WHERE broadcast = ? AND ordinal > ? ORDER BY ordinal LIMIT ?`,
        broadcast,
        after,
        limit,
      )
      .toArray()
      .map((row) => ({
        ordinal: row.ordinal,
        openedAt: row.opened_at,
        ...(row.closed_at !== null && { closedAt: row.closed_at }),
        ...(row.transcoder !== null && { transcoder: row.transcoder }),
        renditions: row.renditions === null ? [] : JSON.parse(row.renditions),
      }));
  }

  /** One broadcast, or `undefined`. */
  find(broadcast: string): BroadcastRow | undefined {
    return this.#rows("id = ?", broadcast)[0];
  }

  /** The broadcast that has waited longest for its check. */
  dueCheck(now: number): BroadcastRow | undefined {
    return this.#rows("check_at <= ? ORDER BY check_at LIMIT 1", now)[0];
  }

  /** When the next check is due; `undefined` when there is none. */
  nextCheckAt(): number | undefined {
    const { at } = this.#storage.sql
      .exec<{ at: number | null }>("SELECT min(check_at) AS at FROM broadcast WHERE check_at IS NOT NULL")
      .one();
    return at ?? undefined;
  }

  /**
   * History changed, or somebody wants to know: whatever check is under way begins again at that time. The last check, which
   * takes the leases back, is not put off by what goes on coming.
   */
  requestCheck(broadcast: string, at: number): void {
    this.#storage.sql.exec(
      `UPDATE broadcast SET check_at = min(?, ended_at + ?), walk = NULL, revision = revision + 1
       WHERE id = ? AND ended_at IS NOT NULL`,
      at,
      LATE_MS,
      broadcast,
    );
  }

  /** Keep how far a check has come, and when to go on; without effect when history has changed meanwhile. */
  saveWalk({ id, revision }: BroadcastRow, walk: Walk | undefined, checkAt: number): void {
    this.#storage.sql.exec(
      "UPDATE broadcast SET walk = ?, check_at = ? WHERE id = ? AND revision = ?",
      walk ? JSON.stringify(walk) : null,
      checkAt,
      id,
      revision,
    );
  }

  /** A check is done; without effect when history has changed meanwhile. */
  saveReport({ id, revision }: BroadcastRow, report: Report, checkAt: number | undefined): void {
    this.#storage.sql.exec(
      "UPDATE broadcast SET walk = NULL, report = ?, check_at = ? WHERE id = ? AND revision = ?",
      JSON.stringify(report),
      checkAt ?? null,
      id,
      revision,
    );
  }

  #rows(where: string, ...bindings: (string | number)[]): readonly BroadcastRow[] {
    return this.#storage.sql
      .exec<{
        id: string;
        started_at: number;
        ended_at: number | null;
        visible: number;
        check_at: number | null;
        revision: number;
        walk: string | null;
        report: string | null;
      }>(
        `SELECT id, started_at, ended_at, visible, check_at, revision, walk, report FROM broadcast WHERE ${where}`,
        ...bindings,
      )
      .toArray()
      .map((row) => ({
        id: row.id,
        startedAt: row.started_at,
        ...(row.ended_at !== null && { endedAt: row.ended_at }),
        visible: row.visible === 1,
        ...(row.check_at !== null && { checkAt: row.check_at }),
        revision: row.revision,
        ...(row.walk !== null && { walk: JSON.parse(row.walk) }),
        ...(row.report !== null && { report: JSON.parse(row.report) }),
      }));
  }
}
