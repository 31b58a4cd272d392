/** The member's own button and menu: how they are, friends, notifications, signing out. */
import { CHOSEN_STATUSES, type ChosenStatus } from "../../wire/inbox.ts";
import { nameOf } from "../chat/mentions.ts";
import type { Who } from "../chat/who.ts";
import { byId, setText } from "../dom.ts";
import type { Inbox } from "./inbox.ts";
import type { Notifying } from "./notifications.ts";
import { type Choice, Popup } from "./popup.ts";
import { CHOSEN_WORDS } from "./words.ts";

export interface MeEnds {
  readonly choose: (status: ChosenStatus) => void;
  readonly friends: () => void;
  readonly notify: (isWanted: boolean) => void;
  readonly signOut: () => void;
  readonly notifying: () => Notifying;
}

export class MeMenu {
  readonly #button = byId("me", HTMLButtonElement);
  readonly #ends: MeEnds;
  #chosen: ChosenStatus = "online";

  constructor(who: Who, ends: MeEnds) {
    this.#ends = ends;
    const menu = new Popup(byId("me-menu", HTMLElement), undefined);
    setText(byId("me-name", HTMLElement), nameOf(who));
    this.#button.hidden = false;
    this.#button.addEventListener("click", () => menu.toggle(this.#button, this.#choices()));
  }

  draw({ chosen }: Inbox): void {
    this.#chosen = chosen;
    byId("me-dot", HTMLElement).dataset.status = chosen === "invisible" ? "offline" : chosen;
    setText(byId("me-status", HTMLElement), `, ${CHOSEN_WORDS[chosen][0]}`);
  }

  #choices(): readonly Choice[] {
    return [
      ...CHOSEN_STATUSES.map((status) => ({
        label: CHOSEN_WORDS[status][0],
        detail: CHOSEN_WORDS[status][1],
        testid: `status-${status}`,
        isChecked: status === this.#chosen,
        act: () => this.#ends.choose(status),
      })),
      { label: "Friends…", testid: "friends-open", isApart: true, act: () => this.#ends.friends() },
      this.#notifications(),
      { label: "Sign out", testid: "sign-out", isApart: true, act: () => this.#ends.signOut() },
    ];
  }

  #notifications(): Choice {
    const state = this.#ends.notifying();
    const label = state === "on" ? "Turn notifications off" : "Turn notifications on";
    const detail =
      state === "blocked" ? "Blocked in this browser" : state === "impossible" ? "Not possible here" : "";
    return { label, detail, testid: "notify", act: () => this.#ends.notify(state !== "on") };
  }
}
