/** Where the viewer writes: the field, what it answers, why it is closed and for how long, and the form in which guests name themselves. */
import type { Result } from "../../media/result.ts";
import type { ChatMessage } from "../../wire/chat.ts";
import { byId, setText } from "../dom.ts";
import { NameCompletion } from "./completion.ts";
import { isGone } from "./erased.ts";
import { nameOf } from "./mentions.ts";
import type { Quoted, Room } from "./room.ts";
import { type Obstacle, obstacleOf } from "./standing.ts";
import { counterWords, guestRefusalWords, lettersOf, modeWords, obstacleWords, waitWords } from "./words.ts";

const NOTE_MS = 8_000;
/** As tall as the field gets by itself. */
const MAX_FIELD_PX = 120;

export interface ComposerEnds {
  readonly send: (text: string, replyTo: Quoted | undefined) => void;
  readonly becomeGuest: (name: string) => Promise<Result<void, number>>;
  readonly hasLapsed: () => boolean;
}

export class Composer {
  readonly #ends: ComposerEnds;
  readonly #form = byId("chat-form", HTMLFormElement);
  readonly #field = byId("chat-field", HTMLTextAreaElement);
  readonly #button = byId("chat-send", HTMLButtonElement);
  readonly #note = byId("chat-note", HTMLElement);
  readonly #completion: NameCompletion;
  #room: Room | undefined;
  #replyTo: Quoted | undefined;
  /** The field gets the focus when it is there. */
  #isAwaited = false;
  #noteTimer: ReturnType<typeof setTimeout> | undefined;

  constructor(ends: ComposerEnds, lastName: string) {
    this.#ends = ends;
    this.#completion = new NameCompletion(this.#field, byId("chat-names", HTMLElement), () =>
      namesOf(this.#room),
    );
    this.#form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#send();
    });
    this.#field.addEventListener("keydown", (event) => this.#key(event));
    this.#field.addEventListener("input", () => {
      this.#grow();
      this.#completion.look();
      this.#draw();
    });
    byId("chat-reply-stop", HTMLButtonElement).addEventListener("click", () => this.reply(undefined));
    this.#bindGuests(lastName);
  }

  /** Show what the room lets the viewer do; whether it lets them write. */
  draw(room: Room): boolean {
    this.#room = room;
    return this.#draw();
  }

  /** Answer a message; `undefined`: none. */
  reply(message: ChatMessage | undefined): void {
    this.#replyTo = message && quotedOf(message);
    this.#draw();
    this.#field.focus();
  }

  /** Give back what was not taken, unless something else is being written; whether it was. */
  giveBack(text: string): boolean {
    if (this.#field.value.trim() !== "") return false;
    this.#field.value = text;
    this.#grow();
    this.#draw();
    return true;
  }

  /** Say something about what was just done. */
  say(note: string): void {
    setText(this.#note, note);
    this.#note.hidden = note === "";
    clearTimeout(this.#noteTimer);
    if (note !== "") this.#noteTimer = setTimeout(() => this.say(""), NOTE_MS);
  }

  focus(): void {
    this.#field.focus();
  }

  #send(): void {
    const text = this.#field.value;
    const letters = lettersOf(text);
    if (!this.#room || text.trim() === "" || letters > maxLettersOf(this.#room) || this.#waitSeconds() > 0)
      return;
    this.#ends.send(text, this.#replyTo);
    this.#field.value = "";
    this.#replyTo = undefined;
    this.say("");
    this.#grow();
    this.#completion.close();
    this.#draw();
  }

  #key(event: KeyboardEvent): void {
    // Enter ends a composition of an input method, and not the message.
    if (event.isComposing || this.#completion.key(event)) return;
    if (event.key === "Enter" && !event.shiftKey) {
      event.preventDefault();
      this.#send();
    }
    if (event.key === "Escape" && this.#replyTo) this.reply(undefined);
  }

  #waitSeconds(): number {
    return Math.max(0, Math.ceil(((this.#room?.writableAtMs ?? 0) - Date.now()) / 1000));
  }

  #draw(): boolean {
    const room = this.#room;
    if (!room?.settings) return false;
    const obstacle = obstacleOf(room.standing, room.settings, Date.now());
    const isOpen = obstacle === undefined;
    this.#drawClosed(obstacle);
    const modes = modeWords(room.settings);
    const mode = byId("chat-mode", HTMLElement);
    mode.hidden = modes === "" || !isOpen;
    setText(mode, modes);
    this.#form.hidden = !isOpen;
    if (isOpen) this.#drawOpen(room);
    return isOpen;
  }

  #drawClosed(obstacle: Obstacle | undefined): void {
    const isGuestForm = obstacle?.type === "nobody";
    byId("chat-guest", HTMLFormElement).hidden = !isGuestForm;
    const closed = byId("chat-closed", HTMLElement);
    closed.hidden = obstacle === undefined || isGuestForm;
    setText(closed, obstacle ? obstacleWords(obstacle, Date.now(), this.#ends.hasLapsed()) : "");
  }

  #drawOpen(room: Room): void {
    if (this.#replyTo && isGone(room.erased, this.#replyTo)) this.#replyTo = undefined;
    byId("chat-replying", HTMLElement).hidden = this.#replyTo === undefined;
    if (this.#replyTo) {
      setText(byId("chat-replying-to", HTMLElement), nameOf(this.#replyTo));
      setText(byId("chat-replying-text", HTMLElement), this.#replyTo.text);
    }
    const { value } = this.#field;
    const letters = lettersOf(value);
    const maxLetters = maxLettersOf(room);
    const counter = byId("chat-counter", HTMLElement);
    setText(counter, counterWords(letters, maxLetters));
    counter.dataset.over = String(letters > maxLetters);
    const wait = this.#waitSeconds();
    setText(this.#button, wait > 0 ? waitWords(wait) : "Send");
    this.#button.setAttribute("aria-label", wait > 0 ? `Send, in ${waitWords(wait)}` : "Send");
    this.#button.disabled = wait > 0 || value.trim() === "" || letters > maxLetters;
    this.#field.placeholder = `Write as ${nameOf(room.standing.who)}`;
    if (this.#isAwaited) this.#field.focus();
    this.#isAwaited = false;
  }

  #grow(): void {
    this.#field.style.height = "auto";
    this.#field.style.height = `${Math.min(MAX_FIELD_PX, this.#field.scrollHeight + 2)}px`;
  }

  #bindGuests(lastName: string): void {
    const form = byId("chat-guest", HTMLFormElement);
    const name = byId("chat-guest-name", HTMLInputElement);
    const join = byId("chat-guest-join", HTMLButtonElement);
    name.value = lastName;
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      const wanted = name.value.trim();
      if (wanted === "" || join.disabled) return;
      join.disabled = true;
      this.say("");
      void this.#ends.becomeGuest(wanted).then((done) => {
        join.disabled = false;
        this.#isAwaited = done.ok;
        if (done.ok) this.#draw();
        else this.say(guestRefusalWords(done.error));
      });
    });
  }
}

const maxLettersOf = ({ settings }: Room): number => settings?.maxLetters ?? Number.POSITIVE_INFINITY;

const quotedOf = ({ id, seq, user, name, text }: ChatMessage): Quoted => ({
  id,
  seq,
  user,
  text,
  ...(name !== undefined && { name }),
});

/** Others who were seen, the latest first. */
function namesOf(room: Room | undefined): readonly string[] {
  if (!room) return [];
  const others = room.rows.filter(({ user }) => user !== room.standing.who.user);
  return others.map(nameOf).toReversed();
}
