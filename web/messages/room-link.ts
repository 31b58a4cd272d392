/** One conversation over the page's socket, from opening it to leaving it: its channel, who is in it, and pages of its history. */
import type { Subscription } from "centrifuge";
import * as v from "valibot";
import { chatChannel } from "../../wire/chat.ts";
import {
  ConversationEventSchema,
  type ConversationMessage,
  ConversationMessageSchema,
  RoomHistorySchema,
  RoomStateSchema,
} from "../../wire/conversations.ts";
import { parse } from "../../wire/parse.ts";
import {
  PresenceEventSchema,
  type PresenceState,
  PresenceStateSchema,
  presenceChannel,
} from "../../wire/presence.ts";
import type { Connection } from "./connection.ts";
import type { ConversationChange } from "./conversation.ts";
import type { Heard as HeardPresence } from "./presence.ts";
import type { Page } from "./stretch.ts";

/** Rows that are asked for at once; around a message half as many on either side. */
const PAGE = 50;
const AGAIN_MS = 4_000;

const FoundSchema = v.object({ messages: v.array(ConversationMessageSchema), more: v.boolean() });
const WholeSchema = v.object({ message: ConversationMessageSchema });

export interface RoomEnds {
  readonly tell: (change: ConversationChange) => void;
  readonly asksPresence: () => void;
  readonly present: (state: PresenceState) => void;
  readonly presence: (heard: HeardPresence) => void;
  readonly presenceUnknown: () => void;
}

/** What a search found. */
export type Found = v.InferOutput<typeof FoundSchema>;

export class RoomLink {
  readonly #connection: Connection;
  readonly #room: string;
  readonly #ends: RoomEnds;
  readonly #subscriptions: readonly Subscription[];
  readonly #presence: Subscription;
  #joins = 0;
  /** Counts stretches of the history that were begun: what was asked of the one before does not fit any more. */
  #begun = 0;
  #isWhole = false;

  constructor(connection: Connection, room: string, ends: RoomEnds) {
    this.#connection = connection;
    this.#room = room;
    this.#ends = ends;
    const { client } = connection;
    const chat = client.newSubscription(chatChannel(room));
    const presence = client.newSubscription(presenceChannel(room));
    this.#subscriptions = [chat, presence];
    this.#presence = presence;
    chat.on("subscribed", ({ wasRecovering, recovered, streamPosition }) => {
      this.#joins += 1;
      this.#isWhole &&= wasRecovering && recovered;
      ends.tell({ type: "joined", isWhole: this.#isWhole, offset: streamPosition?.offset ?? 0 });
      void this.#askState(this.#joins);
      if (!this.#isWhole) this.newest();
    });
    chat.on("publication", ({ data, offset }) => {
      const event = parse(ConversationEventSchema, data);
      // A kind that this page does not know is passed over.
      if (event.ok) ends.tell({ type: "heard", event: event.value, offset, nowMs: Date.now() });
    });
    chat.on("subscribing", () => this.#joins > 0 && ends.tell({ type: "dropped" }));
    chat.on("unsubscribed", ({ code }) => {
      // 0 is the page's own `leave`.
      if (code !== 0) ends.tell({ type: "refused" });
    });
    presence.on("subscribed", ({ wasRecovering, recovered }) => {
      if (wasRecovering && recovered) return;
      ends.asksPresence();
      void connection
        .ask("presence.state", { channel: presenceChannel(room) }, PresenceStateSchema)
        .then((state) => state.ok && ends.present(state.value));
    });
    presence.on("publication", ({ data, offset }) => {
      const event = parse(PresenceEventSchema, data);
      if (event.ok) ends.presence({ event: event.value, offset });
    });
    presence.on("unsubscribed", () => ends.presenceUnknown());
    chat.subscribe();
  }

  /** Be seen here, and see who is: to listen to a presence channel is to be in it. Or neither. */
  appear(isSeen: boolean): void {
    if (isSeen) this.#presence.subscribe();
    else this.#presence.unsubscribe();
  }

  /** The page shows another room. */
  leave(): void {
    this.#joins = Number.POSITIVE_INFINITY;
    for (const subscription of this.#subscriptions) {
      subscription.unsubscribe();
      this.#connection.client.removeSubscription(subscription);
    }
  }

  /** Begin with the newest. */
  newest(): void {
    void this.#page("newest", {});
  }

  /** Go on from the first or the last that is shown. */
  more(place: "before" | "after", seq: number): void {
    void this.#page(place, place === "before" ? { before: seq } : { after: seq });
  }

  /** Ask for a message and what is on both sides of it. */
  async around({ id, seq }: { readonly id: string; readonly seq: number }): Promise<boolean> {
    this.#begun += 1;
    const begun = this.#begun;
    this.#ends.tell({ type: "asking", place: "around" });
    const limit = PAGE / 2;
    const [before, after] = await Promise.all([
      this.#history({ before: seq + 1, limit }),
      this.#history({ after: seq, limit }),
    ]);
    if (begun !== this.#begun) return false;
    if (!before.ok || !after.ok) {
      this.#ends.tell({ type: "ask-failed", place: "around" });
      return false;
    }
    const events = [...before.value.events, ...after.value.events];
    const page: Page = {
      place: "around",
      events,
      hasBefore: before.value.more,
      hasAfter: after.value.more,
    };
    this.#ends.tell({ type: "page", page, found: id });
    return true;
  }

  /** The whole text of a message. */
  async whole(id: string): Promise<ConversationMessage | undefined> {
    const answer = await this.#connection.ask("room.message", { room: this.#room, id }, WholeSchema);
    return answer.ok ? answer.value.message : undefined;
  }

  /** Look for words. */
  find(text: string, before: number | undefined) {
    const data = { room: this.#room, text, ...(before !== undefined && { before }) };
    return this.#connection.ask("room.search", data, FoundSchema);
  }

  #history(data: object) {
    return this.#connection.ask("room.history", { room: this.#room, ...data }, RoomHistorySchema);
  }

  async #page(place: "newest" | "before" | "after", data: object): Promise<void> {
    if (place === "newest") this.#begun += 1;
    const [join, begun] = [this.#joins, this.#begun];
    this.#ends.tell({ type: "asking", place });
    const answer = await this.#history({ ...data, limit: PAGE });
    if (join !== this.#joins || begun !== this.#begun) return;
    if (!answer.ok) {
      this.#ends.tell({ type: "ask-failed", place });
      return;
    }
    const { events, more } = answer.value;
    if (place === "newest") this.#isWhole = true;
    const page = { place, events, hasBefore: place !== "after" && more, hasAfter: place === "after" && more };
    this.#ends.tell({ type: "page", page });
  }

  async #askState(join: number): Promise<void> {
    const answer = await this.#connection.ask("room.state", { room: this.#room }, RoomStateSchema);
    if (join !== this.#joins) return;
    if (answer.ok) this.#ends.tell({ type: "told", state: answer.value });
    else setTimeout(() => join === this.#joins && void this.#askState(join), AGAIN_MS);
  }
}
