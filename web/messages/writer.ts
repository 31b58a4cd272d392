/** Where the member writes: the field, what it answers, photos that go with it, and the words in its place when it is closed. */
import { CONVERSATION_BYTES } from "../../wire/chat.ts";
import type { ConversationMessage } from "../../wire/conversations.ts";
import { NameCompletion } from "../chat/completion.ts";
import { nameOf } from "../chat/mentions.ts";
import { byId, icon, make, makeButton, setText } from "../dom.ts";
import type { Conversation } from "./conversation.ts";
import type { Drafts } from "./drafts.ts";
import { ICONS } from "./icons.ts";
import type { Pending } from "./outgoing.ts";
import { type Prepared, prepare } from "./photos.ts";
import { closedWords, excerptWords, PHOTO_WORDS } from "./words.ts";

const NOTE_MS = 8_000;
/** As tall as the field gets by itself. */
const MAX_FIELD_PX = 160;
/** Photos of one go. */
const MAX_PHOTOS = 10;
/** While somebody writes that is said again. */
const TYPING_MS = 3_000;

export interface WriterEnds {
  readonly send: (text: string, replyTo: Pending["replyTo"], photo: Prepared | undefined) => void;
  readonly typing: (room: string, isTyping: boolean) => void;
}

export class Writer {
  readonly #ends: WriterEnds;
  readonly #drafts: Drafts;
  readonly #form = byId("writer", HTMLFormElement);
  readonly #field = byId("field", HTMLTextAreaElement);
  readonly #button = byId("send", HTMLButtonElement);
  readonly #note = byId("note", HTMLElement);
  readonly #completion: NameCompletion;
  #conversation: Conversation | undefined;
  #replyTo: Pending["replyTo"] | undefined;
  #photos: readonly Prepared[] = [];
  #noteTimer: ReturnType<typeof setTimeout> | undefined;
  #typingSinceMs: number | undefined;

  constructor(drafts: Drafts, ends: WriterEnds) {
    this.#drafts = drafts;
    this.#ends = ends;
    const field = this.#field;
    this.#completion = new NameCompletion(field, byId("names", HTMLElement), () =>
      namesOf(this.#conversation),
    );
    this.#form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#send();
    });
    field.addEventListener("keydown", (event) => this.#key(event));
    field.addEventListener("input", () => {
      this.#completion.look();
      this.#changed();
    });
    field.addEventListener("paste", (event) => {
      const files = [...(event.clipboardData?.files ?? [])];
      if (files.length === 0) return;
      event.preventDefault();
      void this.addPhotos(files);
    });
    byId("reply-stop", HTMLButtonElement).addEventListener("click", () => this.reply(undefined));
    const files = byId("files", HTMLInputElement);
    const attach = byId("attach", HTMLButtonElement);
    attach.append(icon(ICONS.photo));
    attach.addEventListener("click", () => files.click());
    files.addEventListener("change", () => {
      void this.addPhotos([...(files.files ?? [])]);
      files.value = "";
    });
  }

  /** Show what the room lets the member do. */
  draw(conversation: Conversation, blocked: ReadonlySet<string>): void {
    const isOther = conversation.room !== this.#conversation?.room;
    if (isOther) this.#leave();
    this.#conversation = conversation;
    if (isOther) this.#enter(conversation.room);
    const isKnown = conversation.kind !== undefined;
    const isOpen = isKnown && conversation.mayWrite && conversation.link !== "refused";
    this.#form.hidden = !isOpen;
    const closed = byId("closed", HTMLElement);
    closed.hidden = isOpen || !isKnown;
    setText(closed, closed.hidden ? "" : closedWords(conversation, blocked));
    if (isOpen) this.#draw();
  }

  /** Answer a message; `undefined`: none. */
  reply(message: ConversationMessage | undefined): void {
    this.#replyTo = message && {
      id: message.id,
      user: message.user,
      ...(message.name !== undefined && { name: message.name }),
      text: excerptWords(message),
    };
    this.#draw();
    this.#field.focus();
  }

  /** Take photos along. */
  async addPhotos(files: readonly File[]): Promise<void> {
    const room = this.#conversation?.room;
    for (const file of files.slice(0, MAX_PHOTOS - this.#photos.length)) {
      const prepared = await prepare(file);
      if (room !== this.#conversation?.room) return;
      if (prepared.ok) this.#photos = [...this.#photos, prepared.value];
      else this.say(PHOTO_WORDS[prepared.error]);
      this.#draw();
    }
    this.#field.focus();
  }

  /** Say something about what was just done. */
  say(note: string): void {
    setText(this.#note, note);
    this.#note.hidden = note === "";
    clearTimeout(this.#noteTimer);
    if (note !== "") this.#noteTimer = setTimeout(() => this.say(""), NOTE_MS);
  }

  focus(): void {
    if (!this.#form.hidden) this.#field.focus();
  }

  /** The room is not on the page any more. */
  #leave(): void {
    this.#stopTyping();
    this.#replyTo = undefined;
    this.#photos = [];
    this.say("");
    this.#completion.close();
  }

  #enter(room: string): void {
    this.#field.value = this.#drafts.get(room);
    this.#grow();
    this.#draw();
  }

  #isTooLong(): boolean {
    return new TextEncoder().encode(this.#field.value).length > CONVERSATION_BYTES;
  }

  #send(): void {
    const text = this.#field.value;
    const [first, ...others] = this.#photos;
    if (!this.#conversation || (text.trim() === "" && first === undefined) || this.#isTooLong()) return;
    this.#ends.send(text.trim() === "" ? "" : text, this.#replyTo, first);
    for (const photo of others) this.#ends.send("", undefined, photo);
    this.#field.value = "";
    this.#replyTo = undefined;
    this.#photos = [];
    this.say("");
    this.#completion.close();
    // A message says by itself that nobody writes it any more.
    this.#typingSinceMs = undefined;
    this.#changed();
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

  #changed(): void {
    const { value } = this.#field;
    if (this.#conversation) this.#drafts.set(this.#conversation.room, value);
    this.#grow();
    this.#draw();
    if (value.trim() === "") this.#stopTyping();
    else this.#sayTyping();
  }

  #sayTyping(): void {
    const now = Date.now();
    if (!this.#conversation || now - (this.#typingSinceMs ?? 0) < TYPING_MS) return;
    this.#typingSinceMs = now;
    this.#ends.typing(this.#conversation.room, true);
  }

  #stopTyping(): void {
    if (this.#typingSinceMs === undefined || !this.#conversation) return;
    this.#typingSinceMs = undefined;
    this.#ends.typing(this.#conversation.room, false);
  }

  #draw(): void {
    byId("replying", HTMLElement).hidden = this.#replyTo === undefined;
    if (this.#replyTo) {
      setText(byId("replying-to", HTMLElement), nameOf(this.#replyTo));
      setText(byId("replying-text", HTMLElement), this.#replyTo.text);
    }
    const photos = byId("photos", HTMLElement);
    photos.hidden = this.#photos.length === 0;
    if (photos.childElementCount !== this.#photos.length)
      photos.replaceChildren(...this.#photos.map((photo) => this.#photoItem(photo)));
    const isTooLong = this.#isTooLong();
    setText(byId("counter", HTMLElement), isTooLong ? "This is too long for one message." : "");
    this.#button.disabled = isTooLong || (this.#field.value.trim() === "" && this.#photos.length === 0);
  }

  #photoItem(photo: Prepared): HTMLElement {
    const image = document.createElement("img");
    image.src = photo.preview;
    image.alt = "Photo";
    const remove = makeButton("small", "×", () => {
      this.#photos = this.#photos.filter((one) => one !== photo);
      this.#draw();
      this.#field.focus();
    });
    remove.setAttribute("aria-label", "Take the photo away");
    return make("li", "", image, remove);
  }

  #grow(): void {
    this.#field.style.height = "auto";
    this.#field.style.height = `${Math.min(MAX_FIELD_PX, this.#field.scrollHeight + 2)}px`;
  }
}

/** Other members, as they are offered. */
function namesOf(conversation: Conversation | undefined): readonly string[] {
  if (!conversation) return [];
  const others = [...conversation.members.values()].filter(({ user }) => user !== conversation.me.user);
  return others.map(nameOf);
}
