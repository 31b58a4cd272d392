/** The way to the desk of who runs the room: everybody else never loads it. */
import { byId } from "../dom.ts";
import type { Desk, DeskEnds } from "./desk.ts";
import type { Room } from "./room.ts";

export class DeskButton {
  readonly #button = byId("chat-desk", HTMLButtonElement);
  readonly #act: DeskEnds["act"];
  #desk: Desk | undefined;

  /** `say` hears that it could not be loaded. */
  constructor(act: DeskEnds["act"], say: (note: string) => void) {
    this.#act = act;
    this.#button.addEventListener("click", () => {
      this.#open().catch(() => say("That could not be loaded. Try again."));
    });
  }

  /** Show it to who may use it. */
  draw({ standing }: Room): void {
    this.#button.hidden = !standing.mayModerate;
  }

  async #open(): Promise<void> {
    const { Desk } = await import("./desk.ts");
    this.#desk ??= new Desk(this.#act);
    this.#desk.open();
  }
}
