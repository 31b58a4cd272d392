/**
 * The stretch of a conversation that is on the page: rows without a gap between them, in the order of their numbers, and whether there
 * are others on either side. Pure.
 */
import type { ConversationEvent } from "../../wire/conversations.ts";
import { afterErasing, type Erased } from "../chat/erased.ts";

/** Rows on the page; twice as many while somebody reads further up. */
export const MAX_ROWS = 300;
/** Rows that came while the page shows older ones: they may follow what is loaded next. */
const MAX_RECENT = 300;

/** Events that have a row. */
export type RowEvent = Extract<
  ConversationEvent,
  { readonly type: "message" | "joined" | "left" | "role" | "title" }
>;
export interface Row {
  readonly seq: number;
  readonly event: RowEvent;
}

export interface Stretch {
  readonly rows: readonly Row[];
  /** First and last number that was looked at: some have no row. */
  readonly first: number;
  readonly last: number;
  readonly hasBefore: boolean;
  readonly hasAfter: boolean;
  /** Newest rows that came, while there are others between. */
  readonly recent: readonly Row[];
}

export const EMPTY_STRETCH: Stretch = {
  rows: [],
  first: 0,
  last: 0,
  hasBefore: false,
  hasAfter: false,
  recent: [],
};

/** Where a page of the history belongs: `around` a message that was looked for. */
export type Place = "newest" | "before" | "after" | "around";

/** What was answered, in any order. */
export interface Page {
  readonly place: Place;
  readonly events: readonly { readonly seq: number; readonly event: ConversationEvent }[];
  readonly hasBefore: boolean;
  readonly hasAfter: boolean;
}

const isRowEvent = (event: ConversationEvent): event is RowEvent =>
  event.type === "message" ||
  event.type === "joined" ||
  event.type === "left" ||
  event.type === "role" ||
  event.type === "title";

/** The row as it may be shown; nothing when it was taken back. */
function shown(row: Row, erased: Erased): readonly Row[] {
  if (row.event.type !== "message") return [row];
  const event = afterErasing(erased, row.event);
  if (event === undefined) return [];
  return event === row.event ? [row] : [{ ...row, event }];
}

/** In order, each once. */
function merged(rows: readonly Row[], others: readonly Row[]): readonly Row[] {
  const known = new Set(rows.map(({ seq }) => seq));
  const fresh = others.filter(({ seq }) => !known.has(seq));
  if (fresh.length === 0) return rows;
  return [...rows, ...fresh].sort((one, other) => one.seq - other.seq);
}

/** A row that came by itself. */
export function append(stretch: Stretch, row: Row, erased: Erased, isAtEnd: boolean): Stretch {
  const rows = shown(row, erased);
  if (stretch.hasAfter && row.seq > stretch.last) {
    return { ...stretch, recent: merged(stretch.recent, rows).slice(-MAX_RECENT) };
  }
  const next = {
    ...stretch,
    rows: merged(stretch.rows, rows),
    last: Math.max(stretch.last, row.seq),
    first: stretch.first === 0 ? row.seq : stretch.first,
  };
  if (isAtEnd) return fromEnd(next);
  return next.rows.length > 2 * MAX_ROWS ? fromStart(next) : next;
}

/** The newest rows only. */
function fromEnd(stretch: Stretch): Stretch {
  const rows = stretch.rows.slice(-MAX_ROWS);
  const [first] = rows;
  return rows.length === stretch.rows.length || first === undefined
    ? stretch
    : { ...stretch, rows, first: first.seq, hasBefore: true };
}

/** The oldest rows only. */
function fromStart(stretch: Stretch): Stretch {
  const rows = stretch.rows.slice(0, MAX_ROWS);
  const last = rows.at(-1);
  return rows.length === stretch.rows.length || last === undefined
    ? stretch
    : { ...stretch, rows, last: last.seq, hasAfter: true };
}

/** Take rows out that were taken back, and empty what quotes them. */
export function without(stretch: Stretch, erased: Erased): Stretch {
  const keep = (rows: readonly Row[]): readonly Row[] => rows.flatMap((row) => shown(row, erased));
  return { ...stretch, rows: keep(stretch.rows), recent: keep(stretch.recent) };
}

/** The stretch with a page of the history. `since`: what has a higher number came by itself. */
export function withPage(
  stretch: Stretch,
  { place, events, hasBefore, hasAfter }: Page,
  { since, erased }: { readonly since: number; readonly erased: Erased },
): Stretch {
  const seqs = events.map(({ seq }) => seq);
  const [lowest, highest] = [Math.min(...seqs), Math.max(...seqs)];
  const rows = events
    .flatMap(({ seq, event }) => (isRowEvent(event) ? shown({ seq, event }, erased) : []))
    .sort((one, other) => one.seq - other.seq);
  const span = events.length === 0 ? {} : { first: lowest, last: highest };
  switch (place) {
    case "newest": {
      // Older ones than the page may have others between, or were taken back unheard.
      const from = Math.max(since + 1, events.length === 0 ? 0 : lowest);
      const heard = [...stretch.rows, ...stretch.recent].filter(({ seq }) => seq >= from);
      const last = Math.max(highest, heard.at(-1)?.seq ?? 0, 0);
      return { ...EMPTY_STRETCH, ...span, last, rows: merged(rows, heard), hasBefore };
    }
    case "around": {
      const recent = merged(
        stretch.recent,
        stretch.hasAfter ? [] : stretch.rows.filter(({ seq }) => seq > since),
      );
      return caughtUp({ ...EMPTY_STRETCH, ...span, rows, recent, hasBefore, hasAfter });
    }
    case "before": {
      const first = Math.min(stretch.first, lowest);
      return fromStart({ ...stretch, rows: merged(stretch.rows, rows), first, hasBefore });
    }
    case "after": {
      const last = Math.max(stretch.last, highest);
      return fromEnd(caughtUp({ ...stretch, rows: merged(stretch.rows, rows), last, hasAfter }));
    }
  }
}

/** At the newest again: what came meanwhile follows. */
function caughtUp(stretch: Stretch): Stretch {
  if (stretch.hasAfter) return stretch;
  const rows = merged(
    stretch.rows,
    stretch.recent.filter(({ seq }) => seq > stretch.last),
  );
  return { ...stretch, rows, last: Math.max(stretch.last, rows.at(-1)?.seq ?? 0), recent: [] };
}
