/** `user:<me>` over the page's socket: asks for the state when what was missed cannot be had, and for friends with it. */
import { FriendListSchema, InboxEventSchema, InboxStateSchema, inboxChannel } from "../../wire/inbox.ts";
import { parse } from "../../wire/parse.ts";
import type { Connection } from "./connection.ts";
import type { InboxChange } from "./inbox.ts";

const AGAIN_MS = 4_000;

export class InboxLink {
  readonly #connection: Connection;
  readonly #tell: (change: InboxChange) => void;
  /** Counts subscriptions: an answer to a question of an older one is none. */
  #joins = 0;
  #isAsking = false;

  constructor(connection: Connection, user: string, tell: (change: InboxChange) => void) {
    this.#connection = connection;
    this.#tell = tell;
    const subscription = connection.client.newSubscription(inboxChannel(user));
    subscription.on("subscribed", ({ wasRecovering, recovered }) => {
      this.#joins += 1;
      const isWhole = wasRecovering && recovered && !this.#isAsking;
      tell({ type: "joined", isWhole });
      if (!isWhole) this.ask();
      // What friends do has no history.
      this.askFriends();
    });
    subscription.on("publication", ({ data, offset }) => {
      const event = parse(InboxEventSchema, data);
      // A kind that this page does not know is passed over.
      if (event.ok) tell({ type: "heard", event: event.value, offset });
    });
    // Refused, or sent away: that is asked again.
    subscription.on("unsubscribed", () => {
      tell({ type: "state-failed" });
      setTimeout(() => subscription.subscribe(), 2 * AGAIN_MS);
    });
    subscription.subscribe();
  }

  /** Ask for all of it. */
  ask(): void {
    void this.#askState(this.#joins);
  }

  /** Ask for friends and how they are. */
  askFriends(): void {
    void this.#askFriends();
  }

  async #askFriends(): Promise<void> {
    const list = await this.#connection.ask("friends.list", {}, FriendListSchema);
    if (list.ok) this.#tell({ type: "friends", list: list.value });
  }

  async #askState(join: number): Promise<void> {
    this.#isAsking = true;
    const state = await this.#connection.ask("inbox.state", {}, InboxStateSchema);
    if (join !== this.#joins) return;
    if (state.ok) {
      this.#isAsking = false;
      this.#tell({ type: "state", state: state.value });
      return;
    }
    this.#tell({ type: "state-failed" });
    setTimeout(() => join === this.#joins && this.#isAsking && void this.#askState(join), AGAIN_MS);
  }
}
