/** The open conversation on the page: its head, its rows, who types, and what stands there when there is nothing to show. */
import type { ConversationMessage } from "../../wire/conversations.ts";
import { nameOf } from "../chat/mentions.ts";
import { byId, icon, setText } from "../dom.ts";
import { Acts, type ActsEnds } from "./acts.ts";
import { photoPath } from "./address.ts";
import { type Conversation, peerOf } from "./conversation.ts";
import { ICONS } from "./icons.ts";
import type { Inbox } from "./inbox.ts";
import type { Outgoing } from "./outgoing.ts";
import type { Presence } from "./presence.ts";
import { type RowsEnds, RowsView } from "./rows-view.ts";
import type { Row } from "./stretch.ts";
import { excerptWords, roomTitle, roomWords, typingWords, unseenWords } from "./words.ts";

export interface RoomViewEnds extends Omit<RowsEnds, "pointed" | "showPhoto">, Omit<ActsEnds, "messageOf"> {
  readonly newest: () => void;
  readonly again: RowsEnds["again"];
  readonly retry: () => void;
  readonly drop: (files: readonly File[]) => void;
}

export interface RoomScene {
  readonly conversation: Conversation;
  readonly outgoing: Outgoing;
  readonly inbox: Inbox;
  readonly presence: Presence;
  readonly nowMs: number;
  /** There is no line. */
  readonly isGone: boolean;
}

export class RoomView {
  readonly #part = byId("room", HTMLElement);
  readonly #rows: RowsView;
  readonly #acts: Acts;
  #conversation: Conversation | undefined;

  constructor(ends: RoomViewEnds) {
    this.#acts = new Acts({ ...ends, messageOf: (row) => this.#rows.messageOf(row) });
    this.#rows = new RowsView({
      ...ends,
      pointed: (row) => this.#acts.point(row),
      showPhoto: (message) => this.#conversation && showPhoto(this.#conversation.room, message),
    });
    byId("room-back", HTMLElement).append(icon(ICONS.back));
    byId("room-search", HTMLElement).append(icon(ICONS.search));
    byId("room-details", HTMLElement).append(icon(ICONS.details));
    byId("to-newest", HTMLButtonElement).addEventListener("click", ends.newest);
    byId("room-again", HTMLButtonElement).addEventListener("click", ends.retry);
    byId("older-again", HTMLButtonElement).addEventListener("click", () => {
      const { failed } = this.#conversation ?? {};
      if (failed === "before" || failed === "after") ends.more(failed);
    });
    this.#bindDrop(ends.drop);
  }

  /** Show a conversation; `undefined`: none is open. */
  draw(scene: RoomScene | undefined): void {
    this.#conversation = scene?.conversation;
    this.#part.hidden = scene === undefined;
    byId("no-room", HTMLElement).hidden = scene !== undefined;
    if (!scene) return;
    const { conversation, outgoing, inbox, presence, nowMs, isGone } = scene;
    setText(byId("room-title", HTMLElement), roomTitle(conversation, inbox));
    const typing = typingWords(conversation);
    const words = byId("room-words", HTMLElement);
    setText(words, isGone ? "Reconnecting…" : roomWords(conversation, presence, inbox, nowMs));
    const status = isGone ? undefined : statusOf(conversation, presence, inbox);
    if (status === undefined) delete words.dataset.status;
    else words.dataset.status = status;
    setText(byId("typing", HTMLElement), typing);
    for (const id of ["room-search", "room-details"])
      byId(id, HTMLElement).hidden = conversation.kind === undefined;
    this.#part.dataset.kind = conversation.kind ?? "";
    this.#rows.draw(conversation, outgoing, nowMs);
    this.#acts.draw(conversation);
    this.#drawStates(conversation, outgoing);
  }

  toEnd(): void {
    this.#rows.toEnd();
  }

  /** Go to a message, if it is on the page. */
  goTo(id: string): boolean {
    return this.#rows.goTo(id);
  }

  focus(): void {
    this.#rows.focus();
  }

  #drawStates(conversation: Conversation, outgoing: Outgoing): void {
    const { kind, phase, stretch, link, asking, failed, isAtEnd, unseen } = conversation;
    // Who is in a one-to-one room is said nowhere.
    const isShown = ({ event }: Row): boolean => event.type === "message" || kind === "group";
    const isEmpty = !stretch.rows.some(isShown) && outgoing.length === 0;
    const isRefused = link === "refused";
    byId("room-loading", HTMLElement).hidden = phase !== "loading" || isRefused;
    byId("room-empty", HTMLElement).hidden = phase !== "here" || !isEmpty || isRefused;
    byId("room-failed", HTMLElement).hidden = !(phase === "failed" || (isRefused && isEmpty));
    setText(
      byId("room-failed-words", HTMLElement),
      isRefused ? "This conversation is not yours to read." : "The messages could not be loaded.",
    );
    byId("room-again", HTMLElement).hidden = isRefused;
    const older = byId("older", HTMLElement);
    const isMore = asking === "before" || asking === "after" || asking === "around";
    const isFailed = failed !== undefined && failed !== "newest" && phase === "here";
    older.hidden = !isMore && !isFailed;
    setText(byId("older-words", HTMLElement), isFailed ? "That could not be loaded." : "Loading…");
    byId("older-again", HTMLElement).hidden = !(failed === "before" || failed === "after");
    byId("to-newest", HTMLElement).hidden = phase !== "here" || (isAtEnd && !stretch.hasAfter);
    setText(byId("to-newest-words", HTMLElement), unseenWords(unseen));
  }

  /** Photos that are dragged over the room may be dropped in it. */
  #bindDrop(drop: (files: readonly File[]) => void): void {
    const sign = byId("drop", HTMLElement);
    const hasFiles = ({ dataTransfer }: DragEvent): boolean => dataTransfer?.types.includes("Files") ?? false;
    this.#part.addEventListener("dragover", (event) => {
      if (!hasFiles(event) || this.#conversation?.mayWrite !== true) return;
      event.preventDefault();
      sign.hidden = false;
    });
    this.#part.addEventListener("dragleave", ({ relatedTarget }) => {
      if (!(relatedTarget instanceof Node && this.#part.contains(relatedTarget))) sign.hidden = true;
    });
    this.#part.addEventListener("drop", (event) => {
      sign.hidden = true;
      if (!hasFiles(event)) return;
      event.preventDefault();
      drop([...(event.dataTransfer?.files ?? [])].filter(({ type }) => type.startsWith("image/")));
    });
  }
}

/** The dot beside the words below the title. */
function statusOf(conversation: Conversation, presence: Presence, inbox: Inbox): string | undefined {
  const peer = peerOf(conversation);
  if (!peer) return undefined;
  return presence.present.has(peer.user) ? "online" : inbox.statuses.get(peer.user)?.status;
}

function showPhoto(room: string, message: ConversationMessage): void {
  if (!message.photo) return;
  const image = byId("photo-image", HTMLImageElement);
  // The one before is not to be seen meanwhile.
  image.removeAttribute("src");
  image.width = message.photo.width;
  image.height = message.photo.height;
  image.alt = `Photo of ${nameOf(message)}`;
  image.src = photoPath(room, message.photo.id);
  setText(byId("photo-words", HTMLElement), message.text === "" ? nameOf(message) : excerptWords(message));
  byId("photo", HTMLDialogElement).showModal();
}
