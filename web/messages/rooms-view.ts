/** The list of conversations, newest first. */
import { byId, icon, make, setText } from "../dom.ts";
import { hashOfRoom } from "./address.ts";
import { ICONS } from "./icons.ts";
import { type Inbox, type ListedRoom, listed, requestsIn, titleOf } from "./inbox.ts";
import { avatar } from "./message-rows.ts";
import { shortWords } from "./times.ts";
import { badgeWords, lastWords, namesWords, roomLabel, statusWords } from "./words.ts";

export interface RoomsScene {
  readonly inbox: Inbox;
  readonly me: string;
  /** The room that is open, and how many are in it now. */
  readonly open: string | undefined;
  readonly hereNow: number;
  readonly drafts: (room: string) => string;
  readonly nowMs: number;
}

interface Drawn {
  readonly element: HTMLElement;
  readonly of: string;
}

export class RoomsView {
  readonly #list = byId("room-list", HTMLElement);
  #drawn = new Map<string, Drawn>();

  /** Show the list. */
  draw(scene: RoomsScene): void {
    const { inbox } = scene;
    const rooms = listed(inbox);
    const drawn = new Map(rooms.map((room) => [room.room, this.#drawnOf(room, scene)] as const));
    for (const [room, { element }] of this.#drawn) if (!drawn.has(room)) element.remove();
    let next = this.#list.firstElementChild;
    for (const { element } of drawn.values()) {
      if (element === next) next = next.nextElementSibling;
      else this.#list.insertBefore(element, next);
    }
    this.#drawn = drawn;
    this.#list.hidden = rooms.length === 0;
    byId("rooms-empty", HTMLElement).hidden = rooms.length > 0 || inbox.phase !== "here";
    byId("rooms-loading", HTMLElement).hidden = inbox.phase !== "loading";
    byId("rooms-failed", HTMLElement).hidden = inbox.phase !== "failed";
    const requests = requestsIn(inbox);
    byId("requests", HTMLElement).hidden = requests.length === 0;
    const names = requests.map((user) => inbox.followers.get(user)?.name ?? user);
    const verb = names.length === 1 ? "asks" : "ask";
    setText(byId("requests-words", HTMLElement), `${namesWords(names)} ${verb} to see when you are online.`);
  }

  /** The element of a room; it is made anew when something in it is another. */
  #drawnOf(room: ListedRoom, scene: RoomsScene): Drawn {
    const { inbox, me, open, nowMs } = scene;
    const status = room.peer && inbox.statuses.get(room.peer.user);
    const isOpen = room.room === open;
    const draft = isOpen ? "" : scene.drafts(room.room);
    const face = {
      title: titleOf(room),
      last: draft === "" ? lastWords(room, me) : draft,
      isDraft: draft !== "",
      time: room.last ? shortWords(room.at, nowMs) : "",
      unread: room.unread,
      muted: room.muted,
      status: status?.status,
      said: statusWords(status, nowMs),
      isOpen,
      hereNow: isOpen && room.kind === "group" ? scene.hereNow : 0,
    };
    const of = JSON.stringify(face);
    const known = this.#drawn.get(room.room);
    if (known?.of === of) return known;
    const element = itemOf(room, face);
    const hadFocus = known?.element.contains(document.activeElement) === true;
    known?.element.replaceWith(element);
    if (hadFocus) element.querySelector("a")?.focus();
    return { element, of };
  }
}

function itemOf(
  room: ListedRoom,
  face: {
    readonly title: string;
    readonly last: string;
    readonly isDraft: boolean;
    readonly time: string;
    readonly unread: number;
    readonly muted: boolean;
    readonly status: string | undefined;
    readonly said: string;
    readonly isOpen: boolean;
    readonly hereNow: number;
  },
): HTMLElement {
  const { title, last, isDraft, time, unread, muted, status, said, isOpen, hereNow } = face;
  const link = document.createElement("a");
  link.href = hashOfRoom(room.room);
  link.dataset.testid = "room-item";
  link.dataset.room = room.room;
  if (isOpen) link.setAttribute("aria-current", "true");
  if (unread > 0) link.dataset.unread = "true";
  link.setAttribute("aria-label", roomLabel(room, said));
  const mark = avatar(room.peer?.user ?? room.room, title);
  const picture = make("span", "face", mark);
  if (room.kind === "group") mark.dataset.kind = "group";
  if (status !== undefined) {
    const dot = make("span", "dot");
    dot.dataset.status = status;
    dot.dataset.testid = "dot";
    dot.title = said;
    picture.append(dot);
  }
  if (hereNow > 0) {
    const here = make("span", "here", badgeWords(hereNow));
    here.title = `${hereNow} here now`;
    picture.append(here);
  }
  const name = make("bdi", "title", title);
  const line = make("span", "line", name);
  if (muted) {
    const bell = make("span", "muted", icon(ICONS.muted));
    bell.title = "Muted";
    line.append(bell);
  }
  line.append(make("span", "time", time));
  const below = make("span", "line");
  if (isDraft) below.append(make("span", "draft", "Draft:"));
  const words = make("span", "last", last);
  words.dir = "auto";
  below.append(words);
  if (unread > 0) {
    const badge = make("span", "badge", badgeWords(unread));
    badge.dataset.testid = "badge";
    if (muted) badge.dataset.muted = "true";
    below.append(badge);
  }
  link.append(picture, make("span", "lines", line, below));
  return make("li", "", link);
}
