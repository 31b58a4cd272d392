/**
 * A room as the page shows it: `step(room, event)` is all that ever changes it. What was taken back is in no part of it, in whatever
 * order things come. No DOM, no socket, no clock.
 */
import type { ChatEvent, ChatMessage, ChatState, ToldSettings } from "../../wire/chat.ts";
import { CHAT_ERROR } from "../../wire/chat.ts";
import { afterErasing, type Erased, erase, isErasure, isGone, NOTHING_ERASED } from "./erased.ts";
import { type Standing, silenceOf } from "./standing.ts";
import { NOBODY, type Who } from "./who.ts";

/** Messages that are shown, and as many that wait while somebody reads. */
export const MAX_ROWS = 200;

/** A message that is answered, as a reply shows it. */
export type Quoted = NonNullable<ChatMessage["replyTo"]> & Pick<ChatMessage, "seq">;

/** What the viewer sent and has not seen in the room yet. */
export interface Pending {
  readonly nonce: string;
  readonly text: string;
  readonly replyTo?: Quoted;
  /** `accepted`: the room has it, its publication is on its way. */
  readonly state: "sending" | "accepted" | "failed";
  /** Why it failed, for people. */
  readonly why?: string;
}

export interface Room {
  /** `new`: never subscribed; `refused`: for good. */
  readonly link: "new" | "joined" | "dropped" | "refused";
  readonly epoch?: string;
  /** Offset at which this page began to hear everything. */
  readonly since: number;
  readonly history: "asked" | "here" | "failed";
  /** In the order of `seq`. */
  readonly rows: readonly ChatMessage[];
  /** Newer ones, which came while somebody reads. */
  readonly waiting: readonly ChatMessage[];
  /** Of others, since reading began. */
  readonly unread: number;
  /** `seq` of the first that was unread when the reader came back. */
  readonly firstNew?: number | undefined;
  /** Somebody reads further up: nothing moves below their eyes. */
  readonly isReading: boolean;
  readonly pending: readonly Pending[];
  readonly erased: Erased;
  readonly settings?: ToldSettings;
  readonly pinned: ChatMessage | null;
  readonly standing: Standing;
  /** Slow mode or too fast: when the next may be sent. */
  readonly writableAtMs: number;
}

export interface Heard {
  readonly event: ChatEvent;
  readonly offset: number;
}

export type RoomEvent =
  /** Subscribed. `isWhole`: what was missed follows, and nothing is missing. */
  | { readonly type: "joined"; readonly epoch: string; readonly offset: number; readonly isWhole: boolean }
  | { readonly type: "dropped" | "refused" | "history-failed" }
  | ({ readonly type: "heard" } & Heard)
  | { readonly type: "history"; readonly heard: readonly Heard[] }
  | { readonly type: "told"; readonly state: ChatState }
  | { readonly type: "became"; readonly who: Who }
  | { readonly type: "reading"; readonly isReading: boolean }
  | { readonly type: "sending"; readonly pending: Pending }
  | { readonly type: "accepted"; readonly nonce: string; readonly nowMs: number }
  /** The room does not take it: `code` is a protocol's, `seconds` says when it would. */
  | {
      readonly type: "failed";
      readonly nonce: string;
      readonly why: string;
      readonly code?: number;
      readonly seconds?: number;
      readonly nowMs: number;
    }
  | { readonly type: "discarded"; readonly nonce: string };

export const EMPTY_ROOM: Room = {
  link: "new",
  since: 0,
  history: "asked",
  rows: [],
  waiting: [],
  unread: 0,
  isReading: false,
  pending: [],
  erased: NOTHING_ERASED,
  pinned: null,
  standing: { who: NOBODY, mayModerate: false },
  writableAtMs: 0,
};

/** The room after an event. */
export function step(room: Room, event: RoomEvent): Room {
  switch (event.type) {
    case "joined":
      return joined(room, event);
    case "dropped":
    case "refused":
      return { ...room, link: event.type };
    case "history":
      return withHistory(room, event.heard);
    case "history-failed":
      // Who was away does not know what was deleted meanwhile.
      return {
        ...showing(room, room.rows.filter(isSince(room)), room.waiting.filter(isSince(room))),
        history: "failed",
      };
    case "heard":
      return hear(room, event);
    case "told":
      return told(room, event.state);
    case "became":
      return { ...room, standing: { who: event.who, mayModerate: false } };
    case "reading":
      return event.isReading === room.isReading ? room : event.isReading ? reading(room) : caughtUp(room);
    case "sending":
      return {
        ...room,
        firstNew: undefined,
        pending: [...without(room.pending, event.pending.nonce), event.pending],
      };
    case "accepted":
      return accepted(room, event);
    case "failed":
      return failed(room, event);
    case "discarded":
      return { ...room, pending: without(room.pending, event.nonce) };
  }
}

function joined(room: Room, { epoch, offset, isWhole }: Extract<RoomEvent, { type: "joined" }>): Room {
  const isOther = room.epoch !== undefined && room.epoch !== epoch;
  // Offsets of another epoch mean other messages.
  const base: Room = isOther ? { ...showing(room, [], []), erased: NOTHING_ERASED } : room;
  const next: Room = { ...base, link: "joined", epoch };
  // What is pinned now, the room will say.
  return isWhole ? next : { ...next, since: offset, history: "asked", pinned: null };
}

/** Came by itself since this page hears everything. */
const isSince =
  ({ since }: Room) =>
  ({ seq }: ChatMessage): boolean =>
    seq > since;

function hear(room: Room, { event, offset }: Heard): Room {
  if (isErasure(event)) return erasedFrom(room, erase(room.erased, event, offset));
  const { standing } = room;
  switch (event.type) {
    case "message":
      return add(room, event);
    case "gone":
      return room;
    case "pinned":
      return { ...room, pinned: pinnedOf(room.erased, event.message) };
    case "settings":
      return { ...room, settings: event.settings };
    case "sanction": {
      if (event.user !== standing.who.user) return room;
      const until = event.until === undefined ? "ever" : Date.parse(event.until);
      return { ...room, standing: { ...standing, silence: event.lifted ? undefined : until } };
    }
  }
}

function add(room: Room, message: ChatMessage): Room {
  const isMine = message.user === room.standing.who.user;
  const pending = isMine ? without(room.pending, message.nonce) : room.pending;
  const next: Room = { ...room, pending };
  const shown = afterErasing(room.erased, message);
  if (!shown) return next;
  if (!room.isReading || shown.seq < (room.rows.at(-1)?.seq ?? 0)) {
    return { ...next, rows: insert(room.rows, shown) };
  }
  const waiting = insert(room.waiting, shown);
  const isNew = waiting !== room.waiting && !isMine;
  return { ...next, waiting, unread: room.unread + (isNew ? 1 : 0) };
}

/** In its place, once. */
function insert(rows: readonly ChatMessage[], message: ChatMessage): readonly ChatMessage[] {
  const after = rows.findLastIndex(({ seq }) => seq <= message.seq);
  if (rows[after]?.seq === message.seq) return rows;
  return rows.toSpliced(after + 1, 0, message).slice(-MAX_ROWS);
}

function erasedFrom(room: Room, erased: Erased): Room {
  const left = (messages: readonly ChatMessage[]): readonly ChatMessage[] => {
    const kept = messages.flatMap((message) => afterErasing(erased, message) ?? []);
    return kept.length === messages.length && kept.every((one, i) => one === messages[i]) ? messages : kept;
  };
  const waiting = left(room.waiting);
  return {
    ...room,
    erased,
    rows: left(room.rows),
    waiting,
    unread: Math.max(0, room.unread - (room.waiting.length - waiting.length)),
    pinned: pinnedOf(erased, room.pinned),
    pending: room.pending.map((one) => quotingLess(one, erased)),
  };
}

/** A reply that is on its way must not go on showing what it answers. */
function quotingLess(pending: Pending, erased: Erased): Pending {
  const { replyTo } = pending;
  return replyTo && isGone(erased, replyTo) ? { ...pending, replyTo: { ...replyTo, text: "" } } : pending;
}

function withHistory(before: Room, heard: readonly Heard[]): Room {
  let erased = before.erased;
  for (const { event, offset } of heard) if (isErasure(event)) erased = erase(erased, event, offset);
  const room = erasedFrom(before, erased);
  let rows: readonly ChatMessage[] = [];
  for (const { event } of heard) {
    const shown = event.type === "message" ? afterErasing(erased, event) : undefined;
    if (shown) rows = insert(rows, shown);
  }
  for (const message of room.rows.filter(isSince(room))) rows = insert(rows, message);
  const newest = rows.at(-1)?.seq ?? 0;
  const waiting = room.waiting.filter((message) => isSince(room)(message) && message.seq > newest);
  const { user } = room.standing.who;
  const mine = new Set(rows.filter((message) => message.user === user).map(({ nonce }) => nonce));
  // What the room has taken and shows no more, it has taken back.
  const pending = room.pending.filter(({ nonce, state }) => state !== "accepted" && !mine.has(nonce));
  return { ...showing(room, rows, waiting), history: "here", pending };
}

const showing = (room: Room, rows: readonly ChatMessage[], waiting: readonly ChatMessage[]): Room => ({
  ...room,
  rows,
  waiting,
  unread: waiting.filter(({ user }) => user !== room.standing.who.user).length,
});

function told(room: Room, { settings, pinned, you }: ChatState): Room {
  const { who } = room.standing;
  return {
    ...room,
    settings,
    pinned: pinnedOf(room.erased, pinned),
    standing: { who, mayModerate: you.mayModerate, silence: silenceOf(you) },
  };
}

/** Without what it quotes: that is not shown, and may be gone since long before. */
function pinnedOf(erased: Erased, message: ChatMessage | null): ChatMessage | null {
  if (message === null || isGone(erased, message)) return null;
  if (message.replyTo === undefined) return message;
  const { replyTo: _quoted, ...rest } = message;
  return rest;
}

const reading = (room: Room): Room => ({ ...room, isReading: true, firstNew: undefined });

/** At the end again: what has waited is shown, marked where it begins. */
const caughtUp = (room: Room): Room => ({
  ...room,
  isReading: false,
  rows: [...room.rows, ...room.waiting].slice(-MAX_ROWS),
  waiting: [],
  unread: 0,
  firstNew: room.unread > 0 ? room.waiting[0]?.seq : undefined,
});

const without = (pending: readonly Pending[], nonce: string): readonly Pending[] =>
  pending.some((one) => one.nonce === nonce) ? pending.filter((one) => one.nonce !== nonce) : pending;

function accepted(room: Room, { nonce, nowMs }: Extract<RoomEvent, { type: "accepted" }>): Room {
  const slowMs = room.standing.mayModerate ? 0 : 1000 * (room.settings?.slowSeconds ?? 0);
  return {
    ...room,
    writableAtMs: Math.max(room.writableAtMs, nowMs + slowMs),
    pending: room.pending.map((one) => (one.nonce === nonce ? { ...one, state: "accepted" } : one)),
  };
}

function failed(room: Room, event: Extract<RoomEvent, { type: "failed" }>): Room {
  const { nonce, why, code, seconds, nowMs } = event;
  const pending = room.pending.map((one) =>
    one.nonce === nonce ? { ...one, state: "failed" as const, why } : one,
  );
  const untilMs = nowMs + 1000 * (seconds ?? 0);
  const silence: Standing["silence"] =
    code === CHAT_ERROR.banned.code
      ? "ever"
      : code === CHAT_ERROR.timedOut.code
        ? untilMs
        : room.standing.silence;
  const isPaced = code === CHAT_ERROR.slowMode.code || code === CHAT_ERROR.tooFast.code;
  return {
    ...room,
    pending,
    standing: { ...room.standing, silence },
    writableAtMs: isPaced ? Math.max(room.writableAtMs, untilMs) : room.writableAtMs,
  };
}
