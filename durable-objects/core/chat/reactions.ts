/** Signs that people give in a live room, counted by person and then by sign. Pure. */
import { fail, ok, type Result } from "../../../media/result.ts";
import { type LiveReaction, REACTIONS_PER_SECOND } from "../../../wire/chat.ts";
import type { Refusal, Speaker } from "./judge.ts";

/** How often each sign was given. */
export type ReactionCounts = Readonly<Partial<Record<LiveReaction, number>>>;

/** What one person gave within a second. */
export interface Reacted extends Pick<Speaker, "user" | "role" | "address"> {
  readonly counts: ReactionCounts;
}

/** Count a sign of somebody who gave these before in the same second. */
export function react(
  before: Reacted | undefined,
  { user, role, address }: Speaker,
  emoji: LiveReaction,
): Result<Reacted, Refusal> {
  if (user === "") return fail({ name: "readOnly" });
  const counts = before?.counts ?? {};
  const sum = Object.values(counts).reduce((a, b) => a + b, 0);
  if (sum >= REACTIONS_PER_SECOND) return fail({ name: "tooFast", seconds: 1 });
  return ok({ user, role, address, counts: addUp(counts, { [emoji]: 1 }) });
}

/** Both together. */
export function addUp(one: ReactionCounts, other: ReactionCounts): ReactionCounts {
  const sum: Partial<Record<LiveReaction, number>> = { ...one };
  // The keys of these counts are signs.
  for (const [emoji, count] of Object.entries(other) as [LiveReaction, number][])
    sum[emoji] = (sum[emoji] ?? 0) + count;
  return sum;
}
