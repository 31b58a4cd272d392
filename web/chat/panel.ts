/** The chat on the page: draws a room, at most once a frame however much comes, and passes on what the viewer does. */
import type { Result } from "../../media/result.ts";
import type { ActionName, Reactions } from "../../wire/chat.ts";
import { byId, icon, setText } from "../dom.ts";
import { Composer, type ComposerEnds } from "./composer.ts";
import { DeskButton } from "./desk-button.ts";
import { MessageList } from "./list.ts";
import { Moderation } from "./moderation.ts";
import { ReactionBar } from "./reactions.ts";
import type { Pending, Room } from "./room.ts";
import { pinnedLine } from "./rows.ts";
import { emptyWords, unreadWords } from "./words.ts";

/** A line that is back sooner was hardly gone. */
const DROPPED_MS = 1_000;
/** While something counts down. */
const TICK_MS = 500;
const PIN =
  "M14.5 2.5 21.5 9.5l-1.5 1.5-1-.5-4 4 .3 4.2-1.5 1.5-4-4-5.3 5.3H3v-1.5l5.3-5.3-4-4 1.5-1.5 4.2.3 4-4-.5-1z";

export interface PanelEnds extends ComposerEnds {
  readonly lastName: string;
  readonly reading: (isReading: boolean) => void;
  readonly act: (name: ActionName, data: object) => Promise<Result<unknown, number>>;
  readonly again: (pending: Pending) => void;
  readonly discard: (pending: Pending) => void;
  /** Ask for the messages once more. */
  readonly reload: () => void;
}

export class Panel {
  readonly #chat = byId("chat", HTMLElement);
  readonly #composer: Composer;
  readonly #list: MessageList;
  readonly #moderation: Moderation;
  readonly #reactions: ReactionBar;
  readonly #desk: DeskButton;
  #room: Room | undefined;
  #isDue = false;
  #droppedAtMs: number | undefined;
  #pinnedDrawn: unknown;

  constructor(ends: PanelEnds) {
    this.#composer = new Composer(ends, ends.lastName);
    this.#moderation = new Moderation({
      act: ends.act,
      say: (note) => this.#composer.say(note),
      closed: (isFocusLost) => {
        if (isFocusLost) byId("chat-list", HTMLElement).focus();
        this.#list.look();
      },
    });
    this.#desk = new DeskButton(ends.act, (note) => this.#composer.say(note));
    this.#reactions = new ReactionBar({
      react: async (emoji) => (await ends.act("chat.react", { emoji })).ok,
    });
    this.#list = new MessageList({
      reading: (isReading) => {
        ends.reading(isReading);
        this.#soon();
      },
      reply: (message) => this.#composer.reply(message),
      menu: (message, button) => {
        if (this.#room) this.#moderation.toggle(message, button, this.#room);
      },
      isMenuOpen: () => this.#moderation.isOpen,
      again: ends.again,
      discard: ends.discard,
    });
    byId("chat-pin-icon", HTMLElement).append(icon(PIN));
    // Keys that are pressed in the chat are not the player's.
    this.#chat.addEventListener("keydown", (event) => event.stopPropagation());
    byId("chat-new", HTMLButtonElement).addEventListener("click", () => this.toEnd());
    byId("chat-retry", HTMLButtonElement).addEventListener("click", ends.reload);
    byId("chat-unpin", HTMLButtonElement).addEventListener("click", () => this.#moderation.unpin());
    setInterval(() => {
      if (this.#room && isWaiting(this.#room, this.#droppedAtMs)) this.#soon();
    }, TICK_MS);
  }

  /** Show a room, in the next frame. */
  show(room: Room): void {
    this.#room = room;
    this.#soon();
  }

  /** Go to the newest messages. */
  toEnd(): void {
    if (byId("chat-list", HTMLElement).contains(document.activeElement)) this.#composer.focus();
    this.#list.toEnd();
  }

  /** Show signs that people gave. */
  react(reactions: Reactions): void {
    this.#reactions.show(reactions);
  }

  /** See the note of the composer. */
  say(note: string): void {
    this.#composer.say(note);
  }

  /** Back into the field with what was not taken; whether there was room. */
  giveBack(text: string): boolean {
    return this.#composer.giveBack(text);
  }

  #soon(): void {
    if (this.#isDue) return;
    this.#isDue = true;
    requestAnimationFrame(() => {
      this.#isDue = false;
      if (this.#room && !this.#chat.hidden) this.#draw(this.#room);
    });
  }

  #draw(room: Room): void {
    this.#moderation.draw(room);
    this.#reactions.draw(room);
    this.#desk.draw(room);
    const mayWrite = this.#composer.draw(room);
    this.#list.draw(room, mayWrite);
    this.#drawPinned(room);
    const { user, role } = room.standing.who;
    byId("chat-messages", HTMLElement).hidden = user === "" || role === "guest";
    this.#drawState(room, mayWrite);
    const fresh = byId("chat-new", HTMLButtonElement);
    fresh.hidden = room.unread === 0 && !this.#list.isAway;
    setText(byId("chat-new-words", HTMLElement), unreadWords(room.unread));
  }

  #drawState({ link, history, rows, pending }: Room, mayWrite: boolean): void {
    this.#droppedAtMs = link === "joined" ? undefined : (this.#droppedAtMs ?? performance.now());
    const isGone = this.#droppedAtMs !== undefined && performance.now() - this.#droppedAtMs > DROPPED_MS;
    this.#chat.dataset.link = link;
    const state = byId("chat-link", HTMLElement);
    state.hidden = !isGone || link === "refused";
    setText(state, state.hidden ? "" : "Reconnecting…");
    const isEmpty = rows.length === 0 && pending.length === 0;
    const empty = byId("chat-empty", HTMLElement);
    empty.hidden = !isEmpty || history !== "here";
    setText(empty, emptyWords(mayWrite));
    const failed = byId("chat-failed", HTMLElement);
    failed.hidden = link !== "refused" && history !== "failed";
    setText(
      byId("chat-failed-words", HTMLElement),
      link === "refused" ? "The chat is not available at the moment." : "The messages could not be loaded.",
    );
  }

  #drawPinned({ pinned, standing }: Room): void {
    byId("chat-unpin", HTMLElement).hidden = !standing.mayModerate;
    if (pinned === this.#pinnedDrawn) return;
    this.#pinnedDrawn = pinned;
    byId("chat-pinned", HTMLElement).hidden = pinned === null;
    const line = byId("chat-pinned-line", HTMLElement);
    line.replaceChildren(...(pinned ? [pinnedLine(pinned, standing.who)] : []));
  }
}

/** Something on the page changes although nothing comes. */
const isWaiting = ({ writableAtMs, standing }: Room, droppedAtMs: number | undefined): boolean =>
  writableAtMs > Date.now() - 2 * TICK_MS ||
  typeof standing.silence === "number" ||
  droppedAtMs !== undefined;
