/**
 * What was taken back in a room. Kept, because a message may come after its own deletion: the history is asked for while events go
 * on. Pure.
 */
import type { ChatEvent, ChatMessage } from "../../wire/chat.ts";

/** Far more than a history holds: nothing that old comes any more. */
const MAX_IDS = 1_000;

export interface Erased {
  readonly ids: ReadonlySet<string>;
  /** Offset up to which somebody's messages are gone. */
  readonly users: ReadonlyMap<string, number>;
  /** Offset up to which everything is gone. */
  readonly upTo: number;
}

export const NOTHING_ERASED: Erased = { ids: new Set(), users: new Map(), upTo: 0 };

/** Events that take messages back. */
export type Erasure = Extract<ChatEvent, { readonly type: "deleted" | "user-deleted" | "cleared" }>;

export const isErasure = (event: ChatEvent): event is Erasure =>
  event.type === "deleted" || event.type === "user-deleted" || event.type === "cleared";

/** Take note of an event at its offset. */
export function erase(erased: Erased, event: Erasure, offset: number): Erased {
  switch (event.type) {
    case "deleted":
      return { ...erased, ids: new Set([...erased.ids, ...event.ids].slice(-MAX_IDS)) };
    case "user-deleted": {
      const upTo = Math.max(offset, erased.users.get(event.user) ?? 0);
      return { ...erased, users: new Map([...erased.users, [event.user, upTo]]) };
    }
    case "cleared":
      return { ...erased, upTo: Math.max(offset, erased.upTo) };
  }
}

/** The message as it may be shown, what it quotes emptied if that is gone; `undefined`: it is gone itself. */
export function afterErasing<M extends ChatMessage>(erased: Erased, message: M): M | undefined {
  const { id, seq, user, replyTo } = message;
  if (isGone(erased, { id, user, seq })) return undefined;
  // What was quoted is older than what quotes it.
  const isQuoteGone = replyTo !== undefined && isGone(erased, { ...replyTo, seq });
  return isQuoteGone && replyTo.text !== "" ? { ...message, replyTo: { ...replyTo, text: "" } } : message;
}

/** Whether a message is gone. */
export const isGone = (
  { ids, users, upTo }: Erased,
  { id, user, seq }: { readonly id: string; readonly user: string; readonly seq: number },
): boolean => seq <= upTo || ids.has(id) || seq < (users.get(user) ?? 0);
