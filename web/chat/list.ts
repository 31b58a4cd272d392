/**
 * The list of messages: shows the rows of a room with as few changes as can be, stays at its end, and does not move while somebody
 * reads further up, has the focus in it or looks at a message's menu.
 */
import type { ChatMessage } from "../../wire/chat.ts";
import { byId, icon, make, makeButton } from "../dom.ts";
import { anchorOf, hold, rowAt, walk } from "./list-rows.ts";
import type { Pending, Room } from "./room.ts";
import { messageRow, newMarker, pendingRow } from "./rows.ts";

/** Nearer than this to the end is at the end. */
const END_PX = 24;
const REPLY = "M10 5v4c7 1 10 5.5 11 11-2.5-3.6-6-5.2-11-5.200V19l-7-7z";
const MORE =
  "M5 10a2 2 0 1 1 0 4 2 2 0 0 1 0-4Zm7 0a2 2 0 1 1 0 4 2 2 0 0 1 0-4Zm7 0a2 2 0 1 1 0 4 2 2 0 0 1 0-4Z";

export interface ListEnds {
  readonly reading: (isReading: boolean) => void;
  readonly reply: (message: ChatMessage) => void;
  readonly menu: (message: ChatMessage, button: HTMLElement) => void;
  readonly isMenuOpen: () => boolean;
  readonly again: (pending: Pending) => void;
  readonly discard: (pending: Pending) => void;
}

interface Drawn {
  readonly element: HTMLElement;
  /** What it was made of: another one is drawn anew. */
  readonly source: unknown;
}

export class MessageList {
  readonly #list = byId("chat-list", HTMLElement);
  readonly #ends: ListEnds;
  readonly #acts = make("div", "acts");
  readonly #reply: HTMLButtonElement;
  readonly #more: HTMLButtonElement;
  #drawn = new Map<string, Drawn>();
  #room: Room | undefined;
  /** From the end. Only who scrolls changes it: a list that gets smaller stays where it is. */
  #isAway = false;

  constructor(ends: ListEnds) {
    this.#ends = ends;
    this.#reply = this.#act("Reply", REPLY, "chat-reply", (message) => ends.reply(message));
    this.#more = this.#act("Moderate", MORE, "chat-more", (message) => ends.menu(message, this.#more));
    this.#more.setAttribute("aria-haspopup", "menu");
    const list = this.#list;
    list.addEventListener("scroll", () => this.#scrolled(), { passive: true });
    list.addEventListener("focusin", (event) => this.#point(event));
    list.addEventListener("focusout", () => setTimeout(() => this.look()));
    list.addEventListener("pointerover", (event) => this.#point(event));
    list.addEventListener("keydown", (event) => walk(list, event));
    new ResizeObserver(() => !this.#isAway && this.#goToEnd()).observe(list);
  }

  /** Show the room. */
  draw(room: Room, mayWrite: boolean): void {
    this.#room = room;
    this.#reply.hidden = !mayWrite;
    this.#more.hidden = !room.standing.mayModerate;
    const anchor = room.isReading ? anchorOf(this.#list, this.#drawn.values()) : undefined;
    const wanted = this.#wanted(room);
    for (const [key, { element }] of this.#drawn) {
      if (wanted.has(key)) continue;
      const hadFocus = element.contains(document.activeElement);
      element.remove();
      if (hadFocus) this.#list.focus();
    }
    let next = this.#list.firstElementChild;
    for (const { element } of wanted.values()) {
      if (element === next) next = next.nextElementSibling;
      else this.#list.insertBefore(element, next);
    }
    while (next) {
      const rest = next.nextElementSibling;
      next.remove();
      next = rest;
    }
    this.#drawn = wanted;
    if (anchor) hold(this.#list, this.#drawn.values(), anchor);
    this.#stay();
  }

  /** Go to the newest. */
  toEnd(): void {
    this.#goToEnd();
    this.#isAway = false;
    this.look();
  }

  get isAway(): boolean {
    return this.#isAway;
  }

  /** See whether somebody reads. */
  look(): void {
    const focus = document.activeElement;
    const hasFocus = focus !== this.#list && this.#list.contains(focus);
    this.#ends.reading(this.#isAway || hasFocus || this.#ends.isMenuOpen());
  }

  #scrolled(): void {
    const { scrollHeight, scrollTop, clientHeight } = this.#list;
    // Hidden, it is nowhere.
    if (clientHeight === 0) return;
    this.#isAway = scrollHeight - scrollTop - clientHeight > END_PX;
    this.look();
  }

  #wanted(room: Room): Map<string, Drawn> {
    const { who } = room.standing;
    const wanted = new Map<string, Drawn>();
    const put = (key: string, source: unknown, draw: () => HTMLElement): void => {
      const known = this.#drawn.get(key);
      wanted.set(
        key,
        known && known.source === source ? known : { source, element: replaced(known, draw()) },
      );
    };
    for (const message of room.rows) {
      if (message.seq === room.firstNew) put("new", "new", newMarker);
      // Another viewer has other mentions.
      put(`${who.user} ${message.id}`, message, () => messageRow(message, who));
    }
    for (const pending of room.pending) {
      const act = {
        again: () => this.#ends.again(pending),
        discard: () => this.#ends.discard(pending),
      };
      put(`nonce ${pending.nonce}`, pending, () => pendingRow(pending, who, act));
    }
    return wanted;
  }

  #stay(): void {
    if (!this.#room?.isReading) this.#goToEnd();
  }

  #goToEnd(): void {
    this.#list.scrollTop = this.#list.scrollHeight;
  }

  /** The buttons are in the row that is pointed at or has the focus. */
  #point({ target, type }: Event): void {
    const row = rowAt(target);
    // What has the focus in a row keeps its buttons there.
    const isTaken =
      type === "pointerover" && (this.#acts.contains(document.activeElement) || this.#ends.isMenuOpen());
    if (row && !isTaken && this.#acts.parentElement !== row) row.append(this.#acts);
    if (type === "focusin") this.look();
  }

  #act(label: string, path: string, testid: string, act: (message: ChatMessage) => void): HTMLButtonElement {
    const button = makeButton("act", "", () => {
      const id = this.#acts.parentElement?.dataset.id;
      const message = this.#room?.rows.find((one) => one.id === id);
      if (message) act(message);
    });
    button.setAttribute("aria-label", label);
    button.title = label;
    button.dataset.testid = testid;
    button.append(icon(path));
    this.#acts.append(button);
    return button;
  }
}

/** A row that is drawn anew keeps the focus. */
function replaced(known: Drawn | undefined, element: HTMLElement): HTMLElement {
  if (!known) return element;
  const hadFocus = known.element.contains(document.activeElement);
  known.element.replaceWith(element);
  if (hadFocus) element.focus();
  return element;
}
