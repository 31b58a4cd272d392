/** Puts the page of a member together: one socket, the inbox, the room that is open, and the views of them. */
import type { ConversationMessage } from "../../wire/conversations.ts";
import type { ChosenStatus } from "../../wire/inbox.ts";
import { byId, icon, setText } from "../dom.ts";
import { bindActivity } from "./activity.ts";
import { hashOfRoom, roomOfHash } from "./address.ts";
import { BeginDialog } from "./begin-dialog.ts";
import { Connection } from "./connection.ts";
import { DetailsDialog } from "./details-dialog.ts";
import { bindDialogs, confirmed } from "./dialogs.ts";
import { Drafts } from "./drafts.ts";
import { FriendsDialog } from "./friends-dialog.ts";
import { ICONS } from "./icons.ts";
import type { Identity } from "./identity.ts";
import { EMPTY_INBOX, type Inbox, type InboxChange, step, unreadIn } from "./inbox.ts";
import { InboxLink } from "./inbox-link.ts";
import { MeMenu } from "./me-menu.ts";
import { Notifications } from "./notifications.ts";
import { OpenRoom } from "./open-room.ts";
import { Outbox } from "./outbox.ts";
import { RoomView } from "./room-view.ts";
import { RoomsView } from "./rooms-view.ts";
import { SearchView } from "./search-view.ts";
import { actionWords, pageTitle, roomTitle } from "./words.ts";
import { Writer } from "./writer.ts";

/** A line that is back sooner was hardly gone. */
const DROPPED_MS = 1_000;
/** Times and who types are looked at anew. */
const TICK_MS = 1_000;

export class App {
  readonly #me: Identity["who"];
  readonly #connection: Connection;
  readonly #drafts: Drafts;
  readonly #outboxes = new Map<string, Outbox>();
  readonly #rooms = new RoomsView();
  readonly #roomView: RoomView;
  readonly #search: SearchView;
  readonly #writer: Writer;
  readonly #begin: BeginDialog;
  readonly #details: DetailsDialog;
  readonly #friends: FriendsDialog;
  readonly #meMenu: MeMenu;
  readonly #notifications: Notifications;
  readonly #inboxLink: InboxLink;
  #inbox: Inbox = EMPTY_INBOX;
  #open: OpenRoom | undefined;
  #droppedAtMs: number | undefined = performance.now();
  #isDue = false;

  /** `ended`: the page is nobody's any more; `lapsed`: because the server does not take the token. */
  constructor({ who, token }: Identity, ended: (why: "lapsed" | "signed-out") => void) {
    this.#me = who;
    this.#drafts = new Drafts(who.user);
    const connection = new Connection(token, {
      changed: (isConnected) => this.#connected(isConnected),
      lapsed: () => ended("lapsed"),
    });
    this.#connection = connection;
    const sayActive = bindActivity(connection);
    connection.client.on("connected", () => {
      sayActive();
      void this.#notifications.refresh();
    });
    this.#writer = new Writer(this.#drafts, {
      send: (text, replyTo, photo) => this.#open?.send(text, replyTo, photo),
      typing: (room, typing) => void connection.act("room.typing", { room, typing }),
    });
    this.#roomView = new RoomView({
      ...this.#rowsEnds(),
      reply: (message) => this.#writer.reply(message),
      remove: (message) => void this.#remove(message),
      copy: ({ text }) => void navigator.clipboard?.writeText(text),
      drop: (files) => void this.#writer.addPhotos(files),
    });
    this.#search = new SearchView(
      () => this.#open?.link,
      (message) => this.#goTo(message),
    );
    this.#begin = new BeginDialog(connection, {
      opened: (room) => this.#go(room),
      known: () => [...this.#inbox.rooms.values()].flatMap(({ peer }) => (peer ? [peer.user] : [])),
    });
    this.#details = new DetailsDialog(connection, (user) => void this.#write(user));
    this.#friends = new FriendsDialog(connection, () => this.#inboxLink.askFriends());
    this.#notifications = new Notifications(
      connection,
      (room) => this.#go(room),
      () => this.#soon(),
    );
    this.#meMenu = new MeMenu(who, {
      choose: (status) => void this.#choose(status),
      friends: () => this.#friends.open(this.#inbox),
      notify: (isWanted) => void this.#notify(isWanted),
      notifying: () => this.#notifications.state,
      signOut: () => void this.#signOut(ended),
    });
    this.#inboxLink = new InboxLink(connection, who.user, (change) => this.#tell(change));
    this.#bind();
    this.#route();
    connection.client.connect();
  }

  #bind(): void {
    bindDialogs();
    byId("columns", HTMLElement).hidden = false;
    byId("new-message", HTMLElement).append(icon(ICONS.write));
    byId("new-group", HTMLElement).append(icon(ICONS.group));
    for (const id of ["new-message", "first-message"])
      byId(id, HTMLButtonElement).addEventListener("click", () => this.#begin.open("direct"));
    byId("new-group", HTMLButtonElement).addEventListener("click", () => this.#begin.open("group"));
    byId("requests-show", HTMLButtonElement).addEventListener("click", () => this.#friends.open(this.#inbox));
    byId("rooms-again", HTMLButtonElement).addEventListener("click", () => this.#inboxLink.ask());
    byId("room-back", HTMLButtonElement).addEventListener("click", () => this.#back());
    byId("room-details", HTMLButtonElement).addEventListener("click", () => {
      const { conversation, presence } = this.#open ?? {};
      if (conversation?.kind && presence) this.#details.open({ conversation, presence, inbox: this.#inbox });
    });
    byId("skip", HTMLAnchorElement).addEventListener("click", (event) => {
      event.preventDefault();
      if (this.#open) this.#roomView.focus();
      else byId("room-list", HTMLElement).querySelector("a")?.focus();
    });
    addEventListener("hashchange", () => this.#route());
    for (const type of ["visibilitychange", "focus"]) addEventListener(type, () => this.#soon(), true);
    setInterval(() => {
      this.#open?.tick();
      this.#soon();
    }, TICK_MS);
  }

  #rowsEnds() {
    return {
      atEnd: (isAtEnd: boolean) => this.#open?.tell({ type: "at-end", isAtEnd }),
      more: (place: "before" | "after") => this.#open?.more(place),
      showAll: (message: ConversationMessage) => void this.#showAll(message),
      react: (message: ConversationMessage, emoji: string) => void this.#react(message, emoji),
      goTo: ({ id }: { readonly id: string }) => void this.#goToQuoted(id),
      again: ({ nonce }: { readonly nonce: string }) => this.#open?.outbox.again(nonce),
      discard: ({ nonce }: { readonly nonce: string }) => this.#open?.outbox.drop(nonce),
      newest: () => this.#toNewest(),
      retry: () => this.#open?.link.newest(),
    };
  }

  #tell(change: InboxChange): void {
    this.#inbox = step(this.#inbox, change);
    if (
      change.type === "heard" &&
      change.event.type === "message" &&
      change.event.message.user === this.#me.user
    )
      this.#outboxes.get(change.event.room)?.drop(change.event.message.nonce);
    this.#soon();
  }

  #connected(isConnected: boolean): void {
    this.#droppedAtMs = isConnected ? undefined : (this.#droppedAtMs ?? performance.now());
    for (const outbox of this.#outboxes.values()) outbox.setConnected(isConnected);
    this.#soon();
  }

  /** Show what the address says. */
  #route(): void {
    const room = roomOfHash(location.hash);
    if (room === this.#open?.conversation.room) return;
    this.#open?.leave();
    this.#search.close();
    this.#details.close();
    this.#open = room === undefined ? undefined : this.#openRoom(room);
    document.documentElement.dataset.page = room === undefined ? "list" : "room";
    this.#draw();
    // On a phone the keyboard would be over the messages.
    if (room !== undefined && matchMedia("(pointer: fine)").matches) this.#writer.focus();
    else if (room !== undefined) byId("room-title", HTMLElement).focus({ preventScroll: true });
  }

  #openRoom(room: string): OpenRoom {
    return new OpenRoom(this.#connection, room, this.#me, this.#outboxOf(room), {
      changed: () => this.#soon(),
      read: (seq) => this.#tell({ type: "read", room, seq }),
    });
  }

  #outboxOf(room: string): Outbox {
    const known = this.#outboxes.get(room);
    if (known) return known;
    const outbox = new Outbox(this.#connection, room, () => this.#soon());
    this.#outboxes.set(room, outbox);
    return outbox;
  }

  #go(room: string): void {
    location.hash = hashOfRoom(room);
  }

  #back(): void {
    const { room } = this.#open?.conversation ?? {};
    history.pushState(null, "", location.pathname);
    this.#route();
    byId("room-list", HTMLElement).querySelector<HTMLElement>(`[data-room="${room}"]`)?.focus();
  }

  async #write(user: string): Promise<void> {
    const made = await this.#connection.act("room.direct", { user });
    const room = made.ok && typeof made.value === "object" && made.value !== null && "room" in made.value;
    if (room) this.#go(String((made.value as { room: unknown }).room));
    else this.#writer.say(made.ok ? "That did not work. Try again." : actionWords(made.error));
  }

  async #showAll({ id, text, more }: ConversationMessage): Promise<void> {
    const open = this.#open;
    const whole = more ? (await open?.link.whole(id))?.text : text;
    if (whole !== undefined) open?.tell({ type: "whole", id, text: whole });
    else this.#writer.say("The rest could not be loaded. Try again.");
  }

  async #react(message: ConversationMessage, emoji: string): Promise<void> {
    const on = !(message.reactions?.[emoji]?.includes(this.#me.user) ?? false);
    await this.#inRoom("room.react", { id: message.id, emoji, on });
  }

  async #remove({ id, text, photo }: ConversationMessage): Promise<void> {
    const question = {
      question: photo && text === "" ? "Delete this photo?" : "Delete this message?",
      detail: "It is gone for everybody.",
      action: "Delete",
    };
    if (await confirmed(question)) await this.#inRoom("room.delete", { id });
  }

  async #inRoom(name: "room.react" | "room.delete", data: object): Promise<void> {
    const done = await this.#connection.act(name, { room: this.#open?.conversation.room, ...data });
    if (!done.ok) this.#writer.say(actionWords(done.error));
  }

  /** What a reply quotes may be far up: then it is looked for. */
  async #goToQuoted(id: string): Promise<void> {
    if (this.#roomView.goTo(id)) {
      this.#open?.tell({ type: "found", id });
      return;
    }
    const message = await this.#open?.link.whole(id);
    if (message) this.#goTo(message);
    else this.#writer.say("That message is gone.");
  }

  #goTo(message: ConversationMessage): void {
    if (this.#roomView.goTo(message.id)) this.#open?.tell({ type: "found", id: message.id });
    else void this.#open?.link.around(message);
  }

  #toNewest(): void {
    if (this.#open?.conversation.stretch.hasAfter) this.#open.link.newest();
    this.#roomView.toEnd();
    this.#writer.focus();
  }

  async #choose(status: ChosenStatus): Promise<void> {
    const done = await this.#connection.act("status.set", { status });
    if (done.ok) this.#tell({ type: "heard", event: { type: "you", chosen: status } });
    else this.#sayAnywhere(actionWords(done.error));
  }

  async #notify(isWanted: boolean): Promise<void> {
    if (!isWanted) await this.#notifications.turnOff();
    const why = isWanted ? await this.#notifications.turnOn() : "";
    if (why !== "") this.#sayAnywhere(why);
  }

  async #signOut(ended: (why: "signed-out") => void): Promise<void> {
    if (this.#notifications.state === "on") await this.#notifications.turnOff();
    Drafts.forget();
    this.#connection.client.disconnect();
    ended("signed-out");
  }

  /** There may be no room open. */
  #sayAnywhere(words: string): void {
    if (this.#open) this.#writer.say(words);
    const place = byId("link-state", HTMLElement);
    place.dataset.kind = "note";
    setText(place, words);
    place.hidden = false;
    this.#saidUntilMs = performance.now() + 6_000;
  }
  #saidUntilMs = 0;

  #soon(): void {
    if (this.#isDue) return;
    this.#isDue = true;
    // A page that nobody looks at has no frames, but a title.
    const draw = (): void => {
      this.#isDue = false;
      this.#draw();
    };
    if (document.hidden) setTimeout(draw, 100);
    else requestAnimationFrame(draw);
  }

  #draw(): void {
    const nowMs = Date.now();
    const inbox = this.#inbox;
    const open = this.#open;
    this.#rooms.draw({
      inbox,
      me: this.#me.user,
      open: open?.conversation.room,
      hereNow: open?.presence.users ?? 0,
      drafts: (room) => this.#drafts.get(room),
      nowMs,
    });
    this.#meMenu.draw(inbox);
    this.#friends.draw(inbox);
    this.#drawLink();
    document.title = pageTitle(unreadIn(inbox), open && roomTitle(open.conversation, inbox));
    if (!open) {
      this.#roomView.draw(undefined);
      return;
    }
    open.link.appear(inbox.phase === "here" && inbox.chosen !== "invisible");
    const { conversation, presence, outbox } = open;
    const isGone = this.#isGone();
    this.#roomView.draw({ conversation, presence, inbox, outgoing: outbox.outgoing, nowMs, isGone });
    this.#writer.draw(conversation, inbox.blocked);
    this.#details.draw({ conversation, presence, inbox });
    open.look();
  }

  #isGone(): boolean {
    return this.#droppedAtMs !== undefined && performance.now() - this.#droppedAtMs > DROPPED_MS;
  }

  #drawLink(): void {
    if (performance.now() < this.#saidUntilMs) return;
    const isGone = this.#isGone();
    const state = byId("link-state", HTMLElement);
    state.dataset.kind = "link";
    state.hidden = !isGone;
    setText(state, isGone ? "Reconnecting…" : "");
  }
}
