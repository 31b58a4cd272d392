/** The desk of who runs a room: a dialog with its settings, announcements, who may not write, and what moderators did. Loaded when it is opened. */
import type { Result } from "../../media/result.ts";
import type { ActionName } from "../../wire/chat.ts";
import { byId, make, makeButton, setText } from "../dom.ts";
import { announcing } from "./desk-announce.ts";
import { deeds, sanctions } from "./desk-lists.ts";
import { settings } from "./desk-settings.ts";

/** What a part of the desk needs. */
export interface DeskEnds {
  readonly act: (name: ActionName, data: object) => Promise<Result<unknown, number>>;
  /** Say what came of something; empty: nothing. */
  readonly say: (words: string) => void;
}

/** A part of the desk: made anew each time that it is opened. */
export interface Part {
  readonly name: string;
  readonly label: string;
  readonly open: (ends: DeskEnds) => HTMLElement;
}

const PARTS: readonly Part[] = [settings, announcing, sanctions, deeds];

export class Desk {
  readonly #dialog = document.createElement("dialog");
  readonly #tabs: readonly HTMLButtonElement[];
  readonly #panel = make("div", "desk-panel");
  readonly #said = make("p", "desk-said");
  readonly #act: DeskEnds["act"];

  constructor(act: DeskEnds["act"]) {
    this.#act = act;
    const dialog = this.#dialog;
    dialog.className = "desk";
    dialog.dataset.testid = "desk";
    dialog.setAttribute("aria-labelledby", "desk-title");
    const title = make("h2", "", "Run the chat");
    title.id = "desk-title";
    const close = makeButton("small", "×", () => dialog.close());
    close.setAttribute("aria-label", "Close");
    close.dataset.testid = "desk-close";
    this.#tabs = PARTS.map((part) => this.#tab(part));
    const tabs = make("div", "desk-tabs", ...this.#tabs);
    tabs.setAttribute("role", "tablist");
    tabs.setAttribute("aria-labelledby", "desk-title");
    tabs.addEventListener("keydown", (event) => this.#walk(event));
    this.#panel.id = "desk-panel";
    this.#panel.setAttribute("role", "tabpanel");
    this.#said.setAttribute("role", "status");
    this.#said.dataset.testid = "desk-said";
    dialog.append(make("div", "desk-top", title, close), tabs, this.#panel, this.#said);
    // Beside it is outside of it.
    dialog.addEventListener("click", ({ target }) => {
      if (target === dialog) dialog.close();
    });
    byId("chat", HTMLElement).append(dialog);
  }

  /** Open it, at its first part. */
  open(): void {
    this.#choose(0);
    this.#dialog.showModal();
    this.#tabs[0]?.focus();
  }

  #tab({ name, label }: Part): HTMLButtonElement {
    const tab = makeButton("desk-tab", label, () => this.#choose(this.#tabs.indexOf(tab)));
    tab.id = `desk-tab-${name}`;
    tab.dataset.testid = `desk-${name}`;
    tab.setAttribute("role", "tab");
    tab.setAttribute("aria-controls", "desk-panel");
    return tab;
  }

  #choose(at: number): void {
    const part = PARTS[at];
    if (!part) return;
    for (const [index, tab] of this.#tabs.entries()) {
      tab.setAttribute("aria-selected", String(index === at));
      tab.tabIndex = index === at ? 0 : -1;
    }
    this.#panel.setAttribute("aria-labelledby", `desk-tab-${part.name}`);
    setText(this.#said, "");
    const shown = part.open({
      act: this.#act,
      // What comes after another part was opened is not of it.
      say: (words) => shown.isConnected && setText(this.#said, words),
    });
    this.#panel.replaceChildren(shown);
    this.#panel.scrollTop = 0;
  }

  /** Arrows go from tab to tab (ARIA APG, "Tabs"). */
  #walk(event: KeyboardEvent): void {
    const at = this.#tabs.findIndex(({ id }) => id === document.activeElement?.id);
    const last = this.#tabs.length - 1;
    const next = { ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: last }[event.key];
    if (next === undefined || at < 0) return;
    event.preventDefault();
    const to = (next + this.#tabs.length) % this.#tabs.length;
    this.#choose(to);
    this.#tabs[to]?.focus();
  }
}
