/** Which signs rise over the chat for what was counted, and in what order. Pure. */
import { LIVE_REACTIONS, type LiveReaction, type Reactions } from "../../wire/chat.ts";

/** Signs that rise at once: more is a wall, and the page is to stay smooth. */
export const MAX_FLOATS = 30;

export type Counts = Readonly<Partial<Record<LiveReaction, number>>>;

/** What is left of what was counted without what was shown already: the viewer's own. Signs that this page does not know are none. */
export function withoutOwn({ counts }: Pick<Reactions, "counts">, own: Counts): Counts {
  const left = LIVE_REACTIONS.map((emoji) => [emoji, (counts[emoji] ?? 0) - (own[emoji] ?? 0)] as const);
  return Object.fromEntries(left.filter(([, count]) => count > 0));
}

/** Signs that rise, well mixed; of more than there is room for, each in its share and none left out that has one. */
export function floatsOf(counts: Counts, room: number): readonly LiveReaction[] {
  const all = LIVE_REACTIONS.map((emoji) => [emoji, counts[emoji] ?? 0] as const);
  const total = all.reduce((sum, [, count]) => sum + count, 0);
  const share = Math.min(1, room / Math.max(1, total));
  const placed = all.flatMap(([emoji, count]) => {
    const shown = count === 0 ? 0 : Math.max(1, Math.floor(count * share));
    return Array.from({ length: shown }, (_, n) => ({ emoji, at: (n + 0.5) / shown }));
  });
  return placed
    .toSorted((one, other) => one.at - other.at)
    .slice(0, Math.max(0, room))
    .map(({ emoji }) => emoji);
}
