/**
 * What a LiveStream keeps in its SQLite (docs/storage.md): the broadcast, and its timeline row by row.
 * Rows of ended broadcasts stay, for their replays to be made of; only the live window is ever read back here.
 */
import type { Entry, Part, Segment, Timeline, Tracks } from "../media/timeline.ts";
import { forgetOldParts, windowNeeds } from "../media/trim.ts";
import { MAX_APPEND_ENTRIES, type Source } from "../wire/ingest.ts";
import type { Live } from "./core/live.ts";
import { TABLES } from "./schema.ts";

/** A timeline without its segments: what changes seldom, or is small. */
export type Head = Omit<Timeline, "segments" | "open">;

export class LiveStorage {
  readonly #storage: DurableObjectStorage;
  #isPrepared = false;

  constructor(storage: DurableObjectStorage) {
    this.#storage = storage;
  }

  /** Make the tables that are not there; comes before the first write. */
  prepare(): void {
    if (!this.#isPrepared) this.#storage.sql.exec(TABLES);
    this.#isPrepared = true;
  }

  /** The broadcast and its live window, as they were last saved. Reads only: anyone can name a stream, and wake its object. */
  load(): { readonly live: Live | undefined; readonly timeline: Timeline | undefined } {
    const live = this.#storage.kv.get<Live>("live");
    const head = this.#storage.kv.get<Head>("head");
    return { live, timeline: head && this.#readWindow(head) };
  }

  /** No encoder may have this stream, and nobody may watch it. */
  get disabled(): boolean {
    return this.#storage.kv.get<boolean>("disabled") === true;
  }

  set disabled(value: boolean) {
    this.#storage.kv.put("disabled", value);
  }

  /** What the encoder of the present session sends. */
  get source(): Source | undefined {
    return this.#storage.kv.get<Source>("source");
  }

  set source(value: Source) {
    this.#storage.kv.put("source", value);
  }

  /** What those who follow the stream were told of it last. */
  get toldStatus(): string | undefined {
    return this.#storage.kv.get<string>("told_status");
  }

  set toldStatus(value: string) {
    this.#storage.kv.put("told_status", value);
  }

  saveLive(live: Live): void {
    this.#storage.kv.put("live", live);
  }

  /** Save a timeline whose `added` entries are new since it was last saved. All or nothing. */
  saveTimeline(timeline: Timeline, added: readonly Entry[]): void {
    this.#storage.transactionSync(() => {
      for (const entry of added) this.#saveEntry(timeline, entry);
      if (added.length === 0 || added.some((entry) => entry.type !== "part")) this.#saveHead(timeline);
    });
  }

  #saveHead({ segments: _segments, open: _open, ...head }: Timeline): void {
    this.#storage.kv.put("head", head satisfies Head);
  }

  #saveEntry(timeline: Timeline, entry: Entry): void {
    const { sql } = this.#storage;
    const { broadcast } = timeline;
    switch (entry.type) {
      case "init":
        return;
      case "part":
        if (entry.part === 0) this.#openSegment(timeline, entry);
        sql.exec(
          "INSERT INTO part (broadcast, msn, part, duration, tracks) VALUES (?, ?, ?, ?, ?)",
          broadcast,
          entry.msn,
          entry.part,
          entry.duration,
          JSON.stringify(entry.tracks),
        );
        return;
      case "segment":
        this.#openSegment(timeline, entry);
        sql.exec(
          `UPDATE segment SET duration = ?, tracks = ?,
             part_count = (SELECT count(*) FROM part WHERE part.broadcast = segment.broadcast AND part.msn = segment.msn)
           WHERE broadcast = ? AND msn = ?`,
          entry.duration,
          JSON.stringify(entry.tracks),
          broadcast,
          entry.msn,
        );
        return;
    }
  }

  /** The row of a segment, made when its first part comes, or when it is closed if it has no parts. */
  #openSegment(timeline: Timeline, entry: { readonly msn: number; readonly at: number }): void {
    // An append may close as many segments before their rows are written.
    const known = [
      ...timeline.segments.slice(-MAX_APPEND_ENTRIES),
      ...(timeline.open ? [timeline.open] : []),
    ].find(({ msn }) => msn === entry.msn);
    this.#storage.sql.exec(
      "INSERT OR IGNORE INTO segment (broadcast, msn, session, discontinuity, at) VALUES (?, ?, ?, ?, ?)",
      timeline.broadcast,
      entry.msn,
      known?.session ?? timeline.session,
      known?.discontinuity ? 1 : 0,
      known?.at ?? entry.at,
    );
  }

  #readWindow(head: Head): Timeline {
    const first = this.#firstOfWindow(head);
    const recent = Math.max(first, head.nextMsn - RECENT_SEGMENTS);
    const parts = Map.groupBy(this.#readParts(head.broadcast, recent), (row) => row.msn);
    const segments: Segment[] = [];
    let open: Timeline["open"];
    for (const row of this.#readSegments(head.broadcast, first)) {
      const own: Part[] = (parts.get(row.msn) ?? []).map(({ duration, tracks }) => ({
        duration,
        tracks: readTracks(tracks),
      }));
      const opened = {
        msn: row.msn,
        session: row.session,
        discontinuity: row.discontinuity === 1,
        at: row.at,
        parts: own,
      };
      if (row.duration === null) {
        // A segment past `nextMsn - 1` that was never closed is the open one; an older one was given up.
        if (row.msn === head.nextMsn && !head.ended) open = opened;
        continue;
      }
      segments.push({
        ...opened,
        duration: row.duration,
        partCount: row.part_count ?? 0,
        tracks: readTracks(row.tracks),
      });
    }
    return { ...head, segments: forgetOldParts(segments, head.timing), ...(open && { open }) };
  }

  /** `msn` where the live window begins: read from the end, so that a long history costs nothing. */
  #firstOfWindow({ broadcast, timing }: Head): number {
    let [first, held, segments] = [0, 0, 0];
    for (let below: number | undefined = Number.MAX_SAFE_INTEGER; below !== undefined; ) {
      const rows = this.#readDurations(broadcast, below);
      for (const { msn, duration } of rows) {
        if (held >= windowNeeds(timing, segments + 1)) return first;
        held += duration;
        segments += 1;
        first = msn;
      }
      below = rows.at(-1)?.msn;
    }
    return first;
  }

  #readDurations(broadcast: string, below: number) {
    return this.#storage.sql
      .exec<{ msn: number; duration: number }>(
        `SELECT msn, duration FROM segment WHERE broadcast = ? AND msn < ? AND duration IS NOT NULL
         ORDER BY msn DESC LIMIT ?`,
        broadcast,
        below,
        WINDOW_CHUNK,
      )
      .toArray();
  }

  #readSegments(broadcast: string, first: number) {
    return this.#storage.sql.exec<{
      msn: number;
      session: number;
      discontinuity: number;
      at: number;
      duration: number | null;
      part_count: number | null;
      tracks: string | null;
    }>(
      `SELECT msn, session, discontinuity, at, duration, part_count, tracks FROM segment
       WHERE broadcast = ? AND msn >= ? ORDER BY msn`,
      broadcast,
      first,
    );
  }

  #readParts(broadcast: string, first: number) {
    return this.#storage.sql.exec<{ msn: number; duration: number; tracks: string }>(
      "SELECT msn, duration, tracks FROM part WHERE broadcast = ? AND msn >= ? ORDER BY msn, part",
      broadcast,
      first,
    );
  }
}

/** Rows that are read at once to find where the window begins. */
const WINDOW_CHUNK = 500;
/** More segments than three target durations can hold: only their parts are read back. */
const RECENT_SEGMENTS = 32;

const readTracks = (text: string | null): Tracks => (text === null ? {} : JSON.parse(text));
