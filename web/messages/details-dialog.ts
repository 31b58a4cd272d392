/** The details of a conversation: its members and what may be done with them, its name, its silence, leaving it. */
import type { Member, MemberRole, RoomActionName } from "../../wire/conversations.ts";
import type { InboxActionName } from "../../wire/inbox.ts";
import { byId, make, makeButton, setText } from "../dom.ts";
import type { Connection } from "./connection.ts";
import { type Conversation, mayModerate, myself, peerOf } from "./conversation.ts";
import { confirmed, usersOf } from "./dialogs.ts";
import type { Inbox } from "./inbox.ts";
import { avatar } from "./message-rows.ts";
import type { Presence } from "./presence.ts";
import { actionWords, nameIn, roleBadge, roomTitle, roomWords } from "./words.ts";

const ROLES: Readonly<Record<MemberRole, string>> = {
  owner: "Owner",
  moderator: "Moderator",
  member: "Member",
};

export interface DetailsScene {
  readonly conversation: Conversation;
  readonly inbox: Inbox;
  readonly presence: Presence;
}

export class DetailsDialog {
  readonly #connection: Connection;
  readonly #write: (user: string) => void;
  readonly #dialog = byId("details", HTMLDialogElement);
  readonly #rename = byId("rename-name", HTMLInputElement);
  readonly #invite = byId("invite-people", HTMLInputElement);
  readonly #refusal = byId("details-refusal", HTMLElement);
  #scene: DetailsScene | undefined;

  /** `write`: open the one-to-one room with somebody. */
  constructor(connection: Connection, write: (user: string) => void) {
    this.#connection = connection;
    this.#write = write;
    byId("rename-form", HTMLFormElement).addEventListener("submit", (event) => {
      event.preventDefault();
      void this.#act("room.rename", { title: this.#rename.value.trim() });
    });
    byId("invite-form", HTMLFormElement).addEventListener("submit", (event) => {
      event.preventDefault();
      void this.#inviteThem();
    });
  }

  open(scene: DetailsScene): void {
    setText(this.#refusal, "");
    this.#rename.value = scene.conversation.title ?? "";
    this.#invite.value = "";
    this.#scene = scene;
    this.#draw();
    this.#dialog.showModal();
  }

  /** Another conversation is on the page, or none. */
  close(): void {
    this.#dialog.close();
  }

  draw(scene: DetailsScene): void {
    if (!this.#dialog.open) return;
    this.#scene = scene;
    this.#draw();
  }

  #draw(): void {
    if (!this.#scene) return;
    const { conversation, inbox, presence } = this.#scene;
    const { kind, room, members, link } = conversation;
    const peer = peerOf(conversation);
    const name = roomTitle(conversation, inbox);
    setText(byId("details-title", HTMLElement), name);
    const about = roomWords(conversation, presence, inbox, Date.now());
    setText(byId("details-sub", HTMLElement), peer ? [peer.user, about].filter(Boolean).join(" · ") : about);
    const isIn = link !== "refused";
    const mayRun = mayModerate(conversation) && isIn;
    byId("rename-form", HTMLElement).hidden = !mayRun;
    byId("invite-form", HTMLElement).hidden = !mayRun;
    byId("members-part", HTMLElement).hidden = kind !== "group";
    setText(byId("members-title", HTMLElement), `Members (${members.size})`);
    if (kind === "group") this.#drawMembers(conversation, presence, mayRun);
    const muted = inbox.rooms.get(room)?.muted ?? false;
    const acts = [
      this.#button(muted ? "Unmute" : "Mute", "mute", () => this.#act("inbox.mute", { muted: !muted })),
      ...(peer ? this.#actsOnPeer(peer, name, inbox) : []),
      ...(kind === "group" && isIn
        ? [this.#button("Leave the group", "leave", () => this.#leave(name), true)]
        : []),
    ];
    keepingFocus(byId("details-acts", HTMLElement), acts);
  }

  #actsOnPeer({ user }: Member, name: string, { blocked, following }: Inbox): readonly HTMLElement[] {
    const isBlocked = blocked.has(user);
    const state = following.get(user) ?? "none";
    const follow =
      state === "none"
        ? this.#button("Ask to see when they are online", "follow", () =>
            this.#act("friends.follow", { user }),
          )
        : this.#button(
            state === "asked"
              ? "Asked to see when they are online: take it back"
              : "Do not show when they are online",
            "unfollow",
            () => this.#act("friends.unfollow", { user }),
          );
    const block = this.#button(
      isBlocked ? "Unblock" : "Block",
      "block",
      async () => {
        const question = {
          question: `Block ${name}?`,
          detail: "They cannot write to you any more. They are not told.",
          action: "Block",
        };
        if (isBlocked || (await confirmed(question)))
          await this.#act("inbox.block", { user, blocked: !isBlocked });
      },
      !isBlocked,
    );
    return [follow, block];
  }

  #drawMembers(conversation: Conversation, presence: Presence, mayRun: boolean): void {
    const order = ["owner", "moderator", "member"];
    const members = [...conversation.members.values()].sort(
      (one, other) =>
        order.indexOf(one.role) - order.indexOf(other.role) ||
        nameIn(conversation, one.user).localeCompare(nameIn(conversation, other.user)),
    );
    const items = members.map((member) => this.#member(member, conversation, presence, mayRun));
    keepingFocus(byId("members", HTMLElement), items);
  }

  #member(member: Member, conversation: Conversation, presence: Presence, mayRun: boolean): HTMLElement {
    const { user, role } = member;
    const name = nameIn(conversation, user);
    const isMe = user === conversation.me.user;
    const picture = make("span", "face", avatar(user, name));
    if (presence.present.has(user)) {
      const dot = make("span", "dot");
      dot.dataset.status = "online";
      dot.title = "here now";
      picture.append(dot);
    }
    const lines = make("span", "lines", make("bdi", "title", `${name}${isMe ? " (you)" : ""}`));
    if (name !== user) lines.append(make("small", "", user));
    const item = make("li", "", picture, lines);
    item.dataset.testid = "member";
    item.dataset.user = user;
    const mine = myself(conversation)?.role;
    const isBelow = mine === "owner" || (mine === "moderator" && role === "member");
    const acts = make("span", "member-acts");
    item.append(acts);
    if (mine === "owner" && mayRun) acts.append(this.#roles(member, name));
    else if (roleBadge(role) !== "") acts.append(make("span", "role", roleBadge(role)));
    if (isMe) return item;
    acts.append(this.#small("Write", `Write to ${name}`, "member-write", () => this.#toPeer(user)));
    if (mayRun && isBelow)
      acts.append(this.#small("Remove", `Remove ${name}`, "member-remove", () => void this.#remove(user)));
    return item;
  }

  #roles({ user, role }: Member, name: string): HTMLElement {
    const select = document.createElement("select");
    select.setAttribute("aria-label", `Role of ${name}`);
    select.dataset.testid = "member-role";
    select.dataset.key = `role ${user}`;
    for (const [value, label] of Object.entries(ROLES)) {
      const option = document.createElement("option");
      option.value = value;
      option.textContent = label;
      option.selected = value === role;
      select.append(option);
    }
    select.addEventListener("change", () => {
      void this.#act("room.role", { user, role: select.value });
    });
    return select;
  }

  #toPeer(user: string): void {
    this.#dialog.close();
    this.#write(user);
  }

  async #remove(user: string): Promise<void> {
    if (!this.#scene) return;
    const name = nameIn(this.#scene.conversation, user);
    const detail = "They will not see what is written here any more.";
    if (await confirmed({ question: `Remove ${name}?`, detail, action: "Remove" }))
      await this.#act("room.remove", { user });
  }

  async #leave(name: string): Promise<void> {
    const detail = "You will not see what is written there any more.";
    if (!(await confirmed({ question: `Leave ${name}?`, detail, action: "Leave" }))) return;
    if (await this.#act("room.leave", {})) this.#dialog.close();
  }

  async #inviteThem(): Promise<void> {
    const users = usersOf(this.#invite.value);
    if (users.length > 0 && (await this.#act("room.invite", { users }))) this.#invite.value = "";
  }

  /** Have something done in this room; whether it was. */
  async #act(name: RoomActionName | InboxActionName, data: object): Promise<boolean> {
    const room = this.#scene?.conversation.room;
    setText(this.#refusal, "");
    const isOfRoom = name.startsWith("room.") || name === "inbox.mute";
    const done = await this.#connection.act(name, isOfRoom ? { room, ...data } : data);
    if (!done.ok) setText(this.#refusal, actionWords(done.error));
    // What was chosen and not done is not shown as if it were.
    if (!done.ok) this.#draw();
    return done.ok;
  }

  #button(label: string, testid: string, act: () => unknown, isDangerous = false): HTMLElement {
    const button = makeButton(isDangerous ? "plainly dangerous" : "plainly", label, () => void act());
    button.dataset.testid = testid;
    button.dataset.key = testid;
    return button;
  }

  #small(label: string, said: string, testid: string, act: () => void): HTMLElement {
    const button = makeButton("link", label, act);
    button.setAttribute("aria-label", said);
    button.dataset.testid = testid;
    button.dataset.key = said;
    return button;
  }
}

/** Put other children in; the one with the focus, known by its key, has it afterwards. */
function keepingFocus(parent: HTMLElement, children: readonly HTMLElement[]): void {
  const focus = document.activeElement;
  const key = focus instanceof HTMLElement && parent.contains(focus) ? focus.dataset.key : undefined;
  parent.replaceChildren(...children);
  if (key === undefined) return;
  [...parent.querySelectorAll<HTMLElement>("[data-key]")].find((one) => one.dataset.key === key)?.focus();
}
