/** What this user sends in one room: photos go up first, then the message. It outlives the room's being on the page. */
import { type ConversationSay, PhotoTicketSchema } from "../../wire/conversations.ts";
import { Sending } from "../chat/sending.ts";
import { refusalWords, UNSENT } from "../chat/words.ts";
import type { Connection } from "./connection.ts";
import { change, drop, type Outgoing, type Pending, put, sayOf } from "./outgoing.ts";
import { PHOTO_TYPE, type Prepared, upload } from "./photos.ts";
import { actionWords, PHOTO_WORDS } from "./words.ts";

/** Photos may not be there in an instant: a ticket that ran out is another one. */
interface Load {
  readonly prepared: Prepared;
  /** Its id, when it is uploaded. */
  readonly id?: string;
}

export class Outbox {
  readonly #connection: Connection;
  readonly #room: string;
  readonly #changed: () => void;
  readonly #sending: Sending<ConversationSay>;
  #outgoing: Outgoing = [];
  readonly #loads = new Map<string, Load>();
  /** Photos go up one after the other, so that they stand as they were chosen. */
  #uploading: Promise<unknown> = Promise.resolve();

  constructor(connection: Connection, room: string, changed: () => void) {
    this.#connection = connection;
    this.#room = room;
    this.#changed = changed;
    this.#sending = new Sending<ConversationSay>(room, {
      publish: (channel, say) => connection.publish(channel, say),
      accepted: (nonce) => this.#change(nonce, { state: "accepted" }),
      failed: ({ nonce }, error) =>
        this.#change(nonce, { state: "failed", why: error ? refusalWords(error) : UNSENT }),
    });
    this.#sending.setJoined(connection.isConnected);
  }

  get outgoing(): Outgoing {
    return this.#outgoing;
  }

  setConnected(isConnected: boolean): void {
    this.#sending.setJoined(isConnected);
  }

  /** Send it as soon as that can be. */
  send(text: string, replyTo: Pending["replyTo"], prepared: Prepared | undefined): void {
    const nonce = newNonce();
    if (prepared) this.#loads.set(nonce, { prepared });
    this.#put({
      nonce,
      text,
      ...(replyTo && { replyTo }),
      ...(prepared && {
        photo: { preview: prepared.preview, width: prepared.width, height: prepared.height },
      }),
      state: prepared ? "uploading" : "sending",
    });
    void this.#go(nonce);
  }

  /** Once more what failed, under the nonce that it had. */
  again(nonce: string): void {
    const { prepared, id } = this.#loads.get(nonce) ?? {};
    this.#change(nonce, { state: prepared && id === undefined ? "uploading" : "sending", progress: 0 });
    void this.#go(nonce);
  }

  /** It is in the room, or given up. */
  drop(nonce: string): void {
    this.#loads.delete(nonce);
    const next = drop(this.#outgoing, nonce);
    if (next === this.#outgoing) return;
    this.#outgoing = next;
    this.#changed();
  }

  /** The room is asked for its history: what it took is in there. */
  settle(): void {
    for (const { nonce, state } of this.#outgoing) if (state === "accepted") this.drop(nonce);
  }

  async #go(nonce: string): Promise<void> {
    const load = this.#loads.get(nonce);
    const id = load ? (load.id ?? (await this.#inTurn(() => this.#upload(nonce, load.prepared)))) : undefined;
    const pending = this.#outgoing.find((one) => one.nonce === nonce);
    if (!pending || (load && id === undefined)) return;
    this.#change(nonce, { state: "sending" });
    this.#sending.send(sayOf(pending, id));
  }

  #inTurn<T>(act: () => Promise<T>): Promise<T> {
    const done = this.#uploading.then(act);
    this.#uploading = done.catch(() => undefined);
    return done;
  }

  async #upload(nonce: string, prepared: Prepared): Promise<string | undefined> {
    const { width, height, photo, thumbnail } = prepared;
    const asked = { room: this.#room, type: PHOTO_TYPE, bytes: photo.size, width, height };
    const ticket = await this.#connection.ask("room.photo", asked, PhotoTicketSchema);
    if (!ticket.ok) {
      this.#change(nonce, { state: "failed", why: actionWords(ticket.error) });
      return undefined;
    }
    const { id } = ticket.value;
    const isThere =
      (await upload(ticket.value.thumbnail, thumbnail, () => undefined)) &&
      (await upload(ticket.value.upload, photo, (progress) => this.#change(nonce, { progress })));
    if (!isThere) {
      this.#change(nonce, { state: "failed", why: PHOTO_WORDS.notUploaded });
      return undefined;
    }
    this.#loads.set(nonce, { prepared, id });
    return id;
  }

  #put(pending: Pending): void {
    this.#outgoing = put(this.#outgoing, pending);
    this.#changed();
  }

  #change(nonce: string, more: Partial<Pending>): void {
    this.#outgoing = change(this.#outgoing, nonce, more);
    this.#changed();
  }
}

/** `randomUUID` is not there on pages without TLS. */
const newNonce = (): string =>
  [...crypto.getRandomValues(new Uint8Array(12))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
