/** Who reacted to what. Pure. */
import type { ConversationEvent, ConversationMessage } from "../../wire/conversations.ts";
import type { Stretch } from "./stretch.ts";

/** Somebody reacted, or took it back. Twice is once. */
export type Reacted = Extract<ConversationEvent, { readonly type: "reaction" }>;

/** Those that are offered. */
export const OFFERED = ["👍", "❤️", "😂", "😮", "😢", "🎉", "🙏", "👀"] as const;

/** The rows after some reactions, in their order. */
export function react(stretch: Stretch, reacted: readonly Reacted[]): Stretch {
  const byId = Map.groupBy(reacted, ({ id }) => id);
  if (byId.size === 0) return stretch;
  return {
    ...stretch,
    rows: stretch.rows.map((row) => {
      const own = row.event.type === "message" ? byId.get(row.event.id) : undefined;
      if (own === undefined || row.event.type !== "message") return row;
      const event = own.reduce(reactedTo, row.event);
      return event === row.event ? row : { ...row, event };
    }),
  };
}

function reactedTo(message: ConversationMessage, { user, emoji, on }: Reacted): ConversationMessage {
  const { reactions = {}, ...rest } = message;
  const users = reactions[emoji] ?? [];
  if (users.includes(user) === on) return message;
  const others = users.filter((other) => other !== user);
  const next = { ...reactions, [emoji]: on ? [...others, user] : others };
  const left = Object.entries(next).filter(([, all]) => all.length > 0);
  return left.length === 0 ? rest : { ...rest, reactions: Object.fromEntries(left) };
}
