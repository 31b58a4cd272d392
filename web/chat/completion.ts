/** The list that opens while a mention or an emote is being typed. The caret stays in the text: the list is walked from there. */
import { make } from "../dom.ts";
import { EMOTES, emoteAt } from "./emotes.ts";
import { type Completion, complete, completionAt } from "./mentions.ts";

export class NameCompletion {
  readonly #field: HTMLTextAreaElement;
  readonly #list: HTMLElement;
  readonly #names: () => readonly string[];
  #completion: Completion | undefined;
  #at = 0;

  /** `list` is where they stand, `names` as they are to be offered. */
  constructor(field: HTMLTextAreaElement, list: HTMLElement, names: () => readonly string[]) {
    this.#field = field;
    this.#list = list;
    this.#names = names;
    field.addEventListener("blur", () => this.close());
    field.addEventListener("click", () => this.look());
  }

  /** Look what stands before the caret. */
  look(): void {
    const { value, selectionStart, selectionEnd } = this.#field;
    const isCaret = selectionStart === selectionEnd;
    this.#completion = isCaret
      ? (completionAt(value, selectionStart, this.#names()) ?? emotesAt(value, selectionStart))
      : undefined;
    this.#at = 0;
    this.#draw();
  }

  close(): void {
    this.#completion = undefined;
    this.#draw();
  }

  /** Take a key that is meant for the list; whether it was. */
  key(event: KeyboardEvent): boolean {
    const choices = this.#completion?.choices;
    if (!choices) return false;
    switch (event.key) {
      case "ArrowDown":
      case "ArrowUp":
        this.#at = (this.#at + (event.key === "ArrowDown" ? 1 : -1) + choices.length) % choices.length;
        this.#draw();
        break;
      case "Enter":
      case "Tab":
        if (event.shiftKey) return false;
        this.#choose(choices[this.#at]?.text);
        break;
      case "Escape":
        this.close();
        break;
      default:
        return false;
    }
    event.preventDefault();
    return true;
  }

  #choose(chosen: string | undefined): void {
    if (chosen === undefined || !this.#completion) return;
    const { text, caret } = complete(this.#field.value, this.#completion, chosen);
    this.#field.value = text;
    this.#field.setSelectionRange(caret, caret);
    this.close();
    this.#field.dispatchEvent(new Event("input"));
  }

  #draw(): void {
    const choices = this.#completion?.choices ?? [];
    this.#list.hidden = choices.length === 0;
    this.#list.replaceChildren(...choices.map((choice, i) => this.#option(choice, i)));
    if (choices.length > 0) this.#field.setAttribute("aria-activedescendant", `chat-name-${this.#at}`);
    else this.#field.removeAttribute("aria-activedescendant");
  }

  #option({ shown, text }: Completion["choices"][number], i: number): HTMLElement {
    const option = make("div", "option", make("bdi", "", shown));
    option.id = `chat-name-${i}`;
    option.dataset.testid = "chat-name-option";
    option.setAttribute("role", "option");
    option.setAttribute("aria-selected", String(i === this.#at));
    // The field keeps the focus.
    option.addEventListener("pointerdown", (event) => {
      event.preventDefault();
      this.#choose(text);
    });
    return option;
  }
}

/** The emote that is being typed, with its sign before its name. */
function emotesAt(text: string, caret: number): Completion | undefined {
  const found = emoteAt(text, caret);
  if (found === undefined) return undefined;
  const choices = found.names.map((name) => ({ shown: `${EMOTES[name]} ${name}`, text: `:${name}:` }));
  return { from: found.from, to: found.to, choices };
}
