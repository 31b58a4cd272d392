/**
 * The scrolling rows of the open conversation: drawn with as few changes as can be, held at the newest, and not moved while somebody
 * reads further up. Asks for more when its ends come near.
 */
import type { ConversationMessage } from "../../wire/conversations.ts";
import { anchorOf, hold, rowAt, walk } from "../chat/list-rows.ts";
import { byId } from "../dom.ts";
import type { Conversation } from "./conversation.ts";
import { type Item, isSameItem, itemsOf } from "./items.ts";
import { type RowEnds, rowOf } from "./message-rows.ts";
import type { Outgoing } from "./outgoing.ts";

/** Nearer than this to the end is at the end. */
const END_PX = 32;
/** Nearer than this to a side is time to ask for more. */
const NEAR_PX = 400;

export interface RowsEnds extends RowEnds {
  readonly atEnd: (isAtEnd: boolean) => void;
  readonly more: (place: "before" | "after") => void;
  /** A row is pointed at, or has the focus; `undefined`: none. */
  readonly pointed: (row: HTMLElement | undefined) => void;
}

interface Drawn {
  readonly element: HTMLElement;
  readonly item: Item;
}

export class RowsView {
  readonly #list = byId("rows", HTMLElement);
  readonly #ends: RowsEnds;
  #drawn = new Map<string, Drawn>();
  #conversation: Conversation | undefined;
  #isAway = false;
  /** The room was just opened: it begins at what is new. */
  #isFresh = true;
  #shownFound: string | undefined;
  #hadAfter = false;
  /** Somebody wants to be there, and what is there is on its way. */
  #wantsEnd = false;

  constructor(ends: RowsEnds) {
    this.#ends = ends;
    const list = this.#list;
    list.addEventListener("scroll", () => this.#scrolled(), { passive: true });
    list.addEventListener("pointerover", ({ target }) => ends.pointed(rowAt(target)));
    list.addEventListener("focusin", ({ target }) => ends.pointed(rowAt(target)));
    list.addEventListener("pointerleave", () => ends.pointed(rowAt(document.activeElement)));
    list.addEventListener("keydown", (event) => walk(list, event));
    new ResizeObserver(() => !this.#isAway && !this.#hadAfter && this.#goToEnd()).observe(list);
  }

  /** Show a conversation. */
  draw(conversation: Conversation, outgoing: Outgoing, nowMs: number): void {
    const before = this.#conversation;
    if (before?.room !== conversation.room) this.#reset();
    this.#conversation = conversation;
    const wasAtEnd = !this.#isAway && !this.#hadAfter;
    const anchor = wasAtEnd ? undefined : anchorOf(this.#list, this.#drawn.values());
    this.#put(itemsOf(conversation, outgoing, nowMs));
    this.#hadAfter = conversation.stretch.hasAfter;
    if (this.#isFresh && conversation.phase === "here" && conversation.readAtFirst !== undefined) {
      this.#isFresh = false;
      this.#begin();
    } else if (conversation.found !== undefined && conversation.found !== this.#shownFound) {
      this.goTo(conversation.found);
    } else if (anchor && !this.#wantsEnd) hold(this.#list, this.#drawn.values(), anchor);
    else this.#goToEnd();
    this.#shownFound = conversation.found;
    this.#wantsEnd &&= this.#hadAfter && conversation.asking === "newest";
    this.#look();
  }

  /** Go to the newest. */
  toEnd(): void {
    this.#wantsEnd = this.#hadAfter;
    this.#isAway = false;
    this.#goToEnd();
    this.#ends.atEnd(true);
  }

  /** Go to a message that is shown; whether it is. */
  goTo(id: string): boolean {
    const row = this.#drawn.get(id)?.element;
    if (!row) return false;
    this.#list.scrollTop = row.offsetTop - (this.#list.clientHeight - row.offsetHeight) / 2;
    this.#isAway = this.#distance() > END_PX;
    row.focus({ preventScroll: true });
    return true;
  }

  /** The message of a row. */
  messageOf(row: HTMLElement): ConversationMessage | undefined {
    const item = this.#drawn.get(row.dataset.id ?? "")?.item;
    return item?.type === "message" ? item.message : undefined;
  }

  focus(): void {
    this.#list.focus();
  }

  #reset(): void {
    this.#drawn = new Map();
    this.#list.replaceChildren();
    this.#isAway = false;
    this.#isFresh = true;
    this.#hadAfter = false;
    this.#wantsEnd = false;
    this.#shownFound = undefined;
  }

  #put(items: readonly Item[]): void {
    const conversation = this.#conversation;
    if (!conversation) return;
    const wanted = new Map<string, Drawn>();
    for (const item of items) {
      const known = this.#drawn.get(item.key);
      if (known && isSameItem(known.item, item)) wanted.set(item.key, known);
      else
        wanted.set(item.key, {
          item,
          element: replaced(known?.element, rowOf(item, conversation, this.#ends)),
        });
    }
    for (const [key, { element }] of this.#drawn) {
      if (wanted.has(key)) continue;
      const hadFocus = element.contains(document.activeElement);
      element.remove();
      if (hadFocus) this.#list.focus({ preventScroll: true });
    }
    let next = this.#list.firstElementChild;
    for (const { element } of wanted.values()) {
      if (element === next) next = next.nextElementSibling;
      else this.#list.insertBefore(element, next);
    }
    this.#drawn = wanted;
  }

  /** Where somebody begins to read: at what is new, else at the end. */
  #begin(): void {
    this.#goToEnd();
    const marker = this.#drawn.get("new")?.element;
    if (!marker) return;
    const top = marker.offsetTop - END_PX;
    if (top < this.#list.scrollTop) this.#list.scrollTop = top;
    this.#isAway = this.#distance() > END_PX;
  }

  #distance(): number {
    const { scrollHeight, scrollTop, clientHeight } = this.#list;
    return scrollHeight - scrollTop - clientHeight;
  }

  #scrolled(): void {
    // Hidden, it is nowhere.
    if (this.#list.clientHeight === 0) return;
    this.#isAway = this.#distance() > END_PX;
    this.#look();
  }

  #look(): void {
    const { phase, asking, failed, stretch } = this.#conversation ?? {};
    if (phase !== "here" || stretch === undefined || this.#list.clientHeight === 0) return;
    this.#ends.atEnd(!this.#isAway);
    if (asking !== undefined || this.#conversation?.link !== "joined") return;
    if (stretch.hasBefore && failed !== "before" && this.#list.scrollTop < NEAR_PX) this.#ends.more("before");
    else if (stretch.hasAfter && failed !== "after" && this.#distance() < NEAR_PX) this.#ends.more("after");
  }

  #goToEnd(): void {
    this.#list.scrollTop = this.#list.scrollHeight;
  }
}

/** A row that is drawn anew keeps the focus. */
function replaced(known: HTMLElement | undefined, element: HTMLElement): HTMLElement {
  if (!known) return element;
  const hadFocus = known.contains(document.activeElement);
  known.replaceWith(element);
  if (hadFocus) element.focus({ preventScroll: true });
  return element;
}
