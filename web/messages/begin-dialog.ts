/** New message, new group: whom it is with, and what it is called. */
import type { Result } from "../../media/result.ts";
import { type RoomState, RoomStateSchema } from "../../wire/conversations.ts";
import { ULID_RANDOM_BYTES, ulid } from "../../wire/ulid.ts";
import { byId, setText } from "../dom.ts";
import type { Connection, Refused } from "./connection.ts";
import { usersOf } from "./dialogs.ts";
import { actionWords } from "./words.ts";

export interface BeginEnds {
  readonly opened: (room: string) => void;
  /** Users who may be meant. */
  readonly known: () => readonly string[];
}

export class BeginDialog {
  readonly #connection: Connection;
  readonly #ends: BeginEnds;
  readonly #dialog = byId("begin", HTMLDialogElement);
  readonly #name = byId("begin-name", HTMLInputElement);
  readonly #people = byId("begin-people", HTMLInputElement);
  readonly #do = byId("begin-do", HTMLButtonElement);
  readonly #refusal = byId("begin-refusal", HTMLElement);
  #kind: "direct" | "group" = "direct";
  /** Chosen once for each group, so that asking twice makes no second one. */
  #room = "";

  constructor(connection: Connection, ends: BeginEnds) {
    this.#connection = connection;
    this.#ends = ends;
    byId("begin-form", HTMLFormElement).addEventListener("submit", (event) => {
      event.preventDefault();
      void this.#begin();
    });
    for (const field of [this.#name, this.#people]) field.addEventListener("input", () => this.#look());
  }

  open(kind: "direct" | "group"): void {
    this.#kind = kind;
    this.#room = ulid(Date.now(), crypto.getRandomValues(new Uint8Array(ULID_RANDOM_BYTES)));
    const isGroup = kind === "group";
    setText(byId("begin-title", HTMLElement), isGroup ? "New group" : "New message");
    setText(byId("begin-people-label", HTMLElement), isGroup ? "People" : "To");
    setText(
      byId("begin-hint", HTMLElement),
      isGroup
        ? "Their ids, with commas between. You can add others later."
        : "The id that they have on this site.",
    );
    byId("begin-title-field", HTMLElement).hidden = !isGroup;
    setText(this.#do, isGroup ? "Make the group" : "Write");
    byId("begin-known", HTMLDataListElement).replaceChildren(
      ...this.#ends.known().map((user) => {
        const option = document.createElement("option");
        option.value = user;
        return option;
      }),
    );
    // It completes one id, not the last of several.
    if (isGroup) this.#people.removeAttribute("list");
    else this.#people.setAttribute("list", "begin-known");
    this.#name.value = "";
    this.#people.value = "";
    setText(this.#refusal, "");
    this.#look();
    this.#dialog.showModal();
    (isGroup ? this.#name : this.#people).focus();
  }

  #look(): void {
    const isReady =
      this.#kind === "group" ? this.#name.value.trim() !== "" : this.#people.value.trim() !== "";
    this.#do.disabled = !isReady;
  }

  async #begin(): Promise<void> {
    if (this.#do.disabled) return;
    this.#do.disabled = true;
    setText(this.#refusal, "");
    const state = await this.#ask();
    this.#look();
    if (!state.ok) {
      setText(this.#refusal, actionWords(state.error));
      return;
    }
    this.#dialog.close();
    this.#ends.opened(state.value.room);
  }

  #ask(): Promise<Result<RoomState, Refused>> {
    if (this.#kind === "direct") {
      const data = { user: this.#people.value.trim() };
      return this.#connection.ask("room.direct", data, RoomStateSchema);
    }
    const data = { room: this.#room, title: this.#name.value.trim(), users: usersOf(this.#people.value) };
    return this.#connection.ask("room.create", data, RoomStateSchema);
  }
}
