/** What of a room's delivery is new to an inbox. Deliveries come again when their answer was lost, and one that was overtaken may come late. */
import type { InboxEvent, RoomSummary } from "../../../wire/inbox.ts";

/** What a room tells (inbox-messages.ts), as far as it is looked at here. */
export interface Told {
  readonly summary: RoomSummary;
  readonly events: readonly { readonly seq: number; readonly event: InboxEvent }[];
  readonly upTo: number;
  readonly left?: true;
}

/** What an inbox knows of a room. */
export interface KnownRoom {
  /** Number of the room's own up to which everything has been taken. */
  readonly upTo: number;
  /** Absent: they are no member any more. */
  readonly summary?: RoomSummary;
}

/** How the room is after a delivery, and what is to be told of it. */
export interface Taking {
  readonly room: KnownRoom;
  /** Oldest first. */
  readonly events: readonly InboxEvent[];
}

/** Take a delivery; `undefined`: nothing of it is new. */
export function takingOf(told: Told, known: KnownRoom | undefined): Taking | undefined {
  const { summary, upTo } = told;
  const before = known?.upTo ?? 0;
  const isListed = known?.summary !== undefined;
  const hasLeft = known !== undefined && !isListed;
  // Who left comes back with something that is new.
  if (upTo < before || (hasLeft && upTo === before)) return undefined;
  const fresh = told.events.filter(({ seq }) => seq > before).map(({ event }) => event);
  const says = (type: InboxEvent["type"]): boolean => fresh.some((event) => event.type === type);
  if (told.left) {
    const isToSay = isListed && !says("left");
    return { room: { upTo }, events: isToSay ? [...fresh, { type: "left", room: summary.room }] : fresh };
  }
  // A room that is new comes with its own word, and so does one that is another than it was although nothing happened in it.
  const isToSay = isListed ? fresh.length === 0 && isChanged(known.summary, summary) : !says("room");
  if (isListed && upTo === before && !isToSay) return undefined;
  return { room: { upTo, summary }, events: isToSay ? [{ type: "room", summary }, ...fresh] : fresh };
}

/** Cursors only move on: a summary with an older one is older. Where the room is, a reaction changes too. */
const isChanged = (before: RoomSummary, after: RoomSummary): boolean =>
  after.read >= before.read && JSON.stringify(shownOf(before)) !== JSON.stringify(shownOf(after));

const shownOf = ({ title, peer, read, unread }: RoomSummary) => [title, peer?.name, read, unread];
