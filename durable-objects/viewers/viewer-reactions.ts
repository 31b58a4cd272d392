/** Gathers the signs that people of a shard give in its live room, and tells the room once a second what they come to. Keeps nothing. */
import { ok } from "../../media/result.ts";
import type { LiveReaction } from "../../wire/chat.ts";
import type { Speaker } from "../core/chat/judge.ts";
import { type Reacted, react } from "../core/chat/reactions.ts";
import type { Acted } from "../core/viewers/socket/decision.ts";

const GATHER_MS = 1_000;

export class ViewerReactions {
  readonly #tell: (reacted: readonly Reacted[]) => Promise<unknown>;
  /** By user, of this second. */
  #people = new Map<string, Reacted>();

  constructor(tell: (reacted: readonly Reacted[]) => Promise<unknown>) {
    this.#tell = tell;
  }

  /** Take a sign. Who may not write is found out by the room, which leaves theirs out. */
  add(speaker: Speaker, emoji: LiveReaction): Acted {
    const reacted = react(this.#people.get(speaker.user), speaker, emoji);
    if (!reacted.ok) return reacted;
    if (this.#people.size === 0) setTimeout(() => this.#flush(), GATHER_MS);
    this.#people.set(speaker.user, reacted.value);
    return ok({});
  }

  #flush(): void {
    const people = [...this.#people.values()];
    this.#people = new Map();
    // A second later nobody wants them any more.
    this.#tell(people).catch((error: unknown) =>
      console.warn("a room did not hear of reactions", { error: String(error) }),
    );
  }
}
