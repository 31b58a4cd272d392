/** What moderators do with a message: the menu, the question before what is not taken back easily, and its way to the room. */
import type { Result } from "../../media/result.ts";
import type { ActionName, ChatMessage } from "../../wire/chat.ts";
import { byId, makeButton, setText } from "../dom.ts";
import { nameOf } from "./mentions.ts";
import type { Room } from "./room.ts";
import { actionRefusalWords, confirmWords } from "./words.ts";

const TIMEOUT_SECONDS = 600;
/** Between the menu and the edges of the chat. */
const EDGE_PX = 6;

export interface ModerationEnds {
  readonly act: (name: ActionName, data: object) => Promise<Result<unknown, number>>;
  readonly say: (note: string) => void;
  /** The menu was closed, or a question answered; the focus may need a place. */
  readonly closed: (isFocusLost: boolean) => void;
}

export class Moderation {
  readonly #chat = byId("chat", HTMLElement);
  readonly #menu = byId("chat-menu", HTMLElement);
  readonly #ask = byId("chat-ask", HTMLElement);
  readonly #ends: ModerationEnds;
  #message: ChatMessage | undefined;
  #button: HTMLElement | undefined;
  #confirmed: () => void = () => undefined;

  constructor(ends: ModerationEnds) {
    this.#ends = ends;
    this.#menu.addEventListener("keydown", (event) => this.#key(event));
    document.addEventListener("pointerdown", ({ target }) => {
      const isInside =
        target instanceof Node && (this.#menu.contains(target) || this.#button?.contains(target));
      if (this.isOpen && !isInside) this.#close(false);
    });
    byId("chat-ask-yes", HTMLButtonElement).addEventListener("click", () => this.#answer(true));
    byId("chat-ask-no", HTMLButtonElement).addEventListener("click", () => this.#answer(false));
    this.#ask.addEventListener("keydown", ({ key }) => {
      if (key === "Escape") this.#answer(false);
    });
  }

  get isOpen(): boolean {
    return !this.#menu.hidden;
  }

  /** Open the menu of a message beside a button, or close it. */
  toggle(message: ChatMessage, button: HTMLElement, { pinned, standing }: Room): void {
    if (this.isOpen) {
      this.#close(true);
      return;
    }
    this.#message = message;
    this.#button = button;
    const { id, user } = message;
    const name = nameOf(message);
    const isPinned = pinned?.id === id;
    const own = [
      this.#item(isPinned ? "Unpin" : "Pin", "pin", () =>
        this.#act("chat.pin", { id: isPinned ? null : id }),
      ),
      this.#item("Delete message", "delete", () => this.#act("chat.delete", { id })),
    ];
    const others = [
      this.#item(`Delete all of ${name}`, "delete-user", () => this.#act("chat.deleteUser", { user })),
      this.#item("Time out for 10 minutes…", "timeout", () => this.#confirm("timeout", message)),
      this.#item("Ban…", "ban", () => this.#confirm("ban", message)),
    ];
    this.#menu.replaceChildren(...own, ...(user === standing.who.user ? [] : others));
    this.#menu.hidden = false;
    button.setAttribute("aria-expanded", "true");
    this.#place(button);
    this.#items()[0]?.focus();
  }

  /** Close the menu of a message that is gone. */
  draw({ rows }: Room): void {
    if (this.isOpen && !rows.some(({ id }) => id === this.#message?.id)) this.#close(true);
  }

  /** Take down what is pinned. */
  unpin(): void {
    void this.#act("chat.pin", { id: null });
  }

  #item(label: string, testid: string, act: () => void): HTMLElement {
    const item = makeButton("", label, () => {
      this.#close(true);
      act();
    });
    item.setAttribute("role", "menuitem");
    item.tabIndex = -1;
    item.dataset.testid = `chat-${testid}`;
    return item;
  }

  /** Above or below the button, wherever there is room. */
  #place(button: HTMLElement): void {
    const chat = this.#chat.getBoundingClientRect();
    const beside = button.getBoundingClientRect();
    const { offsetHeight } = this.#menu;
    const below = beside.bottom - chat.top + EDGE_PX;
    const isBelow = below + offsetHeight < chat.height;
    const top = isBelow ? below : Math.max(EDGE_PX, beside.top - chat.top - offsetHeight - EDGE_PX);
    this.#menu.style.top = `${top}px`;
  }

  #items(): HTMLElement[] {
    return [...this.#menu.querySelectorAll<HTMLElement>("[role=menuitem]")];
  }

  #key(event: KeyboardEvent): void {
    if (event.key === "Escape" || event.key === "Tab") {
      event.preventDefault();
      this.#close(true);
      return;
    }
    const items = this.#items();
    const at = document.activeElement instanceof HTMLElement ? items.indexOf(document.activeElement) : -1;
    const next = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: items.length - 1 }[event.key];
    if (next === undefined) return;
    event.preventDefault();
    items[(next + items.length) % items.length]?.focus();
  }

  #close(givesFocusBack: boolean): void {
    this.#menu.hidden = true;
    // Before it is drawn as closed: then it may be out of sight, and out of reach of the focus.
    if (givesFocusBack && this.#button?.isConnected) this.#button.focus();
    this.#button?.setAttribute("aria-expanded", "false");
    this.#ends.closed(givesFocusBack && !this.#button?.isConnected);
  }

  #confirm(deed: "ban" | "timeout", message: ChatMessage): void {
    const { question, detail, action } = confirmWords(deed, nameOf(message));
    setText(byId("chat-ask-question", HTMLElement), question);
    setText(byId("chat-ask-detail", HTMLElement), detail);
    const yes = byId("chat-ask-yes", HTMLButtonElement);
    setText(yes, action);
    const { user } = message;
    this.#confirmed = () =>
      void (deed === "ban"
        ? this.#act("chat.ban", { user })
        : this.#act("chat.timeout", { user, seconds: TIMEOUT_SECONDS }));
    this.#ask.hidden = false;
    byId("chat-ask-no", HTMLButtonElement).focus();
  }

  #answer(isYes: boolean): void {
    this.#ask.hidden = true;
    if (isYes) this.#confirmed();
    this.#confirmed = () => undefined;
    this.#ends.closed(true);
  }

  async #act(name: ActionName, data: object): Promise<void> {
    const done = await this.#ends.act(name, data);
    if (!done.ok) this.#ends.say(actionRefusalWords(done.error));
  }
}
