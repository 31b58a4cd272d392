/** What is said in a conversation: messages, reactions, deletions, and the small talk without a place (typing, how far somebody has read). */
import { fail, ok, type Result } from "../../media/result.ts";
import { CONVERSATION_BYTES, QUOTED_LETTERS } from "../../wire/chat.ts";
import {
  type ConversationMessage,
  type ConversationSay,
  MAX_REACTIONS,
  type Photo,
  type RoomAction,
  TYPING_SECONDS,
} from "../../wire/conversations.ts";
import { ULID_RANDOM_BYTES, ulid } from "../../wire/ulid.ts";
import { type Refusal, readText, type Speaker } from "../core/chat/judge.ts";
import { mayDelete } from "../core/chat/membership.ts";
import { Pace } from "../core/chat/pace.ts";
import { excerpt } from "../core/chat/text.ts";
import { inlined, readReaction } from "../core/chat/wording.ts";
import type { Posted } from "./chat-room.ts";
import type { Done } from "./conversation-people.ts";
import type { ConversationRoom } from "./conversation-room.ts";
import type { Found, Said } from "./conversation-rows.ts";

/** What came of a message. */
export type Written = Result<Posted, Refusal | "forbidden" | "unavailable">;
type Asked<N extends RoomAction["name"]> = Extract<RoomAction, { readonly name: N }>["data"];
const DONE: Done = ok(undefined);
/** That somebody still writes is news after so long. */
const TYPING_MS = (TYPING_SECONDS * 1000) / 3;

/** What talk needs of the conversation. */
export interface TalkPorts {
  readonly room: ConversationRoom;
  /** The photo that somebody has uploaded here and nobody has seen yet. */
  readonly photo: (id: string, user: string) => Photo | undefined;
  /** It is shown from now on. */
  readonly showPhoto: (id: string) => void;
  /** Nobody is to see it any more. */
  readonly dropPhoto: (id: string, now: number) => void;
  /** Somebody has read on: their inbox is to know. */
  readonly readOn: (now: number) => void;
}

export class ConversationTalk {
  readonly #ports: TalkPorts;
  readonly #room: ConversationRoom;
  readonly #pace = new Pace();
  readonly #typing = new Map<string, { readonly typing: boolean; readonly at: number }>();

  constructor(ports: TalkPorts) {
    this.#ports = ports;
    this.#room = ports.room;
  }

  /** Take a message of a member. Sent again with its nonce it is the same message. */
  say(
    { user, name }: Speaker,
    { text: written, nonce, replyTo, photo: photoId }: ConversationSay,
    now: number,
  ): Written {
    const room = this.#room;
    const text =
      photoId !== undefined && written === "" ? ok("") : readText(written, { bytes: CONVERSATION_BYTES });
    if (!text.ok) return text;
    const before = room.rows.said(user, nonce);
    if (before) return again(before, text.value, photoId);
    const refused = this.#refusal(user, now);
    if (refused) return fail(refused);
    const quoted = replyTo === undefined ? undefined : room.rows.message(replyTo);
    if (replyTo !== undefined && !quoted) return fail({ name: "unknownMessage" });
    const photo = photoId === undefined ? undefined : this.#ports.photo(photoId, user);
    if (photoId !== undefined && !photo) return fail({ name: "badPhoto" });
    const id = ulid(now, crypto.getRandomValues(new Uint8Array(ULID_RANDOM_BYTES)));
    const seq = room.position.offset + 1;
    const message: ConversationMessage = {
      type: "message",
      id,
      seq,
      user,
      ...(name !== undefined && { name }),
      role: room.members.get(user)?.role ?? "member",
      ...inlined(text.value),
      nonce,
      at: new Date(now).toISOString(),
      ...(quoted && { replyTo: quote(quoted) }),
      ...(photo && { photo }),
    };
    room.transact(now, () => {
      const { value } = text;
      const kept = { ...(replyTo !== undefined && { replyTo }), ...(photo && { photo: photo.id }) };
      room.publish(message, now, { message: { id, user, nonce, text: value, ...kept } });
      if (photo) this.#ports.showPhoto(photo.id);
      // Who says something has read what was before it.
      room.members.change(user, { read: seq, toldRead: seq });
    });
    this.#typing.delete(user);
    return ok({ id, seq, isRepeat: false });
  }

  /** Take a message back: one's own, or in a group, for who runs it, anybody's. */
  delete({ user }: Speaker, { id }: Asked<"room.delete">, now: number): Done {
    const room = this.#room;
    const found = room.rows.message(id);
    if (!found) return fail({ name: "unknownMessage" });
    if (!mayDelete(room.company, user, found.message.user)) return fail("forbidden");
    room.transact(now, () => {
      const photo = room.rows.erase(found);
      if (photo !== undefined) this.#ports.dropPhoto(photo, now);
      room.publish({ type: "deleted", ids: [id] }, now, { folded: true });
    });
    return DONE;
  }

  react({ user }: Speaker, { id, emoji: written, on }: Asked<"room.react">, now: number): Done {
    const room = this.#room;
    const emoji = readReaction(written);
    if (!emoji.ok) return emoji;
    const found = room.rows.message(id);
    if (!found) return fail({ name: "unknownMessage" });
    const { seq } = found;
    const reactions = room.rows.reactions([seq]).get(seq) ?? {};
    const isOn = reactions[emoji.value]?.includes(user) ?? false;
    if (isOn === on) return DONE;
    const refused = this.#refusal(user, now);
    if (refused) return fail(refused);
    if (on && !(emoji.value in reactions) && Object.keys(reactions).length >= MAX_REACTIONS)
      return fail({ name: "tooManyReactions" });
    room.transact(now, () => {
      const at = room.publish({ type: "reaction", id, user, emoji: emoji.value, on }, now, { folded: true });
      room.rows.react(seq, emoji.value, user, on, at);
    });
    return DONE;
  }

  /** Somebody has read up to here. Never back. */
  read({ user }: Speaker, { seq }: Asked<"room.read">, now: number): Done {
    const room = this.#room;
    const before = room.members.get(user)?.read ?? 0;
    const read = Math.min(seq, room.position.offset);
    if (read <= before) return DONE;
    room.members.change(user, { read });
    room.pass(`read:${user}`, { type: "read", user, seq: read }, now);
    this.#ports.readOn(now);
    return DONE;
  }

  /** Somebody writes, or does not any more. */
  type({ user, name }: Speaker, { typing }: Asked<"room.typing">, now: number): Done {
    const room = this.#room;
    if (room.isBlocked(user)) return fail({ name: "blocked" });
    const before = this.#typing.get(user);
    const isKnown = typing ? before?.typing && now - before.at < TYPING_MS : !before?.typing;
    if (isKnown) return DONE;
    this.#typing.set(user, { typing, at: now });
    room.pass(`typing:${user}`, { type: "typing", user, ...(name !== undefined && { name }), typing }, now);
    return DONE;
  }

  #refusal(user: string, now: number): Refusal | undefined {
    if (this.#room.isBlocked(user)) return { name: "blocked" };
    const seconds = this.#pace.take(user, now);
    return seconds === undefined ? undefined : { name: "tooFast", seconds };
  }
}

/** The same nonce with the same text is the same message; what became of it since does not matter. */
function again({ seq, id, text, photo }: Said, said: string, photoId: string | undefined): Written {
  const isSame = text === null || (text === said && (photo ?? undefined) === photoId);
  return isSame ? ok({ id, seq, isRepeat: true }) : fail({ name: "nonceReused" });
}

const quote = ({
  message: { id, user, name },
  text,
}: Found): NonNullable<ConversationMessage["replyTo"]> => ({
  id,
  user,
  ...(name !== undefined && { name }),
  text: excerpt(text, QUOTED_LETTERS),
});
