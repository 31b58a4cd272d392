/**
 * The segments of all broadcasts of a stream, live and late, and the parts that are left of them: rows of the tables
 * `segment`, `late_segment` and `part`. The live window is live-storage.ts's to read.
 */
import { type HistorySegment, mergeHistory } from "../media/history.ts";
import type { OpenSegment } from "../media/timeline.ts";
import type { Range } from "./core/name-ranges.ts";
import { ALL } from "./core/walk.ts";

/** A part whose time is over: where its row is, and what its objects are called. */
export interface OldPart {
  readonly session: number;
  readonly msn: number;
  readonly part: number;
  readonly renditions: readonly string[];
}

type SegmentRow = { msn: number; at: number; duration: number; tracks: string };

/** Rows that are read at once. */
const CHUNK = 1000;

export class HistoryRows {
  readonly #storage: DurableObjectStorage;

  constructor(storage: DurableObjectStorage) {
    this.#storage = storage;
  }

  /** Numbers of the segments of a session that were live, given that they come after `before`: sessions follow each other. */
  liveRange(broadcast: string, session: number, before: number): Range {
    const first = (comparison: ">=" | ">") =>
      this.#storage.sql
        .exec<{ msn: number }>(
          `SELECT msn FROM segment WHERE broadcast = ? AND msn > ? AND session ${comparison} ? ORDER BY msn LIMIT 1`,
          broadcast,
          before,
          session,
        )
        .toArray()[0]?.msn;
    const from = first(">=");
    if (from === undefined) return { from: before + 1, to: before };
    return { from, to: (first(">") ?? ALL.to + 1) - 1 };
  }

  /** Renditions that history names for a session, though it may never have described them. */
  renditions(broadcast: string, session: number): readonly string[] {
    return this.#storage.sql
      .exec<{ name: string }>(
        `SELECT DISTINCT json_each.key AS name FROM late_segment, json_each(late_segment.tracks)
         WHERE broadcast = ? AND session = ?`,
        broadcast,
        session,
      )
      .toArray()
      .map(({ name }) => name);
  }

  /** History of a session, within ranges of numbers. */
  between(
    broadcast: string,
    session: number,
    { live, late }: { readonly live: readonly Range[]; readonly late: readonly Range[] },
  ): readonly HistorySegment[] {
    const wasLive = live.flatMap(({ from, to }) => this.#live(broadcast, session, from, to));
    const cameLate = late.flatMap(({ from, to }) => this.#late(broadcast, session, from, to));
    return mergeHistory(wasLive, cameLate);
  }

  /** History of a session whose live segments lie in `range`, in order, a chunk at a time. */
  *all(broadcast: string, session: number, range: Range): Generator<HistorySegment> {
    for (let from = this.#next(broadcast, session, range, 0); from !== undefined; ) {
      const to = from + CHUNK - 1;
      const live = [{ from: Math.max(from, range.from), to: Math.min(to, range.to) }];
      yield* this.between(broadcast, session, { live, late: [{ from, to }] });
      from = this.#next(broadcast, session, range, to + 1);
    }
  }

  /** Add segments that came late. What history has already is as it was. */
  addLate(broadcast: string, session: number, segments: readonly HistorySegment[]): void {
    this.#storage.transactionSync(() => {
      for (const segment of segments) {
        const { msn, at, duration, tracks } = segment;
        const known = this.#late(broadcast, session, msn, msn);
        const [merged = { at, duration, tracks }] = mergeHistory(known, [segment]);
        this.#storage.sql.exec(
          `INSERT OR REPLACE INTO late_segment (broadcast, session, msn, at, duration, tracks) VALUES (?, ?, ?, ?, ?, ?)`,
          broadcast,
          session,
          msn,
          merged.at,
          merged.duration,
          JSON.stringify(merged.tracks),
        );
      }
    });
  }

  /** A segment that was left open, or closed without anything, although it has parts: the first one that was not mended. */
  firstLeftOpen(broadcast: string): OpenSegment | undefined {
    const row = this.#storage.sql
      .exec<{ msn: number; session: number; at: number }>(
        `SELECT msn, session, at FROM segment s
         WHERE broadcast = ? AND (duration IS NULL OR tracks = '{}')
           AND EXISTS (SELECT 1 FROM part p WHERE p.broadcast = s.broadcast AND p.msn = s.msn AND p.tracks <> '{}')
           AND NOT EXISTS (SELECT 1 FROM late_segment l
             WHERE l.broadcast = s.broadcast AND l.session = s.session AND l.msn = s.msn)
         ORDER BY msn LIMIT 1`,
        broadcast,
      )
      .toArray()[0];
    if (!row) return undefined;
    const parts = this.#storage.sql
      .exec<{ duration: number; tracks: string }>(
        "SELECT duration, tracks FROM part WHERE broadcast = ? AND msn = ? ORDER BY part",
        broadcast,
        row.msn,
      )
      .toArray()
      .map(({ duration, tracks }) => ({ duration, tracks: JSON.parse(tracks) }));
    return { ...row, discontinuity: false, parts };
  }

  /** The oldest parts of segments below an `msn`; parts that a segment may yet be put together from are not among them. */
  partsBelow(broadcast: string, below: number, limit: number): readonly OldPart[] {
    return this.#storage.sql
      .exec<{ session: number; msn: number; part: number; tracks: string }>(
        `SELECT session, part.msn AS msn, part, part.tracks AS tracks FROM part
         JOIN segment ON segment.broadcast = part.broadcast AND segment.msn = part.msn
         WHERE part.broadcast = ? AND part.msn < ? AND segment.duration IS NOT NULL AND segment.tracks <> '{}'
         ORDER BY part.msn, part LIMIT ?`,
        broadcast,
        below,
        limit,
      )
      .toArray()
      .map(({ tracks, ...row }) => ({ ...row, renditions: Object.keys(JSON.parse(tracks)) }));
  }

  deleteParts(broadcast: string, parts: readonly OldPart[]): void {
    this.#storage.transactionSync(() => {
      for (const { msn, part } of parts)
        this.#storage.sql.exec(
          "DELETE FROM part WHERE broadcast = ? AND msn = ? AND part = ?",
          broadcast,
          msn,
          part,
        );
    });
  }

  deleteAllParts(broadcast: string): void {
    this.#storage.sql.exec("DELETE FROM part WHERE broadcast = ?", broadcast);
  }

  /** Forget all that a broadcast was. */
  remove(broadcast: string): void {
    for (const table of ["part", "late_segment", "segment"])
      this.#storage.sql.exec(`DELETE FROM ${table} WHERE broadcast = ?`, broadcast);
  }

  #live(broadcast: string, session: number, from: number, to: number): readonly HistorySegment[] {
    return readRows(
      this.#storage.sql.exec<SegmentRow>(
        `SELECT msn, at, duration, tracks FROM segment
         WHERE broadcast = ? AND msn BETWEEN ? AND ? AND session = ? AND duration IS NOT NULL ORDER BY msn`,
        broadcast,
        from,
        to,
        session,
      ),
    );
  }

  #late(broadcast: string, session: number, from: number, to: number): readonly HistorySegment[] {
    return readRows(
      this.#storage.sql.exec<SegmentRow>(
        `SELECT msn, at, duration, tracks FROM late_segment
         WHERE broadcast = ? AND session = ? AND msn BETWEEN ? AND ? ORDER BY msn`,
        broadcast,
        session,
        from,
        to,
      ),
    );
  }

  /** The first number from `from` on that a session has a segment of. */
  #next(broadcast: string, session: number, range: Range, from: number): number | undefined {
    const { msn } = this.#storage.sql
      .exec<{ msn: number | null }>(
        `SELECT min(msn) AS msn FROM (
           SELECT min(msn) AS msn FROM segment WHERE broadcast = ? AND msn BETWEEN ? AND ?
           UNION ALL SELECT min(msn) FROM late_segment WHERE broadcast = ? AND session = ? AND msn >= ?
         )`,
        broadcast,
        Math.max(from, range.from),
        range.to,
        broadcast,
        session,
        from,
      )
      .one();
    return msn ?? undefined;
  }
}

const readRows = (rows: Iterable<SegmentRow>): readonly HistorySegment[] =>
  [...rows].map(({ tracks, ...row }) => ({ ...row, tracks: JSON.parse(tracks) }));
