/** Friends: who sees when somebody is online, who asks to, and who is blocked. */
import type { InboxActionName } from "../../wire/inbox.ts";
import { byId, make, makeButton, setText } from "../dom.ts";
import type { Connection } from "./connection.ts";
import type { Inbox } from "./inbox.ts";
import { avatar } from "./message-rows.ts";
import { actionWords, statusWords } from "./words.ts";

export class FriendsDialog {
  readonly #connection: Connection;
  /** Friends may be others after something was done: they have no history. */
  readonly #changed: () => void;
  readonly #dialog = byId("friends", HTMLDialogElement);
  readonly #user = byId("friend-user", HTMLInputElement);
  readonly #refusal = byId("friends-refusal", HTMLElement);

  constructor(connection: Connection, changed: () => void) {
    this.#connection = connection;
    this.#changed = changed;
    byId("friend-form", HTMLFormElement).addEventListener("submit", (event) => {
      event.preventDefault();
      void this.#ask();
    });
  }

  open(inbox: Inbox): void {
    setText(this.#refusal, "");
    this.#user.value = "";
    this.#dialog.showModal();
    this.draw(inbox);
    this.#changed();
  }

  draw({ following, followers, blocked, statuses }: Inbox): void {
    if (!this.#dialog.open) return;
    const now = Date.now();
    const all = [...followers];
    const nameOf = (user: string): string => followers.get(user)?.name ?? user;
    this.#list(
      "friend-requests",
      all
        .filter(([, { allowed }]) => !allowed)
        .map(([user]) =>
          person(user, nameOf(user), "", [
            this.#button("Allow", "allow", "friends.allow", { user, allowed: true }),
            this.#button("No", "refuse", "friends.allow", { user, allowed: false }),
          ]),
        ),
    );
    this.#list(
      "friend-following",
      [...following]
        .filter(([, state]) => state !== "none")
        .map(([user, state]) => {
          const said = state === "asked" ? "not answered yet" : statusWords(statuses.get(user), now);
          const item = person(user, nameOf(user), said, [
            this.#button("Stop", "unfollow", "friends.unfollow", { user }),
          ]);
          if (state === "allowed") item.dataset.status = statuses.get(user)?.status ?? "offline";
          return item;
        }),
      "Nobody yet. Ask somebody.",
    );
    this.#list(
      "friend-followers",
      all
        .filter(([, { allowed }]) => allowed)
        .map(([user]) =>
          person(user, nameOf(user), "", [
            this.#button("Stop", "disallow", "friends.allow", { user, allowed: false }),
          ]),
        ),
    );
    this.#list(
      "friend-blocked",
      [...blocked].map((user) =>
        person(user, nameOf(user), "", [
          this.#button("Unblock", "unblock", "inbox.block", { user, blocked: false }),
        ]),
      ),
    );
  }

  /** Without words for an empty one, its heading goes with it. */
  #list(id: string, items: readonly HTMLElement[], none?: string): void {
    const isEmpty = items.length === 0;
    byId(`${id}-part`, HTMLElement).hidden = isEmpty && none === undefined;
    const list = byId(id, HTMLElement);
    list.replaceChildren(...(isEmpty ? [make("li", "none", none ?? "")] : items));
  }

  async #ask(): Promise<void> {
    const user = this.#user.value.trim();
    if (user !== "" && (await this.#act("friends.follow", { user }))) this.#user.value = "";
  }

  async #act(name: InboxActionName, data: object): Promise<boolean> {
    setText(this.#refusal, "");
    const done = await this.#connection.act(name, data);
    if (!done.ok) setText(this.#refusal, actionWords(done.error));
    this.#changed();
    return done.ok;
  }

  #button(label: string, testid: string, name: InboxActionName, data: object): HTMLElement {
    const button = makeButton("link", label, () => {
      button.disabled = true;
      void this.#act(name, data);
    });
    button.dataset.testid = testid;
    return button;
  }
}

function person(user: string, name: string, said: string, acts: readonly HTMLElement[]): HTMLElement {
  const lines = make("span", "lines", make("bdi", "title", name));
  const below = [name === user ? "" : user, said].filter((one) => one !== "").join(" · ");
  if (below !== "") lines.append(make("small", "", below));
  const item = make("li", "", avatar(user, name), lines, ...acts);
  item.dataset.testid = "friend";
  item.dataset.user = user;
  return item;
}
