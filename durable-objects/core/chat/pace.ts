/** How fast one person may write in a conversation. In memory only: who is let off by a restart has gained ten seconds. Clocks are arguments. */

/** Messages and reactions of one person that a conversation takes, and in what time. */
export const CONVERSATION_PACE = 40;
export const CONVERSATION_PACE_MS = 10_000;

export class Pace {
  /** When each person wrote lately, milliseconds since 1970. */
  readonly #lately = new Map<string, readonly number[]>();

  /** Count one; when that is too fast it is not counted, and the answer is in how many seconds there is room again. */
  take(user: string, now: number): number | undefined {
    const lately = (this.#lately.get(user) ?? []).filter((at) => at > now - CONVERSATION_PACE_MS);
    const [oldest = now] = lately;
    if (lately.length >= CONVERSATION_PACE) {
      return Math.max(1, Math.ceil((oldest + CONVERSATION_PACE_MS - now) / 1000));
    }
    this.#lately.set(user, [...lately, now]);
    return undefined;
  }
}
