/** Looking for words in the open conversation. */
import type { ConversationMessage } from "../../wire/conversations.ts";
import { nameOf } from "../chat/mentions.ts";
import { byId, make, makeButton, setText } from "../dom.ts";
import type { RoomLink } from "./room-link.ts";
import { shortWords } from "./times.ts";
import { actionWords, excerptWords } from "./words.ts";

export class SearchView {
  readonly #part = byId("search", HTMLElement);
  readonly #field = byId("search-field", HTMLInputElement);
  readonly #words = byId("search-words", HTMLElement);
  readonly #hits = byId("search-hits", HTMLElement);
  readonly #more = byId("search-more", HTMLButtonElement);
  readonly #button = byId("room-search", HTMLButtonElement);
  readonly #link: () => RoomLink | undefined;
  readonly #goTo: (message: ConversationMessage) => void;
  /** Counts searches: the answer to an older one is none. */
  #searches = 0;
  #last: number | undefined;

  constructor(link: () => RoomLink | undefined, goTo: (message: ConversationMessage) => void) {
    this.#link = link;
    this.#goTo = goTo;
    this.#button.addEventListener("click", () => this.#show(this.#part.hidden === true));
    byId("search-close", HTMLButtonElement).addEventListener("click", () => this.#show(false));
    this.#part.addEventListener("keydown", ({ key }) => {
      if (key === "Escape") this.#show(false);
    });
    byId("search-form", HTMLFormElement).addEventListener("submit", (event) => {
      event.preventDefault();
      this.#last = undefined;
      this.#hits.replaceChildren();
      void this.#find();
    });
    this.#more.addEventListener("click", () => void this.#find());
  }

  /** Another room is open. */
  close(): void {
    this.#searches += 1;
    this.#part.hidden = true;
    this.#button.setAttribute("aria-expanded", "false");
    this.#field.value = "";
    this.#clear();
  }

  #clear(): void {
    this.#hits.replaceChildren();
    this.#more.hidden = true;
    setText(this.#words, "");
  }

  #show(isShown: boolean): void {
    if (!isShown) {
      this.close();
      this.#button.focus();
      return;
    }
    this.#part.hidden = false;
    this.#button.setAttribute("aria-expanded", "true");
    this.#field.focus();
  }

  async #find(): Promise<void> {
    const text = this.#field.value.trim();
    const link = this.#link();
    if (text === "" || !link) {
      this.#clear();
      return;
    }
    this.#searches += 1;
    const search = this.#searches;
    setText(this.#words, "Searching…");
    const answer = await link.find(text, this.#last);
    if (search !== this.#searches) return;
    if (!answer.ok) {
      this.#more.hidden = true;
      setText(this.#words, actionWords(answer.error));
      return;
    }
    const { messages, more } = answer.value;
    this.#hits.append(...messages.map((message) => this.#hit(message)));
    this.#last = messages.at(-1)?.seq ?? this.#last;
    this.#more.hidden = !more;
    setText(this.#words, this.#hits.childElementCount === 0 ? "Nothing found." : "");
  }

  #hit(message: ConversationMessage): HTMLElement {
    const hit = makeButton("hit", "", () => this.#goTo(message));
    const text = make("span", "last", excerptWords(message));
    text.dir = "auto";
    hit.append(
      make(
        "span",
        "line",
        make("bdi", "title", nameOf(message)),
        make("span", "time", shortWords(message.at, Date.now())),
      ),
      text,
    );
    hit.dataset.testid = "hit";
    return make("li", "", hit);
  }
}
