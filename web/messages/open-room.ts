/** The room that is open: its link, what is known of it, and how far it was read. */

import * as announcing from "../chat/announcing.ts";
import { isForMe, nameOf } from "../chat/mentions.ts";
import type { Who } from "../chat/who.ts";
import { byId, setText } from "../dom.ts";
import type { Connection } from "./connection.ts";
import { type Conversation, type ConversationChange, opened, readUpTo, step } from "./conversation.ts";
import type { Outbox } from "./outbox.ts";
import type { Pending } from "./outgoing.ts";
import type { Prepared } from "./photos.ts";
import * as here from "./presence.ts";
import { RoomLink } from "./room-link.ts";
import { excerptWords } from "./words.ts";

export interface OpenRoomEnds {
  readonly changed: () => void;
  /** This user has read up to here. */
  readonly read: (seq: number) => void;
}

export class OpenRoom {
  readonly link: RoomLink;
  readonly outbox: Outbox;
  readonly #connection: Connection;
  readonly #ends: OpenRoomEnds;
  #conversation: Conversation;
  #presence = here.NOBODY_HERE;
  #saying = announcing.SILENT;
  #readSeq = 0;

  constructor(connection: Connection, room: string, me: Who, outbox: Outbox, ends: OpenRoomEnds) {
    this.#connection = connection;
    this.#ends = ends;
    this.outbox = outbox;
    this.#conversation = opened(room, me);
    outbox.settle();
    this.link = new RoomLink(connection, room, {
      tell: (change) => this.tell(change),
      asksPresence: () => this.#setPresence(here.asking(this.#presence)),
      present: (state) => this.#setPresence(here.told(this.#presence, state)),
      presence: (heard) => this.#setPresence(here.hear(this.#presence, heard)),
      presenceUnknown: () => this.#setPresence(here.NOBODY_HERE),
    });
  }

  get conversation(): Conversation {
    return this.#conversation;
  }

  get presence(): here.Presence {
    return this.#presence;
  }

  tell(change: ConversationChange): void {
    const before = this.#conversation;
    this.#conversation = step(before, change);
    if (change.type === "heard") this.#hear(change);
    if (change.type === "page") this.#settle();
    if (this.#conversation !== before) this.#ends.changed();
  }

  /** Go on at one end; one thing is asked at a time. */
  more(place: "before" | "after"): void {
    const { asking, stretch } = this.#conversation;
    if (asking !== undefined) return;
    const { first, last } = stretch;
    this.link.more(place, place === "before" ? first : last);
  }

  send(text: string, replyTo: Pending["replyTo"], photo: Prepared | undefined): void {
    if (this.#conversation.stretch.hasAfter) this.link.newest();
    this.tell({ type: "wrote" });
    this.tell({ type: "at-end", isAtEnd: true });
    this.outbox.send(text, replyTo, photo);
  }

  /** Say how far was read, when it can be seen. */
  look(): void {
    const seq = document.hidden ? undefined : readUpTo(this.#conversation);
    if (seq === undefined || seq <= this.#readSeq) return;
    const { room } = this.#conversation;
    this.#readSeq = seq;
    this.#ends.read(seq);
    void this.#connection.act("room.read", { room, seq }).then(({ ok }) => {
      // The next look asks again.
      if (!ok && this.#readSeq === seq) this.#readSeq = 0;
    });
  }

  /** Who types no more, and what is said aloud. */
  tick(): void {
    this.tell({ type: "tick", nowMs: Date.now() });
    const { announcing: next, said } = announcing.speak(this.#saying, performance.now());
    this.#saying = next;
    if (said !== undefined) setText(byId("said", HTMLElement), said);
  }

  leave(): void {
    this.link.leave();
  }

  #hear({ event }: Extract<ConversationChange, { type: "heard" }>): void {
    if (event.type !== "message") return;
    const { me } = this.#conversation;
    if (event.user === me.user) {
      this.outbox.drop(event.nonce);
      return;
    }
    const sayable = {
      name: nameOf(event),
      text: excerptWords(event),
      isForMe: isForMe(event.text, me) || event.replyTo?.user === me.user,
    };
    this.#saying = announcing.hear(this.#saying, sayable, performance.now());
  }

  /** What the history has has arrived. */
  #settle(): void {
    const { stretch, me } = this.#conversation;
    for (const { event } of stretch.rows)
      if (event.type === "message" && event.user === me.user) this.outbox.drop(event.nonce);
  }

  #setPresence(presence: here.Presence): void {
    this.#presence = presence;
    this.#ends.changed();
  }
}
