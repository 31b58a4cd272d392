/** A menu that opens beside a button: walked by arrows, closed by Escape, by Tab, and by a click elsewhere. */
import { makeButton } from "../dom.ts";

/** Between the menu and the edges of what it is in. */
const EDGE_PX = 8;

export interface Choice {
  readonly label: string;
  readonly testid: string;
  readonly act: () => void;
  /** Below the label. */
  readonly detail?: string;
  /** One of several, and whether it is the one. */
  readonly isChecked?: boolean;
  readonly isDangerous?: boolean;
  /** A line stands above it. */
  readonly isApart?: boolean;
}

export class Popup {
  readonly #menu: HTMLElement;
  /** It is placed in here; without one the style places it. */
  readonly #frame: HTMLElement | undefined;
  readonly #closed: () => void;
  #button: HTMLElement | undefined;

  constructor(menu: HTMLElement, frame: HTMLElement | undefined, closed: () => void = () => undefined) {
    this.#menu = menu;
    this.#frame = frame;
    this.#closed = closed;
    menu.addEventListener("keydown", (event) => this.#key(event));
    document.addEventListener("pointerdown", ({ target }) => {
      const isInside = target instanceof Node && (menu.contains(target) || this.#button?.contains(target));
      if (this.isOpen && !isInside) this.close(false);
    });
  }

  get isOpen(): boolean {
    return !this.#menu.hidden;
  }

  /** Open it beside a button, or close it. */
  toggle(button: HTMLElement, choices: readonly Choice[]): void {
    const isSame = this.isOpen && this.#button === button;
    if (this.isOpen) this.close(isSame);
    if (isSame) return;
    this.#button = button;
    this.#menu.replaceChildren(...choices.flatMap((choice) => this.#item(choice)));
    this.#menu.hidden = false;
    button.setAttribute("aria-expanded", "true");
    if (this.#frame) this.#place(button, this.#frame);
    this.#items()[0]?.focus();
  }

  close(givesFocusBack: boolean): void {
    if (!this.isOpen) return;
    // Before it is drawn as closed: then its button may be out of sight, and out of reach of the focus.
    if (givesFocusBack && this.#button?.isConnected) this.#button.focus();
    this.#menu.hidden = true;
    this.#button?.setAttribute("aria-expanded", "false");
    this.#closed();
  }

  #item({ label, testid, act, detail, isChecked, isDangerous, isApart }: Choice): HTMLElement[] {
    const button = makeButton("", "", () => {
      this.close(true);
      act();
    });
    const words = document.createElement("span");
    words.textContent = label;
    button.append(words);
    if (detail) {
      const small = document.createElement("small");
      small.textContent = detail;
      button.append(small);
    }
    button.setAttribute("role", isChecked === undefined ? "menuitem" : "menuitemradio");
    if (isChecked !== undefined) button.setAttribute("aria-checked", String(isChecked));
    button.tabIndex = -1;
    button.dataset.testid = testid;
    if (isDangerous) button.dataset.dangerous = "true";
    if (!isApart) return [button];
    const line = document.createElement("div");
    line.setAttribute("role", "separator");
    return [line, button];
  }

  /** Above or below the button, wherever there is room. */
  #place(button: HTMLElement, frame: HTMLElement): void {
    const [outer, beside] = [frame.getBoundingClientRect(), button.getBoundingClientRect()];
    const { offsetHeight, offsetWidth } = this.#menu;
    const below = beside.bottom - outer.top + EDGE_PX / 2;
    const isBelow = below + offsetHeight < outer.height;
    const top = isBelow ? below : Math.max(EDGE_PX, beside.top - outer.top - offsetHeight - EDGE_PX / 2);
    const left = Math.min(
      Math.max(EDGE_PX, beside.right - outer.left - offsetWidth),
      outer.width - offsetWidth - EDGE_PX,
    );
    this.#menu.style.top = `${top}px`;
    this.#menu.style.left = `${left}px`;
  }

  #items(): HTMLElement[] {
    return [...this.#menu.querySelectorAll<HTMLElement>("[role^=menuitem]")];
  }

  #key(event: KeyboardEvent): void {
    if (event.key === "Escape" || event.key === "Tab") {
      event.preventDefault();
      event.stopPropagation();
      this.close(true);
      return;
    }
    const items = this.#items();
    const at = document.activeElement instanceof HTMLElement ? items.indexOf(document.activeElement) : -1;
    const next = {
      ArrowDown: at + 1,
      ArrowRight: at + 1,
      ArrowUp: at - 1,
      ArrowLeft: at - 1,
      Home: 0,
      End: items.length - 1,
    }[event.key];
    if (next === undefined) return;
    event.preventDefault();
    items[(next + items.length) % items.length]?.focus();
  }
}
