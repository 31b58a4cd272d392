/** What can be done with a message: the buttons of the row that is pointed at, the reactions, the menu. */
import type { ConversationMessage } from "../../wire/conversations.ts";
import { byId, icon, makeButton } from "../dom.ts";
import { type Conversation, mayModerate } from "./conversation.ts";
import { ICONS } from "./icons.ts";
import { type Choice, Popup } from "./popup.ts";
import { OFFERED } from "./reactions.ts";

export interface ActsEnds {
  readonly reply: (message: ConversationMessage) => void;
  readonly react: (message: ConversationMessage, emoji: string) => void;
  readonly remove: (message: ConversationMessage) => void;
  readonly copy: (message: ConversationMessage) => void;
  readonly messageOf: (row: HTMLElement) => ConversationMessage | undefined;
}

export class Acts {
  readonly #bar = byId("acts", HTMLElement);
  readonly #ends: ActsEnds;
  readonly #emoji: Popup;
  readonly #menu: Popup;
  #row: HTMLElement | undefined;
  #conversation: Conversation | undefined;

  constructor(ends: ActsEnds) {
    this.#ends = ends;
    const frame = byId("frame", HTMLElement);
    this.#emoji = new Popup(byId("emoji-menu", HTMLElement), frame);
    this.#menu = new Popup(byId("row-menu", HTMLElement), frame);
    const react = this.#button("React", ICONS.react, "react", (message) =>
      this.#emoji.toggle(react, this.#emojis(message)),
    );
    this.#button("Reply", ICONS.reply, "reply", (message) => ends.reply(message));
    const more = this.#button("More", ICONS.more, "more", (message) =>
      this.#menu.toggle(more, this.#choices(message)),
    );
    for (const button of [react, more]) button.setAttribute("aria-haspopup", "menu");
  }

  /** Put the buttons into a row; while one of their menus is open they stay. */
  point(row: HTMLElement | undefined): void {
    if (this.#emoji.isOpen || this.#menu.isOpen) return;
    // Who is among them by keys keeps them.
    if (this.#bar.querySelector(":focus-visible") && this.#row?.isConnected) return;
    this.#row = row;
    this.#show();
  }

  draw(conversation: Conversation): void {
    this.#conversation = conversation;
    if (this.#row && !this.#row.isConnected) {
      const id = this.#row.dataset.id;
      this.#row =
        [...byId("rows", HTMLElement).querySelectorAll<HTMLElement>("[data-id]")].find(
          (row) => row.dataset.id === id,
        ) ?? undefined;
      if (this.#row === undefined) {
        this.#emoji.close(false);
        this.#menu.close(false);
      }
    }
    this.#show();
  }

  #show(): void {
    const isShown = this.#row !== undefined && this.#conversation?.mayWrite === true;
    this.#bar.hidden = !isShown;
    const side = this.#row?.querySelector(".side");
    if (isShown && side && this.#bar.parentElement !== side) side.append(this.#bar);
  }

  #button(
    label: string,
    path: string,
    testid: string,
    act: (message: ConversationMessage) => void,
  ): HTMLButtonElement {
    const button = makeButton("act", "", () => {
      const message = this.#row && this.#ends.messageOf(this.#row);
      if (message) act(message);
    });
    button.setAttribute("aria-label", label);
    button.title = label;
    button.dataset.testid = testid;
    button.append(icon(path));
    this.#bar.append(button);
    return button;
  }

  #emojis(message: ConversationMessage): readonly Choice[] {
    return OFFERED.map((emoji) => ({
      label: emoji,
      testid: "emoji",
      act: () => this.#ends.react(message, emoji),
    }));
  }

  #choices(message: ConversationMessage): readonly Choice[] {
    const conversation = this.#conversation;
    const isMine = message.user === conversation?.me.user;
    const mayDelete = isMine || (conversation !== undefined && mayModerate(conversation));
    const choices: Choice[] = [
      { label: "Reply", testid: "menu-reply", act: () => this.#ends.reply(message) },
    ];
    if (message.text !== "")
      choices.push({ label: "Copy text", testid: "copy", act: () => this.#ends.copy(message) });
    if (mayDelete)
      choices.push({
        label: "Delete",
        testid: "delete",
        isDangerous: true,
        act: () => this.#ends.remove(message),
      });
    return choices;
  }
}
