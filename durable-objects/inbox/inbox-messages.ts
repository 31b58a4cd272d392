/** What a conversation tells the inbox of a member (docs/wire.md, "Between the Workers"). Types only. */
import type { InboxEvent, Notification, RoomSummary } from "../../wire/inbox.ts";

/** What is new in a room for one of its members. It may come twice: what the inbox has taken already it passes over by the numbers. */
export interface InboxDelivery {
  /** The room as this member sees it after that. */
  readonly summary: RoomSummary;
  /** Oldest first; `seq`: of the room. */
  readonly events: readonly { readonly seq: number; readonly event: InboxEvent }[];
  /** Everything up to this number of the room is in there, or was of no interest. */
  readonly upTo: number;
  /** What a device that is asleep is told; absent: nothing that somebody else wrote. */
  readonly notification?: Notification;
  /** They are no member any more. */
  readonly left?: true;
}

/** Which number of the room the inbox has everything up to. */
export interface InboxTaken {
  readonly upTo: number;
}
