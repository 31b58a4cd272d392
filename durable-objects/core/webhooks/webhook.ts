/**
 * Which events the life of a broadcast means to those who want to be told of it (docs/webhooks.md).
 * Pure: it compares what was announced with what is. Who is told, and how often it is tried, is elsewhere.
 */
import type { BroadcastEvent, EventName } from "../../../wire/webhooks.ts";
import { endsAt, isAlive, type Live, SILENCE_MS } from "../live.ts";

/** How far a broadcast has come, as receivers see it. */
type Phase = "unseen" | "live" | "interrupted" | "over";
/** One change; `over` becomes `ended` or `failed`. */
type Step = "started" | "interrupted" | "resumed" | "over";

/** What was announced of a stream's present broadcast; stored with the events themselves. */
export interface Announced {
  readonly broadcast: string;
  readonly stream: string;
  readonly startedAt: number;
  readonly session: number;
  readonly phase: Phase;
  /** Events so far. */
  readonly count: number;
}

/** An event, and the name it keeps over every attempt to deliver it. */
export interface Announcement {
  /** `webhook-id`: receivers know a repeat by it. */
  readonly id: string;
  /** Milliseconds since 1970. */
  readonly at: number;
  readonly event: BroadcastEvent;
}

/** Events to tell, and what is announced with them. */
export interface News {
  readonly announced: Announced;
  /** In order. */
  readonly events: readonly Announcement[];
}

/**
 * What is new since `before`. `failure` says why a broadcast that is over now was given up.
 * A broadcast that was replaced without having ended ends when the next one begins.
 */
export function news(before: Announced | undefined, live: Live, now: number, failure?: string): News {
  const replaced = before && before.broadcast !== live.broadcast ? leave(before, live.startedAt) : [];
  const known = before?.broadcast === live.broadcast ? before : unseen(live);
  const phase = phaseOf(live, now);
  let announced: Announced = { ...known, session: live.session.ordinal };
  const events = [...replaced];
  for (const step of stepsBetween(known.phase, phase, live.visible)) {
    announced = { ...announced, count: announced.count + 1 };
    events.push(describe(announced, live, step, failure));
  }
  // Over is over, and what was seen is not unseen again.
  const isFinal = known.phase === "over" || phase === "unseen";
  return { announced: { ...announced, phase: isFinal ? known.phase : phase }, events };
}

/** Is there nothing to store? */
export const isSame = (before: Announced | undefined, { announced }: News): boolean =>
  before !== undefined &&
  before.broadcast === announced.broadcast &&
  before.phase === announced.phase &&
  before.session === announced.session;

/** Does a webhook with these filters want an event? An empty filter lets everything through. */
export const isWanted = (
  filters: { readonly streams: readonly string[]; readonly events: readonly string[] },
  stream: string,
  event: string,
): boolean =>
  (filters.streams.length === 0 || filters.streams.includes(stream)) &&
  (filters.events.length === 0 || filters.events.includes(event));

const unseen = (live: Live): Announced => ({
  broadcast: live.broadcast,
  stream: live.settings.id,
  startedAt: live.startedAt,
  session: live.session.ordinal,
  phase: "unseen",
  count: 0,
});

function phaseOf(live: Live, now: number): Phase {
  if (live.endedAt !== undefined) return "over";
  if (!live.visible) return "unseen";
  return isAlive(live, now) ? "live" : "interrupted";
}

/** The way from one phase to another, so that no receiver sees an end without its beginning. */
function stepsBetween(from: Phase, to: Phase, shown: boolean): readonly Step[] {
  if (from === to || from === "over") return [];
  const beginning: readonly Step[] = from === "unseen" && shown ? ["started"] : [];
  switch (to) {
    case "unseen":
      return [];
    case "live":
      return from === "interrupted" ? ["resumed"] : beginning;
    case "interrupted":
    case "over":
      return [...beginning, to];
  }
}

function describe(announced: Announced, live: Live, step: Step, failure: string | undefined): Announcement {
  switch (step) {
    case "started":
    case "resumed":
      return announce(announced, `broadcast.${step}`, live.session.lastHeardAt);
    case "interrupted": {
      const at = live.session.closedAt ?? live.session.lastHeardAt + SILENCE_MS;
      return announce(announced, "broadcast.interrupted", at, { endsAt: iso(endsAt(live)) });
    }
    case "over":
      return close(announced, live.endedAt ?? live.session.lastHeardAt, live.visible, failure);
  }
}

/** The last word on a broadcast that another one took the place of. */
const leave = (before: Announced, at: number): readonly Announcement[] =>
  before.phase === "over"
    ? []
    : [close({ ...before, count: before.count + 1 }, at, before.phase !== "unseen", undefined)];

function close(announced: Announced, endedAt: number, shown: boolean, failure?: string): Announcement {
  const facts = { endedAt: iso(endedAt), seconds: (endedAt - announced.startedAt) / 1000 };
  if (shown && failure === undefined) return announce(announced, "broadcast.ended", endedAt, facts);
  return announce(announced, "broadcast.failed", endedAt, {
    ...facts,
    reason: failure ?? "never-shown",
    shown,
  });
}

function announce(
  { broadcast, stream, session, startedAt, count }: Announced,
  type: EventName,
  at: number,
  facts: Partial<BroadcastEvent["data"]> = {},
): Announcement {
  const data = { stream, broadcast, session, sequence: count, startedAt: iso(startedAt), ...facts };
  return { id: `msg_${broadcast}_${count}`, at, event: { type, timestamp: iso(at), data } };
}

const iso = (ms: number): string => new Date(ms).toISOString();
