/** Adds up the signs of all shards of a live room, and tells everybody once a second while there are any. Stores nothing. */
import type { Reactions } from "../../wire/chat.ts";
import { addUp, type Reacted, type ReactionCounts } from "../core/chat/reactions.ts";
import type { LivePublication } from "../core/viewers/viewer-messages.ts";
import type { RoomRows } from "./room-rows.ts";

const EVERY_MS = 1_000;
/** The next publication about it replaces one that is still on its way. */
const ABOUT = "reactions";

export class LiveReactions {
  readonly #rows: Pick<RoomRows, "silencedAmong">;
  readonly #tell: (publication: LivePublication, now: number) => void;
  #counts: ReactionCounts = {};
  #toldAt = 0;
  #isDue = false;

  constructor(
    rows: Pick<RoomRows, "silencedAmong">,
    tell: (publication: LivePublication, now: number) => void,
  ) {
    this.#rows = rows;
    this.#tell = tell;
  }

  /** Count what people gave, but for those who may not write. */
  add(reacted: readonly Reacted[], now: number): void {
    const guests = reacted.filter(({ role }) => role === "guest");
    const silenced = this.#rows.silencedAmong(
      reacted.map(({ user }) => user),
      guests.map(({ address }) => address),
      now,
    );
    const isSilenced = ({ user, role, address }: Reacted): boolean =>
      silenced.users.has(user) || (role === "guest" && silenced.addresses.has(address));
    const counted = reacted.filter((one) => !isSilenced(one));
    this.#counts = counted.reduce((sum, { counts }) => addUp(sum, counts), this.#counts);
    if (counted.length === 0 || this.#isDue) return;
    this.#isDue = true;
    setTimeout(() => this.#flush(), Math.max(0, this.#toldAt + EVERY_MS - now));
  }

  #flush(): void {
    const now = Date.now();
    const data = JSON.stringify({ type: "reactions", counts: this.#counts } satisfies Reactions);
    this.#counts = {};
    this.#toldAt = now;
    this.#isDue = false;
    this.#tell({ about: ABOUT, data }, now);
  }
}
