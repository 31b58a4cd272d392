/**
 * The part of a conversation that is on the page: rows without a gap between them, in the order of their numbers, and whether there
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

export interface Window {
  readonly rows: readonly Row[];
  /** First and last number that was looked at: some have no row. */
  readonly first: number;
  readonly last: number;
  readonly hasBefore: boolean;
  readonly hasAfter: boolean;
  /** Newest rows that came, while there are others between. */
  readonly recent: readonly Row[];
}

export const EMPTY_WINDOW: Window = {
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
export function append(window: Window, row: Row, erased: Erased, isAtEnd: boolean): Window {
  const rows = shown(row, erased);
  if (window.hasAfter && row.seq > window.last) {
    return { ...window, recent: merged(window.recent, rows).slice(-MAX_RECENT) };
  }
  const next = {
    ...window,
    rows: merged(window.rows, rows),
    last: Math.max(window.last, row.seq),
    first: window.first === 0 ? row.seq : window.first,
  };
  if (isAtEnd) return fromEnd(next);
  return next.rows.length > 2 * MAX_ROWS ? fromStart(next) : next;
}

/** The newest rows only. */
function fromEnd(window: Window): Window {
  const rows = window.rows.slice(-MAX_ROWS);
  const [first] = rows;
  return rows.length === window.rows.length || first === undefined
    ? window
    : { ...window, rows, first: first.seq, hasBefore: true };
}

/** The oldest rows only. */
function fromStart(window: Window): Window {
  const rows = window.rows.slice(0, MAX_ROWS);
  const last = rows.at(-1);
  return rows.length === window.rows.length || last === undefined
    ? window
    : { ...window, rows, last: last.seq, hasAfter: true };
}

/** Take rows out that were taken back, and empty what quotes them. */
export function without(window: Window, erased: Erased): Window {
  const keep = (rows: readonly Row[]): readonly Row[] => rows.flatMap((row) => shown(row, erased));
  return { ...window, rows: keep(window.rows), recent: keep(window.recent) };
}

/** The window with a page of the history. `since`: what has a higher number came by itself. */
export function withPage(
  window: Window,
  { place, events, hasBefore, hasAfter }: Page,
  { since, erased }: { readonly since: number; readonly erased: Erased },
): Window {
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
      const heard = [...window.rows, ...window.recent].filter(({ seq }) => seq >= from);
      const last = Math.max(highest, heard.at(-1)?.seq ?? 0, 0);
      return { ...EMPTY_WINDOW, ...span, last, rows: merged(rows, heard), hasBefore };
    }
    case "around": {
      const recent = merged(
        window.recent,
        window.hasAfter ? [] : window.rows.filter(({ seq }) => seq > since),
      );
      return caughtUp({ ...EMPTY_WINDOW, ...span, rows, recent, hasBefore, hasAfter });
    }
    case "before": {
      const first = Math.min(window.first, lowest);
      return fromStart({ ...window, rows: merged(window.rows, rows), first, hasBefore });
    }
    case "after": {
      const last = Math.max(window.last, highest);
      return fromEnd(caughtUp({ ...window, rows: merged(window.rows, rows), last, hasAfter }));
    }
  }
}

/** At the newest again: what came meanwhile follows. */
function caughtUp(window: Window): Window {
  if (window.hasAfter) return window;
  const rows = merged(
    window.rows,
    window.recent.filter(({ seq }) => seq > window.last),
  );
  return { ...window, rows, last: Math.max(window.last, rows.at(-1)?.seq ?? 0), recent: [] };
}
