/**
 * The room over the page's socket: subscribes, asks for history and state, and turns what comes into events. What they mean is
 * decided in `room.ts`.
 */
import type { Centrifuge, Subscription } from "centrifuge";
import type { GenericSchema, InferOutput } from "valibot";
import { fail, ok, type Result } from "../../media/result.ts";
import {
  type ActionName,
  ChatEventSchema,
  ChatStateSchema,
  chatChannel,
  type Reactions,
  ReactionsSchema,
} from "../../wire/chat.ts";
import { parse } from "../../wire/parse.ts";
import type { Heard, RoomEvent } from "./room.ts";

/** Newest publications that a page begins with. */
const HISTORY = 100;
const AGAIN_MS = 4_000;
/** A server that takes the room away is asked again, now and then. */
const SENT_AWAY_MS = 60_000;

export class ChatLink {
  readonly #client: Centrifuge;
  readonly #room: string;
  readonly #tell: (event: RoomEvent) => void;
  readonly #subscription: Subscription;
  #hasHistory = false;
  /** Counts subscriptions: an answer to a question of an older one is none. */
  #joins = 0;
  #isRefused = false;

  /** `reacted` hears what has no place in the room: signs, as they are counted. */
  constructor(
    client: Centrifuge,
    room: string,
    tell: (event: RoomEvent) => void,
    reacted: (reactions: Reactions) => void = () => undefined,
  ) {
    this.#client = client;
    this.#room = room;
    this.#tell = tell;
    const subscription = client.newSubscription(chatChannel(room));
    this.#subscription = subscription;
    subscription.on("subscribed", ({ wasRecovering, recovered, streamPosition }) => {
      this.#isRefused = false;
      this.#joins += 1;
      const isWhole = wasRecovering && recovered;
      this.#hasHistory &&= isWhole;
      tell({ type: "joined", isWhole, ...(streamPosition ?? { epoch: "", offset: 0 }) });
      if (!this.#hasHistory) void this.#askHistory(this.#joins);
      void this.#askState(this.#joins);
    });
    subscription.on("publication", ({ data, offset }) => {
      const heard = heardOf(data, offset);
      if (heard) tell({ type: "heard", ...heard });
      const reactions = offset === undefined ? read(ReactionsSchema, data) : undefined;
      if (reactions) reacted(reactions);
    });
    subscription.on("subscribing", () => this.#leave("dropped"));
    subscription.on("unsubscribed", () => {
      this.#isRefused = true;
      this.#leave("refused");
      setTimeout(() => subscription.subscribe(), SENT_AWAY_MS * (1 + Math.random()));
    });
    subscription.subscribe();
  }

  /** Ask once more for what did not come. */
  again(): void {
    if (this.#isRefused) this.#subscription.subscribe();
    else void this.#askHistory(this.#joins);
  }

  /** Have something done by the room; an error is the protocol's code, 0 for none. */
  async act(name: ActionName, data: object): Promise<Result<unknown, number>> {
    try {
      return ok((await this.#client.rpc(name, { room: this.#room, ...data })).data);
    } catch (error) {
      const code = typeof error === "object" && error !== null && "code" in error ? error.code : 0;
      return fail(typeof code === "number" && code >= 100 ? code : 0);
    }
  }

  #leave(type: "dropped" | "refused"): void {
    if (this.#joins === 0) return;
    this.#joins += 1;
    this.#tell({ type });
  }

  async #askHistory(join: number): Promise<void> {
    const answer = await this.#subscription.history({ limit: HISTORY, reverse: true }).catch(() => undefined);
    if (join !== this.#joins) return;
    if (!answer) {
      this.#tell({ type: "history-failed" });
      return;
    }
    this.#hasHistory = true;
    const heard = answer.publications.flatMap(({ data, offset }) => heardOf(data, offset) ?? []);
    this.#tell({ type: "history", heard: heard.toReversed() });
  }

  async #askState(join: number): Promise<void> {
    const answer = await this.act("chat.state", {});
    if (join !== this.#joins) return;
    const state = answer.ok ? read(ChatStateSchema, answer.value) : undefined;
    if (state) this.#tell({ type: "told", state });
    else setTimeout(() => join === this.#joins && void this.#askState(join), AGAIN_MS);
  }
}

/** A publication of a kind that this page does not know is passed over. */
function heardOf(data: unknown, offset: number | undefined): Heard | undefined {
  const event = read(ChatEventSchema, data);
  return event && offset !== undefined ? { event, offset } : undefined;
}

function read<const S extends GenericSchema>(schema: S, value: unknown): InferOutput<S> | undefined {
  const parsed = parse(schema, value);
  return parsed.ok ? parsed.value : undefined;
}
