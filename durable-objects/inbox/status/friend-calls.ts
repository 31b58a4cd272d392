/** What the inboxes of two users say to each other of their friendship (docs/wire.md, "Status and friends"). All of it may come twice. Types only. */
import type { FriendState } from "../../../wire/inbox.ts";
import type { Shown } from "../../core/inbox/status.ts";

export interface NumberedStatus extends Shown {
  /** Higher than that of the one before: one that was under way for long is passed over. */
  readonly number: number;
}

/** `by`: who says it. */
export type FriendCall =
  /** Whether they want to see how this user is. Answered with what comes of it. */
  | { readonly type: "following"; readonly by: string; readonly name?: string; readonly isFollowing: boolean }
  /** Whether this user may see how they are. */
  | { readonly type: "allowing"; readonly by: string; readonly isAllowed: boolean }
  /** They are online, and want to hear how this user is for a while. Answered with how they are now. */
  | { readonly type: "watch"; readonly by: string }
  /** How they are. Answered with whether this user still watches. */
  | { readonly type: "status"; readonly by: string; readonly status: NumberedStatus };

export interface FriendAnswer {
  readonly state?: FriendState;
  /** There are too many who follow them. */
  readonly isFull?: true;
  readonly status?: NumberedStatus;
  readonly isWatching?: boolean;
}

/** The inbox of somebody else. */
export interface FriendInbox {
  befriend(call: FriendCall): Promise<FriendAnswer>;
}

/** Longest that one waits for the answer of another; a client waits for it as well, and for no more than 5 s. */
export const FRIEND_MS = 3_000;
